"""The page /engineer/charts: Paretos, yield and measures over time, control charts, ROC; of Gradio's components."""

from __future__ import annotations

from functools import partial
from typing import Any

import gradio as gr
from fastapi import APIRouter

from ui.core.context import Context
from ui.core.page import Page
from ui.core.panel import notice
from ui.core.part_choice import PartChoice
from ui.pages.charts.handlers import PLOTS, Handlers
from ui.pages.charts.time_tabs import MEASURES, TIME, measures_tab, time_tab, wire
from ui.security.users import Role

PAGE = Page(
    name="charts", path="/engineer/charts", role=Role.ENGINEER, label="charts.page", order=42
)
TABS = {
    "pareto": ("defects", "reasons", "causes", "zones"),
    TIME: (),
    MEASURES: (),
    "control": ("rejects", "medians"),
    "labelled": ("roc", "precision", "scores"),
}


def routes(context: Context) -> APIRouter:
    """It has none of its own."""
    return APIRouter()


def panel(context: Context, say: gr.I18n) -> None:
    """The choice of parts on top, the charts in tabs below."""
    plots: dict[str, Any] = {}
    missing: dict[str, Any] = {}
    with gr.Row():
        choice = PartChoice(context, say, span="week")
    told = gr.Textbox(label=say("charts.page"), show_label=False, interactive=False, elem_id="told")
    tabs: dict[str, Any] = {}
    over_time: dict[str, Any] = {}
    for tab, names in TABS.items():
        with gr.Tab(say(f"charts.tab_{tab}"), elem_id=f"tab-{tab}") as tabs[tab]:
            if tab == TIME:
                over_time[tab] = time_tab(say)
            elif tab == MEASURES:
                over_time[tab] = measures_tab(say)
            with gr.Row():
                for name in names:
                    with gr.Column(min_width=540):
                        plots[name] = gr.Plot(
                            label=say(f"charts.plot_{name}"), elem_id=f"plot-{name}"
                        )
                        missing[name] = notice(f"missing-{name}")
    do = Handlers(context, choice)
    on = partial(gr.on, show_progress="hidden")
    drawn = [*(each[name] for each in (plots, missing) for name in PLOTS), told]
    filled = on(fn=do.show, outputs=choice.filled)  # when the page is opened
    filled.then(do.draw, choice.components, drawn, show_progress="hidden")
    on(
        [each.change for each in choice.components],
        do.draw,
        choice.components,
        drawn,
        trigger_mode="always_last",
        concurrency_limit=2,
    )
    wire(context, choice, tabs, over_time, on)
