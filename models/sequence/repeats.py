"""Frozen and replayed feeds: parts that show exactly what an earlier part showed."""

from __future__ import annotations

import numpy as np

from models.sequence.base import Channel, Floats, Rows, SequenceModel

LEAST_RUN = 2
"""One part seen twice may be one part seen twice."""


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
        n, most = len(same), min(self.reach, max(1, len(same) - 1))
        runs, longest, back = np.zeros(most), np.zeros(n), np.zeros(n)
        for i in range(1, n):
            lags = min(i, most)
            earlier = same[i - lags : i][::-1]
            equal = np.any((earlier == same[i]) & (same[i] >= 0), axis=1)
            runs[:lags] = np.where(equal, runs[:lags] + 1, 0)
            best = int(np.argmax(runs[:lags]))
            longest[i], back[i] = runs[best], best + 1
        return longest, back
