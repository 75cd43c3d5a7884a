"""Defects drawn into good pictures for a model to be taught on: blobs of another picture's texture.

Zavrtanik et al., "DRAEM", ICCV 2021: where smooth noise is high, another texture lies over the part. They are
not the scars and stains by which training counts escapes: those a model had been taught on would flatter it.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from models.base import CanvasImage, Picture

COARSEST, FINEST = 4, 32
"""Cells of the noise along the picture's longer side, between which one is drawn."""
COVERED = (0.02, 0.15)
"""Share of the picture that lies above the cut through the noise."""
OPACITY = (0.3, 1.0)
LEAST_STEP = 10
"""Grey levels by which a pixel must differ: what nobody can see teaches nothing."""


def draw_blobs(
    picture: Picture, donor: CanvasImage, rng: np.random.Generator
) -> tuple[CanvasImage, NDArray[np.bool_]]:
    """Draw blobs of `donor` (H, W, 3), shifted, into a good picture: the canvas, and where they show (H, W)."""
    height, width = picture.canvas.shape[:2]
    cells = rng.uniform(COARSEST, FINEST) / max(height, width)
    shape = max(2, round(cells * height)), max(2, round(cells * width))
    noise = rng.standard_normal(shape).astype(np.float32)
    field = cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)
    drawn = (field > np.quantile(field, 1 - rng.uniform(*COVERED))) & picture.valid
    shift = int(rng.integers(height)), int(rng.integers(width))
    texture = np.roll(donor, shift, (0, 1))[drawn]
    opacity = rng.uniform(*OPACITY)
    canvas = picture.canvas.copy()
    canvas[drawn] = np.round(opacity * texture + (1 - opacity) * canvas[drawn])
    return canvas, cv2.absdiff(canvas, picture.canvas).max(2) >= LEAST_STEP
