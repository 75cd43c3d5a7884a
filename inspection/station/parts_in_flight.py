"""The parts on their way through a station, and the counts of all that went."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Sequence
from typing import Any, TypedDict

from inspection.judgement import Verdict
from inspection.plant.messages import InspectionResult
from inspection.reasons import OUTSIDE_YIELD, Reason
from inspection.station.part import Part
from inspection.station.status import Times


class Totals(TypedDict):
    """Triggers taken, answers told, and how often each verdict was told, since the station started."""

    triggers: int
    answers: int
    verdicts: dict[str, int]


RECENT = 100
"""Latest parts that are looked at for how many could not be judged."""


class PartsInFlight:
    """Knows each part from its trigger to its answer. Any thread may ask."""

    def __init__(self) -> None:
        self.times = Times()
        self.taken, self.answered = 0, 0
        self._verdicts: Counter[str] = Counter()
        self._recent: deque[Reason | None] = deque(maxlen=RECENT)
        """Why the latest parts could not be judged; None for those that were."""
        self._parts: dict[str, Part] = {}
        self._lock = threading.Lock()

    def __bool__(self) -> bool:
        return bool(self._parts)

    def __contains__(self, part_id: str) -> bool:
        return part_id in self._parts

    def all(self) -> list[Part]:
        """Copy the parts on their way, the oldest first."""
        with self._lock:
            return list(self._parts.values())

    def has_trigger(self, trigger_id: str) -> bool:
        """Whether a part of this trigger is on its way."""
        return any(part.request.trigger_id == trigger_id for part in self.all())

    def add(self, part: Part) -> None:
        """Count a trigger that was taken."""
        with self._lock:
            self.taken += 1
            self._parts[part.part_id] = part

    def remove(self, part: Part, told: InspectionResult) -> None:
        """Count an answered part, its verdict as the line was told, and its times."""
        judged = told.verdict is not Verdict.CANNOT_INSPECT
        for stage, ms in part.times_ms().items():
            self.times.add(stage, ms)
        with self._lock:
            self._parts.pop(part.part_id, None)
            self.answered += 1
            self._verdicts[told.verdict.value] += 1
            if told.cause.code not in OUTSIDE_YIELD:
                self._recent.append(None if judged else told.cause)

    def count_rejected(self, count: int) -> None:
        """Count triggers that were recorded as rejected without having been parts here."""
        with self._lock:
            self._verdicts[Verdict.CANNOT_INSPECT.value] += count

    def not_judged(self) -> dict[str, Any]:
        """Counts of one moment, of the latest parts."""
        with self._lock:
            recent = list(self._recent)
        return counted(recent)

    def totals(self) -> Totals:
        """Counts of one moment."""
        with self._lock:
            return {
                "triggers": self.taken,
                "answers": self.answered,
                "verdicts": dict(+self._verdicts),
            }


def counted(recent: Sequence[Reason | None]) -> dict[str, Any]:
    """How many parts, and of each reason not to judge one how many and the last in words; the commonest first."""
    causes = [cause for cause in recent if cause is not None]
    last = {cause.code: cause.sentence for cause in causes}
    codes = Counter(cause.code for cause in causes).most_common()
    return {
        "of": len(recent),
        "reasons": [{"code": code, "n": n, "last": last[code]} for code, n in codes],
    }
