"""What the reports page does: choose parts, have their report made, and list what is there."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import gradio as gr

from inspection.jobs import REPORT
from inspection.store.event_kinds import ActionKind
from inspection.store.filters import PartFilter
from ui.core.audit import audited
from ui.core.background import report_request, run_job
from ui.core.context import Context
from ui.core.panel import done, request_of
from ui.core.part_choice import FIELDS, PartChoice
from ui.pages.reports.kept import kept, new_path
from ui.words import LANGUAGES

API = "/api/engineer/reports"
COLUMNS = ("file", "made", "by", "size")
OWN_NAMES = {"en": "English", "ja": "日本語", "ko": "한국어"}
KINDS = ("html", "pdf")


class Handlers:
    """Each public method answers an event."""

    def __init__(self, context: Context, choice: PartChoice) -> None:
        self.context, self.choice = context, choice

    async def show(self, event: gr.Request) -> list[Any]:
        """What may be chosen, and the reports that are there."""
        language = request_of(event).scope["language"]
        return [
            *await self.choice.fill(language),
            gr.update(choices=[(OWN_NAMES[each], each) for each in LANGUAGES], value=language),
            *await self._listed(language, None),
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
    ) -> list[Any]:
        """Make a report, and choose it."""
        request = request_of(event)
        who, spoken = request.scope["user"].name, request.scope["language"]

        async def made() -> tuple[str, str]:
            chosen = zip(FIELDS, (span, since, until, lot, product, recipe), strict=True)
            asked = self.choice.parts(dict(chosen))
            target = await asyncio.to_thread(
                new_path, self.context, kind if kind in KINDS else KINDS[0], datetime.now(UTC)
            )
            about = {"file": target.name, "asked": _noted(asked), "pictures": int(pictures)}
            async with audited(self.context, request, ActionKind.REPORT_MADE, **about):
                wanted = report_request(
                    self.context,
                    asked,
                    target,
                    language=language,
                    pictures=int(pictures),
                    verify=verify,
                )
                found = await run_job(self.context.jobs, REPORT, who=who, request=wanted)
            share = f"{100 * found['yield']:.1f} %"
            values = {"parts": found["parts"], "rejects": found["rejects"], "share": share}
            return target.name, self._say("done", spoken, **values)

        name, text = await done(made)
        return [text, *await self._listed(spoken, name)]

    def link(self, name: str | None) -> Any:
        """Lead the button to the report chosen."""
        return gr.update(link=f"{API}/file?name={quote(name or '')}", interactive=bool(name))

    def pick(self, event: gr.SelectData) -> str:
        """The report whose row was clicked."""
        return str(event.row_value[0])

    async def _listed(self, language: str, chosen: str | None) -> list[Any]:
        reports = await asyncio.to_thread(kept, self.context)
        rows = [
            [
                each.name,
                f"{each.at:%Y-%m-%d %H:%M}",
                self._say("by_clock" if each.scheduled else "by_hand", language),
                f"{each.size_bytes / 1e6:.1f} MB",
            ]
            for each in reports
        ]
        heads = [self.context.words.say(f"reports.column_{name}", language) for name in COLUMNS]
        names = [each.name for each in reports]
        value = chosen if chosen in names else next(iter(names), None)
        return [
            {"headers": heads, "data": rows},
            gr.update(choices=names, value=value),
            self.link(value),
        ]

    def _say(self, name: str, language: str, **values: object) -> str:
        return self.context.words.say(f"reports.{name}", language, **values)


def _noted(asked: PartFilter) -> dict[str, Any]:
    """Which parts, as the audit record keeps it; the station is its own."""
    return {name: value for name, value in asked.as_json().items() if name != "station"}
