"""Watches the stream of parts of a station at work: learns by itself, and raises what it sees.

A fault of it never stops inspecting: it is told in the status, and the next part is looked at again.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from itertools import compress, groupby
from typing import TYPE_CHECKING, Any

from inspection.errors import InspectionError
from inspection.monitoring.monitor import Monitor, good_parts, learn
from inspection.monitoring.part_rows import PartRow, RecordRows
from inspection.monitoring.settings import MonitorSettings
from inspection.monitoring.source import opened
from inspection.outside import in_words
from inspection.station.alarms import STREAM, Alarms
from inspection.store.event_kinds import Author, EventKind
from models import ModelError

if TYPE_CHECKING:
    from inspection.store import Store

LOOK_EVERY_S = 1.0
PAGE = 500
HISTORY = 1000
"""Parts before a start that are looked at again, so that charts begin where they were."""

log = logging.getLogger(__name__)

Told = Callable[[Mapping[str, Any]], None]


class StreamWatch:
    """Reads the station's record as it grows; parts of one recipe are one stream.

    Each is learnt from its first good parts, or from another record. What is raised goes into the
    record as an event of the part, to `told`, and is an alarm while it lasts.
    """

    def __init__(
        self,
        settings: MonitorSettings,
        store: Store,
        alarms: Alarms,
        *,
        station: str,
        shifts: tuple[str, ...],
        told: Told,
    ) -> None:
        self.settings, self.store, self.alarms = settings, store, alarms
        self.station, self.shifts, self.told = station, shifts, told
        self._rows = RecordRows(shifts)
        self._after = 0
        self._streams: dict[str, Monitor | list[PartRow]] = {}
        """Of each recipe: what watches its parts, or the good parts so far."""
        self._problem = ""
        self._recipe = ""
        self._shown = self._summary()
        """What other threads are told: whole, while this one goes on."""

    def begin(self) -> None:
        """Watch the parts that are recorded from now on. Raises StoreError."""
        self._after = self.store.head().count

    def run(self, over: threading.Event) -> None:
        """Watch until the station ends."""
        while not over.wait(LOOK_EVERY_S):
            try:
                self.look()
            except Exception as error:  # inspecting goes on without it
                self._fault(error)
                self._shown = self._summary()

    def look(self) -> None:
        """Take the parts that were recorded since. Raises StoreError."""
        while page := self.store.parts(after_number=self._after, limit=PAGE, newest_first=False):
            rows = [self._rows.row(record) for record in page]
            here = [record.station == self.station for record in page]
            self._after = rows[-1].number
            for recipe, some in groupby(compress(rows, here), key=lambda row: row.texts["recipe"]):
                self._take(recipe, list(some))
            self._shown = self._summary()

    def snapshot(self) -> dict[str, Any]:
        """What is watched and raised now, as plain data. For any thread."""
        return self._shown

    def _summary(self) -> dict[str, Any]:
        monitor = self._streams.get(self._recipe, [])
        taught = isinstance(monitor, Monitor)
        return {
            "learnt": monitor.learnt.parts if isinstance(monitor, Monitor) else len(monitor),
            "good": self.settings.good,
            "watching": taught,
            "raised": [each.text for each in self._active()],
            "problem": self._problem,
        }

    def _take(self, recipe: str, rows: list[PartRow]) -> None:
        """Take parts of one recipe in order: to learn from, and the others at once, as that is cheaper."""
        self._recipe = recipe
        if recipe not in self._streams:
            self._streams[recipe] = self._known(recipe, before=rows[0].number)
        rows = self._to_learn(recipe, rows)
        stream = self._streams[recipe]
        if not rows or isinstance(stream, list):
            return
        by_number = {row.number: row for row in rows}
        for each in stream.take(rows):
            self._raise(by_number[each.raised], stream.as_json(each))
        self._tell()

    def _to_learn(self, recipe: str, rows: list[PartRow]) -> list[PartRow]:
        """Put parts to those that are learnt from until there are enough; give the others."""
        for done, row in enumerate(rows):
            stream = self._streams[recipe]
            if not isinstance(stream, list):
                return rows[done:]
            stream += [row] if row.good else []
            if len(stream) >= self.settings.good:
                self._streams[recipe] = self._learnt(stream)
        return []

    def _raise(self, row: PartRow, found: dict[str, Any]) -> None:
        assert row.part_id is not None
        log.warning("stream of parts: %s", found["text"])
        self.store.add_event(row.part_id, EventKind.STREAM, Author.STATION, detail=found)
        self.told({**found, "station": self.station, "part_id": row.part_id})

    def _tell(self) -> None:
        active = self._active()
        if active:
            self.alarms.set(STREAM, active[0].text)
        else:
            self.alarms.clear(STREAM)

    def _active(self) -> list[Any]:
        stream = self._streams.get(self._recipe)
        return stream.watch.active if isinstance(stream, Monitor) else []

    def _known(self, recipe: str, *, before: int) -> Monitor | list[PartRow]:
        """What the record has of a recipe already: learnt from, and its latest parts looked at."""
        if self.settings.learn is not None:
            with opened(str(self.settings.learn), shifts=self.shifts) as rows:
                where = str(self.settings.learn)
                monitor = learn(good_parts(rows(), self.settings.good, where=where), self.settings)
        else:
            good = self._first_good(recipe, before)
            if len(good) < self.settings.good:
                return good
            taught = self._learnt(good)
            if isinstance(taught, list):
                return taught
            monitor = taught
        monitor.take(
            row for row in self._latest(recipe, before) if row.number > monitor.learnt.last
        )
        return monitor

    def _first_good(self, recipe: str, before: int) -> list[PartRow]:
        rows, good, after = RecordRows(self.shifts), list[PartRow](), 0
        while len(good) < self.settings.good:
            page = self.store.parts(
                self._of(recipe), after_number=after, limit=PAGE, newest_first=False
            )
            found = [rows.row(record) for record in page if record.number < before]
            good += [row for row in found if row.good]
            if not found:
                break
            after = page[-1].number
        return good[: self.settings.good]

    def _latest(self, recipe: str, before: int) -> list[PartRow]:
        rows = RecordRows(self.shifts)
        page = self.store.parts(self._of(recipe), after_number=before, limit=HISTORY)
        return [rows.row(record) for record in reversed(page)]

    def _of(self, recipe: str) -> Any:
        from inspection.store.filters import PartFilter

        return PartFilter(recipe_id=recipe, station=self.station)

    def _learnt(self, good: list[PartRow]) -> Monitor | list[PartRow]:
        """Teach the methods; where these parts cannot, go on collecting, without the earlier half."""
        try:
            monitor = learn(good, self.settings)
        except (ModelError, InspectionError) as error:
            self._fault(error)
            return good[len(good) // 2 :]
        self._problem = ""
        log.info("stream of parts: learnt from %d good parts", len(good))
        return monitor

    def _fault(self, error: Exception) -> None:
        text = str(error) if isinstance(error, ModelError) else in_words(error)
        if text != self._problem:
            log.warning("stream of parts: not watched: %s", text)
        self._problem = text
