"""How unusual a distance is for what a patch looks like: good distances near its own memory points.

Some kinds of patch vary more than others, wherever they lie: an edge more than a face. After local
density calibration (LDKNN: Xiao et al., arXiv 2308.12577), with mean and variance booked at the memory's points.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Rows = NDArray[np.integer]

NEIGHBOURS = 5
"""Memory points a good patch is booked at, and a judged one reads at."""

GROUPS = 50
"""Parts of the memory, of which each offers one neighbour."""

PRIOR_PATCHES = 5.0
"""Patches' worth of the whole memory's statistics mixed into each reading."""

LEAST_VARIANCE = 0.01
"""Of a reading, as a share of the variance of all good distances."""

LEAST_SQUARED = 1e-3
"""Squared distance below which rounding is all there is."""

LEAST_DEVIATION = 0.05
"""Of whitened distances: pictures all but equal must not turn rounding into deviations."""


@dataclass(frozen=True, slots=True, eq=False)
class LocalDensity:
    """What distances are usual at each point of a memory.

    `booked` (m, 3) are count, sum and sum of squares of the good distances booked at each point;
    `mean` and `variance` are those of all.
    """

    booked: Array
    mean: float
    variance: float

    @property
    def least_variance(self) -> float:
        """The least variance that a reading is taken to have."""
        return max(LEAST_VARIANCE * self.variance, LEAST_DEVIATION**2)

    def standardise(self, distances: Array, neighbours: Rows) -> Array:
        """Bring distances (...) to deviations above what is usual at their memory points (..., k)."""
        count, total, squares = np.moveaxis(self.booked[neighbours].sum(-2), -1, 0)
        count = count + PRIOR_PATCHES
        usual = (total + PRIOR_PATCHES * self.mean) / count
        variance = (squares + PRIOR_PATCHES * (self.variance + self.mean**2)) / count - usual**2
        deviation = np.sqrt(np.maximum(variance, self.least_variance))
        return np.asarray((distances - usual) / deviation, np.float32)


def learn_density(
    distances: Array, neighbours: Rows, valid: NDArray[np.bool_], folds: NDArray[np.intp], size: int
) -> tuple[LocalDensity, Array]:
    """Book good patches' held-out distances (n, p) at their memory points (n, p, k) of `size`.

    Returns what all pictures say, and the standardised distances (n, p) of each by what the other
    folds say. `valid` (n, p); `folds` (n,) counts from 0.
    """
    by_fold = np.zeros((int(folds.max()) + 1, size, 3))
    for fold, booked in enumerate(by_fold):
        own = valid & (folds == fold)[:, None]
        points = neighbours[own].ravel()
        values = np.repeat(distances[own].astype(np.float64), neighbours.shape[-1])
        for power in range(3):
            booked[:, power] = np.bincount(points, values**power, size)
    everything = by_fold.sum(0)
    mean, variance = float(distances[valid].mean()), float(distances[valid].var())
    standardised = np.zeros_like(distances)
    for fold, booked in enumerate(by_fold):
        others = everything - booked if len(by_fold) > 1 else everything
        density = LocalDensity(others.astype(np.float32), mean, variance)
        own_fold = folds == fold
        standardised[own_fold] = density.standardise(distances[own_fold], neighbours[own_fold])
    return LocalDensity(everything.astype(np.float32), mean, variance), standardised
