"""The comparison with anomalib, and the choice of the picture size, on drawn parts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from inspection.training.image_size import Flaw, Trial, best, draw_flaw, spoil
from numpy.typing import NDArray

from inspection.errors import InspectionError, TrainingError
from inspection.recipe.setup_file import Setup
from inspection.training.bench import FIELDS, bench, table
from inspection.training.options import TrainingOptions
from inspection.training.train import train_recipe
from models import Picture

BACKBONE = "tf_efficientnet_lite0"


def _quiet(what: str, done: int, of: int) -> None: ...


@pytest.mark.slow
def test_bench_gives_a_row_with_every_figure(line: Any) -> None:
    (row,) = bench(
        [Path(line.dataset)],
        contenders=["ours"],
        image_size_px=128,
        backbone=BACKBONE,
        progress=_quiet,
    )
    assert (row["model"], row["image_size"]) == ("ours", 128)
    assert all(row[field] > 0 for field in FIELDS)
    assert row["x_backbone"] > 0
    assert row["recipe_mb"] < 25
    assert table([row]).count("\n") == 2


def test_bench_refuses_an_unknown_contender(line: Any) -> None:
    with pytest.raises(InspectionError, match="no contender 'best'; there are: ours, patchcore"):
        bench(
            [Path(line.dataset)],
            contenders=["best"],
            image_size_px=128,
            backbone=BACKBONE,
            progress=_quiet,
        )


def _trials(*found: tuple[int, float | None]) -> tuple[Trial, ...]:
    return tuple(
        Trial(image_size_px=size, latency_ms=size / 50, auroc=auroc) for size, auroc in found
    )


def test_the_smallest_nearly_best_size_is_chosen() -> None:
    assert best(_trials((256, 0.90), (320, 0.977), (384, 0.98), (448, None))).image_size_px == 320


def test_a_size_below_the_usual_is_chosen_only_where_no_other_is_fast_enough() -> None:
    assert best(_trials((192, 0.99), (256, 0.98), (320, None))).image_size_px == 256
    assert best(_trials((192, 0.7), (256, None))).image_size_px == 192


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


def test_bench_refuses_too_few_test_pictures(tmp_path: Path) -> None:
    for kind in ("good", "scratch"):
        (tmp_path / "test" / kind).mkdir(parents=True)
        cv2.imwrite(str(tmp_path / "test" / kind / "0.png"), np.zeros((8, 8), np.uint8))
    with pytest.raises(InspectionError, match="with more than 5 pictures, got 2"):
        bench(
            [tmp_path], contenders=["ours"], image_size_px=128, backbone=BACKBONE, progress=_quiet
        )


@pytest.mark.slow
def test_auto_size_stays_within_the_budget(line: Any, tmp_path: Path) -> None:
    options = TrainingOptions(image_size_px=None, latency_budget_ms=10_000)
    path = tmp_path / "auto.recipe"
    report = train_recipe(Path(line.dataset), path, options=options, setup=Setup())
    assert [trial.image_size_px for trial in report.sizes_tried] == [192, 256]
    assert all(0.5 <= (trial.auroc or 0) <= 1 for trial in report.sizes_tried)
    assert report.image_size_px == 256
    hurried = TrainingOptions(image_size_px=None, latency_budget_ms=0.001)
    with pytest.raises(TrainingError, match="no size is fast enough; 192 px takes .* raise"):
        train_recipe(Path(line.dataset), path, options=hurried, setup=Setup())
