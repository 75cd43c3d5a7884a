"""Turn a checked picture file's bytes into pixels; every problem is a ValueError."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cameras._picture_files.complaints import check_tiff, decode_jpeg
from cameras._picture_files.headers import PictureHeader

BAND_ROWS = 256


def decode(header: PictureHeader, bits: int) -> NDArray[np.uint8]:
    """Decode a picture to (H, W, 3) RGB or (H, W) mono, uint8.

    `bits` is how many of 16 bits the camera used. Raises ValueError.
    """
    if header.is_jpeg:
        return _of_right_size(decode_jpeg(header.data), header)
    image = _to_8_bits(_as_stored(header), bits)
    if image.ndim == 2:
        return image
    if header.grey_with_alpha:
        return np.ascontiguousarray(image[..., 0])
    if image.shape[2] == 4:
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGRA2RGB), np.uint8)
    for start in range(0, len(image), BAND_ROWS):  # in place: a large picture is 60 MB
        band = image[start : start + BAND_ROWS]
        band[:] = cv2.cvtColor(band, cv2.COLOR_BGR2RGB)
    return image


def _as_stored(header: PictureHeader) -> NDArray[Any]:
    check_tiff(header)
    try:
        image = cv2.imdecode(np.frombuffer(header.data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as exc:
        raise ValueError("is damaged: it cannot be decoded") from exc
    if image is None:
        raise ValueError("is damaged: it cannot be decoded")
    return _of_right_size(image, header)


def _of_right_size(image: NDArray[Any], header: PictureHeader) -> NDArray[Any]:
    if image.shape[:2] != (header.height_px, header.width_px):
        raise ValueError("is damaged: it cannot be decoded")
    return image


def _to_8_bits(image: NDArray[Any], bits: int) -> NDArray[np.uint8]:
    if image.dtype == np.uint8:
        return image
    if image.dtype != np.uint16:
        raise ValueError(f"has pixels of type {image.dtype}; allowed: 8 or 16 bits without sign")
    white, brightest = (1 << bits) - 1, int(image.max())
    if brightest > white:
        raise ValueError(f"has a pixel of {brightest}; {bits} bits allow {white}: give more bits")
    return np.asarray(cv2.convertScaleAbs(image, alpha=255 / white), np.uint8)
