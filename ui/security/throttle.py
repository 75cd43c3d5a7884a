"""Slows whoever guesses: after a few failures every further try has to wait longer."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

FREE_FAILURES = 5
FORGET_S = 900.0
MOST_KEYS = 1024


class LoginThrottle:
    """Counts the failures of a name or an address and says how long its next try has to wait.

    The fifth failure in a row costs 1 s, each further one twice as much, never over `longest_s`.
    A key that was quiet for 15 minutes is forgotten; of more than 1024 keys the one quiet for
    longest is, so that memory stays bounded whatever is tried.
    """

    def __init__(self, clock: Callable[[], float], *, longest_s: float) -> None:
        self.clock, self.longest_s = clock, longest_s
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._failures)

    def wait_s(self, key: str) -> float:
        """Tell how many seconds are left until this key may try again; 0 is now."""
        count, last = self._seen(key)
        if count < FREE_FAILURES:
            return 0.0
        delay_s = min(2.0 ** min(count - FREE_FAILURES, 30), self.longest_s)
        return max(0.0, last + delay_s - self.clock())

    def failed(self, key: str) -> None:
        """Count one more failure, now."""
        self._failures[key] = (self._seen(key)[0] + 1, self.clock())
        self._failures.move_to_end(key)
        while len(self._failures) > MOST_KEYS:
            self._failures.popitem(last=False)

    def withdraw(self, key: str) -> None:
        """Take back one failure that turned out to be none."""
        count, last = self._seen(key)
        self._failures[key] = (count - 1, last)
        if count <= 1:
            self.forget(key)

    def forget(self, key: str) -> None:
        """Start anew with this key."""
        self._failures.pop(key, None)

    def _seen(self, key: str) -> tuple[int, float]:
        count, last = self._failures.get(key, (0, 0.0))
        return (0, 0.0) if self.clock() - last > FORGET_S else (count, last)
