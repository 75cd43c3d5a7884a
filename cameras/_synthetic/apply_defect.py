"""Put a drawn defect on a part and say exactly which pixels it changed."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from cameras._synthetic.defects import draw_defect
from cameras._synthetic.patch import Patch
from cameras._synthetic.products import FloatImage

_TRIES = 20
_VISIBLE_LEVELS, _VISIBLE_PX = 16.0, 30.0
"""A person sees a defect of this many pixels (in a picture of 512 px) that differ this much."""
_CHANGED_LEVELS = 2.0
"""A smaller change drowns in the sensor's noise: it is left out of the picture and the truth."""


class PartPlacement(NamedTuple):
    """How a part lies in the picture: its metal (H, W), its plain face and the matrix to the picture.

    `face` are points (n, 3) of the drawing, as (x, y, 1) in pixels; `pose` is (2, 3).
    """

    metal: NDArray[np.bool_]
    face: NDArray[np.float64]
    pose: NDArray[np.float64]


def apply_defect(
    scene: FloatImage, part: PartPlacement, kind: str, rng: Generator
) -> NDArray[np.uint8]:
    """Draw a defect into `scene`, (H, W, 3) float32 RGB in grey levels, in place.

    Returns the mask (H, W) uint8, 255 where the picture was changed.
    """
    here, change, body = _visible_change(scene, part, kind, rng)
    levels = np.abs(change).max(axis=2)
    changed = ((levels > _CHANGED_LEVELS) | body).astype(np.uint8)
    changed = cv2.morphologyEx(changed, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    scene[here] += change * changed[..., None]
    mask = np.zeros(part.metal.shape, np.uint8)
    mask[here] = changed * 255
    return mask


def lens_blur(light: FloatImage) -> FloatImage:
    """Blur an image as the lens does."""
    return cv2.GaussianBlur(light, (5, 5), 0.55)


class _Change(NamedTuple):
    here: tuple[slice, slice]
    change: FloatImage
    body: NDArray[np.bool_]


def _visible_change(scene: FloatImage, part: PartPlacement, kind: str, rng: Generator) -> _Change:
    """Draw the defect until a person can see it where it fell; keep the last after many tries."""
    scale = scene.shape[0] / 512
    for _ in range(_TRIES):
        x, y = part.pose @ part.face[int(rng.integers(len(part.face)))]
        drawn = _change(scene, part.metal, draw_defect(kind, scale, rng), float(x), float(y))
        plain = np.abs(drawn.change).max(axis=2) > _VISIBLE_LEVELS
        if np.count_nonzero(plain) > _VISIBLE_PX * scale * scale:
            break
    return drawn


def _change(
    scene: FloatImage, metal: NDArray[np.bool_], patch: Patch, x: float, y: float
) -> _Change:
    here, of_patch = _overlap(patch.body.shape[0], x, y, scene.shape[0])
    change = scene[here] * (patch.gain[of_patch] - 1) + patch.add[of_patch]
    if patch.on_metal:
        change *= metal[here][..., None]
    return _Change(here, lens_blur(change), patch.body[of_patch] & metal[here])


def _overlap(
    side_px: int, x: float, y: float, size_px: int
) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """The rows and columns of the picture that a centred patch covers, and those of the patch."""
    top, left = round(y - side_px / 2), round(x - side_px / 2)
    down, along = (slice(max(0, at), min(size_px, at + side_px)) for at in (top, left))
    from_top = slice(down.start - top, down.stop - top)
    from_left = slice(along.start - left, along.stop - left)
    return (down, along), (from_top, from_left)
