"""What differs from one good part to the next: its finish, the light, the belt, the sensor.

All of it is harmless: weaker than the defects, and drawn from the part's own random numbers.
"""

from __future__ import annotations

from functools import lru_cache
from statistics import NormalDist

import cv2
import numpy as np
from numpy.random import Generator

from cameras._synthetic.products import DrawnProduct, FloatImage

_RING_TURNS_PX = 512


def surface_finish(product: DrawnProduct, size_px: int, rng: Generator) -> FloatImage:
    """The marks of the tool on the face (size, size) float32, mean 0, deviation about 1."""
    if product.finish == "turned":
        return _turned(size_px, rng)
    return _brushed(size_px, rng)


def _brushed(size_px: int, rng: Generator) -> FloatImage:
    """Strokes along x: long soft ones and short fine ones."""
    long = _strokes((size_px, size_px), size_px // 3, rng)
    short = _strokes((size_px, size_px), size_px // 14, rng)
    return 0.75 * long + 0.65 * short


def _turned(size_px: int, rng: Generator) -> FloatImage:
    """Strokes along the circle, with rings of feed marks."""
    strokes = _strokes((size_px, _RING_TURNS_PX), _RING_TURNS_PX // 6, rng)
    feed = rng.standard_normal((size_px, 1), dtype=np.float32)
    polar = 0.75 * strokes + 0.65 * cv2.GaussianBlur(feed, (1, 3), 0.6)
    return cv2.remap(polar, *_polar_maps(size_px), cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)


@lru_cache(maxsize=4)
def _polar_maps(size_px: int) -> tuple[FloatImage, FloatImage]:
    axis = ((np.arange(size_px) + 0.5) / size_px - 0.5).astype(np.float32)
    x, y = np.meshgrid(axis, axis)
    turn = (np.arctan2(y, x) / (2 * np.pi) % 1) * _RING_TURNS_PX
    return turn.astype(np.float32), np.hypot(x, y) * np.float32(size_px)


def _strokes(shape: tuple[int, int], length_px: int, rng: Generator) -> FloatImage:
    """Random strokes along the second axis, closed from end to start."""
    noise = rng.integers(-128, 128, shape, dtype=np.int8).astype(np.float32)
    pad = length_px // 2 + 1
    wrapped = cv2.copyMakeBorder(noise, 0, 0, pad, pad, cv2.BORDER_WRAP)
    soft = cv2.blur(wrapped, (max(length_px, 1), 1))[:, pad:-pad]
    return soft * np.float32(length_px**0.5 / 74)


def illumination(
    product: DrawnProduct, centre_px: tuple[float, float], size_px: int, rng: Generator
) -> FloatImage:
    """The light on the metal (size, size), about 1: its level, its slope and the sheen."""
    x, y = _axes(size_px)
    level, slope_x, slope_y = (float(v) for v in rng.uniform(-0.05, 0.05, 3))
    plane = 1 + level + slope_x * x + slope_y * y
    return np.asarray(plane * (1 + _sheen(product, centre_px, size_px, rng)))


def _sheen(
    product: DrawnProduct, centre_px: tuple[float, float], size_px: int, rng: Generator
) -> FloatImage:
    """Tool marks spread the lamp's reflection across themselves: a bow tie, or a band."""
    x, y = _axes(size_px)
    if product.finish == "brushed":
        offset = float(rng.uniform(0.22, 0.38))
        return 0.22 * np.exp(-(((x + offset + 0.3 * y) / 0.5) ** 2)) - 0.06
    centre_x, centre_y = (float(2 * c / size_px - 1) for c in centre_px)
    angle = np.float32(-0.98 + rng.uniform(-0.06, 0.06))
    across, down = x - centre_x, y - centre_y
    along = (across * np.cos(angle) + down * np.sin(angle)) ** 2 / (across**2 + down**2 + 0.004)
    return np.asarray(0.34 * along * along * along - 0.10)


@lru_cache(maxsize=4)
def _axes(size_px: int) -> tuple[FloatImage, FloatImage]:
    axis = ((np.arange(size_px) + 0.5) / size_px * 2 - 1).astype(np.float32)
    return axis[None, :], axis[:, None]


def belt_texture(size_px: int, rng: Generator) -> FloatImage:
    """The belt under the part (size, size) float32, about 0.11: the same belt at another place."""
    top, left = (int(v) for v in rng.integers(0, size_px, 2))
    return _belt(size_px)[top : top + size_px, left : left + size_px]


@lru_cache(maxsize=4)
def _belt(size_px: int) -> FloatImage:
    rng = np.random.Generator(np.random.PCG64(11))
    side_px = 2 * size_px
    fine = cv2.GaussianBlur(rng.standard_normal((side_px, side_px), dtype=np.float32), (0, 0), 1.0)
    coarse = cv2.resize(rng.standard_normal((24, 24), dtype=np.float32), (side_px, side_px),
                        interpolation=cv2.INTER_CUBIC)  # fmt: skip
    row = np.arange(side_px, dtype=np.float32) * np.float32(512 / size_px)
    weave = np.sin(row * 1.05)[None, :] * np.sin(row * 1.05)[:, None]
    return np.asarray(0.11 + 0.025 * fine + 0.006 * coarse + 0.012 * weave, np.float32)


def sensor_noise(shape: tuple[int, ...], rng: Generator) -> FloatImage:
    """Noise float32 of mean 0 and deviation 1, in 256 steps."""
    return cv2.LUT(rng.integers(0, 256, shape, dtype=np.uint8), _normal_steps())


@lru_cache(maxsize=1)
def _normal_steps() -> FloatImage:
    return np.array([NormalDist().inv_cdf((i + 0.5) / 256) for i in range(256)], np.float32)
