"""What is wrong with a station now: one code and one line of text."""

from __future__ import annotations

from collections.abc import Callable

NONE, CAMERA, RECORD, OUTPUT, RECIPE, BUSY = range(6)
"""Error codes, as `Line.error_code` gives them."""


class Trouble:
    """The present trouble; `changed` is called when it comes and when it goes."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self.code, self.text = NONE, ""
        self._changed = changed

    def set(self, code: int, text: str) -> None:
        """Be in trouble; a new text for the same trouble is no news."""
        news = code != self.code
        self.code, self.text = code, text
        if news:
            self._changed()

    def clear(self, code: int) -> None:
        """Be out of this trouble; another stays."""
        if self.code == code:
            self.code, self.text = NONE, ""
            self._changed()
