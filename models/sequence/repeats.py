"""Frozen and replayed feeds: parts that show exactly what an earlier part showed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.sequence._charts import run_length
from models.sequence.base import Channel, Floats, Rows, SequenceModel

LEAST_RUN = 2
"""One part seen twice may be one part seen twice."""
FEW = 200


class Repeats(SequenceModel):
    """Runs of parts whose picture, or whose every number, equals those a fixed way back."""

    name = "repeats"
    reach = 1000

    def learn(self, good: Rows) -> Floats:
        """Find the longest run among good parts: rounded numbers may be equal by chance."""
        self.channels_ = (Channel("shows what an earlier part showed"),)
        return self.residuals(good)

    def residuals(self, rows: Rows) -> Floats:
        """Which parts are equal, as integers."""
        return rows.same.astype(np.float64)

    def chart(self, residuals: Floats) -> Floats:
        """The longest run that ends at each part (n, 1)."""
        return self._runs(residuals)[0][:, None]

    def calibrate(self, held_out: Floats) -> Floats:
        """One more than the longest run of good parts, and at least `LEAST_RUN`."""
        longest = float(self.chart(held_out).max())
        return np.array([max(LEAST_RUN, longest + 1) - 0.5])

    def rule(self, rows: Rows, part: int, channel: int) -> str:
        """How far back the same was shown."""
        back = int(self._runs(self.residuals(rows[: part + 1]))[1][-1])
        if back == 1:
            return "frozen: shows what the part before showed"
        return f"replayed: shows what was shown {back} parts before"

    def _runs(self, same: Floats) -> tuple[Floats, Floats]:
        """The longest run at each part, and how many parts back its like is."""
        longest, back = np.zeros(len(same)), np.zeros(len(same))
        for lag in _lags(same, self.reach):
            equal = np.zeros(len(same), dtype=np.bool_)
            equal[lag:] = np.any((same[lag:] == same[:-lag]) & (same[lag:] >= 0), axis=1)
            run = run_length(equal)
            back[run > longest] = lag
            longest = np.maximum(longest, run)
        return longest, back


def _lags(same: Floats, most: int) -> list[int]:
    """How far apart parts are that are equal, the nearest first; all distances where many are."""
    rows = np.unique(np.concatenate([_not_alone(column) for column in same.T]))
    if len(rows) > FEW:
        return list(range(1, min(most, len(same) - 1) + 1))
    apart = np.unique(rows[:, None] - rows)
    return [int(lag) for lag in apart if 0 < lag <= most]


def _not_alone(column: Floats) -> NDArray[np.intp]:
    _, place, count = np.unique(column, return_inverse=True, return_counts=True)
    return np.flatnonzero((count[place] > 1) & (column >= 0))
