"""Defects drawn into good pictures are the same at every size, and what would pass is counted."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from cameras import list_images
from inspection.intervals import exact_interval
from inspection.recipe import Recipe
from inspection.training.drawn_defects import (
    MOST_PICTURES,
    SIZES,
    DrawnEscapes,
    Flaw,
    draw_flaw,
    drawn_escapes,
    spoil,
)
from inspection.training.good_pictures import GoodPictures, read_good
from models import Picture


def quiet(what: str, done: int, of: int) -> None:
    """Say nothing."""


@pytest.mark.parametrize(("length", "stain"), [(0.02, False), (0.08, False), (0.2, True)])
def test_a_flaw_is_the_same_one_at_every_size(length: float, stain: bool) -> None:
    flaw = draw_flaw(length, np.random.default_rng(3), stain=stain)
    small, large = (_seen(flaw, side) for side in (192, 768))
    assert np.abs(small - large)[:2].max() < 0.006
    assert small[2] == pytest.approx(large[2], rel=0.1)


def _seen(flaw: Flaw, side: int) -> NDArray[np.float64]:
    """Give where a flaw lies (down, across) and how large it is, in shares of the picture's side."""
    plain = Picture(np.full((side, side, 3), 100, np.uint8), np.ones((side, side), bool))
    spoilt = spoil(plain, plain.canvas, flaw).canvas[..., 0]
    share = np.abs(spoilt.astype(np.float64) - 100) / abs(flaw.step)
    y, x = np.mgrid[:side, :side]
    total = share.sum()
    return np.array([(share * y).sum() / total, (share * x).sum() / total, total**0.5]) / side


def test_a_flaw_changes_only_its_place_and_leaves_the_good_picture_alone() -> None:
    rng = np.random.default_rng(0)
    plain = Picture(np.full((128, 128, 3), 100, np.uint8), np.ones((128, 128), bool))
    for stain in (False, True):
        for length in SIZES:
            spoilt = spoil(plain, plain.canvas, draw_flaw(length, rng, stain=stain))
            changed = (spoilt.canvas != 100).any(-1)
            assert changed.any()
            assert changed.sum() <= 4 * (length * 128 + 3) ** 2
    assert (plain.canvas == 100).all()


def test_a_flaw_lies_where_is_inspected() -> None:
    valid = np.zeros((128, 128), bool)
    valid[90:110, 20:40] = True
    rng = np.random.default_rng(1)
    for _ in range(20):
        flaw = draw_flaw(0.02, rng, stain=True)
        plain = Picture(np.full((128, 128, 3), 100, np.uint8), valid)
        spoilt = spoil(plain, plain.canvas, flaw).canvas
        changed = (spoilt != 100).any(-1)
        assert not changed.any() or (changed & valid).any()


@pytest.fixture(scope="module")
def good(line: Any, recipe: Recipe) -> GoodPictures:
    return read_good(list_images(line.dataset / "train" / "good"), recipe.framing, progress=quiet)


def with_threshold(recipe: Recipe, threshold: float) -> Recipe:
    calibration = replace(recipe.settings.calibration, threshold=threshold)
    return Recipe(
        replace(recipe.settings, calibration=calibration),
        scores=recipe.scores,
        appearance=recipe.appearance,
        program=recipe.program_bytes,
        references=recipe.references,
    )


def test_escapes_are_counted_by_size(good: GoodPictures, recipe: Recipe) -> None:
    rows = drawn_escapes(good, recipe, seed=0, progress=quiet)
    assert rows == drawn_escapes(good, recipe, seed=0, progress=quiet)
    assert [row.length_share for row in rows] == list(SIZES)
    assert [row.length_px for row in rows] == pytest.approx([256 * share for share in SIZES])
    assert {row.drawn for row in rows} == {2 * MOST_PICTURES}
    assert rows[0].share >= rows[-1].share
    assert all(row.ci95 == exact_interval(row.escapes, row.drawn) for row in rows)
    lax, strict = (
        drawn_escapes(good, with_threshold(recipe, limit), seed=0, progress=quiet)
        for limit in (1e9, -1e9)
    )
    assert [row.share for row in lax] == [1.0] * 4
    assert [row.share for row in strict] == [0.0] * 4


def test_training_tells_them(line: Any) -> None:
    rows = line.trained["drawn_escapes"]
    assert [row["length_share"] for row in rows] == list(SIZES)
    for row in rows:
        counted = DrawnEscapes(
            length_share=row["length_share"], length_px=row["length_px"], drawn=row["drawn"],
            escapes=row["escapes"],
        )  # fmt: skip
        assert row["escape_rate"] == counted.share
        assert row["escape_ci95"] == list(counted.ci95)


@pytest.mark.parametrize("stain", [False, True])
def test_drawing_into_a_large_picture_needs_little_beside_it(stain: bool) -> None:
    large = Picture(np.zeros((3584, 5376, 3), np.uint8), np.ones((3584, 5376), bool))
    flaw = replace(draw_flaw(SIZES[-1], np.random.default_rng(0), stain=stain), place=(0.5, 0.5))
    tracemalloc.start()
    spoil(large, large.canvas, flaw)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2.5 * large.canvas.nbytes
