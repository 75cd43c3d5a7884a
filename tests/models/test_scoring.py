"""One formula scores: by hand over several scales, and as ever over one."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from models import AnomalyMap, PatchMaps, Scoring, score
from models._scoring import ScaleMaps

Array = NDArray[np.float32]
FULL = np.ones((16, 16), dtype=bool)


def grid(side: int, *values: tuple[int, int, float]) -> Array:
    """A map (side, side) of 0, but for values (row, column, value)."""
    plane = np.zeros((side, side), np.float32)
    for row, column, value in values:
        plane[row, column] = value
    return plane


def scoring(level: float = 0.0, fine_weight: float = 0.0, smoothing: float = 0.0) -> Scoring:
    return Scoring(smoothing_patches=smoothing, level=level, fine_weight=fine_weight)


def test_scales_are_averaged_patch_by_patch() -> None:
    plain = grid(4, (0, 0, 2.0), (0, 1, 4.0), (1, 0, 6.0), (1, 1, 0.0))  # mean 3 within (0, 0)
    maps = PatchMaps(grid(2, (0, 0, 5.0), (1, 1, 7.0)), (ScaleMaps(plain, grid(4)),))
    shown = score(maps, FULL, scoring())
    assert shown.scored.tolist() == [[4.0, 0.0], [0.0, 3.5]]
    assert (shown.score, shown.offset) == (4.0, 0.0)
    # With the level: half the mean of 4, 0, 0 and 3.5.
    shown = score(maps, FULL, scoring(level=0.5))
    assert (shown.score, shown.offset) == (pytest.approx(4.9375), pytest.approx(0.9375))
    assert shown.score == pytest.approx(float(shown.scored.max()) + shown.offset)


def test_a_speck_only_the_fine_scale_sees_counts_by_its_highest_place() -> None:
    density = grid(4, (2, 3, 8.0), (3, 2, 6.0))
    maps = PatchMaps(grid(2, (0, 0, 3.0)), (ScaleMaps(grid(4), density),))
    assert score(maps, FULL, scoring()).score == 1.5
    shown = score(maps, FULL, scoring(fine_weight=0.5))
    assert shown.scored.tolist() == [[1.5, 0.0], [0.0, 4.0]]
    assert shown.score == 4.0
    # The level is of what is averaged, not of specks.
    assert score(maps, FULL, scoring(level=1.0, fine_weight=0.5)).offset == pytest.approx(1.5 / 4)


def test_of_several_finer_scales_the_highest_speck_counts() -> None:
    finer = (
        ScaleMaps(grid(4), grid(4, (0, 0, 2.0), (2, 2, 9.0))),
        ScaleMaps(grid(8, (7, 7, 48.0)), grid(8, (1, 1, 5.0), (4, 4, 1.0))),
    )
    shown = score(PatchMaps(grid(2, (0, 1, 3.0)), finer), FULL, scoring(fine_weight=1.0))
    # Fused: 3 / 3 at the top right, 48 / 16 / 3 at the bottom right; specks 5 and 9.
    assert shown.scored.tolist() == [[5.0, 1.0], [0.0, 10.0]]
    assert shown.values.shape == (8, 8)


def test_the_map_shown_is_the_mean_of_all_scales_on_the_finest_grid() -> None:
    rng = np.random.default_rng(0)
    coarse, fine = rng.normal(size=(4, 5)), rng.normal(size=(8, 10))
    maps = PatchMaps(
        coarse.astype(np.float32),
        (ScaleMaps(fine.astype(np.float32), np.zeros((8, 10), np.float32)),),
    )
    shown = score(maps, np.ones((64, 80), bool), scoring())
    up = cv2.resize(coarse.astype(np.float32), (10, 8), interpolation=cv2.INTER_LINEAR)
    assert shown.values == pytest.approx((up + fine) / 2, abs=1e-5)
    assert shown.shown == (shown.values,)
    assert not shown.values.flags.writeable


def test_what_does_not_count_neither_scores_nor_dilutes() -> None:
    valid = FULL.copy()
    valid[:, 8:] = False  # the right half
    valid[:8, 4:8] = False  # and half of the top left patch: not most of it
    plain, density = grid(4), grid(4)
    plain[:, 2:] = density[:, 2:] = 1e4
    plain[:2, 1] = density[:2, 1] = 1e4
    plain[:2, 0], density[:2, 0] = 1e4, 1e4  # valid alone, but its coarse patch is not
    plain[2:, :2], density[2:, :2] = 2.0, 3.0
    distances = np.array([[1e4, 1e4], [4.0, 1e4]], np.float32)
    shown = score(PatchMaps(distances, (ScaleMaps(plain, density),)), valid, scoring(1.0, 1.0))
    assert shown.offset == pytest.approx(3.0)
    assert shown.score == pytest.approx(3.0 + 3.0 + 3.0)
    assert shown.scored.tolist() == [[0.0, 0.0], [6.0, 0.0]]


def test_a_fine_patch_outside_is_left_out_of_its_coarse_patch() -> None:
    valid = FULL.copy()
    valid[:4, :4] = False  # one of four fine patches
    plain = grid(4, (0, 0, 1e4), (0, 1, 6.0))
    density = grid(4, (0, 0, 1e4), (1, 1, 5.0))
    shown = score(PatchMaps(grid(2), (ScaleMaps(plain, density),)), valid, scoring(0.0, 1.0))
    assert shown.scored[0, 0] == pytest.approx((0 + 6 / 3) / 2 + 5)


def test_the_map_reaches_one_patch_beyond_what_counts() -> None:
    valid = FULL.copy()
    valid[:, 4:] = False
    fine = ScaleMaps(np.full((8, 8), 2.0, np.float32), np.zeros((8, 8), np.float32))
    shown = score(PatchMaps(np.full((2, 2), 4.0, np.float32), (fine,)), _half(), scoring())
    assert (shown.values[:, :5] == 3.0).all()
    assert (shown.values[:, 5:] == 0.0).all()


def _half() -> NDArray[np.bool_]:
    valid = FULL.copy()
    valid[:, 8:] = False
    return valid


@pytest.mark.parametrize("finer", [(), (ScaleMaps(grid(4), grid(4)),)])
def test_nothing_valid_is_refused(finer: Any) -> None:
    with pytest.raises(ValueError, match="expected at least one valid patch, got none"):
        score(PatchMaps(grid(2), finer), np.zeros((16, 16), bool), scoring())


def formula_of_one_scale(
    maps: PatchMaps, patches: NDArray[np.bool_], scoring: Scoring
) -> tuple[float, float, Array, Array]:
    """As recipes of format 1 were scored: score, offset, values and neighbourhood."""
    weight = patches.astype(np.float32)
    blurred, share = (
        cv2.GaussianBlur(
            plane, (0, 0), sigmaX=scoring.smoothing_patches, borderType=cv2.BORDER_REFLECT_101
        )
        for plane in (maps.distances * weight, weight)
    )
    around = np.asarray(blurred / np.maximum(share, 1e-6), np.float32)
    offset = scoring.level * float(maps.distances[patches].mean())
    beside = cv2.dilate(weight, np.ones((3, 3), np.uint8)) > 0
    values = np.where(beside, maps.distances, 0.0).astype(np.float32)
    return float(around[patches].max()) + offset, offset, values, around * weight


@pytest.mark.parametrize("smoothing", [0.7, 1.25, 2.0])
@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_one_scale_is_scored_as_ever_bit_for_bit(smoothing: float, level: float) -> None:
    rng = np.random.default_rng(3)
    for _ in range(10):
        distances = rng.gamma(4.0, 1.0, (12, 17)).astype(np.float32)
        patches = rng.random((12, 17)) > 0.3
        valid = np.repeat(np.repeat(patches, 16, 0), 16, 1)
        old = Scoring(smoothing_patches=smoothing, level=level)
        assert old.fine_weight == 0.0
        shown = score(PatchMaps(distances), valid, old)
        number, offset, values, around = formula_of_one_scale(PatchMaps(distances), patches, old)
        assert (shown.score, shown.offset) == (number, offset)
        assert shown.values.tobytes() == values.tobytes()
        assert shown.scored.tobytes() == around.tobytes()


def test_one_scale_without_smoothing_scores_its_highest_patch() -> None:
    distances = grid(4, (1, 2, 8.0))
    shown = score(PatchMaps(distances), FULL, scoring(level=0.5, fine_weight=0.5))
    assert (shown.score, shown.offset) == (8.25, 0.25)
    assert shown.scored.tolist() == distances.tolist()


def test_detail_of_older_recipes_is_shown_and_never_scores() -> None:
    distances = np.random.default_rng(0).random((4, 5), np.float32)
    valid = np.ones((4, 5), bool)
    valid[:, 3:] = False
    detail = np.ones((8, 10), np.float32)
    detail[2, 2] = 65.0
    detail[4, 7] = 9.0  # beside what is valid: it is shown
    detail[4, 9] = 65.0  # farther out: it is not
    old = scoring(level=0.5, smoothing=1.25)
    without = score(PatchMaps(distances), valid, old)
    shown = score(PatchMaps(distances, detail=detail), valid, old)
    assert (shown.score, shown.offset) == (without.score, without.offset)
    assert np.array_equal(shown.values, without.values)
    assert shown.shown[0] is shown.values
    assert without.shown == (without.values,)
    assert shown.detail is not None
    assert np.count_nonzero(shown.detail) == 2
    mean = (47 + 65) / 48
    assert shown.detail[2, 2] == pytest.approx(65 - mean)
    assert shown.detail[4, 7] == pytest.approx(9 - mean)
    for wrong in (np.ones((2, 2), np.float32), np.full((8, 10), np.nan, np.float32)):
        with pytest.raises(ValueError, match=r"AnomalyMap.detail: expected finite float32"):
            AnomalyMap(shown.values, shown.score, detail=wrong)
