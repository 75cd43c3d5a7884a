"""Every k-th part off: an average for each place in a cycle, for every length of cycle."""

from __future__ import annotations

import numpy as np

from models.sequence import _charts
from models.sequence.base import Channel, Floats, Rows, SequenceModel
from models.sequence.ewma import CLIP

LONGEST = 24
SLOW = 0.05


class Periodic(SequenceModel):
    """EWMA charts over every k-th part, k from 2 to 24: one cavity, pallet or nozzle that is off."""

    name = "periodic"
    reach = 1000
    rehearsed = 40_000

    def __init__(self, *, weight: float = 0.25, false_alarms: float = 1.0, seed: int = 0) -> None:
        super().__init__(false_alarms=false_alarms, seed=seed)
        self.weight = weight

    def learn(self, good: Rows) -> Floats:
        """Nothing but the columns: they are standardised already."""
        self.channels_ = tuple(Channel("every k-th part off", i) for i in range(len(good.names)))
        return self.residuals(good)

    def residuals(self, rows: Rows) -> Floats:
        """The standardised columns less their slow average: what all parts share is no cycle."""
        z = rows.z.clip(-CLIP, CLIP)
        return z - _charts.ewma(z, SLOW)

    def chart(self, residuals: Floats) -> Floats:
        """The worst of all cycles, in deviations of its average."""
        return np.asarray(self._cycles(residuals).max(axis=0))

    def rule(self, rows: Rows, part: int, channel: int) -> str:
        """The shortest cycle that explains it."""
        residuals = self.residuals(rows[: part + 1])[:, [channel]]
        found = self._cycles(residuals)[:, -1, 0]
        period = 2 + int(np.argmax(found >= 0.9 * found.max()))
        return f"every {period}th part off" if period > 3 else f"every {period}. part off"

    def _cycles(self, residuals: Floats) -> Floats:
        deviation = _charts.ewma_deviation(self.weight)
        return (
            np.stack([abs(_charts.comb(residuals, k, self.weight)) for k in range(2, LONGEST + 1)])
            / deviation
        )
