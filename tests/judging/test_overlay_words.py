"""The words of a judged picture can be read, however small the picture is."""

from __future__ import annotations

from itertools import groupby
from typing import Any, cast

import numpy as np
import pytest

from inspection.judgement import Judgement, Verdict
from inspection.judging import lettering
from inspection.judging.overlay import COLOURS, draw
from inspection.reasons import Reason

LONG = "A PLACE OF 12 MM² IN THE ZONE RIM-OF-THE-UPPER-LEFT-FLANGE-BESIDE-HOLE-7 IS AT FAULT"


def _judged(verdict: Verdict) -> Judgement:
    return Judgement(
        verdict=verdict, cause=Reason("other", {"text": LONG}), recipe_id="a" * 64, score=1.2345,
        p_value=0.01, threshold=0.001,
    )  # fmt: skip


def _heights_px(part: Any, ground: tuple[int, int, int]) -> list[int]:
    """Heights of what is written, one below the other, on a ground of one colour."""
    inked = (np.abs(part.astype(int) - ground).sum(axis=2) > 150).any(axis=1)
    return [len(list(rows)) for ink, rows in groupby(inked) if ink]


@pytest.mark.parametrize("verdict", [Verdict.FAIL, Verdict.REVIEW, Verdict.CANNOT_INSPECT])
@pytest.mark.parametrize("side_px", [16, 64, 100, 256, 1400])
def test_every_line_is_high_enough_to_read(side_px: int, verdict: Verdict) -> None:
    image = np.full((side_px, side_px, 3), 120, dtype=np.uint8)
    sheet = draw(image, _judged(verdict), cast("Any", None))
    banner = sheet[: int(np.argmin((sheet[:, 0] == COLOURS[verdict]).all(axis=1)))]
    first, *lines = _heights_px(banner, COLOURS[verdict])
    assert first > min(lines) >= 12
    room_px = round(0.96 * sheet.shape[1])
    wrapped = lettering.wrapped(LONG, lettering.capitals_px(sheet.shape[1]), room_px)
    assert len(lines) == len(wrapped)
    assert "".join(wrapped).replace(" ", "") == LONG.replace("²", "2").replace(" ", "")


def test_the_numbers_of_the_scale_are_as_high() -> None:
    image = np.full((24, 24, 3), 120, dtype=np.uint8)
    judged = _judged(Verdict.FAIL)
    sheet = draw(image, judged, cast("Any", None))
    bar_px = max(lettering.width_px(text, lettering.SMALLEST_PX) for text in ("1.23", "0.001"))
    bar = sheet[-4 * lettering.line_px(lettering.SMALLEST_PX) :, 48 : 48 + bar_px]
    above, *_, below = _heights_px(bar, (255, 255, 255))
    assert min(above, below) >= 12
