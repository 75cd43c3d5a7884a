"""Giving results out: answers for now, and deliveries that wait in the record until they are taken."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from inspection.judgement import Verdict
from inspection.plant.messages import InspectionResult, ReviewIs, StationInterface
from inspection.plant.outputs.base import Output, OutputError, OutputRefused
from inspection.station.parts_in_flight import PartsInFlight

if TYPE_CHECKING:
    from inspection.store import PartRecord, Store

SHORTEST_S, LONGEST_S = 0.5, 30.0
BATCH = 50
SHOWN = 20
REFUSALS = 5
"""How often a receiver refuses one result in a row before it is set aside for the next."""


class Deliveries:
    """The outputs of a station: those that answer at once, and those that are `queued`."""

    def __init__(
        self,
        outputs: Mapping[str, Output],
        store: Store,
        *,
        parts: PartsInFlight,
        review: ReviewIs,
    ) -> None:
        self.outputs, self.store, self.parts, self.review = outputs, store, parts, review
        self.queued = tuple(name for name, output in outputs.items() if output.queued)
        self._sending = {name: threading.Lock() for name in outputs}
        self._problems: dict[str, str] = {}
        self._refusals: dict[str, tuple[str, int]] = {}
        """Of each output: the part refused last, and how often in a row."""
        self._news = {name: threading.Event() for name in self.queued}
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []
        self._opened: list[Output] = []

    def open(self, line: StationInterface) -> None:
        """Open all outputs. A required one that cannot be opened raises OutputError; others wait."""
        self._line = line
        for name, output in self.outputs.items():
            if not output.queued:
                output.open(line)
                self._opened.append(output)
                continue
            thread = threading.Thread(
                target=self._deliver, args=(name, output), name=f"output {name}", daemon=True
            )
            self._threads.append(thread)
            thread.start()

    def close(self) -> None:
        """Let the outputs go; what was not taken stays in the record."""
        self._over.set()
        self.wake()
        for thread in self._threads:
            thread.join(timeout=10.0)
        for output in self.outputs.values():
            with suppress(OutputError):
                output.close()

    def answer(self, result: InspectionResult) -> OutputError | None:
        """Send a result to all that answer at once; returns the error of a required one that failed."""
        failed = None
        for name, output in self.outputs.items():
            if output.queued:
                continue
            try:
                with self._sending[name]:
                    output.send(result)
                self._problems.pop(name, None)
            except OutputError as error:
                self._problems[name] = str(error)
                if output.required:
                    failed = error
        return failed

    def test(self, name: str, result: InspectionResult) -> None:
        """Send a test result to one output, between those of parts. Raises OutputError."""
        if self.outputs[name] not in self._opened:
            raise OutputError(
                f"output {name}: is not open yet; {self._problems.get(name, 'wait a moment')}"
            )
        with self._sending[name]:
            self.outputs[name].send(result)

    def wake(self) -> None:
        """Tell the queued outputs that there is something to deliver."""
        for event in self._news.values():
            event.set()

    def waiting(self) -> dict[str, int]:
        """Count the results that wait for each queued output."""
        from inspection.store import StoreError

        try:
            counts = self.store.outbox_counts() if self.queued else {}
        except StoreError:
            return {}
        return {name: counts.get(name, 0) for name in self.queued}

    def set_aside(self) -> dict[str, Any]:
        """Count the results each queued output's receiver refused for good, and list the first few."""
        from inspection.store import StoreError

        try:
            counts = self.store.refused_counts() if self.queued else {}
            few = self.store.refused(limit=SHOWN) if counts else []
        except StoreError:
            counts, few = {}, []
        return {"refused": counts, "refused_results": [asdict(each) for each in few]}

    def problems(self) -> dict[str, str]:
        """Return what is wrong with each output now, in words."""
        return dict(self._problems)

    def state_changed(self, line: StationInterface) -> None:
        """Tell all outputs of a new state."""
        for output in self.outputs.values():
            with suppress(Exception):  # it tells of its own troubles when it sends
                output.state_changed(line)

    def event_raised(self, event: Mapping[str, Any]) -> None:
        """Tell all outputs what the stream of parts shows."""
        for output in self.outputs.values():
            with suppress(Exception):  # it is in the record; nothing waits for it
                output.event_raised(event)

    def check(self) -> None:
        """Raise OutputError when an output that brings triggers, or a thread that delivers, ended."""
        for output in tuple(self._opened):  # one that is just being opened cannot be asked yet
            output.check()
        for thread in self._threads:
            if not thread.is_alive() and not self._over.is_set():
                raise OutputError(f"{thread.name}: its thread ended; restart the station")

    def result_of(self, record: PartRecord) -> InspectionResult:
        """Make the result that goes out for a recorded part."""
        path = self.store.image_path(record)
        return InspectionResult(
            delivery_id=record.part_id,
            trigger_id=record.trigger_id or "",
            station=record.station or "",
            verdict=record.verdict,
            cause=record.cause,
            judged_at=record.judged_at,
            number=record.number,
            score=record.score,
            p_value=record.p_value,
            threshold=record.threshold,
            regions=record.regions,
            serial=record.serial,
            lot=record.lot,
            product=record.product,
            recipe_id=record.recipe_id,
            latency_ms=record.latency_ms,
            image=None if path is None else str(path),
            review=self.review,
        )

    def _deliver(self, name: str, output: Output) -> None:
        """Send what waits for one output, in order; after a failure wait longer and longer."""
        from inspection.store import StoreError

        wait_s, opened = SHORTEST_S, False
        while not self._over.is_set():
            try:
                if not opened:
                    output.open(self._line)
                    opened = True
                    self._opened.append(output)
                self._send_waiting(name, output)
            except Exception as error:  # whatever it is, the result waits and is sent again
                known = isinstance(error, (OutputError, StoreError))
                self._problems[name] = str(error) if known else f"{type(error).__name__}: {error}"
                self._over.wait(wait_s)
                wait_s = min(2 * wait_s, LONGEST_S)
                continue
            self._problems.pop(name, None)
            wait_s = SHORTEST_S
            self._news[name].wait(timeout=1.0)
            self._news[name].clear()

    def _send_waiting(self, name: str, output: Output) -> None:
        while not self._over.is_set():
            records = self.store.undelivered(name, limit=BATCH)
            if not records:
                return
            for record in records:
                if record.part_id in self.parts:
                    return  # the line is being told just now
                try:
                    with self._sending[name]:
                        output.send(self._told(record))
                except OutputRefused as error:
                    self._refused(name, record.part_id, error)
                else:
                    self.store.mark_delivered(name, [record.part_id])

    def _refused(self, name: str, part_id: str, error: OutputRefused) -> None:
        """Set a result aside once it was refused often enough; before that, raise the error."""
        last, times = self._refusals.get(name, ("", 0))
        times = times + 1 if last == part_id else 1
        self._refusals[name] = (part_id, times)
        if times < REFUSALS:
            raise error
        self.store.set_aside(name, part_id, str(error))

    def _told(self, record: PartRecord) -> InspectionResult:
        """Make the result as the line was told it: a pass that came too late was a reject."""
        result = self.result_of(record)
        if result.reject:
            return result
        for event in self.store.events(record.part_id):
            if (reason := event.line_reject) is not None:
                return replace(result, verdict=Verdict.CANNOT_INSPECT, cause=reason)
        return result
