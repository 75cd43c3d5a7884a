"""A trigger at fixed times: for trying a station, and for material that runs without an end."""

from __future__ import annotations

from threading import Event
from time import monotonic

from inspection.plant.messages import StationInterface, TriggerRequest
from inspection.plant.triggers import TriggerUnavailable, offer
from inspection.plant.worker import Worker


class Interval:
    """Triggers every `period_s`, the first time one period after opening.

    Times are counted from the start, so they do not drift. `refused` counts the triggers that the
    station did not take, and those whose time passed while it took another.
    """

    name = "interval"

    def __init__(self, *, period_s: float = 1.0) -> None:
        self.period_s = period_s
        self.refused = 0
        self._worker: Worker | None = None

    @classmethod
    def missing(cls) -> str | None:
        """Nothing is needed."""
        return None

    def open(self, station: StationInterface) -> None:
        """Start. Raises TriggerUnavailable for a period that is none."""
        if not self.period_s > 0:
            raise TriggerUnavailable(
                f"trigger {self.name}: period_s = {self.period_s}; it must be above 0"
            )
        self._station, self.refused = station, 0
        self._worker = Worker(f"trigger {self.name}", self._work, error=TriggerUnavailable)
        self._worker.start()

    def check(self) -> None:
        """Raise TriggerUnavailable if the trigger's thread ended by itself."""
        if self._worker is not None:
            self._worker.check()

    def close(self) -> None:
        """Stop."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.stop()

    def _work(self, stop: Event) -> None:
        start, count = monotonic(), 1
        while not stop.wait(max(0.0, start + count * self.period_s - monotonic())):
            if not offer(self._station, TriggerRequest(source=self.name)):
                self.refused += 1
            passed = int((monotonic() - start) / self.period_s)
            self.refused += max(0, passed - count)
            count = max(count, passed) + 1
