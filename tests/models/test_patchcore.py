"""Patches that were no candidates are scored as well, whether their features were kept or not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from cameras.simulated import draw_part
from models import ModelError, PatchMaps, Picture, _scale
from models import _feature_pass as _seen
from models.patchcore import PatchCore

SIZE_PX, N = 64, 6
FOLDS = np.arange(N, dtype=np.intp) % 2


def pictures(valid: NDArray[np.bool_] | None = None) -> list[Picture]:
    every = np.ones((SIZE_PX, SIZE_PX), dtype=bool)
    shown = every if valid is None else valid
    return [Picture(draw_part(seed, size_px=SIZE_PX).image, shown) for seed in range(N)]


def planes(maps: PatchMaps) -> list[NDArray[np.float32]]:
    return [maps.distances, *(each for s in maps.finer for each in (s.plain, s.density))]


def held_out(*, candidates: int, folds: NDArray[np.intp] = FOLDS) -> list[NDArray[np.float32]]:
    """Every held-out map of every picture."""
    model = PatchCore(candidates=candidates, bank_size=20).fit(pictures(), folds=folds)
    return [plane for i in range(N) for plane in planes(model.held_out(i))]


def test_few_candidates_leave_no_patch_unscored(monkeypatch: pytest.MonkeyPatch) -> None:
    distances = []
    learn = _scale.learn_density

    def watched(measured: NDArray[np.float32], *rest: Any) -> Any:
        distances.append(measured)
        return learn(measured, *rest)

    monkeypatch.setattr(_scale, "learn_density", watched)
    kept = held_out(candidates=24)
    assert [each.shape for each in distances] == [(N, 4), (N, 16)]
    assert all((each > 0).all() for each in distances)
    monkeypatch.setattr(_seen, "KEPT_BYTES", 0)
    for again, once in zip(held_out(candidates=24), kept, strict=True):
        assert again == pytest.approx(once, rel=0.01, abs=0.02)


@pytest.mark.parametrize("candidates", [24, 10_000])
def test_with_one_fold_each_patch_is_as_far_as_the_model_says(candidates: int) -> None:
    shown = pictures()
    model = PatchCore(candidates=candidates, bank_size=20)
    model.fit(shown, folds=np.zeros(N, dtype=np.intp))
    for index, picture in enumerate(shown):
        measured = planes(model.measure(picture.canvas))
        for own, other in zip(planes(model.held_out(index)), measured, strict=True):
            assert own == pytest.approx(other, rel=0.01, abs=0.05)


def test_places_that_do_not_count_teach_nothing() -> None:
    valid = np.zeros((SIZE_PX, SIZE_PX), dtype=bool)
    valid[:, :32] = True
    spoilt = pictures(valid)
    spoilt = [
        Picture(np.where(valid[..., None], p.canvas, np.uint8(37 * i)), valid)
        for i, p in enumerate(spoilt)
    ]
    model = PatchCore().fit(spoilt, folds=FOLDS)
    assert [len(scale.memory.bank) for scale in model.scales_] == [N * 2, N * 8]


@pytest.mark.parametrize(
    ("shrinks", "line"),
    [
        ((2,), r"shrinks must end with 1 and divide the first, got \(2,\)"),
        ((3, 2, 1), r"shrinks must end with 1 and divide the first, got \(3, 2, 1\)"),
        ((8, 1), "the sides of the canvas must be multiples of 128 px, got 64 x 64"),
    ],
)
def test_scales_that_do_not_fit_are_told(shrinks: tuple[int, ...], line: str) -> None:
    with pytest.raises(ModelError, match=line):
        PatchCore(shrinks=shrinks).fit(pictures(), folds=FOLDS)


@pytest.mark.parametrize("hidden", [range(N), range(0, N, 2)])
def test_nothing_to_learn_a_fold_from_is_told(hidden: range) -> None:
    shown = pictures()
    none = np.zeros((SIZE_PX, SIZE_PX), dtype=bool)
    for index in hidden:
        shown[index] = Picture(shown[index].canvas, none)
    with pytest.raises(ModelError, match="no patch to learn from; the region of interest is empty"):
        PatchCore().fit(shown, folds=FOLDS)


def test_folds_may_have_any_numbers() -> None:
    renamed = held_out(candidates=24, folds=np.where(FOLDS == 0, 9, 3))
    for again, once in zip(renamed, held_out(candidates=24), strict=True):
        assert again.tobytes() == once.tobytes()
