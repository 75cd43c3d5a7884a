"""What distance is usual at each place of the part: a defect is unusual for where it is."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

PRIOR_PICTURES = 5.0
"""Pictures' worth of the whole part's statistics mixed into each place's own; matters for few."""

SIGMA_PATCHES = 1.0
LOWEST_GAIN, HIGHEST_GAIN = 0.25, 1.5
"""A place that never varied is not judged much more strictly: a dull background is no alarm."""


@dataclass(frozen=True, slots=True, eq=False)
class PositionNormalization:
    """Takes distances (..., h, w) to the scale all places share: `gain` and `shift` are (h, w)."""

    gain: Array
    shift: Array

    def apply(self, maps: Array) -> Array:
        """Distances (..., h, w) by how far they are from what is usual where they are."""
        return np.asarray(maps * self.gain + self.shift, dtype=np.float32)


def learn_position_normalization(maps: Array, valid: NDArray[np.bool_]) -> PositionNormalization:
    """Learn from good pictures' distances (n, h, w), where `valid`, each by a model without it.

    Every place is brought to the mean and deviation of all, so that an edge that is never quite
    alike does not drown a faint defect on a face that always is. Contextual anomalies: Chandola,
    Banerjee, Kumar, "Anomaly detection: a survey", ACM Computing Surveys 41 (2009).
    """
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
