"""Parts as messages for pages."""

from __future__ import annotations

import time
from typing import Any

from inspection.judgement import Verdict
from inspection.station.part import InspectedPart
from inspection.store import PartRecord


def part_message(part: InspectedPart) -> dict[str, Any]:
    """Say of a part what a page shows: the verdict that the line was told."""
    height, width = _shape(part)
    return {
        **record_message(part.record),
        "verdict": part.told.verdict.value,
        "reason": part.told.reason,
        "cause": part.told.cause.as_message(),
        "decided_ms": 1e3 * time.time(),
        "width_px": width,
        "height_px": height,
        "heat": any(found.anomaly_map is not None for found in part.judgements.values())
        and part.record.verdict in (Verdict.FAIL, Verdict.REVIEW),
    }


def record_message(record: PartRecord) -> dict[str, Any]:
    """Say of a recorded part what a page shows."""
    return {
        "type": "part",
        "number": record.number,
        "part_id": record.part_id,
        "verdict": record.verdict.value,
        "reason": record.reason,
        "cause": record.cause.as_message(),
        "score": record.score,
        "threshold": record.threshold,
        "p_value": record.p_value,
        "regions": [{**each.as_json(), "corners": each.corners} for each in record.regions],
        "serial": record.serial,
        "lot": record.lot,
        "product": record.product,
        "recipe_id": record.recipe_id,
        "judged_at": record.judged_at.isoformat(),
        "latency_ms": record.latency_ms.get("total"),
        "picture": record.image is not None,
    }


def _shape(part: InspectedPart) -> tuple[int, int]:
    if not part.frames:
        return (0, 0)
    images = [frame.image for frame in part.frames.values()]
    return max(image.shape[0] for image in images), sum(image.shape[1] for image in images)
