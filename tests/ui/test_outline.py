"""Contours of places, as pages draw them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from inspection.judgement import Region, Verdict
from ui.core.outline import outlines

BOX = {"x_px": 10, "y_px": 20, "width_px": 30, "height_px": 40, "area_px": 900, "area_mm2": None}


def test_a_place_is_drawn_by_its_contour_and_an_old_one_by_its_box() -> None:
    contour = ((10.5, 20.0), (40.0, 30.0), (25.0, 60.0))
    regions = [
        Region(**BOX, peak_score=2.0, zone=None, outline=contour),
        Region(**BOX, peak_score=2.0, zone="rim", accepted=True),
    ]
    record: Any = SimpleNamespace(regions=regions, verdict=Verdict.REVIEW)
    assert outlines(record) == (
        '<polygon points="10.5,20 40,30 25,60" class="under"></polygon>'
        '<polygon points="10.5,20 40,30 25,60" class="REVIEW"></polygon>'
        '<polygon points="10,20 40,20 40,60 10,60" class="under"></polygon>'
        '<polygon points="10,20 40,20 40,60 10,60" class="accepted"></polygon>'
    )
