"""The page /engineer/labels: types of defects, datasets, and how far people agree; of Gradio's components."""

from __future__ import annotations

from functools import partial
from typing import Any

import gradio as gr
from fastapi import APIRouter

from inspection.labels.defect_types import LONGEST, MOST
from ui.core.context import Context
from ui.core.page import Page
from ui.core.panel import notice
from ui.core.part_choice import PartChoice
from ui.pages.labels.handlers import Handlers
from ui.security.users import Role

PAGE = Page(
    name="labels", path="/engineer/labels", role=Role.ENGINEER, label="labels.page", order=21
)
SHARE = 20
"""So many of 100 good parts are kept for testing, unless somebody says otherwise."""


def routes(context: Context) -> APIRouter:
    """It has none of its own."""
    return APIRouter()


def panel(context: Context, say: gr.I18n) -> None:
    """A tab for each of the three."""
    with gr.Tab(say("labels.dataset"), elem_id="tab-dataset"):
        gr.Markdown(say("review.export_help"))
        with gr.Row():
            choice = PartChoice(context, say, span="all")
        with gr.Row(elem_classes="at-end"):
            verdict = gr.Dropdown(label=say("parts.verdict"), elem_id="verdict")
            zone = gr.Dropdown(label=say("review.filter_zone"), elem_id="zone")
            name = gr.Textbox(label=say("review.export_name"), max_length=40, elem_id="name")
            share = gr.Number(
                SHARE, precision=0, minimum=0, maximum=90, label=say("review.export_percent"),
                elem_id="percent",
            )  # fmt: skip
            make = gr.Button(say("review.export_go"), variant="primary", elem_id="make")
        made = notice("made")
        kept = gr.Dataframe(
            label=say("labels.kept"), buttons=[], interactive=False, wrap=True, visible=False,
            column_widths=["18%", "17%", "35%", "30%"], elem_id="kept",
        )  # fmt: skip
    with gr.Tab(say("review.defects"), elem_id="tab-types"):
        gr.Markdown(say("review.defects_help"))
        with gr.Row():
            types = [
                gr.Textbox(
                    label=f"{place}", max_length=LONGEST, min_width=260, elem_id=f"type-{place}"
                )
                for place in range(1, MOST + 1)
            ]
        save = gr.Button(say("review.save"), variant="primary", elem_id="save")
        saved = notice("saved")
    with gr.Tab(say("review.agreement"), elem_id="tab-agreement"):
        gr.Markdown(say("review.agreement_help"))
        people = gr.Dataframe(
            label=say("review.agreement"), buttons=[], interactive=False, wrap=True, visible=False,
            elem_id="people",
        )  # fmt: skip
        nobody = notice("nobody")
    do = Handlers(context, choice)
    on = partial(gr.on, show_progress="hidden")
    typed: list[Any] = list(types)
    on(fn=do.open, outputs=[*choice.filled, verdict, zone, *typed, kept, people, nobody])
    on(save.click, do.change, typed, [*typed, saved])
    asked = [*choice.components, verdict, zone]
    on(make.click, do.make, [name, share, *asked], [made, kept])
