"""The CUSUM chart: the shift it is set to is found soonest, and its beginning is known."""

from __future__ import annotations

import numpy as np

from models.base import NotFitted
from models.sequence import _charts
from models.sequence.base import Channel, Floats, Rows, SequenceModel
from models.sequence.ewma import CLIP

HELD = 1.5
"""The sums grow to so many times their limits."""


class Cusum(SequenceModel):
    """Sums of what each column exceeds an allowance by, upward and downward (Page 1954)."""

    name = "cusum"
    reach = 500

    def __init__(
        self, *, allowance: float = 0.25, false_alarms: float = 1.0, seed: int = 0
    ) -> None:
        super().__init__(false_alarms=false_alarms, seed=seed)
        self.allowance = allowance

    def learn(self, good: Rows) -> Floats:
        """Nothing but the columns: they are standardised already."""
        self.channels_ = tuple(
            Channel("sum of deviations out of its limits", i) for i in range(len(good.names))
        )
        return self.residuals(good)

    def residuals(self, rows: Rows) -> Floats:
        """The standardised columns, cut at `CLIP`."""
        return rows.z.clip(-CLIP, CLIP)

    def chart(self, residuals: Floats) -> Floats:
        """The larger of both sums."""
        return np.maximum(*_charts.cusum(residuals, self.allowance))

    def statistic(self, rows: Rows) -> Floats:
        """The same, held a little above the limits: what is over is not raised for long after."""
        if not hasattr(self, "limits_"):
            raise NotFitted(f"method {self.name}: nothing was learnt yet")
        return np.maximum(*self._held(rows))

    def onset(self, rows: Rows, part: int, channel: int) -> int:
        """The part after the last at which the sum that is out was 0 (Page 1954)."""
        sums = [each[:, channel] for each in self._held(rows[: part + 1])]
        zero = max(sums, key=lambda each: float(each[-1])) == 0
        return int(np.flatnonzero(zero)[-1]) + 1 if zero.any() else 0

    def _held(self, rows: Rows) -> tuple[Floats, Floats]:
        return _charts.held_cusum(self.residuals(rows), self.allowance, HELD * self.limits_)
