"""What a program that stays says on stderr: one line an entry, and lines of a kind counted, not repeated.

For the command line and the page's process alone: libraries install no handlers.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from inspection import outside

SAME_S = 1.0
"""A line of a kind that was just told is counted instead."""
MOST_KINDS = 1000
LONGEST = 500
TRACEBACK = "Traceback (most recent call last)"
"""Some libraries put one into the text itself."""


class OneLine(logging.Formatter):
    """An entry as one line: no traceback, and of a text of many lines the first."""

    def format(self, record: logging.LogRecord) -> str:
        """Make the line."""
        text = first_line(record.getMessage())
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            text = f"{text} ({type(error).__name__}: {first_line(str(error))})"
        more = getattr(record, "more", 0)
        return f"{record.name}: {text}" + (f" (and {more} more like it)" if more else "")


class Counted(logging.Filter):
    """Lets one entry of a kind through a second; a kind is who wrote it.

    What our doors tell they have counted themselves.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock, self._lock = clock, threading.Lock()
        self._kinds: dict[str, tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Say whether the entry is written; it then says how many before it were not."""
        if record.name == outside.__name__:
            return True
        kind = record.name
        now = self._clock()
        with self._lock:
            told_at, more = self._kinds.get(kind, (-SAME_S, 0))
            if now - told_at < SAME_S:
                self._kinds[kind] = told_at, more + 1
                return False
            if len(self._kinds) >= MOST_KINDS:
                self._kinds.clear()
            self._kinds[kind] = now, 0
        record.more = more
        return True


def install() -> None:
    """Write all that is logged, and what ends a thread, as single lines to stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(OneLine())
    handler.addFilter(Counted())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.captureWarnings(True)
    threading.excepthook = _thread_ended
    sys.unraisablehook = _unraisable


def first_line(text: str) -> str:
    """The first line of a text, without what a terminal would obey."""
    line = next(iter(text.strip().splitlines()), "").partition(TRACEBACK)[0].rstrip("; ")
    return "".join(each if each.isprintable() else "?" for each in line)[:LONGEST]


def _thread_ended(told: Any) -> None:
    name = "?" if told.thread is None else told.thread.name
    error = told.exc_value or told.exc_type()
    logging.getLogger("threads").error(
        "thread %s ended: %s: %s", name, type(error).__name__, first_line(str(error))
    )


def _unraisable(told: Any) -> None:
    error = told.exc_value
    logging.getLogger("clean-up").error(
        "%s: %s: %s", told.err_msg or "could not be cleared away", type(error).__name__, error
    )
