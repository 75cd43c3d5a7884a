"""What is wrong with a station now: a code and one line of text for each alarm."""

from __future__ import annotations

import threading
from collections.abc import Callable

NONE, CAMERA, RECORD, OUTPUT, RECIPE, BUSY, STREAM = range(7)
"""Error codes, as `StationInterface.error_code` has them."""

WORST_FIRST = (OUTPUT, RECORD, CAMERA, RECIPE, STREAM)
GOES_ON = (NONE, STREAM)
"""Codes with which the station inspects as ever."""


class Alarms:
    """The alarms that are on; `changed` is called when one comes and when one goes."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._active: dict[int, str] = {}
        self._lock = threading.Lock()
        self._changed = changed

    @property
    def code(self) -> int:
        """The worst alarm that is on, or NONE."""
        return next((code for code in WORST_FIRST if code in self._active), NONE)

    @property
    def text(self) -> str:
        """The worst alarm in words."""
        return self._active.get(self.code, "")

    def has(self, code: int) -> bool:
        """Whether this alarm is on."""
        return code in self._active

    def set(self, code: int, text: str) -> None:
        """Raise an alarm; a new text for the same one is no news."""
        with self._lock:
            news = code not in self._active
            self._active[code] = text
        if news:
            self._changed()

    def clear(self, code: int) -> None:
        """End this alarm; another stays."""
        with self._lock:
            known = self._active.pop(code, None) is not None
        if known:
            self._changed()
