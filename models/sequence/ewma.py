"""The EWMA chart: small lasting shifts of a mean."""

from __future__ import annotations

from models.sequence import _charts
from models.sequence.base import Channel, Floats, Rows, SequenceModel

CLIP = 4.0
"""One part, however odd, is no drift."""


class Ewma(SequenceModel):
    """A moving average of each column that forgets: small lasting shifts (Roberts 1959)."""

    name = "ewma"

    def __init__(self, *, weight: float = 0.05, false_alarms: float = 1.0, seed: int = 0) -> None:
        super().__init__(false_alarms=false_alarms, seed=seed)
        self.weight = weight

    def learn(self, good: Rows) -> Floats:
        """Nothing but the columns: they are standardised already."""
        self.channels_ = tuple(
            Channel("moving average out of its limits", i) for i in range(len(good.names))
        )
        return self.residuals(good)

    def residuals(self, rows: Rows) -> Floats:
        """The standardised columns, cut at `CLIP`."""
        return rows.z.clip(-CLIP, CLIP)

    def chart(self, residuals: Floats) -> Floats:
        """The average's distance from 0, in its own deviations."""
        return abs(_charts.ewma(residuals, self.weight)) / _charts.ewma_deviation(self.weight)
