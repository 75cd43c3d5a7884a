"""A blocking call that nobody has to wait for longer than they want."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Attempt(Generic[T]):
    """Run a call in a thread of its own: a frozen device blocks its library for ten seconds.

    The thread cannot be stopped; it ends when the call does, and never keeps the program alive.
    """

    def __init__(self, call: Callable[[], T]) -> None:
        self._call = call
        self._error: BaseException | None = None
        self._values: list[T] = []
        self._thread = threading.Thread(target=self._run, daemon=True, name="camera-call")
        self._thread.start()

    def done(self, timeout_s: float) -> bool:
        """Wait for the call to end, at most so long; returns whether it has."""
        self._thread.join(max(timeout_s, 0.0))
        return not self._thread.is_alive()

    def result(self) -> T:
        """What the call returned once it is done; raises what it raised."""
        if self._error is not None:
            raise self._error
        return self._values[0]

    def _run(self) -> None:
        try:
            self._values.append(self._call())
        except BaseException as exc:
            self._error = exc
