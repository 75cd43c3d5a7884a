"""The comparison with anomalib, on drawn parts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from inspection.errors import InspectionError
from inspection.training.bench import FIELDS, bench, table

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


def test_bench_refuses_too_few_test_pictures(tmp_path: Path) -> None:
    for kind in ("good", "scratch"):
        (tmp_path / "test" / kind).mkdir(parents=True)
        cv2.imwrite(str(tmp_path / "test" / kind / "0.png"), np.zeros((8, 8), np.uint8))
    with pytest.raises(InspectionError, match="with more than 5 pictures, got 2"):
        bench(
            [tmp_path], contenders=["ours"], image_size_px=128, backbone=BACKBONE, progress=_quiet
        )
