"""The defects of a surface. Sizes are for a picture of 512 px and grow with it."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from cameras._synthetic.contamination import contamination
from cameras._synthetic.patch import (
    OVERSAMPLING,
    Patch,
    bent_line,
    downsampled,
    log_uniform,
    make_patch,
    oversampled_grid,
    oversampled_side,
    shifted,
    smooth_noise,
    to_fixed_point,
)
from cameras._synthetic.surface import TO_LIGHT


def draw_defect(kind: str, scale: float, rng: Generator) -> Patch:
    """Draw one defect of a kind, its size and strength at random; `scale` is picture side / 512."""
    return _DRAWERS[kind](scale, rng)


def _scratch(scale: float, rng: Generator) -> Patch:
    """One stroke, or two or three side by side; bright or dark with a burr along it."""
    length = log_uniform(rng, 38, 150) * scale
    side = oversampled_side(length * 1.15 + 12 * scale)
    path = bent_line(length, rng.uniform(0, np.pi), rng.uniform(-0.12, 0.12), rng)
    across = _normal(path)
    strokes = np.zeros((side, side), np.uint8)
    for k in range(int(rng.choice([1, 1, 1, 2, 3]))):
        cut = np.sort(rng.uniform(0, 1, 2)) if k else np.array([0.0, 1.0])
        offset = across * k * rng.uniform(3, 6) * scale
        _stroke(strokes, path + offset, rng.uniform(0.5, 1.5) * scale, cut, rng)
    core = downsampled(cv2.GaussianBlur(strokes, (0, 0), 0.6).astype(np.float32) / 255)
    burr = shifted(core, across * 1.2 * scale)
    strength = log_uniform(rng, 0.34, 0.90) * rng.choice([-0.75, 1.0])
    return make_patch(1 + strength * core - 0.5 * strength * burr)


def _dent(scale: float, rng: Generator) -> Patch:
    """A knock: one wall catches the light, the other loses it, the rim stands up a little."""
    radius = log_uniform(rng, 8, 24) * scale
    side = oversampled_side(radius * 3.4)
    x, y = oversampled_grid(side)
    turn, squeeze = rng.uniform(0, np.pi), rng.uniform(0.65, 1.0)
    along = x * np.cos(turn) + y * np.sin(turn)
    across = (y * np.cos(turn) - x * np.sin(turn)) / squeeze
    angle = np.arctan2(across, along)
    uneven = 1 + 0.10 * np.cos(2 * angle + turn) + 0.06 * np.cos(3 * angle - 2 * turn)
    rho = np.hypot(along, across) / (radius * uneven)
    wall = np.clip(rho, 0, 1) ** 2 * np.clip(1 - rho, 0, 1) * 6.75
    rim = np.where((rho > 0.94) & (rho < 1.34), np.sin((rho - 0.94) / 0.4 * np.pi), 0)
    facing = -(x * TO_LIGHT[0] + y * TO_LIGHT[1]) / np.maximum(np.hypot(x, y), 1e-3)
    strength = log_uniform(rng, 0.26, 0.60)
    slope = (wall - 0.35 * rim) * facing
    gain = 1 + strength * slope + 0.3 * strength * np.maximum(slope, 0) ** 4
    gain -= 0.22 * strength * np.clip(1 - rho, 0, 1)
    return make_patch(downsampled(gain), body=downsampled(rho) < 1.1)


def _stain(scale: float, rng: Generator) -> Patch:
    """A dried drop: oil, coolant or rust, with a ragged edge and a darker rim."""
    radius = log_uniform(rng, 13, 42) * scale
    side = oversampled_side(radius * 3.6)
    x, y = oversampled_grid(side)
    rough = smooth_noise(side, 5, rng) * 0.30 + smooth_noise(side, 14, rng) * 0.10
    depth = 1 - np.hypot(x, y * rng.uniform(0.8, 1.25)) / radius + rough
    depth *= np.clip((1.75 - np.hypot(x, y) / radius) * 4, 0, 1)
    wet = np.clip(depth / 0.10, 0, 1)
    wet = wet * wet * (3 - 2 * wet)
    rim = wet * np.exp(-(((depth - 0.10) / 0.09) ** 2))
    absorbed, rim_part, speckle = _STAINS[int(rng.integers(len(_STAINS)))]
    cover = wet * (1 - speckle + speckle * np.clip(0.5 + 0.9 * smooth_noise(side, 40, rng), 0, 1))
    strength = log_uniform(rng, 0.40, 1.0)
    thick = downsampled(((1 - rim_part) * cover + rim_part * rim).astype(np.float32) * strength)
    gain = 1 - thick[..., None] * np.array(absorbed, np.float32)
    return make_patch(gain, body=downsampled(wet) > 0.25)


_STAINS = (
    ((0.36, 0.42, 0.55), 0.30, 0.0),
    ((0.40, 0.40, 0.38), 0.62, 0.0),
    ((0.30, 0.56, 0.74), 0.10, 0.55),
)
"""What a stain absorbs of red, green and blue; how much of it is rim; how speckled it is."""


def _normal(path: NDArray[np.float64]) -> NDArray[np.float64]:
    """The direction (1, 2) across a line of points (n, 2), of length 1."""
    along = path[-1] - path[0]
    return np.array([[-along[1], along[0]]]) / float(np.hypot(*along))


def _stroke(
    canvas: NDArray[np.uint8],
    path: NDArray[np.float64],
    width_px: float,
    cut: NDArray[np.float64],
    rng: Generator,
) -> None:
    """Draw a line whose pressure rises, wavers and falls."""
    points = to_fixed_point(path, canvas.shape[0])
    t = np.linspace(0, 1, len(path))
    inside = np.clip((t - cut[0]) / max(cut[1] - cut[0], 0.2), 0, 1)
    waver = 0.8 + 0.2 * np.sin(rng.uniform(4, 14) * t + rng.uniform(0, 6))
    pressure = np.sin(np.pi * inside) ** 0.45 * waver
    for k in range(len(path) - 1):
        start, end = points[k : k + 2, 0].tolist()
        width = max(1, round(width_px * OVERSAMPLING * (0.6 + 0.4 * pressure[k])))
        cv2.line(canvas, start, end, int(255 * pressure[k]), width, cv2.LINE_AA, 4)


_DRAWERS: dict[str, Callable[[float, Generator], Patch]] = {
    "scratch": _scratch,
    "dent": _dent,
    "stain": _stain,
    "contamination": contamination,
}
