"""Pictures of a camera that is not in the station file yet, taken in a process of its own."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cameras import CameraError, camera_class
from inspection.station.build import make_component

TAKE_S = 5.0
LIVE_S, EACH_S = 60.0, 0.25
"""How long a live picture lasts, and the least time from one to the next."""
SMALL_PX = 960
"""Longer side of a live picture."""


def take(path: str, camera: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Open the camera, take one picture and close it; `png` is the picture in base64.

    Paths in `settings` are from the folder of the station file `path`. Raises SetupError, CameraError.
    """
    with _made(path, camera, settings) as opened:
        frame = opened.read(timeout_s=TAKE_S)
    if frame.status != "complete":
        raise CameraError(f"camera {camera}: the picture is {frame.status}; take it again")
    return {"png": _base64(_bgr(frame.image), ".png")}


def live(path: str, camera: str, settings: Mapping[str, Any]) -> Iterator[str]:
    """Open the camera and give pictures for LIVE_S, made smaller, as JPEG in base64. Raises as `take`."""
    end = time.monotonic() + LIVE_S
    with _made(path, camera, settings) as opened:
        while time.monotonic() < end:
            began = time.monotonic()
            yield small_jpeg(_bgr(opened.read(timeout_s=TAKE_S).image))
            time.sleep(max(0.0, began + EACH_S - time.monotonic()))


def small_jpeg(bgr: NDArray[np.uint8]) -> str:
    """A picture (H, W[, 3]) BGR as a live one is sent."""
    import cv2

    share = min(1.0, SMALL_PX / max(bgr.shape[:2]))
    small = cv2.resize(bgr, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
    return _base64(np.asarray(small, np.uint8), ".jpg")


def _made(path: str, camera: str, settings: Mapping[str, Any]) -> Any:
    home = Path(path).resolve().parent
    return make_component(camera_class(camera), dict(settings), "settings", home)


def _bgr(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    import cv2

    return image if image.ndim == 2 else np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2BGR))


def _base64(bgr: NDArray[np.uint8], suffix: str) -> str:
    import cv2

    return base64.b64encode(cv2.imencode(suffix, bgr)[1].tobytes()).decode("ascii")
