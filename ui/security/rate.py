"""How often one session or address may change something: a few at once, and then so many a second."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from ui.security.throttle import MOST_KEYS
from ui.security.users_file import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """So many at once, and so many more each second."""

    at_once: float
    per_s: float


OPERATOR = Allowance(at_once=20, per_s=5)
"""An operator presses buttons."""
OTHERS = Allowance(at_once=100, per_s=20)
"""An engineer labels parts by key and drags limits."""


class RateLimit:
    """Token buckets, one a key; of more than 1024 keys the one quiet for longest is forgotten."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self._left: OrderedDict[tuple[str, bool], tuple[float, float]] = OrderedDict()

    def wait_s(self, key: str, needed: Role | None) -> float:
        """Take one; 0 where it may be, else how many seconds until there is another."""
        allowed = OPERATOR if needed in (None, Role.OPERATOR) else OTHERS
        bucket, now = (key, allowed is OPERATOR), self.clock()
        left, at = self._left.pop(bucket, (allowed.at_once, now))
        left = min(allowed.at_once, left + max(0.0, now - at) * allowed.per_s)
        waits_s = 0.0 if left >= 1 else (1 - left) / allowed.per_s
        self._left[bucket] = (left if waits_s else left - 1, now)
        while len(self._left) > MOST_KEYS:
            self._left.popitem(last=False)
        return waits_s
