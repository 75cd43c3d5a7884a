"""Several views of a part come to one judgement, drawn over their pictures side by side."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from cameras import Frame
from inspection.judgement import Judgement, Region, Verdict
from inspection.judging.multi_view import combine_judgements, side_by_side
from inspection.reasons import Reason


def _judged(verdict: Verdict, *regions: Region) -> Judgement:
    return Judgement(
        verdict=verdict, cause=Reason("other", {"text": "drawn"}), recipe_id="c0ffee", score=2.0,
        p_value=0.0, threshold=1.0, regions=regions,
    )  # fmt: skip


def test_box_and_outline_of_a_region_move_to_where_its_view_stands() -> None:
    image = np.zeros((20, 30, 3), dtype=np.uint8)
    frames = {
        name: Frame(image=image, camera=name, sequence=0, captured_at=datetime.now(UTC))
        for name in ("left", "right")
    }
    place = Region(
        x_px=3, y_px=4, width_px=5, height_px=6, area_px=20, area_mm2=None, peak_score=2.0,
        outline=((3.0, 4.0), (8.0, 4.5), (7.5, 10.0)),
    )  # fmt: skip
    views = {"left": _judged(Verdict.PASS), "right": _judged(Verdict.FAIL, place)}
    (found,) = combine_judgements(views, side_by_side(frames), {}).regions
    assert found.x_px == 33
    assert found.outline == ((33.0, 4.0), (38.0, 4.5), (37.5, 10.0))
