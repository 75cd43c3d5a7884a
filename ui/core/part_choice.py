"""Which parts, as Gradio's components: the same choice on every panel."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any

import gradio as gr

from inspection.reports.spans import span_before, span_of
from inspection.store.filters import PartFilter, read_filter
from inspection.store.reading.summary import lots_seen, recipes_seen
from ui.core.context import Context

SPANS = ("shift", "last_shift", "today", "yesterday", "week", "all", "own")
FIELDS = ("span", "since", "until", "lot", "product", "recipe")
DAY = timedelta(days=1)
SHOWN = 12


class PartChoice:
    """A span of time, a lot, a product and a recipe; `components` in the order of FIELDS."""

    def __init__(self, context: Context, say: gr.I18n, *, span: str = SPANS[0]) -> None:
        """Put the components where they are to stand, the latest `span` chosen."""
        self.context, self.first = context, span
        self.span = gr.Dropdown(label=say("choice.span"), elem_id="span")
        self.since, self.until = (
            gr.DateTime(label=say(f"choice.{name}"), type="datetime", visible=False, elem_id=name)
            for name in ("since", "until")
        )
        self.lot = gr.Dropdown(
            label=say("choice.lot"), value=None, allow_custom_value=True, elem_id="lot"
        )
        self.product, self.recipe = (
            gr.Dropdown(label=say(f"choice.{name}"), value=None, elem_id=name)
            for name in ("product", "recipe")
        )
        gr.on(self.span.change, _times, self.span, [self.since, self.until], show_progress="hidden")

    @property
    def components(self) -> list[Any]:
        """All of it, to be given to a handler."""
        return [self.span, self.since, self.until, self.lot, self.product, self.recipe]

    @property
    def filled(self) -> list[Any]:
        """What `fill` fills."""
        return [self.span, self.lot, self.product, self.recipe]

    async def fill(self, language: str) -> list[Any]:
        """What may be chosen, in a person's language."""
        store, words = self.context.store, self.context.words
        lots = await asyncio.to_thread(lots_seen, store)
        recipes = await asyncio.to_thread(recipes_seen, store)
        spans = [(words.say(f"choice.span_{name}", language), name) for name in SPANS]
        used = [
            (f"{each.recipe_id[:SHOWN]} · {each.product or '–'}", each.recipe_id)
            for each in recipes
        ]
        return [
            gr.update(choices=spans, value=self.first),
            gr.update(choices=lots),
            gr.update(choices=[product.name for product in self.context.settings.products]),
            gr.update(choices=used),
        ]

    def parts(self, chosen: Mapping[str, Any]) -> PartFilter:
        """The parts of this station that were chosen, by FIELDS. Raises FilterError."""
        begin, end = chosen["since"], chosen["until"]
        if chosen["span"] != SPANS[-1]:
            begin, end = span_named(chosen["span"], self.context.settings.shifts, datetime.now(UTC))
        given = {name: chosen[name] for name in ("lot", "product", "recipe")}
        station = self.context.settings.station
        return read_filter({**given, "since": begin, "until": end, "station": station})


def span_named(
    name: str, shifts: Sequence[str], now: datetime
) -> tuple[datetime | None, datetime | None]:
    """When a span of SPANS begins and ends as of now; None where it is open."""
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


def _times(name: str) -> list[Any]:
    """Show the two times where they are to be typed."""
    return [gr.update(visible=name == SPANS[-1])] * 2
