"""A record of 250 parts whose every score is known, and the station it is of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import cv2
import numpy as np

from inspection.judgement import Judgement, Region, Verdict
from inspection.reasons import Reason
from inspection.store import NewPart, Store

STATION = """
station = "line-1"
record = "parts.db"
deadline_ms = 500
shifts = ["06:00", "14:00", "22:00"]
[[views]]
name = "main"
camera = "simulated"
[[products]]
name = "flange"
recipe = "flange.recipe"
"""
BEGAN = datetime(2026, 3, 5, 5, 30, tzinfo=UTC)
OLD = "0ld" * 8
GOOD, ABOVE, CANNOT = 200, 40, 10


def png(number: int) -> bytes:
    image = np.full((300, 400, 3), number % 250, dtype=np.uint8)
    return cv2.imencode(".png", image)[1].tobytes()


def region(score: float, *, zone: str | None = None, accepted: bool = False) -> Region:
    return Region(
        x_px=10, y_px=20, width_px=30, height_px=40, area_px=900.0, area_mm2=None,
        peak_score=score, zone=zone, accepted=accepted,
    )  # fmt: skip


def part(verdict: Verdict, score: float | None, number: int, **given: Any) -> NewPart:
    threshold = given.pop("threshold", 1.0)
    regions = given.pop("regions", None)
    if regions is None:
        regions = (region(score),) if verdict in (Verdict.FAIL, Verdict.REVIEW) and score else ()
    judged = Judgement(
        verdict=verdict,
        cause=given.pop("cause", Reason("other", {"text": "as it is"})),
        recipe_id=given.pop("recipe_id", OLD),
        score=score,
        p_value=None if score is None else 0.5,
        threshold=threshold,
        regions=regions,
        health={"brightness": 100.0 + number % 7},
        latency_ms={"judge": 8.0, "total": 20.0 + number % 3},
    )
    given.setdefault("lot", f"L{number // 100}")
    return NewPart(
        judgement=judged, serial=f"S{number:04d}", station="line-1", product="flange",
        trigger_id=f"t{number}", image_bytes=None if score is None else png(number),
        judged_at=BEGAN + timedelta(minutes=number), **given,
    )  # fmt: skip


def filled(store: Store) -> None:
    """Good parts score 0.002 … 0.4 by 0.002, above the limit 1.0 are 1.05 … 3.0 by 0.05."""
    made = [part(Verdict.PASS, 0.002 * (n + 1), n) for n in range(GOOD)]
    for n in range(ABOVE):
        score = 1.05 + 0.05 * n
        verdict = Verdict.FAIL if score > 2 else Verdict.REVIEW
        zone = "rim" if n % 4 == 0 else None
        made.append(part(verdict, score, GOOD + n, regions=(region(score, zone=zone),)))
    why = Reason("too_dark", {"value": 12, "limit": 30})
    made += [
        part(Verdict.CANNOT_INSPECT, None, GOOD + ABOVE + n, cause=why, threshold=None)
        for n in range(CANNOT)
    ]
    store.add_many(made)
