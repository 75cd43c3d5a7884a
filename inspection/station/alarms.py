"""What is wrong with a station now: a code and one line of text for each trouble there is."""

from __future__ import annotations

import threading
from collections.abc import Callable

NONE, CAMERA, RECORD, OUTPUT, RECIPE, BUSY = range(6)
"""Error codes, as `Line.error_code` gives them."""

WORST_FIRST = (OUTPUT, RECORD, CAMERA)


class Alarms:
    """The present troubles; `changed` is called when one comes and when one goes."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._present: dict[int, str] = {}
        self._lock = threading.Lock()
        self._changed = changed

    @property
    def code(self) -> int:
        """The worst trouble present, or NONE."""
        return next((code for code in WORST_FIRST if code in self._present), NONE)

    @property
    def text(self) -> str:
        """The worst trouble in words."""
        return self._present.get(self.code, "")

    def has(self, code: int) -> bool:
        """Whether this trouble is present."""
        return code in self._present

    def set(self, code: int, text: str) -> None:
        """Be in trouble; a new text for the same trouble is no news."""
        with self._lock:
            news = code not in self._present
            self._present[code] = text
        if news:
            self._changed()

    def clear(self, code: int) -> None:
        """Be out of this trouble; another stays."""
        with self._lock:
            known = self._present.pop(code, None) is not None
        if known:
            self._changed()
