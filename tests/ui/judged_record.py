"""A record of 185 parts judged by the recipe of a station, for tests in a browser: every score is known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from inspection.judgement import Judgement, Region, Verdict
from inspection.reasons import Reason
from inspection.recipe import open_recipe
from inspection.store import NewPart, open_store

BEGAN = datetime(2026, 3, 5, 6, 0, tzinfo=UTC)
DARK = Reason("too_dark", {"value": 12, "limit": 30})
GOOD, ABOVE, CANNOT = 150, 30, 5
# In shares of the recipe's threshold.
SCORES = np.array([0.4 + 0.004 * n for n in range(GOOD)] + [1.1 + 0.05 * n for n in range(ABOVE)])


def judged(found: Any, recipe_file: Path, *, zone: str | None = None) -> Any:
    """Record 185 parts, 21 labelled OK and 10 NG."""
    recipe = open_recipe(recipe_file)
    limit = recipe.settings.calibration.threshold
    fail = recipe.settings.calibration.fail_threshold
    with open_store(found.folder / "parts.db") as store:
        done = store.add_many(
            [judged_part(n, limit, fail, recipe.id, zone) for n in range(len(SCORES))]
        )
        store.add_many(
            [judged_part(len(SCORES) + n, limit, fail, recipe.id) for n in range(CANNOT)]
        )
        for record in (*done[:20], done[149]):
            store.add_event(record.part_id, "label", "jo", detail={"label": "OK"})
        for record in done[-10:]:
            detail = {"label": "NG", "defect": "scratch"}
            store.add_event(record.part_id, "label", "jo", detail=detail)
    found.limit = limit
    return found


def judged_part(
    n: int, limit: float, fail: float, recipe_id: str, zone: str | None = None
) -> NewPart:
    score = float(SCORES[n] * limit) if n < len(SCORES) else None
    verdict = Verdict.CANNOT_INSPECT
    if score is not None:
        verdict = Verdict.FAIL if score > max(fail, limit) else Verdict.REVIEW
        verdict = Verdict.PASS if score <= limit else verdict
    at_fault = verdict in (Verdict.FAIL, Verdict.REVIEW)
    region = Region(
        x_px=40, y_px=50, width_px=60, height_px=30, area_px=900.0, area_mm2=None,
        peak_score=score or 0.0, zone=zone,
    )  # fmt: skip
    judged = Judgement(
        verdict=verdict, cause=DARK, recipe_id=recipe_id,
        score=score, p_value=0.5 if score else None, threshold=limit,
        regions=(region,) if at_fault else (), health={"brightness": 100.0 + n % 7},
        latency_ms={"judge": 9.0, "total": 20.0 + n % 5},
    )  # fmt: skip
    image = np.full((120, 160, 3), 40 + n, dtype=np.uint8)
    return NewPart(
        judgement=judged, serial=f"S{n:04d}", lot=f"L{n // 100}", station="line-1",
        product="flange", trigger_id=f"t{n}", judged_at=BEGAN + timedelta(minutes=n),
        image_bytes=cv2.imencode(".png", image)[1].tobytes(),
    )  # fmt: skip
