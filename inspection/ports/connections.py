"""The connections of one port: so many at most, and none for ever that says nothing.

When a port or an address has all it may have, a new connection takes the place of the one that has
said nothing for longest. Whoever fills a port with silent connections so drives out his own.
"""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Callable
from contextlib import suppress

MOST, MOST_OF_ONE = 256, 128
"""Connections of a port, and of them from one address."""
IDLE_S = 10.0
BACKLOG = 128
BACK_OFF_S = 0.2
EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
"""What `accept` fails with when a process or computer has no more to give; trying at once is in vain."""


class Connection:
    """One connection; while it is at work nobody takes its place."""

    def __init__(
        self,
        address: str,
        close: Callable[[], object],
        heard_at: float,
        at_work: Callable[[], bool] | None,
    ) -> None:
        self.address, self.heard_at, self.busy = address, heard_at, 0
        self._close, self._at_work = close, at_work

    @property
    def at_work(self) -> bool:
        """Whether a request of it is worked on."""
        return self.busy > 0 or (self._at_work is not None and self._at_work())

    def close(self) -> None:
        """Hang up."""
        with suppress(OSError, RuntimeError):
            self._close()


class Connections:
    """Knows the connections of one port. Any thread may call."""

    def __init__(
        self,
        *,
        most: int = MOST,
        most_of_one: int = MOST_OF_ONE,
        idle_s: float = IDLE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.most, self.most_of_one, self.idle_s = most, most_of_one, idle_s
        self._clock, self._lock = clock, threading.Lock()
        self._open: dict[int, Connection] = {}

    def __len__(self) -> int:
        return len(self._open)

    def enter(
        self,
        address: str,
        close: Callable[[], object],
        at_work: Callable[[], bool] | None = None,
    ) -> Connection | None:
        """Let a connection in, in place of a silent one where there are too many; None: no room.

        `close` hangs up.
        """
        new = Connection(address, close, self._clock(), at_work)
        with self._lock:
            rivals = self._rivals(address)
            silent = min(
                (each for each in rivals if not each.at_work),
                key=lambda each: each.heard_at,
                default=None,
            )
            if rivals and silent is None:
                return None
            if silent is not None:
                self._open.pop(id(silent))
            self._open[id(new)] = new
        if silent is not None:
            silent.close()
        return new

    def heard(self, connection: Connection) -> None:
        """Note that a connection said something that makes sense."""
        connection.heard_at = self._clock()

    def leave(self, connection: Connection) -> None:
        """Forget a connection that ended; safe twice."""
        with self._lock:
            self._open.pop(id(connection), None)

    def close_idle(self) -> None:
        """Hang up on those that have said nothing for `idle_s`."""
        before = self._clock() - self.idle_s
        with self._lock:
            idle = [
                each for each in self._open.values() if each.heard_at < before and not each.at_work
            ]
            for each in idle:
                self._open.pop(id(each))
        for each in idle:
            each.close()

    def _rivals(self, address: str) -> list[Connection]:
        """Those of whom one must go before another comes; none where there is room."""
        everybody = list(self._open.values())
        same = [each for each in everybody if each.address == address]
        if len(same) >= self.most_of_one:
            return same
        return everybody if len(everybody) >= self.most else []
