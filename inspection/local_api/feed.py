"""What the station page is told: each part as it is done, and how the station is doing.

Inspecting never waits for a page: a part is handed over in memory, pictures are encoded only when
asked for, and a page that is too slow is let go and starts again.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from inspection.judgement import Verdict
from inspection.judging.overlay import heat_over
from inspection.recipe import Recipe
from inspection.station.camera_view import side_by_side
from inspection.station.part import InspectedPart
from inspection.store import PartRecord

KEPT_BYTES = 100e6
"""Pictures kept in memory for the pages; at least the last two, whatever their size."""
KEPT_PARTS = 500
"""However small their pictures: what was judged is kept beside them."""
WAITING = 1000
"""Messages a page may be behind by before it is let go."""
JPEG_QUALITY = 88
HEAT_PX = 768

Message = Mapping[str, Any]


class Feed:
    """A listener of the station that keeps the latest parts and tells whoever subscribed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._subscribers: set[queue.Queue[Message | None]] = set()
        self._latest: OrderedDict[str, InspectedPart] = OrderedDict()
        self._bytes = 0

    def __call__(self, part: InspectedPart) -> None:
        """Take a part that is done."""
        if part.frames:
            self._keep(part)
        if self._subscribers:  # one that comes now finds this part in the record
            self.tell(told(part))

    def _keep(self, part: InspectedPart) -> None:
        with self._lock:
            self._latest[part.record.part_id] = part
            self._bytes += _size(part)
            while (self._bytes > KEPT_BYTES and len(self._latest) > 2) or len(
                self._latest
            ) > KEPT_PARTS:
                self._bytes -= _size(self._latest.popitem(last=False)[1])

    def tell(self, message: Message) -> None:
        """Give a message to every subscriber; one that does not keep up is ended."""
        with self._lock:
            for subscriber in list(self._subscribers):
                try:
                    subscriber.put_nowait(message)
                except queue.Full:
                    self._subscribers.discard(subscriber)
                    with suppress(queue.Empty):
                        subscriber.get_nowait()
                    subscriber.put_nowait(None)

    @contextmanager
    def subscribed(self) -> Iterator[queue.Queue[Message | None]]:
        """Give a queue of messages; None in it means: too slow, subscribe again."""
        mine: queue.Queue[Message | None] = queue.Queue(WAITING)
        with self._lock:
            self._subscribers.add(mine)
        try:
            yield mine
        finally:
            with self._lock:
                self._subscribers.discard(mine)

    def latest(self, part_id: str) -> InspectedPart | None:
        """Give a part whose pictures are still in memory."""
        with self._lock:
            return self._latest.get(part_id)


def told(part: InspectedPart) -> dict[str, Any]:
    """Say of a part what a page shows: the verdict that the line was told."""
    height, width = _shape(part)
    return {
        **told_record(part.record),
        "verdict": part.told.verdict.value,
        "reason": part.told.reason,
        "decided_ms": 1e3 * time.time(),
        "width_px": width,
        "height_px": height,
        "heat": any(found.anomaly_map is not None for found in part.judgements.values())
        and part.record.verdict in (Verdict.FAIL, Verdict.REVIEW),
    }


def told_record(record: PartRecord) -> dict[str, Any]:
    """Say of a recorded part what a page shows."""
    return {
        "type": "part",
        "number": record.number,
        "part_id": record.part_id,
        "verdict": record.verdict.value,
        "reason": record.reason,
        "score": record.score,
        "threshold": record.threshold,
        "p_value": record.p_value,
        "regions": [asdict(region) for region in record.regions],
        "serial": record.serial,
        "lot": record.lot,
        "product": record.product,
        "recipe_id": record.recipe_id,
        "judged_at": record.judged_at.isoformat(),
        "latency_ms": record.latency_ms.get("total"),
        "picture": record.image is not None,
    }


def picture_jpeg(part: InspectedPart) -> bytes | None:
    """Encode a part's picture, all views side by side; None where it has none."""
    if not part.frames:
        return None
    image = side_by_side(part.frames).frame.image
    return encoded_jpeg(image)


def encoded_jpeg(image: NDArray[np.uint8]) -> bytes:
    """Encode a picture (H, W, 3) RGB or (H, W) for a screen."""
    bgr = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return data.tobytes()


def heat_png(part: InspectedPart, recipes: Mapping[str, Recipe]) -> bytes | None:
    """Encode the heat of all views as one transparent picture; None where there is none.

    `recipes` are those the views judged by; a view without its own cannot be drawn, and an empty
    picture would say that nothing was unusual.
    """
    if not part.frames:
        return None
    look = side_by_side(part.frames)
    whole = np.zeros((*look.frame.image.shape[:2], 4), dtype=np.uint8)
    for view, judgement in part.judgements.items():
        if judgement.anomaly_map is None:
            continue
        if view not in recipes:
            return None
        image = part.frames[view].image
        left = look.left_px[view]
        colours = heat_over(image, judgement, recipes[view])
        whole[: image.shape[0], left : left + image.shape[1]] = colours
    return encoded_png(whole)


def encoded_png(rgba: NDArray[np.uint8]) -> bytes:
    """Encode heat (H, W, 4) for a screen, made no larger than HEAT_PX."""
    scale = HEAT_PX / max(rgba.shape[:2])
    if scale < 1:
        size = (max(1, round(rgba.shape[1] * scale)), max(1, round(rgba.shape[0] * scale)))
        rgba = np.asarray(cv2.resize(rgba, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    bgra = cv2.cvtColor(rgba, cv2.COLOR_RGBA2BGRA)
    _, data = cv2.imencode(".png", bgra, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    return data.tobytes()


def _shape(part: InspectedPart) -> tuple[int, int]:
    if not part.frames:
        return (0, 0)
    images = [frame.image for frame in part.frames.values()]
    return max(image.shape[0] for image in images), sum(image.shape[1] for image in images)


def _size(part: InspectedPart) -> int:
    return sum(frame.image.nbytes for frame in part.frames.values())
