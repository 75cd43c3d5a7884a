"""The page /engineer/reports: reports and files of any choice of parts; of Gradio's components."""

from __future__ import annotations

import asyncio
from functools import cache, partial
from pathlib import Path
from typing import Any

import gradio as gr
from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse

from inspection.reports.report import MOST_PICTURES
from inspection.store.event_kinds import ActionKind
from ui.core.audit import audited
from ui.core.context import Context
from ui.core.errors import Refuse
from ui.core.page import Page
from ui.core.part_choice import PartChoice
from ui.pages.reports.downloads import Files
from ui.pages.reports.files_tab import FOLDER, files_tab
from ui.pages.reports.files_tab import routes as files_routes
from ui.pages.reports.handlers import API, KINDS, Handlers
from ui.pages.reports.kept import find
from ui.pages.reports.verify_tab import verify_tab
from ui.security.users import Role

PAGE = Page(
    name="reports", path="/engineer/reports", role=Role.ENGINEER, label="reports.page", order=45
)


def routes(context: Context) -> APIRouter:
    """Give out reports."""
    router = APIRouter(prefix=API)

    @router.get("/file")
    async def file(name: str, request: Request) -> Response:
        """A report, to be read, printed or kept."""
        report = await asyncio.to_thread(find, context, name)
        if report is None:
            text = context.words.say("reports.gone", request.scope["language"])
            raise Refuse(text, status=404)
        async with audited(context, request, ActionKind.REPORT_FETCHED, file=report.name):
            return FileResponse(
                report.path,
                filename=report.name,
                media_type=report.media_type,
                content_disposition_type="inline",
            )

    router.include_router(files_routes(context, files_of(context)))
    return router


def files_of(context: Context) -> Files:
    """The files that wait to be fetched; the same for routes and panel."""
    return _files(context.folder / FOLDER)


@cache
def _files(folder: Path) -> Files:
    return Files(folder)


def panel(context: Context, say: gr.I18n) -> None:
    """The choice of parts on top; reports of them, files of them, and the record itself in tabs."""
    with gr.Row():
        choice = PartChoice(context, say)
    with gr.Tabs():
        with gr.Tab(say("reports.tab_report"), elem_id="tab-report"):
            _report_tab(context, say, choice)
        with gr.Tab(say("reports.tab_files"), elem_id="tab-files"):
            files_tab(context, say, choice, files_of(context))
        with gr.Tab(say("reports.tab_verify"), elem_id="tab-verify"):
            verify_tab(context, say)


def _report_tab(context: Context, say: gr.I18n, choice: PartChoice) -> None:
    """What the report is of at the left, the reports that are there at the right."""
    with gr.Row():
        with gr.Column(scale=1, min_width=340):
            kind = gr.Radio(
                [(each.upper(), each) for each in KINDS], value=KINDS[0],
                label=say("reports.kind"), elem_id="kind",
            )  # fmt: skip
            language = gr.Dropdown(label=say("reports.language"), elem_id="language")
            pictures = gr.Slider(
                0,
                100,
                value=MOST_PICTURES,
                step=1,
                label=say("reports.pictures"),
                elem_id="pictures",
            )
            verify = gr.Checkbox(label=say("reports.verify"), elem_id="verify")
            make = gr.Button(say("reports.make"), variant="primary", elem_id="make")
        with gr.Column(scale=2):
            told = gr.Textbox(
                label=say("reports.page"), show_label=False, interactive=False, elem_id="told"
            )
            table = gr.Dataframe(
                label=say("reports.kept"), interactive=False, wrap=True, elem_id="kept"
            )
            chosen = gr.Dropdown(label=say("reports.chosen"), elem_id="chosen")
            open_ = gr.Button(
                say("reports.open"), link_target="_blank", interactive=False, elem_id="open"
            )
    do = Handlers(context, choice)
    listed: list[Any] = [table, chosen, open_]
    on = partial(gr.on, show_progress="hidden")
    on(fn=do.show, outputs=[*choice.filled, language, *listed])  # when opened
    asked = [*choice.components, kind, language, pictures, verify]
    on(make.click, do.make, asked, [told, *listed, make], concurrency_limit=8)
    on(table.select, do.pick, None, chosen)
    on(chosen.change, do.link, chosen, open_)
