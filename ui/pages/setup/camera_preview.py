"""What the camera sees now, for the set-up page: at most five pictures a second, for all pages together."""

from __future__ import annotations

import asyncio
import time
from typing import Any
from urllib.parse import quote

import cv2
import numpy as np
from numpy.typing import NDArray

from inspection.recipe.setup_file import Setup
from ui.live.station_client import Refused, StationClient

EVERY_S = 0.18
OVER, UNDER = 250, 5
"""Grey values from which on light is lost, and up to which all is black."""
MOST_PIXELS = 2_000_000
"""Of more than so many, focus is measured in strips."""

Figures = dict[str, Any]


class NoPartYet(Refused):
    """The line runs, and no part has come."""


class CameraPreviews:
    """Asks the station for one picture at a time; pages that ask meanwhile get the same one."""

    def __init__(self, runtime: StationClient) -> None:
        self.runtime = runtime
        self._lock = asyncio.Lock()
        self._latest: dict[str, tuple[float, Setup, bytes, Figures]] = {}

    async def now(self, view: str, setup: Setup, *, newest: bool = False) -> tuple[bytes, Figures]:
        """A JPEG that is no older than EVERY_S when it is taken, and its figures. Raises Refused, NoPartYet.

        `newest`: not taken now, but that of the newest part, also while the station inspects.
        """
        path = f"/{'newest' if newest else 'camera'}/{quote(view, safe='')}.jpg"
        async with self._lock:
            at, of, data, figures = self._latest.get(path, (0.0, setup, b"", {}))
            if time.monotonic() - at > EVERY_S or of != setup:
                found = await self.runtime.get(path)
                if found is None:
                    raise NoPartYet(f"view {view!r}: no picture of a part came yet")
                data = found
                figures = await asyncio.to_thread(measured, data, setup)
                self._latest = {path: (time.monotonic(), setup, data, figures)}
            return data, figures


def measured(jpeg: bytes, setup: Setup) -> Figures:
    """Brightness of all pixels; focus, the variance of the Laplacian, of those that are inspected.

    `counts` are pixels by grey value, `over` and `under` the shares that are lost and black.
    """
    grey = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
    if grey is None:
        raise Refused("the camera's picture cannot be read")
    counts = np.bincount(grey.ravel(), minlength=256)
    return {
        "counts": counts.tolist(),
        "over": float(counts[OVER:].sum() / grey.size),
        "under": float(counts[: UNDER + 1].sum() / grey.size),
        "focus": _focus(grey, setup),
    }


def _focus(grey: NDArray[Any], setup: Setup) -> float:
    inside = setup.inspected(grey.shape[:2])
    every = max(1, round(grey.size / MOST_PIXELS))
    values = cv2.Laplacian(grey, cv2.CV_32F)[1:-1:every, 1:-1]
    kept = values if inside is None else values[inside[1:-1:every, 1:-1]]
    return float(kept.var()) if kept.size else 0.0
