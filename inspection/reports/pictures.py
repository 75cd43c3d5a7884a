"""Small pictures of rejects, with the places at fault framed."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from inspection.judging.overlay import COLOURS
from inspection.store import PartRecord, Store

SIDE_PX = 360
QUALITY = 80
EDGE_PX = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectPicture:
    """A reject and its small picture as JPEG; None where its picture is gone or cannot be read."""

    record: PartRecord
    jpeg: bytes | None
    size_px: tuple[int, int] = (0, 0)
    """Width and height of the small picture."""


def picture_of(store: Store, record: PartRecord) -> RejectPicture:
    """Make the small picture of a recorded part."""
    path = store.image_path(record)
    data = np.fromfile(path, dtype=np.uint8) if path is not None and path.is_file() else None
    image = None if data is None or not len(data) else cv2.imdecode(data, cv2.IMREAD_COLOR)
    if image is None:
        return RejectPicture(record=record, jpeg=None)
    scale = min(1.0, SIDE_PX / max(image.shape[:2]))
    width, height = (max(1, round(scale * side)) for side in (image.shape[1], image.shape[0]))
    small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    colour = COLOURS[record.verdict][::-1]
    for region in record.regions:
        if not region.accepted:
            corners = np.round(scale * np.array(region.corners)).astype(np.int32)
            cv2.polylines(small, [corners], True, colour, EDGE_PX)
    made = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1]
    return RejectPicture(record=record, jpeg=made.tobytes(), size_px=(width, height))
