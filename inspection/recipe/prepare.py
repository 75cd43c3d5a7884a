"""Steps that prepare a picture before the model looks: the same at training and at the station.

Each knows nothing but the picture, so that a recipe keeps no more than their names. They come after the
picture's health was measured: bad light is told, whatever a step makes of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Step = Literal["flat_field", "denoise", "colour"]

LIGHT = 1 / 4
"""Sigma of what counts as light, as a share of the picture's shorter side."""

MIDDLE, SPREAD = 128.0, 48.0
"""Grey levels that each channel is brought to."""

MOST_GAIN = 4.0


def prepare(canvas: Image, steps: Sequence[Step]) -> Image:
    """Prepare a canvas (H, W, 3) RGB by each step in turn."""
    for step in steps:
        canvas = STEPS[step](canvas)
    return canvas


def flat_field(canvas: Image) -> Image:
    """Divide by the light, estimated as what is left of the picture's brightness after a wide blur.

    Retrospective shading correction: Likar et al., "Retrospective shading correction based on entropy
    minimization", Journal of Microscopy 197, 2000, section on filtering.
    """
    grey = cv2.cvtColor(canvas, cv2.COLOR_RGB2GRAY).astype(np.float32)
    light = cv2.GaussianBlur(grey, (0, 0), LIGHT * min(grey.shape))
    gain = np.clip(grey.mean() / np.maximum(light, 1.0), 1 / MOST_GAIN, MOST_GAIN)
    return _levels(canvas * gain[..., None])


def denoise(canvas: Image) -> Image:
    """Smooth what is fainter than edges: a bilateral filter (Tomasi and Manduchi, ICCV 1998)."""
    return np.asarray(cv2.bilateralFilter(canvas, 5, 20.0, 2.0), np.uint8)


def colour(canvas: Image) -> Image:
    """Bring each channel's mean and spread to the same (Reinhard et al., IEEE CG&A 2001)."""
    mean, spread = (each.reshape(1, 1, 3) for each in cv2.meanStdDev(canvas))
    gain = np.minimum(SPREAD / np.maximum(spread, 1.0), MOST_GAIN)
    return _levels(MIDDLE + (canvas - mean) * gain)


def _levels(values: NDArray[np.floating[Any]]) -> Image:
    return np.asarray(np.clip(values + 0.5, 0, 255), np.uint8)


STEPS: Mapping[Step, Callable[[Image], Image]] = {
    "flat_field": flat_field,
    "denoise": denoise,
    "colour": colour,
}
