"""Patches that were no candidates are scored as well, whether their features were kept or not."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from cameras.simulated import draw_part
from models import ModelError, Picture
from models import _feature_pass as _seen
from models.patchcore import PatchCore

SIZE_PX, N = 64, 6
FOLDS = np.arange(N, dtype=np.intp) % 2


def pictures(valid: NDArray[np.bool_] | None = None) -> list[Picture]:
    every = np.ones((SIZE_PX, SIZE_PX), dtype=bool)
    shown = every if valid is None else valid
    return [Picture(draw_part(seed, size_px=SIZE_PX).image, shown) for seed in range(N)]


def held_out(*, candidates: int, shown: list[Picture] | None = None) -> NDArray[np.float32]:
    model = PatchCore(candidates=candidates, bank_size=20)
    return model.fit(shown or pictures(), folds=FOLDS).held_out_maps_


def test_few_candidates_leave_no_patch_unscored(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = held_out(candidates=60)
    assert kept.shape == (N, 4, 4)
    assert (kept > 0).all()
    monkeypatch.setattr(_seen, "KEPT_BYTES", 0)
    assert held_out(candidates=60) == pytest.approx(kept, rel=0.01)


@pytest.mark.parametrize("candidates", [60, 10_000])
def test_with_one_fold_each_patch_is_as_far_as_the_model_says(candidates: int) -> None:
    shown = pictures()
    model = PatchCore(candidates=candidates, bank_size=20)
    model.fit(shown, folds=np.zeros(N, dtype=np.intp))
    for picture, found in zip(shown, model.held_out_maps_, strict=True):
        assert found == pytest.approx(model.distances(picture.canvas), rel=0.01, abs=0.02)


def test_places_that_do_not_count_teach_nothing() -> None:
    valid = np.zeros((SIZE_PX, SIZE_PX), dtype=bool)
    valid[:, :32] = True
    spoilt = pictures(valid)
    spoilt = [
        Picture(np.where(valid[..., None], p.canvas, np.uint8(37 * i)), valid)
        for i, p in enumerate(spoilt)
    ]
    model = PatchCore().fit(spoilt, folds=FOLDS)
    assert len(model.memory_.bank) == N * 8


@pytest.mark.parametrize("hidden", [range(N), range(0, N, 2)])
def test_nothing_to_learn_a_fold_from_is_told(hidden: range) -> None:
    shown = pictures()
    none = np.zeros((SIZE_PX, SIZE_PX), dtype=bool)
    for index in hidden:
        shown[index] = Picture(shown[index].canvas, none)
    with pytest.raises(ModelError, match="no patch to learn from; the region of interest is empty"):
        PatchCore().fit(shown, folds=FOLDS)


def test_folds_may_have_any_numbers() -> None:
    wanted = held_out(candidates=60)
    model = PatchCore(candidates=60, bank_size=20)
    found = model.fit(pictures(), folds=np.where(FOLDS == 0, 9, 3)).held_out_maps_
    assert found.tobytes() == wanted.tobytes()
