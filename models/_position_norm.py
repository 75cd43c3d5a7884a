"""What distance is usual at each place of the part: a defect is unusual for where it is."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models._density import LEAST_DEVIATION

Array = NDArray[np.float32]

PRIOR_PICTURES = 60.0
"""Pictures' worth of the whole part's statistics mixed into each place's own.

So many, that few pictures change little: on sets it was not chosen on, fewer cost more than they gain.
"""

SIGMA_PATCHES = 1.0
LOWEST_GAIN, HIGHEST_GAIN = 0.25, 1.5
"""A place that never varied is not judged much more strictly: a dull background is no alarm."""


@dataclass(frozen=True, slots=True, eq=False)
class PositionNormalization:
    """Brings maps (..., h, w) to deviations of good patches: `gain` and `shift` are (h, w)."""

    gain: Array
    shift: Array

    def apply(self, maps: Array) -> Array:
        """How far each place of the maps is above what is usual there, in deviations."""
        return np.asarray(maps * self.gain + self.shift, dtype=np.float32)


def learn_positions(
    maps: Array, valid: NDArray[np.bool_], folds: NDArray[np.intp]
) -> tuple[PositionNormalization, Array]:
    """Learn what is usual at each place from good pictures' held-out maps (n, h, w), where `valid`.

    Every place is brought to the mean and deviation of all, so that an edge that is never quite
    alike does not drown a faint defect on a face that always is; then all to mean 0 and deviation 1.
    Returns that, and the maps by what the other folds say. Contextual anomalies: Chandola, Banerjee,
    Kumar, "Anomaly detection: a survey", ACM Computing Surveys 41 (2009).
    """
    normalized = np.empty_like(maps)
    for fold in np.unique(folds):
        own = folds == fold
        others = own if own.all() else ~own
        normalized[own] = _usual(maps[others], valid[others]).apply(maps[own])
    mean, deviation = (
        float(normalized[valid].mean()),
        max(float(normalized[valid].std()), LEAST_DEVIATION),
    )
    places = _usual(maps, valid)
    gain, shift = places.gain / deviation, (places.shift - mean) / deviation
    normalization = PositionNormalization(gain.astype(np.float32), shift.astype(np.float32))
    return normalization, ((normalized - mean) / deviation).astype(np.float32)


def _usual(maps: Array, valid: NDArray[np.bool_]) -> PositionNormalization:
    """Bring each place of maps (n, h, w) to the mean and deviation of all."""
    mean, deviation = float(maps[valid].mean()), float(maps[valid].std())
    count = _around(valid.sum(0)) + PRIOR_PICTURES
    usual = (_around((maps * valid).sum(0)) + PRIOR_PICTURES * mean) / count
    spread = _around(((maps - usual) ** 2 * valid).sum(0)) + PRIOR_PICTURES * deviation**2
    ratio = deviation / np.sqrt(np.maximum(spread / count, 1e-12))
    gain = np.asarray(ratio.clip(LOWEST_GAIN, HIGHEST_GAIN), dtype=np.float32)
    return PositionNormalization(gain, np.asarray(mean - usual * gain, dtype=np.float32))


def _around(plane: NDArray[np.generic]) -> Array:
    blurred = cv2.GaussianBlur(plane.astype(np.float32), (0, 0), SIGMA_PATCHES)
    return np.asarray(blurred, dtype=np.float32)
