"""Parts as a file for other programs: what is asked for is bounded, noted first, made by a job, and fetched once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr
from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse
from starlette.background import BackgroundTask

from inspection.jobs import EXPORT
from inspection.judgement import Verdict
from inspection.store.event_kinds import ActionKind
from inspection.store.filters import PartFilter, read_filter
from inspection.store.reading.summary import extent
from ui.core.audit import audited
from ui.core.background import record_request, run_job
from ui.core.context import Context
from ui.core.errors import Refuse
from ui.core.panel import Asker, asker, done, file_button, notice
from ui.core.part_choice import FIELDS, PartChoice
from ui.pages.reports.downloads import Files, file_name
from ui.pages.reports.handlers import API, noted
from ui.security.users import Role

FOLDER = "downloads"
"""Folder, in the page's own, of files that wait to be fetched."""
KINDS = ("csv", "parquet")
MOST_ROWS, MOST_PICTURES = 200_000, 5_000
ROOM_BYTES = 10**9
"""So much must stay free on the disk: inspecting comes first."""
ROW_BYTES = 2_500


@dataclass(frozen=True, slots=True)
class Made:
    """A file that waits to be fetched, and what is in it."""

    token: str
    name: str
    bytes: int
    parts: int
    images: int
    images_missing: int


class Exports:
    """Makes files of parts, one at a time; `files` are those that wait to be fetched."""

    def __init__(self, context: Context, choice: PartChoice, files: Files) -> None:
        self.context, self.choice, self.files = context, choice, files

    async def open(self, event: gr.Request) -> Any:
        """The verdicts to choose from."""
        me = asker(self.context, event, Role.ENGINEER)
        verdicts = [(me.say(f"report.verdict_{each.value}"), each.value) for each in Verdict]
        return gr.update(choices=[(me.say("parts.any_verdict"), ""), *verdicts], value="")

    async def make(
        self, event: gr.Request, kind: str, verdict: str | None, pictures: bool, *chosen: Any
    ) -> AsyncIterator[list[Any]]:
        """Make a file; the button waits, and the link leads to it when it is there."""
        me = asker(self.context, event, Role.ENGINEER)
        nothing = gr.update(link=None, interactive=False)
        yield [me.say("base.working"), nothing, gr.update(interactive=False)]
        asked = dict(zip(FIELDS, chosen, strict=True))
        try:
            made = await done(
                partial(self.made, me, asked, kind=kind, verdict=verdict, pictures=bool(pictures))
            )
        except gr.Error as error:
            yield [error.message, nothing, gr.update(interactive=True)]
            return
        link = gr.update(link=f"{API}/export/{made.token}", interactive=True)
        yield [_about(made, me), link, gr.update(interactive=True)]

    async def made(
        self, me: Asker, asked: dict[str, Any], *, kind: str, verdict: str | None, pictures: bool
    ) -> Made:
        """A file of the parts asked for. Raises Refuse, InspectionError, StoreError."""
        which = self._which(asked, verdict)
        if kind not in KINDS:
            raise Refuse(f"kind {kind[:20]!r}: allowed: {', '.join(KINDS)}")
        if self.files.making.locked():
            raise Refuse(me.say("reports.export_busy"))
        async with self.files.making:
            parts = await self._bounded(me, which, pictures=pictures)
            suffix = ".zip" if pictures else f".{kind}"
            about = {
                "parts": parts,
                "pictures": pictures,
                "file": suffix[1:],
                "asked": noted(which),
            }
            async with audited(self.context, me.request, ActionKind.PARTS_EXPORTED, **about):
                token, path = await asyncio.to_thread(self.files.begin, suffix)
                wanted = {"filter": which.as_json(), "kind": kind, "target": str(path)}
                try:
                    found = await run_job(
                        self.context.jobs,
                        EXPORT,
                        who=me.name,
                        request=record_request(self.context.settings, **wanted),
                    )
                except BaseException:
                    _remove(path)
                    raise
            now = datetime.now(UTC).astimezone().strftime("%Y%m%d-%H%M%S")
            lot = asked["lot"] or None
            name = file_name("parts", self.context.settings.station, lot, now, suffix=suffix)
            self.files.ready(token, path, name)
            return Made(token=token, name=name, bytes=path.stat().st_size, **found)

    def _which(self, asked: dict[str, Any], verdict: str | None) -> PartFilter:
        """The parts asked for. Raises FilterError."""
        own = read_filter({"verdict": verdict or None})
        return replace(self.choice.parts(asked), verdict=own.verdict)

    async def _bounded(self, me: Asker, which: PartFilter, *, pictures: bool) -> int:
        """Count the parts to export; refuse what is too large, or would fill the station's disk."""
        found = await asyncio.to_thread(extent, self.context.store, which)
        if found.parts == 0:
            raise Refuse(me.say("reports.export_empty"))
        if found.parts > MOST_ROWS:
            raise Refuse(me.say("reports.export_rows", parts=found.parts, most=MOST_ROWS))
        if pictures and found.pictures > MOST_PICTURES:
            many = {"parts": found.pictures, "most": MOST_PICTURES}
            raise Refuse(me.say("reports.export_pictures", **many))
        if self.files.free_bytes < ROOM_BYTES + found.parts * ROW_BYTES:
            raise Refuse(me.say("reports.export_room"))
        return found.parts


def _about(made: Made, me: Asker) -> str:
    size = me.wording.number(made.bytes / 1e6, 2, "MB")
    values = {
        "name": made.name,
        "parts": me.wording.number(made.parts),
        "images": me.wording.number(made.images),
        "size": size,
    }
    text = me.say("reports.file_made", **values)
    if made.images_missing:
        text += " " + me.say("reports.images_missing", count=me.wording.number(made.images_missing))
    return text


def routes(context: Context, files: Files) -> APIRouter:
    """Give out files that were made, once."""
    router = APIRouter()

    @router.get("/export/{token}")
    async def fetch(token: str, request: Request) -> Response:
        """Download a file, and delete it."""
        found = files.take(token)
        if found is None or not found.path.is_file():
            text = context.words.say("reports.no_file", request.scope["language"])
            raise Refuse(text, status=404)
        gone = BackgroundTask(_remove, found.path)
        return FileResponse(found.path, filename=found.name, background=gone)

    return router


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


def files_tab(context: Context, say: gr.I18n, choice: PartChoice, files: Files) -> None:
    """What kind of file, and the way to it."""
    do, on = Exports(context, choice, files), partial(gr.on, show_progress="hidden")
    gr.Markdown(say("reports.export_about"))
    with gr.Row(elem_classes="at-end"):
        kind = gr.Radio(
            [(each, each) for each in KINDS], value=KINDS[0],
            label=say("reports.kind"), elem_id="export-kind",
        )  # fmt: skip
        verdict = gr.Dropdown(label=say("parts.verdict"), elem_id="export-verdict")
        pictures = gr.Checkbox(label=say("reports.with_pictures"), elem_id="with-pictures")
        make = gr.Button(say("reports.make_file"), variant="primary", elem_id="make-file")
        fetch = file_button(say("reports.fetch"), interactive=False, elem_id="fetch")
    made = notice("file-made")
    on(fn=do.open, outputs=verdict)
    given = [kind, verdict, pictures, *choice.components]
    on(make.click, do.make, given, [made, fetch, make], concurrency_limit=8)
