"""Small pictures of parts: made from the record's when asked for, kept in memory up to a limit."""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path

import cv2
import numpy as np

from inspection.store import Store

SIDE_PX = 176
KEPT_BYTES = 16e6
AT_ONCE = 2
_QUALITY = 80


class Thumbs:
    """Makes small pictures, at most two at a time; may be used from any thread."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock, self._making = threading.Lock(), threading.Semaphore(AT_ONCE)
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self.bytes = 0

    def of(self, part_id: str) -> bytes | None:
        """The JPEG of a part; None where there is no part, or no picture of it any more."""
        with self._lock:
            if (known := self._kept.get(part_id)) is not None:
                self._kept.move_to_end(part_id)
                return known
        record = self._store.part(part_id)
        path = None if record is None else self._store.image_path(record)
        if path is None:
            return None
        with self._making:
            made = thumb(path)
        if made is not None:
            self._keep(part_id, made)
        return made

    def _keep(self, part_id: str, made: bytes) -> None:
        with self._lock:
            self.bytes += len(made) - len(self._kept.pop(part_id, b""))
            self._kept[part_id] = made
            while self.bytes > KEPT_BYTES:
                self.bytes -= len(self._kept.popitem(last=False)[1])


def thumb(path: Path) -> bytes | None:
    """Make a JPEG no side of which is longer than SIDE_PX; None for what is gone or no picture."""
    try:
        data = np.fromfile(path, dtype=np.uint8)
    except OSError:
        return None
    image = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None
    if image is None:
        return None
    scale = min(1.0, SIDE_PX / max(image.shape[:2]))
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes()
