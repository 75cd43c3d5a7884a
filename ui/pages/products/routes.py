"""The page /engineer/products: what may come along the line; made of Gradio's components."""

from __future__ import annotations

from functools import partial
from typing import Any

import gradio as gr
from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse

from inspection.station.products import product_named
from inspection.station.station_file import read_station
from inspection.store.event_kinds import ActionKind
from ui.core.audit import audited
from ui.core.context import Context
from ui.core.errors import Refuse
from ui.core.page import Page
from ui.core.panel import file_button
from ui.core.restart import restart_controls
from ui.pages.products.handlers import API, Handlers
from ui.security.users import Role

PAGE = Page(
    name="products", path="/engineer/products", role=Role.ENGINEER, label="products.page", order=25
)


def routes(context: Context) -> APIRouter:
    """Give out recipe files."""
    router = APIRouter(prefix=API)

    @router.get("/export")
    async def export(product: str, request: Request) -> Response:
        """The recipe of a product's first view, to be kept elsewhere or imported at another station."""
        settings = read_station(context.station_path)
        file = product_named(settings, product).recipe_of(settings.views[0].name)
        if not file.is_file():
            raise Refuse(f"product {product[:64]!r}: has no recipe yet", status=404)
        async with audited(context, request, ActionKind.PRODUCT_EXPORTED, product=product):
            return FileResponse(file, filename=file.name, media_type="application/octet-stream")

    return router


def panel(context: Context, say: gr.I18n) -> None:
    """Cards of all products, and what can be done with the one chosen."""
    do = Handlers(context)
    steps = gr.Markdown(visible=False, elem_id="first-steps", container=True)
    restart = restart_controls(context, say)
    with gr.Row():
        with gr.Column(scale=3):
            gallery = gr.Gallery(
                label=say("products.page"), columns=3, height="auto", object_fit="contain",
                allow_preview=False, interactive=False, elem_id="cards",
            )  # fmt: skip
            table = gr.Dataframe(interactive=False, wrap=True, elem_id="figures")
        with gr.Column(scale=1, min_width=320):
            chosen = gr.Dropdown(label=say("products.chosen"), elem_id="chosen")
            export = file_button(say("products.export"), elem_id="export")
            archive = gr.Button(say("products.archive"), elem_id="archive")
            name = gr.Textbox(label=say("products.name_of"), max_length=64, elem_id="name")
            add = gr.Button(say("products.add"), variant="primary", elem_id="add")
            copy = gr.Button(say("products.copy"), elem_id="copy")
            rename = gr.Button(say("products.rename"), elem_id="rename")
            bring: Any = say("products.import")  # Gradio's types forget that this is a label, too
            file = gr.UploadButton(bring, file_types=[".recipe"], elem_id="import")
    shown = [steps, gallery, table, chosen, *restart]
    on = partial(gr.on, show_progress="hidden")
    on(fn=do.show, outputs=shown)  # when the page is opened
    on(gallery.select, do.pick, None, chosen)
    on(chosen.change, do.link, chosen, export)
    on(add.click, do.add, name, shown)
    on(copy.click, do.copy, [chosen, name], shown)
    on(rename.click, do.rename, [chosen, name], shown)
    on(archive.click, do.archive, chosen, shown)
    on(file.upload, do.import_, [file, name], shown)
