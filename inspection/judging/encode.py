"""Pictures and heat as bytes that a browser can show."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

JPEG_QUALITY = 88


HEAT_PX = 768


def encoded_jpeg(image: NDArray[np.uint8]) -> bytes:
    """Encode a picture, (H, W, 3) RGB or (H, W) uint8, as JPEG for a screen."""
    bgr = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return data.tobytes()


def encoded_png(rgba: NDArray[np.uint8]) -> bytes:
    """Encode heat, (H, W, 4) RGBA uint8, as PNG for a screen; no side is longer than HEAT_PX."""
    scale = HEAT_PX / max(rgba.shape[:2])
    if scale < 1:
        size = (max(1, round(rgba.shape[1] * scale)), max(1, round(rgba.shape[0] * scale)))
        rgba = np.asarray(cv2.resize(rgba, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    bgra = cv2.cvtColor(rgba, cv2.COLOR_RGBA2BGRA)
    _, data = cv2.imencode(".png", bgra, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    return data.tobytes()
