"""The page /engineer/parts: any part of the record found, and all that is known of it; of Gradio's components."""

from __future__ import annotations

from functools import partial
from typing import Any

import gradio as gr
from fastapi import APIRouter

from ui.core.context import Context
from ui.core.page import Page
from ui.core.panel import file_button, notice
from ui.core.part_choice import PartChoice
from ui.pages.parts.handlers import LABELS, Handlers
from ui.pages.parts.look import part_look
from ui.security.users import Role

PAGE = Page(name="parts", path="/engineer/parts", role=Role.ENGINEER, label="parts.page", order=24)
ADDRESS = "() => window.inspection.hash"
TELL = "(number) => history.replaceState(null, '', number ? `#part=${number}` : location.pathname)"
"""The address names the part that is shown: #part=1234."""

WIDTHS: dict[str, list[str | int]] = {
    "events": ["23%", "12%", "22%", "43%"],
    "regions": ["9%", "19%", "22%", "14%", "20%", "16%"],
    "fields": ["33%", "67%"],
}
"""The tables of one part."""


def routes(context: Context) -> APIRouter:
    """It has none of its own."""
    return APIRouter()


def panel(context: Context, say: gr.I18n) -> None:
    """What to look for on top, what was found at the left, one part at the right."""
    address, ends, rows = gr.Textbox(visible=False), gr.State((0, 0)), gr.State([])
    with gr.Row():
        choice = PartChoice(context, say, span="all")
    with gr.Row(elem_classes="at-end"):
        serial = gr.Textbox(label=say("parts.serial_like"), max_length=200, elem_id="serial")
        part_id = gr.Textbox(label=say("parts.part_id"), max_length=200, elem_id="part-id")
        verdict = gr.Dropdown(label=say("parts.verdict"), elem_id="verdict")
        find = gr.Button(say("parts.find"), variant="primary", elem_id="find")
        newer, older = (
            gr.Button(say(f"parts.{name}"), interactive=False, elem_id=name)
            for name in ("newer", "older")
        )
    with gr.Row():
        with gr.Column(scale=4, min_width=480):
            told = notice("told")
            table = gr.Dataframe(
                buttons=[], interactive=False, wrap=True, visible=False, max_height=1400, elem_id="found",
                column_widths=["12%", "14%", "12%", "9%", "9%", "15%", "29%"], elem_classes="figures",
            )  # fmt: skip
        with gr.Column(scale=3, min_width=480):
            with gr.Row(elem_classes="at-end"):
                before = gr.Button(say("parts.before"), elem_id="before", min_width=60)
                number = gr.Number(
                    label=say("parts.number"), precision=0, minimum=1, elem_id="number"
                )
                after = gr.Button(say("parts.after"), elem_id="after", min_width=60)
                original = file_button(say("parts.original"), interactive=False, elem_id="original")
            verdict_of, problem = notice("verdict-of"), notice("problem")
            picture = part_look()
            with gr.Row():
                heat = gr.Checkbox(label=say("parts.heat"), elem_id="heat")
                outlines = gr.Checkbox(value=True, label=say("parts.outlines"), elem_id="outlines")
            with gr.Row(elem_classes="at-end"):
                kind = gr.Dropdown(label=say("gallery.kind"), min_width=150, elem_id="kind")
                labels = {
                    name: gr.Button(say(f"parts.{name}"), min_width=80, elem_id=name)
                    for name in LABELS
                }
            events, regions, fields = (
                gr.Dataframe(
                    label=say(f"parts.{name}"), buttons=[], interactive=False, wrap=True, visible=False,
                    max_height=1400, column_widths=widths, elem_id=name, elem_classes="figures",
                )
                for name, widths in WIDTHS.items()
            )  # fmt: skip
    do = Handlers(context, choice)
    on = partial(gr.on, show_progress="hidden")
    asked = [*choice.components, serial, part_id, verdict]
    listed: list[Any] = [table, told, ends, newer, older, rows]
    shown = [verdict_of, problem, picture, original, events, regions, fields]
    filled = on(fn=do.open, outputs=[*choice.filled, verdict, kind])
    filled.then(do.newest, asked, listed, show_progress="hidden")
    on(fn=do.first, inputs=address, outputs=number, js=ADDRESS)
    searched = [each.change for each in (*choice.components, verdict)]
    searched += [find.click, serial.submit, part_id.submit]
    on(searched, do.newest, asked, listed, trigger_mode="always_last", concurrency_limit=2)
    on(older.click, do.older, [ends, *asked], listed)
    on(newer.click, do.newer, [ends, *asked], listed)
    on(table.select, do.pick, None, number)
    on(before.click, lambda at: max(1, int(at or 2) - 1), number, number)
    on(after.click, lambda at: int(at or 0) + 1, number, number)
    seen: list[Any] = [number, heat, outlines]
    on(
        [each.change for each in seen], do.show, seen, shown,
        trigger_mode="always_last", concurrency_limit=2,
    )  # fmt: skip
    for name, said in LABELS.items():
        on(
            labels[name].click, do.label, [gr.State(said), kind, *seen], shown, concurrency_limit=1
        )  # fmt: skip
    on(number.change, None, number, None, js=TELL)
    on([number.change, ends.change], do.mark, [number, rows], table, trigger_mode="always_last")
