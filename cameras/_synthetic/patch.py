"""What a defect is drawn on and with.

A patch is drawn on a oversampled canvas, at twice the picture's size, and brought down, so that thin
things stay thin. Places on it are in picture pixels from its middle.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from cameras._synthetic.products import FloatImage

OVERSAMPLING = 2


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Patch:
    """What a defect does: light becomes light · gain + add; `body` is its inside, for the truth.

    `gain` and `add` are (n, n, 3) float32, `body` (n, n) bool; clipped to the metal if `on_metal`.
    """

    gain: FloatImage
    add: FloatImage
    body: NDArray[np.bool_]
    on_metal: bool


def make_patch(
    gain: FloatImage,
    *,
    add: FloatImage | None = None,
    body: NDArray[np.bool_] | None = None,
    on_metal: bool = True,
) -> Patch:
    """A patch of this gain, (n, n) or (n, n, 3); nothing is added and it has no body by default."""
    shape = (*gain.shape[:2], 3)
    full = np.broadcast_to(gain if gain.ndim == 3 else gain[..., None], shape)
    return Patch(
        gain=full.astype(np.float32),
        add=np.zeros(shape, np.float32) if add is None else add,
        body=np.zeros(shape[:2], np.bool_) if body is None else body,
        on_metal=on_metal,
    )


def log_uniform(rng: Generator, low: float, high: float) -> float:
    """Draw a number between two, evenly over its logarithm."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def oversampled_side(side_px: float) -> int:
    """The side of an oversampled canvas, in its own pixels, for a patch about this wide."""
    return OVERSAMPLING * (2 * int(side_px / 2) + 1)


def oversampled_grid(side: int) -> tuple[FloatImage, FloatImage]:
    """x (1, side) and y (side, 1) of an oversampled canvas, in picture pixels from its middle."""
    axis = ((np.arange(side) + 0.5 - side / 2) / OVERSAMPLING).astype(np.float32)
    return axis[None, :], axis[:, None]


def downsampled(fine: FloatImage) -> FloatImage:
    """An oversampled canvas (side, side) at the picture's scale, each pixel the mean of its own."""
    half = fine.shape[0] // OVERSAMPLING
    return cv2.resize(np.asarray(fine, np.float32), (half, half), interpolation=cv2.INTER_AREA)


def to_fixed_point(path: NDArray[np.float64], side: int) -> NDArray[np.int32]:
    """Points (n, 2) from the middle as (n, 1, 2) int32 in 1/16 px of the canvas, as cv2 draws them."""
    return np.round((path * OVERSAMPLING + side / 2 - 0.5) * 16).astype(np.int32)[:, None, :]


def shifted(image: FloatImage, by_px: NDArray[np.float64]) -> FloatImage:
    """An image moved by (1, 2) pixels, x then y; 0 comes in at the edges."""
    move = np.array([[1, 0, by_px[0, 0]], [0, 1, by_px[0, 1]]], np.float32)
    return cv2.warpAffine(image, move, image.shape[::-1])


def smooth_noise(side: int, cells: int, rng: Generator) -> FloatImage:
    """Random noise (side, side) float32, smooth over a grid of `cells`, of deviation about 1."""
    coarse = rng.standard_normal((cells, cells), dtype=np.float32)
    return cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC)


def bent_line(
    length: float, angle: float, bend: float, rng: Generator, *, wander: float = 0.008
) -> NDArray[np.float64]:
    """Points (36, 2) of a line through the middle, bent to one side and a little unsteady, in px."""
    t = np.linspace(-0.5, 0.5, 36)
    drift = np.cumsum(rng.standard_normal(36)) / 6
    drift = np.convolve(drift - drift.mean(), np.ones(7) / 7, mode="same")
    off = (bend * (0.25 - 4 * t * t * 0.25) * 2 + wander * drift) * length
    along = t * length
    return rotated(along, off, angle)


def rotated(
    along: NDArray[np.float64], across: NDArray[np.float64], angle: FloatImage | float
) -> NDArray[np.float64]:
    """Points (n, 2) drawn along the x axis, turned by one angle in radians, or each by its own."""
    cos, sin = np.cos(angle), np.sin(angle)
    return np.stack([along * cos - across * sin, along * sin + across * cos], 1)
