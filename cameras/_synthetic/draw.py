"""Draw one machined part, with at most one defect, from its seed alone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.random import PCG64, Generator, SeedSequence
from numpy.typing import NDArray

from cameras._synthetic.finish import belt, finish, light, sensor_noise
from cameras._synthetic.parts import PRODUCTS, DrawnProduct, Field
from cameras._synthetic.spoil import Lie, spoil, through_lens
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
    """One drawn part and the truth about it.

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
    what = PRODUCTS[product]
    pose = _pose(size_px, _stream(seed, _POSE))
    layers = _placed(surface_layers(what, size_px, drilled=True), pose)
    mask = np.zeros((size_px, size_px), np.uint8)
    if defect == "missing_feature":
        mask = _forget_a_bore(layers, what, pose, _defect_stream(seed, defect))
    scene = through_lens(_lit(layers, what, pose, _stream(seed, _SURFACE)))
    if defect is not None and defect != "missing_feature":
        metal = layers[..., METAL] > LAYER_SCALE / 2
        part = Lie(metal, _face_points(what, size_px), pose)
        mask = spoil(scene, part, defect, _defect_stream(seed, defect))
    image = _exposed(scene, _stream(seed, _SENSOR), colour=colour)
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
    """Give the seed of one part of many; parts of different lines (1, 2, …) never share one."""
    return int(SeedSequence([seed, line, number]).generate_state(1, np.uint64)[0] >> np.uint64(11))


def _stream(seed: int, purpose: int) -> Generator:
    """Give random numbers for one purpose, so that a defect never changes the part it is on."""
    return Generator(PCG64([seed, purpose]))


def _defect_stream(seed: int, defect: str) -> Generator:
    return _stream(seed, _DEFECT + DEFECTS.index(defect))


def _pose(size_px: int, rng: Generator) -> NDArray[np.float64]:
    """Give the (2, 3) matrix from the drawing's pixels to the picture's: a shift and a turn."""
    centre = (size_px - 1) / 2
    matrix = cv2.getRotationMatrix2D((centre, centre), rng.uniform(-_TURN_DEG, _TURN_DEG), 1.0)
    shift = np.array([[0, 0, 1]]) * rng.uniform(-_SHIFT, _SHIFT, (2, 1)) * size_px
    return np.asarray(matrix + shift, np.float64)


def _placed(layers: NDArray[np.uint8], pose: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Bring a product's fine layers down to the picture, moved as the part lies."""
    size_px = layers.shape[0] // OVERSAMPLING
    matrix = pose.copy()
    matrix[:, :2] /= OVERSAMPLING
    matrix[:, 2] -= matrix[:, :2].sum(axis=1) * (OVERSAMPLING - 1) / 2
    moved = cv2.warpAffine(layers, matrix, (size_px, size_px), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.uint8)


def _forget_a_bore(
    layers: NDArray[np.uint8], what: DrawnProduct, pose: NDArray[np.float64], rng: Generator
) -> NDArray[np.uint8]:
    """Close one of the bores in the layers and give its disc."""
    size_px = layers.shape[0]
    bore = what.removable[int(rng.integers(len(what.removable)))]
    x, y = pose @ np.array([bore.x * size_px - 0.5, bore.y * size_px - 0.5, 1])
    axis = np.arange(size_px)
    disc = np.hypot(axis - x, axis[:, None] - y) <= bore.outer_radius * size_px + 1
    layers[disc] = _placed(surface_layers(what, size_px, drilled=False), pose)[disc]
    return np.asarray(disc, np.uint8) * np.uint8(255)


def _lit(
    layers: NDArray[np.uint8], what: DrawnProduct, pose: NDArray[np.float64], rng: Generator
) -> Field:
    """Give the light (size, size, 3) that reaches the lens, in grey levels."""
    size_px = layers.shape[0]
    shade, metal, grain, ground = (
        layers[..., k] * np.float32(1 / LAYER_SCALE) for k in (SHADE, METAL, GRAIN, GROUND)
    )
    marks = cv2.warpAffine(finish(what, size_px, rng), pose, (size_px, size_px))
    centre = pose @ np.array([(size_px - 1) / 2, (size_px - 1) / 2, 1])
    face = 1 + _FINISH_DEPTH * grain * marks
    steel: Field = shade * face * light(what, centre, size_px, rng) * metal * _FACE_LEVEL
    rubber = ground * belt(size_px, rng) * (1 - metal) * 255
    warmth = float(rng.uniform(-0.008, 0.008))
    tints = zip(_STEEL, _RUBBER, (warmth, 0.0, -warmth), strict=True)
    return cv2.merge([steel * (metal_tint + w) + rubber * tint for metal_tint, tint, w in tints])


@lru_cache(maxsize=4)
def _face_points(what: DrawnProduct, size_px: int) -> NDArray[np.float64]:
    """Give points (n, 3) of the drawing's plain face, as (x, y, 1), where a defect may be."""
    grain = surface_layers(what, size_px, drilled=True)[::OVERSAMPLING, ::OVERSAMPLING, GRAIN]
    plain = (grain > 0.95 * LAYER_SCALE).astype(np.uint8)
    reach = 2 * max(1, size_px // 128) + 1
    y, x = np.nonzero(cv2.erode(plain, np.ones((reach, reach), np.uint8)))
    return np.stack([x, y, np.ones_like(x)], 1).astype(np.float64)


def _exposed(scene: Field, rng: Generator, *, colour: bool) -> NDArray[np.uint8]:
    """Give the picture the sensor makes of the light: more noise where there is more light."""
    light_in = scene if colour else cv2.cvtColor(scene, cv2.COLOR_RGB2GRAY)
    noise = sensor_noise(light_in.shape, rng) * (1.1 + 0.006 * light_in)
    return np.asarray(cv2.add(light_in, noise, dtype=cv2.CV_8U), np.uint8)
