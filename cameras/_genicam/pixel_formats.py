"""Turn what a camera sends into RGB or grey of 8 bits, by its pixel format's PFNC name.

PFNC is the Pixel Format Naming Convention of the GenICam standard (EMVA, version 2.4, 2021).
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

_ALIASES = {"RGB8Packed": "RGB8", "BGR8Packed": "BGR8", "RGBA8Packed": "RGBa8", "RGBA8": "RGBa8"}
_ALIASES |= {"BGRA8Packed": "BGRa8", "BGRA8": "BGRa8"}
_DEPTHS = (8, 10, 12, 14, 16)
_GREY = {f"Mono{bits}": bits for bits in _DEPTHS}
# OpenCV's two-letter Bayer names are shifted by one pixel; its four-letter ones are PFNC's.
_BAYER_CODES = {
    "RG": cv2.COLOR_BayerRGGB2RGB,
    "GR": cv2.COLOR_BayerGRBG2RGB,
    "GB": cv2.COLOR_BayerGBRG2RGB,
    "BG": cv2.COLOR_BayerBGGR2RGB,
}
_BAYER = {f"Bayer{order}{bits}": (order, bits) for order in _BAYER_CODES for bits in _DEPTHS}
_COLOUR = {
    "RGB8": None,
    "BGR8": cv2.COLOR_BGR2RGB,
    "RGBa8": cv2.COLOR_RGBA2RGB,
    "BGRa8": cv2.COLOR_BGRA2RGB,
}

PIXEL_FORMATS = (*_GREY, *_BAYER, *_COLOUR)


def pfnc_name(pixel_format: str) -> str:
    """The PFNC name of a format; older cameras call some otherwise."""
    return _ALIASES.get(pixel_format, pixel_format)


def channels(pixel_format: str) -> int:
    """How many values a pixel has as it is sent: 1, 3 or 4."""
    name = pfnc_name(pixel_format)
    return {"RGB8": 3, "BGR8": 3, "RGBa8": 4, "BGRa8": 4}.get(name, 1)


def without_padding(data: NDArray[Any], height: int, width: int, pixel_format: str) -> NDArray[Any]:
    """Copy a picture out of a buffer, without the bytes that pad its rows.

    `data` is flat, uint8 or uint16. Returns (height, width), or (height, width, channels) in the
    order of `pixel_format`.
    """
    depth = channels(pixel_format)
    rows = data.reshape(height, -1)[:, : width * depth]
    pixels = rows.reshape(height, width, depth).copy()
    return pixels[:, :, 0] if depth == 1 else pixels


def to_8_bit(
    pixels: NDArray[np.uint8] | NDArray[np.uint16], pixel_format: str
) -> NDArray[np.uint8]:
    """Convert pixels as a camera sends them to (H, W) mono or (H, W, 3) RGB, uint8, always a copy.

    `pixels` is (H, W), or (H, W, 3) or (H, W, 4) in the order of `pixel_format`, uint8, or uint16 for
    formats of more than 8 bits; of those the top 8 bits are kept. Bayer pixels (H, W) become RGB.
    Raises KeyError for a format that is not in PIXEL_FORMATS.
    """
    name = pfnc_name(pixel_format)
    if name in _GREY:
        return _top_bits(pixels, _GREY[name])
    if name in _BAYER:
        order, bits = _BAYER[name]
        return np.asarray(cv2.cvtColor(_top_bits(pixels, bits), _BAYER_CODES[order]), np.uint8)
    code = _COLOUR[name]
    return pixels.astype(np.uint8) if code is None else np.asarray(cv2.cvtColor(pixels, code))


def _top_bits(pixels: NDArray[np.uint8] | NDArray[np.uint16], bits: int) -> NDArray[np.uint8]:
    return (pixels >> (bits - 8)).astype(np.uint8) if bits > 8 else pixels.astype(np.uint8)
