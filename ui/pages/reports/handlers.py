"""What the reports page does: choose parts, have their report made, and list what is there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import quote

import gradio as gr
from fastapi import Request

from inspection.jobs import REPORT, Job
from inspection.reports.report import DRAWING, READING, SUMMING, VERIFYING, WRITING
from inspection.store.event_kinds import ActionKind
from inspection.store.filters import PartFilter
from inspection.written import percent
from ui.core.audit import audited
from ui.core.background import report_request, run_job
from ui.core.context import Context
from ui.core.panel import Cell, done, request_of, table_value
from ui.core.part_choice import FIELDS, PartChoice
from ui.core.wording import Wording
from ui.pages.reports.kept import kept, made_by, new_path
from ui.words import LANGUAGES

API = "/api/engineer/reports"
COLUMNS = ("file", "made", "by", "size")
OWN_NAMES = {"en": "English", "ja": "日本語", "ko": "한국어"}
KINDS = ("html", "pdf")
TELL_EVERY_S = 0.5
STEP_WORDS = {
    READING: "step_reading", SUMMING: "step_summing", VERIFYING: "step_verifying",
    DRAWING: "step_drawing", WRITING: "step_writing",
}  # fmt: skip
"""What is said of each step of a report, in their order."""
LISTED_AS_IT_IS = (gr.skip(), gr.skip(), gr.skip())
WAITING, READY = gr.update(interactive=False), gr.update(interactive=True)


@dataclass(frozen=True, slots=True)
class _Wish:
    """What a person asked for: `chosen` by the fields of the choice of parts."""

    chosen: dict[str, Any]
    kind: str
    language: str
    pictures: int
    verify: bool


class Handlers:
    """Each public method answers an event."""

    def __init__(self, context: Context, choice: PartChoice) -> None:
        self.context, self.choice = context, choice
        self._at_work: set[asyncio.Task[tuple[str, str]]] = set()
        """Reports being made, also for those who left the page meanwhile."""

    async def show(self, event: gr.Request) -> list[Any]:
        """What may be chosen, and the reports that are there."""
        language = request_of(event).scope["language"]
        return [
            *await self.choice.fill(language),
            gr.update(choices=[(OWN_NAMES[each], each) for each in LANGUAGES], value=language),
            *await self._listed(self._wording(request_of(event)), None),
        ]

    async def make(
        self,
        span: str,
        since: datetime | None,
        until: datetime | None,
        lot: str | None,
        product: str | None,
        recipe: str | None,
        kind: str,
        language: str,
        pictures: float,
        verify: bool,
        event: gr.Request,
    ) -> AsyncIterator[list[Any]]:
        """Make a report, say which step it is at, and choose it; the button waits until it is there."""
        request = request_of(event)
        spoken = request.scope["language"]
        if (other := await asyncio.to_thread(self.context.jobs.running, REPORT)) is not None:
            yield [self._say("busy", spoken, who=other.who), *LISTED_AS_IT_IS, READY]
            return
        chosen = zip(FIELDS, (span, since, until, lot, product, recipe), strict=True)
        wish = _Wish(
            dict(chosen),
            kind if kind in KINDS else KINDS[0],
            language if language in LANGUAGES else spoken,
            int(pictures),
            verify,
        )
        seen: list[Job] = []
        work = asyncio.create_task(self._made(wish, request, seen.append))
        self._at_work.add(work)
        work.add_done_callback(self._ended)
        while not work.done():
            yield [self._step(seen[-1] if seen else None, spoken), *LISTED_AS_IT_IS, WAITING]
            await asyncio.wait({work}, timeout=TELL_EVERY_S)
        try:
            name, text = await done(partial(_result, work))
        except gr.Error as error:
            gr.Warning(error.message, duration=None)
            yield [error.message, *LISTED_AS_IT_IS, READY]
        else:
            yield [text, *await self._listed(self._wording(request), name), READY]

    async def _made(
        self, wish: _Wish, request: Request, told: Callable[[Job], None]
    ) -> tuple[str, str]:
        """Make what is wished for: its file's name, and the line about it."""
        who, spoken = request.scope["user"].name, request.scope["language"]
        asked = self.choice.parts(wish.chosen)
        target = await asyncio.to_thread(new_path, self.context, wish.kind, datetime.now(UTC))
        about = {"file": target.name, "asked": noted(asked), "pictures": wish.pictures}
        async with audited(self.context, request, ActionKind.REPORT_MADE, **about):
            wanted = report_request(
                self.context,
                asked,
                target,
                language=wish.language,
                pictures=wish.pictures,
                verify=wish.verify,
            )
            found = await run_job(self.context.jobs, REPORT, who=who, request=wanted, told=told)
        share = percent(found["yield"])
        values = {"parts": found["parts"], "rejects": found["rejects"], "share": share}
        return target.name, self._say("done", spoken, **values)

    def _ended(self, work: asyncio.Task[tuple[str, str]]) -> None:
        """Forget one that is made; its error is asked for, as nobody may be there to see it."""
        self._at_work.discard(work)
        if not work.cancelled():
            work.exception()

    def _step(self, job: Job | None, language: str) -> str:
        """Say which step the report is at, and how far."""
        if job is None or job.stage not in STEP_WORDS:
            return self._say("step_start", language)
        step = self._say(STEP_WORDS[job.stage], language)
        share = f" · {job.done} / {job.of}" if job.of else ""
        number = list(STEP_WORDS).index(job.stage) + 1
        return f"{number} / {len(STEP_WORDS)} · {step}{share} · {job.seconds:.0f} s"

    def link(self, name: str | None) -> Any:
        """Lead the button to the report chosen."""
        return gr.update(link=f"{API}/file?name={quote(name or '')}", interactive=bool(name))

    def pick(self, event: gr.SelectData) -> str:
        """The report whose row was clicked."""
        return str(event.row_value[0])

    def _wording(self, request: Request) -> Wording:
        return Wording(self.context.words, request.scope["language"], request.cookies.get("zone"))

    async def _listed(self, wording: Wording, chosen: str | None) -> list[Any]:
        language = wording.language
        reports = await asyncio.to_thread(kept, self.context)
        makers = await asyncio.to_thread(made_by, self.context)
        rows: list[list[str | Cell]] = [
            [
                each.name,
                wording.moment(each.at, seconds=False),
                self._say("by_clock", language)
                if each.scheduled
                else makers.get(each.name, self._say("by_hand", language)),
                Cell(each.size_bytes, wording.number(each.size_bytes / 1e6, 1, "MB")),
            ]
            for each in reports
        ]
        heads = [self.context.words.say(f"reports.column_{name}", language) for name in COLUMNS]
        names = [each.name for each in reports]
        value = chosen if chosen in names else next(iter(names), None)
        return [
            table_value(heads, rows),
            gr.update(choices=names, value=value),
            self.link(value),
        ]

    def _say(self, name: str, language: str, **values: object) -> str:
        return self.context.words.say(f"reports.{name}", language, **values)


async def _result(work: asyncio.Task[tuple[str, str]]) -> tuple[str, str]:
    return await work


def noted(asked: PartFilter) -> dict[str, Any]:
    """Which parts, as the audit record keeps it; the station is its own."""
    return {name: value for name, value in asked.as_json().items() if name != "station"}
