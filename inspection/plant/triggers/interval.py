"""A trigger at fixed times: for trying a station, and for material that runs without an end."""

from __future__ import annotations

from datetime import datetime
from threading import Event
from time import monotonic

from inspection.plant.messages import StationInterface, TriggerRequest
from inspection.plant.triggers import TriggerUnavailable, offer
from inspection.plant.worker import Worker


class Interval:
    """Triggers every `period_s`, the first time one period after opening.

    Times are counted from the start, so they do not drift. `refused` counts the triggers that the
    station did not take, and those whose time passed while it took another. With `lot_size` each
    part has a serial, and so many in turn are one lot (`numbered`).
    """

    name = "interval"

    def __init__(self, *, period_s: float = 1.0, lot_size: int = 0) -> None:
        self.period_s, self.lot_size = period_s, lot_size
        self.refused = 0
        self._worker: Worker | None = None

    @classmethod
    def missing(cls) -> str | None:
        """Nothing is needed."""
        return None

    def open(self, station: StationInterface) -> None:
        """Start. Raises TriggerUnavailable for a period or a lot that is none."""
        if not self.period_s > 0:
            raise TriggerUnavailable(
                f"trigger {self.name}: period_s = {self.period_s}; it must be above 0"
            )
        if self.lot_size < 0:
            raise TriggerUnavailable(
                f"trigger {self.name}: lot_size = {self.lot_size}; it must be 0 or above"
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
        start, began, count, parts = monotonic(), datetime.now().astimezone(), 1, 0
        while not stop.wait(max(0.0, start + count * self.period_s - monotonic())):
            lot, serial = numbered(began, parts, self.lot_size)
            parts += 1
            request = TriggerRequest(source=self.name, lot=lot, serial=serial)
            if not offer(self._station, request):
                self.refused += 1
            passed = int((monotonic() - start) / self.period_s)
            self.refused += max(0, passed - count)
            count = max(count, passed) + 1


def numbered(began: datetime, parts: int, lot_size: int) -> tuple[str | None, str | None]:
    """Lot and serial of a part that `parts` came before, since a line began: 1203-064021-2 and 1203-064021-2-017.

    None and None where `lot_size` is 0.
    """
    if not lot_size:
        return None, None
    lot = f"{began:%m%d-%H%M%S}-{parts // lot_size + 1}"
    return lot, f"{lot}-{parts % lot_size + 1:03}"
