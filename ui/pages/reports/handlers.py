"""What the reports page does: choose parts, have their report made, and list what is there."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, time, timedelta
from typing import Any
from urllib.parse import quote

import gradio as gr

from inspection.jobs import REPORT
from inspection.reports.spans import span_before, span_of
from inspection.store.event_kinds import ActionKind
from inspection.store.filters import read_filter
from inspection.store.reading.summary import lots_seen, recipes_seen
from ui.core.audit import audited
from ui.core.background import report_request, run_job
from ui.core.context import Context
from ui.core.panel import done, request_of
from ui.pages.reports.kept import kept, new_path
from ui.words import LANGUAGES

API = "/api/engineer/reports"
SPANS = ("shift", "last_shift", "today", "yesterday", "week", "all", "own")
COLUMNS = ("file", "made", "by", "size")
OWN_NAMES = {"en": "English", "ja": "日本語", "ko": "한국어"}
KINDS = ("html", "pdf")
DAY = timedelta(days=1)


class Handlers:
    """Each public method answers an event."""

    def __init__(self, context: Context) -> None:
        self.context = context

    async def show(self, event: gr.Request) -> list[Any]:
        """What may be chosen, and the reports that are there."""
        language = request_of(event).scope["language"]
        store, settings = self.context.store, self.context.settings
        words = self.context.words
        lots = await asyncio.to_thread(lots_seen, store)
        recipes = await asyncio.to_thread(recipes_seen, store)
        named = [(words.say(f"reports.span_{name}", language), name) for name in SPANS]
        used = [
            (f"{each.recipe_id[:12]} · {each.product or '–'}", each.recipe_id) for each in recipes
        ]
        return [
            gr.update(choices=named, value=SPANS[0]),
            gr.update(choices=lots),
            gr.update(choices=[product.name for product in settings.products]),
            gr.update(choices=used),
            gr.update(choices=[(OWN_NAMES[each], each) for each in LANGUAGES], value=language),
            *await self._listed(language, None),
        ]

    def span(self, name: str) -> Any:
        """Show the two times where they are to be typed."""
        return [gr.update(visible=name == "own")] * 2

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
            begin, end = (since, until) if span == "own" else self._span(span, datetime.now(UTC))
            given = {"since": begin, "until": end, "lot": lot, "product": product, "recipe": recipe}
            asked = read_filter(given)
            target = await asyncio.to_thread(
                new_path, self.context, kind if kind in KINDS else KINDS[0], datetime.now(UTC)
            )
            about = {"file": target.name, "asked": asked.as_json(), "pictures": int(pictures)}
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

    def _span(self, name: str, now: datetime) -> tuple[datetime | None, datetime | None]:
        shifts = self.context.settings.shifts
        midnight = datetime.combine(now.astimezone().date(), time()).astimezone()
        if name == "last_shift":
            return span_before(shifts, now)
        if name == "yesterday":
            return midnight - DAY, midnight
        begins = {
            "shift": lambda: span_of(shifts, now)[0],
            "today": lambda: midnight,
            "week": lambda: midnight - 6 * DAY,
        }
        return (begins[name]() if name in begins else None), None

    def _say(self, name: str, language: str, **values: object) -> str:
        return self.context.words.say(f"reports.{name}", language, **values)
