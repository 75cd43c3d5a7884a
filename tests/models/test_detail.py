"""Fine features say where within an unusual patch the defect is; they never score."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from cameras.simulated import draw_part
from inspection.training.metrics import aupro
from models import (
    AnomalyMap,
    PatchMaps,
    Picture,
    Scoring,
    load_program,
    model_class,
    program_bytes,
    score,
)
from models._backbone import torch_features
from models._detail import FineSample

GRID, CHANNELS = (6, 8), 5
SIZE_PX, N = 192, 24


def features(n: int, *, seed: int = 0) -> NDArray[np.float32]:
    """Good features (n, h * w, C) whose mean changes from the top left to the bottom right."""
    rng = np.random.default_rng(seed)
    usual = np.indices(GRID).sum(0).reshape(-1, 1) * np.linspace(-1, 1, CHANNELS)
    return np.asarray(usual + rng.normal(size=(n, *usual.shape)), np.float32)


def sample(rows: NDArray[np.float32], valid: NDArray[np.bool_] | None = None) -> FineSample:
    found = FineSample(len(rows), GRID, CHANNELS)
    for index, each in enumerate(rows):
        found.take(index, each, np.ones(GRID, bool) if valid is None else valid)
    return found


def test_a_place_unlike_itself_stands_out_though_it_is_like_another() -> None:
    detail = sample(features(200)).learn(deviation=1.0)
    part = features(1, seed=5)[0]
    part[10] = features(1, seed=6)[0][47]  # a good feature, of another place
    assert divmod(int(detail.measure(part).argmax()), GRID[1]) == divmod(10, GRID[1])


def test_on_good_parts_it_varies_as_the_distances_do() -> None:
    rows = features(200)
    detail = sample(rows).learn(deviation=0.7)
    assert np.std([detail.measure(each) for each in rows]) == pytest.approx(0.7, rel=0.05)


def test_what_is_not_valid_teaches_nothing() -> None:
    valid = np.ones(GRID, bool)
    valid[:, :2] = False
    rows = features(50)
    spoilt = rows.copy()
    spoilt[:, ~valid.ravel()] = 1e4
    once, again = (sample(each, valid).learn(deviation=1.0) for each in (rows, spoilt))
    part = features(1, seed=5)[0]
    assert np.array_equal(once.measure(part), again.measure(part))


def test_many_pictures_take_no_more_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models._detail.KEPT_BYTES", 2 * GRID[0] * GRID[1] * CHANNELS * 10)
    found = sample(features(95))
    assert len(found._rows) == 10  # every tenth
    assert found.learn(deviation=1.0).gain.shape == (GRID[0] * GRID[1], CHANNELS)


def test_it_is_shown_and_never_scores() -> None:
    distances = np.random.default_rng(0).random((4, 5), np.float32)
    valid = np.ones((4, 5), bool)
    valid[:, 3:] = False
    detail = np.ones((8, 10), np.float32)
    detail[2, 2] = 65.0
    detail[4, 7] = 9.0  # beside what is valid: it is shown
    detail[4, 9] = 65.0  # farther out: it is not
    scoring = Scoring(smoothing_patches=1.25, level=0.5)
    without = score(PatchMaps(distances), valid, scoring)
    found = score(PatchMaps(distances, detail), valid, scoring)
    assert (found.score, found.offset) == (without.score, without.offset)
    assert np.array_equal(found.values, without.values)
    assert found.shown[0] is found.values
    assert without.shown == (without.values,)
    assert found.detail is not None
    assert np.count_nonzero(found.detail) == 2
    mean = (47 + 65) / 48
    assert found.detail[2, 2] == pytest.approx(65 - mean)
    assert found.detail[4, 7] == pytest.approx(9 - mean)
    for wrong in (np.ones((2, 2), np.float32), np.full((8, 10), np.nan, np.float32)):
        with pytest.raises(ValueError, match=r"AnomalyMap.detail: expected finite float32"):
            AnomalyMap(found.values, found.score, detail=wrong)


def drawn(seed: int, defect: str | None = None) -> tuple[Picture, NDArray[np.bool_]]:
    part = draw_part(seed, defect=defect, size_px=SIZE_PX)
    return Picture(part.image, np.ones(part.image.shape[:2], bool)), part.mask > 0


def test_the_program_gives_it_and_defects_are_covered_better() -> None:
    pictures = [drawn(seed)[0] for seed in range(N)]
    model: Any = model_class("patchcore")(seed=4)
    model.fit(pictures, folds=np.arange(N, dtype=np.intp) % 3)
    program = load_program(*program_bytes(model))
    plain, sharp, masks = [], [], []
    for seed in range(100, 130):
        picture, mask = drawn(seed, ("scratch", "stain", "missing_feature")[seed % 3])
        maps, _ = program.measure(picture.canvas)
        _, fine = torch_features(model.network_, picture.canvas, pool=model.pool)
        wanted = model.detail_.measure(fine)
        assert maps.detail is not None
        assert np.abs(maps.detail - wanted).max() <= 1e-3 * wanted.max()
        found = score(maps, picture.valid, model.scoring)
        over = [cv2.resize(plane, (SIZE_PX, SIZE_PX)) for plane in found.shown]
        plain.append(over[0])
        sharp.append(over[0] + over[1])
        masks.append(mask)
    assert aupro(sharp, masks) > aupro(plain, masks) + 0.003
