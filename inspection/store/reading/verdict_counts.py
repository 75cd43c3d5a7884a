"""Parts by verdict; those that came in a pause, or without a recipe, are counted apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from inspection.judgement import Verdict
from inspection.reasons import OUTSIDE_YIELD


@dataclass(frozen=True, slots=True)
class VerdictCounts:
    """How many parts got each verdict; `outside_yield` are not among them: nothing could judge them."""

    verdicts: Mapping[Verdict, int]
    outside_yield: int = 0

    @classmethod
    def of(cls, rows: Iterable[tuple[str, str | None, int]]) -> Self:
        """Add up rows of verdict, code of the reason, and how many parts."""
        verdicts, without = dict.fromkeys(Verdict, 0), 0
        for verdict, code, count in rows:
            if code in OUTSIDE_YIELD:
                without += count
            else:
                verdicts[Verdict(verdict)] += count
        return cls(verdicts, without)

    @property
    def judged(self) -> int:
        """The parts that were to be inspected."""
        return sum(self.verdicts.values())

    @property
    def parts(self) -> int:
        """All of them."""
        return self.judged + self.outside_yield

    @property
    def yield_share(self) -> float | None:
        """The share of PASS among the parts that were to be inspected; None where there is none."""
        return self.verdicts[Verdict.PASS] / self.judged if self.judged else None
