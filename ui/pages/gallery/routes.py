"""The page /engineer/gallery: recorded parts as a dataset, labelled many at once; of Gradio's components."""

from __future__ import annotations

from functools import partial
from typing import Any

import gradio as gr
from fastapi import APIRouter

from inspection.labels.labels import NG, OK
from ui.core.context import Context
from ui.core.page import Page
from ui.core.part_choice import PartChoice
from ui.pages.gallery.handlers import LABEL_OF, Handlers
from ui.security.users import Role

PAGE = Page(
    name="gallery", path="/engineer/gallery", role=Role.ENGINEER, label="gallery.page", order=22
)
COLUMNS = 6


def routes(context: Context) -> APIRouter:
    """It has none of its own."""
    return APIRouter()


def panel(context: Context, say: gr.I18n) -> None:
    """Filters on top, the pictures at the left, the part last clicked and what may be said at the right."""
    chosen = gr.State([])
    with gr.Row():
        choice = PartChoice(context, say, span="all")
    with gr.Row():
        verdicts = gr.Dropdown(label=say("gallery.verdicts"), multiselect=True, elem_id="verdicts")
        label, defect, sort = (
            gr.Dropdown(label=say(f"gallery.{name}"), elem_id=name)
            for name in ("label", "defect", "sort")
        )
        columns = gr.Slider(
            2, 10, value=COLUMNS, step=1, label=say("gallery.columns"), elem_id="columns"
        )
        page = gr.Number(
            1, precision=0, minimum=1, label=say("gallery.page_number"), elem_id="page"
        )
    with gr.Row():
        with gr.Column(scale=3):
            told = gr.Textbox(
                label=say("gallery.page"), show_label=False, interactive=False, elem_id="told"
            )
            gallery = gr.Gallery(
                label=say("gallery.page"), columns=COLUMNS, height="auto", object_fit="contain",
                allow_preview=False, interactive=False, buttons=[], elem_id="parts", elem_classes="pictures",
            )  # fmt: skip
        with gr.Column(scale=1, min_width=320):
            with gr.Row():
                every = gr.Button(say("gallery.all"), size="sm", elem_id="all")
                none = gr.Button(say("gallery.none"), size="sm", elem_id="none")
            kind = gr.Dropdown(label=say("gallery.kind"), elem_id="kind")
            buttons = {
                name: gr.Button(
                    say(f"gallery.{name}"), variant="primary" if said in (OK, NG) else "secondary",
                    elem_id=name,
                )
                for name, said in LABEL_OF.items()
            }  # fmt: skip
            picture = gr.Image(
                label=say("gallery.large"),
                interactive=False,
                format="jpeg",
                buttons=["fullscreen", "download"],
                elem_id="large",
            )
            about = gr.Textbox(
                label=say("gallery.large"),
                show_label=False,
                interactive=False,
                lines=2,
                elem_id="about",
            )
    do = Handlers(context, choice)
    which: list[Any] = [*choice.components, verdicts, label, defect, sort, page]
    shown = [chosen, gallery, page, told]
    on = partial(gr.on, show_progress="hidden")
    filled = on(fn=do.open, outputs=[*choice.filled, verdicts, label, defect, sort, kind])
    filled.then(do.show, [chosen, *which], shown, show_progress="hidden")  # when the page is opened
    on(
        [each.change for each in which], do.show, [chosen, *which], shown,
        trigger_mode="always_last", concurrency_limit=2,
    )  # fmt: skip
    on(columns.change, lambda count: gr.update(columns=int(count)), columns, gallery)
    on(gallery.select, do.toggle, [chosen, *which], [*shown, picture, about])
    on(every.click, do.all, [chosen, *which], shown)
    on(none.click, do.none, which, shown)
    for name, said in LABEL_OF.items():
        on(
            buttons[name].click, do.label, [chosen, gr.State(said), kind, *which], shown,
            concurrency_limit=1,
        )  # fmt: skip
