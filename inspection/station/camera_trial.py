"""One picture of a camera that is not in the station file yet, taken in a process of its own."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cameras import CameraError, camera_class
from inspection.station.build import make_component

TAKE_S = 5.0


def take(path: str, camera: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Open the camera, take one picture and close it; `png` is the picture in base64.

    Paths in `settings` are from the folder of the station file `path`. Raises SetupError, CameraError.
    """
    import cv2

    home = Path(path).resolve().parent
    made = make_component(camera_class(camera), dict(settings), "settings", home)
    with made as opened:
        frame = opened.read(timeout_s=TAKE_S)
    if frame.status != "complete":
        raise CameraError(f"camera {camera}: the picture is {frame.status}; take it again")
    image = frame.image
    bgr = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    return {"png": base64.b64encode(cv2.imencode(".png", bgr)[1].tobytes()).decode("ascii")}
