"""The page /engineer/trainings: what was trained, two side by side, one to try; of Gradio's components."""

from __future__ import annotations

from functools import partial
from typing import Any

import gradio as gr
from fastapi import APIRouter

from ui.core.context import Context
from ui.core.page import Page
from ui.pages.trainings.handlers import Handlers
from ui.pages.trainings.history import LONGEST_NAME, LONGEST_NOTE
from ui.security.users import Role

PAGE = Page(
    name="trainings",
    path="/engineer/trainings",
    role=Role.ENGINEER,
    label="trainings.page",
    order=35,
)
LOOK_EVERY_S = 2.0
WIDTHS: list[str | int] = [f"{share}%" for share in (9, 10, 5, 6, 13, 6, 8, 5, 6, 9, 9, 9, 5)]
"""Of the columns of the table."""


def routes(context: Context) -> APIRouter:
    """It has none of its own."""
    return APIRouter()


def panel(context: Context, say: gr.I18n) -> None:
    """All trainings of a product on top; below, two of them side by side and what can be done with the first."""
    do = Handlers(context)
    with gr.Row():
        product, view = (
            gr.Dropdown(label=say(f"trainings.{name}"), elem_id=name)
            for name in ("product", "view")
        )
        told = gr.Textbox(
            label=say("trainings.page"),
            show_label=False,
            interactive=False,
            scale=2,
            elem_id="told",
        )
    table = gr.Dataframe(
        label=say("trainings.page"),
        interactive=False,
        wrap=True,
        column_widths=WIDTHS,
        elem_id="trainings",
    )
    with gr.Row():
        with gr.Column(scale=2):
            with gr.Row():
                first, second = (
                    gr.Dropdown(label=say(f"trainings.{name}"), elem_id=name)
                    for name in ("first", "second")
                )
            compared = gr.Dataframe(
                label=say("trainings.compared"),
                interactive=False,
                wrap=True,
                max_height=900,
                elem_id="compared",
            )
        with gr.Column(scale=1, min_width=320):
            name = gr.Textbox(label=say("trainings.name"), max_length=LONGEST_NAME, elem_id="name")
            note = gr.Textbox(
                label=say("trainings.note"), max_length=LONGEST_NOTE, lines=2, elem_id="note"
            )
            keep = gr.Button(say("trainings.keep"), interactive=False, elem_id="keep")
            attempt = gr.Button(
                say("trainings.try"), variant="primary", interactive=False, elem_id="try"
            )
            sure = gr.Checkbox(label=say("trainings.sure"), elem_id="sure")
            release = gr.Button(say("trainings.release"), interactive=False, elem_id="release")
    timer = gr.Timer(LOOK_EVERY_S, active=False)
    which: list[Any] = [product, view, first, second]
    shown = [table, first, second, compared, name, note, told, timer, keep, attempt, release]
    on = partial(gr.on, show_progress="hidden")
    on(fn=do.open, outputs=[product, view, *shown])  # when the page is opened
    on([product.input, view.input], do.show, which, shown)
    on(timer.tick, do.watch, which, [table, compared, told, timer, keep, attempt, release])
    on(
        [first.input, second.input],
        do.compare,
        which,
        [compared, name, note, keep, attempt, release],
    )
    on(table.select, do.pick, None, first).then(
        do.compare, which, [compared, name, note, keep, attempt, release], show_progress="hidden"
    )
    on(keep.click, do.name, [*which, name, note], shown)
    on(attempt.click, do.attempt, which, shown)
    on(release.click, do.release, [*which, sure], [*shown, sure])
