"""Hotelling's T² and Q on principal components: parts whose columns do not go together as usual."""

from __future__ import annotations

import numpy as np

from models.sequence import _charts
from models.sequence.base import Channel, Floats, Rows, SequenceModel

SHARE = 0.9


class Pca(SequenceModel):
    """T² within the components of good parts, Q outside of them (Jackson and Mudholkar 1979).

    Both of the part itself and of a moving average of parts (a multivariate EWMA, Lowry 1992).
    """

    name = "pca"
    family = "sequence: Gaussian"

    def __init__(self, *, weight: float = 0.1, false_alarms: float = 1.0, seed: int = 0) -> None:
        super().__init__(false_alarms=false_alarms, seed=seed)
        self.weight = weight

    def learn(self, good: Rows) -> Floats:
        """Find the components that hold `SHARE` of the variance."""
        _, singular, directions = np.linalg.svd(good.z, full_matrices=False)
        variance = singular**2 / len(good)
        kept = 1 + int(np.searchsorted(np.cumsum(variance) / variance.sum(), SHARE))
        kept = max(1, min(kept, good.z.shape[1] - 1))
        self.directions_, self.variance_ = directions[:kept], np.maximum(variance[:kept], 1e-12)
        self.channels_ = tuple(
            Channel(rule)
            for rule in ("T² of a part", "Q of a part", "T² of the average", "Q of the average")
        )
        return self.residuals(good)

    def residuals(self, rows: Rows) -> Floats:
        """The standardised columns."""
        return rows.z.clip(-8.0, 8.0)

    def chart(self, residuals: Floats) -> Floats:
        """T² and Q of the parts, and of their average in its own deviations."""
        average = _charts.ewma(residuals, self.weight) / _charts.ewma_deviation(self.weight)
        return np.stack([*self._distances(residuals), *self._distances(average)], axis=1)

    def column(self, rows: Rows, part: int, channel: int) -> int | None:
        """The column that adds most."""
        z = self.residuals(rows)
        seen = (_charts.ewma(z, self.weight) if channel >= 2 else z)[part]
        scores = seen @ self.directions_.T
        left = seen - scores @ self.directions_
        if channel % 2:
            return int(np.argmax(left**2))
        return int(np.argmax(np.abs(seen * ((scores / self.variance_) @ self.directions_))))

    def _distances(self, z: Floats) -> tuple[Floats, Floats]:
        scores = z @ self.directions_.T
        left = z - scores @ self.directions_
        return np.sum(scores**2 / self.variance_, axis=1), np.sum(left**2, axis=1)
