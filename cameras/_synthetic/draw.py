"""Draw one machined part, with at most one defect, from its seed alone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.random import PCG64, Generator, SeedSequence
from numpy.typing import NDArray

from cameras._synthetic.apply_defect import PartPlacement, apply_defect, lens_blur
from cameras._synthetic.finish import belt_texture, illumination, sensor_noise, surface_finish
from cameras._synthetic.products import PRODUCTS, DrawnProduct, FloatImage
from cameras._synthetic.surface import (
    GRAIN,
    GROUND,
    LAYER_SCALE,
    METAL,
    OVERSAMPLING,
    SHADE,
    surface_layers,
)

DEFECTS = ("scratch", "dent", "stain", "missing_feature", "contamination")

_STEEL = (0.985, 1.0, 1.012)
_RUBBER = (0.92, 1.0, 1.05)
_FACE_LEVEL = 146.0
_FINISH_DEPTH = 0.034
_SHIFT = 0.008
_TURN_DEG = 3.0
_POSE, _SURFACE, _SENSOR, _DEFECT = 1, 2, 3, 4


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class SimulatedPart:
    """One drawn part and its ground truth.

    `image` is (H, W, 3) RGB or (H, W) mono, uint8; `mask` is (H, W) uint8, 255 where the defect is.
    """

    image: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    defect: str | None
    seed: int


def draw_part(
    seed: int,
    *,
    defect: str | None = None,
    size_px: int = 512,
    product: str = "flange",
    colour: bool = True,
) -> SimulatedPart:
    """Draw the part of this seed; the same seed is the same part, with or without a defect.

    Raises ValueError naming the setting, the value got and what is allowed.
    """
    check_part_settings(seed=seed, defect=defect, size_px=size_px, product=product)
    drawing = PRODUCTS[product]
    pose = _random_pose(size_px, _random_stream(seed, _POSE))
    layers = _placed_layers(surface_layers(drawing, size_px, drilled=True), pose)
    mask = np.zeros((size_px, size_px), np.uint8)
    if defect == "missing_feature":
        mask = _omit_bore(layers, drawing, pose, _defect_random_stream(seed, defect))
    scene = lens_blur(_illuminated(layers, drawing, pose, _random_stream(seed, _SURFACE)))
    if defect is not None and defect != "missing_feature":
        metal = layers[..., METAL] > LAYER_SCALE / 2
        part = PartPlacement(metal, _face_points(drawing, size_px), pose)
        mask = apply_defect(scene, part, defect, _defect_random_stream(seed, defect))
    image = _sensor_image(scene, _random_stream(seed, _SENSOR), colour=colour)
    return SimulatedPart(image=image, mask=mask, defect=defect, seed=seed)


def check_part_settings(*, seed: int, defect: str | None, size_px: int, product: str) -> None:
    """Raise ValueError, in one line, for a setting that cannot be drawn."""
    if seed < 0:
        raise ValueError(f"seed: expected 0 or more, got {seed}")
    if not 64 <= size_px <= 2048:
        raise ValueError(f"size_px: expected 64 to 2048, got {size_px}")
    if product not in PRODUCTS:
        raise ValueError(f"product: expected one of {', '.join(PRODUCTS)}, got {product!r}")
    if defect is not None and defect not in DEFECTS:
        raise ValueError(f"defect: expected one of {', '.join(DEFECTS)} or None, got {defect!r}")


def part_seed(seed: int, line: int, number: int) -> int:
    """The seed of one part of many; parts of different lines (1, 2, …) never share one."""
    return int(SeedSequence([seed, line, number]).generate_state(1, np.uint64)[0] >> np.uint64(11))


def _random_stream(seed: int, purpose: int) -> Generator:
    """Random numbers for one purpose, so that a defect never changes the part it is on."""
    return Generator(PCG64([seed, purpose]))


def _defect_random_stream(seed: int, defect: str) -> Generator:
    return _random_stream(seed, _DEFECT + DEFECTS.index(defect))


def _random_pose(size_px: int, rng: Generator) -> NDArray[np.float64]:
    """A random (2, 3) matrix from the drawing's pixels to the picture's: a shift and a turn."""
    centre = (size_px - 1) / 2
    matrix = cv2.getRotationMatrix2D((centre, centre), rng.uniform(-_TURN_DEG, _TURN_DEG), 1.0)
    shift = np.array([[0, 0, 1]]) * rng.uniform(-_SHIFT, _SHIFT, (2, 1)) * size_px
    return np.asarray(matrix + shift, np.float64)


def _placed_layers(layers: NDArray[np.uint8], pose: NDArray[np.float64]) -> NDArray[np.uint8]:
    """A product's layers (size, size, 4) uint8 at the picture's scale, moved as the part lies."""
    size_px = layers.shape[0] // OVERSAMPLING
    matrix = pose.copy()
    matrix[:, :2] /= OVERSAMPLING
    matrix[:, 2] -= matrix[:, :2].sum(axis=1) * (OVERSAMPLING - 1) / 2
    moved = cv2.warpAffine(layers, matrix, (size_px, size_px), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.uint8)


def _omit_bore(
    layers: NDArray[np.uint8], drawing: DrawnProduct, pose: NDArray[np.float64], rng: Generator
) -> NDArray[np.uint8]:
    """Close one of the bores in the layers, in place; returns its mask (size, size) uint8."""
    size_px = layers.shape[0]
    bore = drawing.removable[int(rng.integers(len(drawing.removable)))]
    x, y = pose @ np.array([bore.x * size_px - 0.5, bore.y * size_px - 0.5, 1])
    axis = np.arange(size_px)
    disc = np.hypot(axis - x, axis[:, None] - y) <= bore.outer_radius * size_px + 1
    layers[disc] = _placed_layers(surface_layers(drawing, size_px, drilled=False), pose)[disc]
    return np.asarray(disc, np.uint8) * np.uint8(255)


def _illuminated(
    layers: NDArray[np.uint8], drawing: DrawnProduct, pose: NDArray[np.float64], rng: Generator
) -> FloatImage:
    """The light (size, size, 3) float32 RGB that reaches the lens, in grey levels."""
    size_px = layers.shape[0]
    shade, metal, grain, ground = (
        layers[..., k] * np.float32(1 / LAYER_SCALE) for k in (SHADE, METAL, GRAIN, GROUND)
    )
    marks = cv2.warpAffine(surface_finish(drawing, size_px, rng), pose, (size_px, size_px))
    centre = pose @ np.array([(size_px - 1) / 2, (size_px - 1) / 2, 1])
    face = 1 + _FINISH_DEPTH * grain * marks
    steel: FloatImage = (
        shade * face * illumination(drawing, centre, size_px, rng) * metal * _FACE_LEVEL
    )
    rubber = ground * belt_texture(size_px, rng) * (1 - metal) * 255
    warmth = float(rng.uniform(-0.008, 0.008))
    tints = zip(_STEEL, _RUBBER, (warmth, 0.0, -warmth), strict=True)
    return cv2.merge([steel * (metal_tint + w) + rubber * tint for metal_tint, tint, w in tints])


@lru_cache(maxsize=4)
def _face_points(drawing: DrawnProduct, size_px: int) -> NDArray[np.float64]:
    """Points (n, 3) of the drawing's plain face, as (x, y, 1) in px, where a defect may be."""
    grain = surface_layers(drawing, size_px, drilled=True)[::OVERSAMPLING, ::OVERSAMPLING, GRAIN]
    plain = (grain > 0.95 * LAYER_SCALE).astype(np.uint8)
    reach = 2 * max(1, size_px // 128) + 1
    y, x = np.nonzero(cv2.erode(plain, np.ones((reach, reach), np.uint8)))
    return np.stack([x, y, np.ones_like(x)], 1).astype(np.float64)


def _sensor_image(scene: FloatImage, rng: Generator, *, colour: bool) -> NDArray[np.uint8]:
    """The picture that the sensor makes of the light, uint8, RGB or grey; noise grows with light."""
    light_in = scene if colour else cv2.cvtColor(scene, cv2.COLOR_RGB2GRAY)
    noise = sensor_noise(light_in.shape, rng) * (1.1 + 0.006 * light_in)
    return np.asarray(cv2.add(light_in, noise, dtype=cv2.CV_8U), np.uint8)
