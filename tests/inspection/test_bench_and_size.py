"""The comparison with anomalib, and the choice of the picture size, on drawn parts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from inspection.autosize import Trial, best
from inspection.bench import FIELDS, bench, table
from inspection.errors import InspectionError, TrainingError
from inspection.setup import Setup
from inspection.train import TrainingOptions, train_recipe

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


def test_the_smallest_nearly_best_size_is_chosen() -> None:
    trials = tuple(
        Trial(image_size_px=size, latency_ms=size / 50, auroc=auroc)
        for size, auroc in ((192, 0.90), (256, 0.977), (320, 0.98), (384, None))
    )
    assert best(trials).image_size_px == 256


@pytest.mark.slow
def test_auto_size_stays_within_the_budget(line: Any, tmp_path: Path) -> None:
    options = TrainingOptions(image_size_px=None, latency_budget_ms=10_000)
    path = tmp_path / "auto.recipe"
    report = train_recipe(Path(line.dataset), path, options=options, setup=Setup())
    assert [trial.image_size_px for trial in report.sizes_tried] == [192, 256]
    assert all(0.5 <= (trial.auroc or 0) <= 1 for trial in report.sizes_tried)
    assert report.image_size_px in (192, 256)
    hurried = TrainingOptions(image_size_px=None, latency_budget_ms=0.001)
    with pytest.raises(TrainingError, match="no size is fast enough; 192 px takes .* raise"):
        train_recipe(Path(line.dataset), path, options=hurried, setup=Setup())
