"""Pictures of the result: a part, and beside it the same with what is unusual in it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from cameras import CameraError, read_image

Image = NDArray[np.uint8]

SIDE_PX, LARGE_PX, GAP_PX, EDGE_PX = 240, 760, 4, 8
CAPTION_PX = 80
"""Room below a small picture: Gradio lays the caption over it."""
ESCAPE_RGB = (213, 94, 0)
NOTHING = np.full((SIDE_PX, SIDE_PX, 3), 60, dtype=np.uint8)


def pair(picture: Path, heat: bytes | None, *, side_px: int = SIDE_PX, bits: int = 16) -> Image:
    """A part (h, w, 3), and at its right the same with its heat, where there is any."""
    small = part(picture, side_px=side_px, bits=bits)
    if heat is None:
        return small
    gap = np.zeros((small.shape[0], GAP_PX, 3), np.uint8)
    return np.hstack([small, gap, _over(small, heat)])


def part(picture: Path, *, side_px: int = SIDE_PX, bits: int = 16, escape: bool = False) -> Image:
    """A part (h, w, 3), no side longer than `side_px`; one that escapes has a frame."""
    try:
        image = read_image(picture, bits=bits)
    except (CameraError, OSError):  # gone meanwhile, or damaged
        return NOTHING
    if image.ndim == 2:
        image = np.repeat(image[:, :, None], 3, axis=2)
    height, width = image.shape[:2]
    scale = min(1.0, side_px / max(height, width))
    size = max(1, round(scale * width)), max(1, round(scale * height))
    small = np.ascontiguousarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    if escape:
        cv2.rectangle(small, (0, 0), (size[0] - 1, size[1] - 1), ESCAPE_RGB, 2 * EDGE_PX)
    return small


def captioned(image: Image) -> Image:
    """The same with room for a caption below."""
    return np.vstack([image, np.zeros((CAPTION_PX, *image.shape[1:]), np.uint8)])


def _over(small: Image, heat: bytes) -> Image:
    """Lay heat, a PNG with its opacity, over a picture."""
    found = cv2.imdecode(np.frombuffer(heat, np.uint8), cv2.IMREAD_UNCHANGED)
    if found is None or found.ndim != 3 or found.shape[2] != 4:
        return small
    size = small.shape[1], small.shape[0]
    bgra = cv2.resize(found, size, interpolation=cv2.INTER_LINEAR).astype(np.float32)
    opacity = bgra[..., 3:] / 255
    return np.asarray(small * (1 - opacity) + bgra[..., 2::-1] * opacity, dtype=np.uint8)
