"""A statistic is one row: computed, printed, in JSON, in the manual and beside anomalib by being there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from inspection.judgement import Verdict
from inspection.training import statistics
from inspection.training.metrics import LabelledPixels, true_positive_rate
from inspection.training.statistics import (
    COUNT,
    NO_SCORE,
    STATISTICS,
    DefectOutline,
    Evaluation,
    ScoredTestSet,
    Statistic,
)

MANUAL = (Path(__file__).parents[2] / "docs" / "command-line.md").read_text("utf-8")


def scored() -> ScoredTestSet:
    """Four good parts, three scratches, one stain that could not be inspected."""
    mask = np.zeros((4, 4), bool)
    mask[1, 1] = True
    values = np.where(mask, 2.0, 1.0).astype(np.float32)
    return ScoredTestSet(
        kinds=["good"] * 4 + ["scratch"] * 3 + ["stain"],
        scores=np.array([1.0, 2.0, 3.0, 4.0, 2.5, 5.0, 6.0, NO_SCORE]),
        verdicts=[Verdict.PASS] * 3
        + [Verdict.REVIEW, Verdict.PASS, Verdict.FAIL, Verdict.FAIL, Verdict.CANNOT_INSPECT],
        latency_ms=np.array([10.0, 20.0, 30.0]),
        pixels=LabelledPixels.gather([values], [mask]),
        outlines=[
            DefectOutline(touches=True, area_ratio=1.5),
            DefectOutline(touches=False, area_ratio=9.0),
            DefectOutline(touches=True, area_ratio=0.5),
        ],
        lengths=[None] * 4 + [0.02, 0.021 + 0.04, None, 0.5],
    )


def test_each_figure_is_the_one_of_the_test_set() -> None:
    figures = Evaluation.of(scored()).as_json()
    per_defect = figures.pop("per_defect")
    per_size = figures.pop("per_size")
    intervals = {
        name: figures.pop(name)
        for name in ("escape_ci95", "overkill_ci95", "good_review_ci95", "not_failed_ci95")
    }
    assert figures.pop("good_fail_ci95") == pytest.approx([0.0, 0.60236], abs=1e-5)
    assert figures.pop("region_hit_ci95") == pytest.approx([0.09430, 0.99160], abs=1e-5)
    assert figures == {
        "n_good": 4,
        "n_defective": 4,
        "escape_rate": 0.25,
        "not_failed_rate": 0.25,
        "overkill_rate": 0.25,
        "good_fail_rate": 0.0,
        "good_review_rate": 0.25,
        "image_auroc": 0.875,
        "tpr_at_1": 0.75,
        "tpr_at_5": 0.75,
        "pixel_auroc": 1.0,
        "aupro": 1.0,
        "aupro_at_5": 1.0,
        "region_hit_rate": pytest.approx(2 / 3),
        "region_area_ratio": 1.5,
        "latency_ms_p50": 20.0,
        "latency_ms_p95": pytest.approx(29.0),
        "n_cannot_inspect": 1,
    }
    assert all(value == pytest.approx([0.00631, 0.80588], abs=1e-5) for value in intervals.values())
    assert per_defect["stain"]["escapes"] == 0
    assert per_defect["scratch"]["image_auroc"] == pytest.approx(10 / 12)
    assert (per_defect["scratch"]["tpr_at_1"], per_defect["stain"]["tpr_at_5"]) == (2 / 3, 1.0)
    assert {size: (row["n"], row["escapes"]) for size, row in per_size.items()} == {
        "up to 0.02": (1, 1),
        "up to 0.08": (1, 0),
        "above 0.16": (1, 0),
    }
    assert per_size["up to 0.02"]["image_auroc"] == 0.5


def test_a_defect_that_only_needs_a_look_did_not_fail() -> None:
    test = ScoredTestSet(
        kinds=["good", "scratch", "scratch", "scratch"],
        scores=np.array([1.0, 2.0, 3.0, 4.0]),
        verdicts=[Verdict.PASS, Verdict.PASS, Verdict.REVIEW, Verdict.FAIL],
        latency_ms=np.array([]),
    )
    figures = Evaluation.of(test).as_json()
    assert figures["not_failed_rate"] == pytest.approx(2 / 3)
    assert figures["escape_rate"] == pytest.approx(1 / 3)


def test_what_cannot_be_known_is_none_and_not_printed() -> None:
    bare = ScoredTestSet(kinds=["good"], scores=np.array([1.0]), latency_ms=np.array([]))
    evaluation = Evaluation.of(bare)
    figures, lines = evaluation.as_json(), evaluation.lines()
    unknown = (
        "escape_rate", "escape_ci95", "overkill_rate", "overkill_ci95", "image_auroc", "tpr_at_1",
        "tpr_at_5", "pixel_auroc", "aupro", "aupro_at_5", "region_hit_rate", "region_hit_ci95",
        "region_area_ratio", "not_failed_rate", "per_size", "good_fail_rate",
        "good_review_rate", "latency_ms_p50", "latency_ms_p95",
    )  # fmt: skip
    assert {name: figures[name] for name in unknown} == dict.fromkeys(unknown)
    assert (figures["n_good"], figures["n_defective"], figures["per_defect"]) == (1, 0, {})
    assert f"{'escapes (defects passed)':<30}not known: no such pictures" in lines
    assert not [line for line in lines if line.startswith(("image", "tpr", "pixel", "aupro"))]


def test_a_new_row_is_printed_and_in_json_by_being_there(monkeypatch: pytest.MonkeyPatch) -> None:
    row = Statistic(
        name="n_worse", label="worse than 4", unit=COUNT, sentence="parts that score above 4",
        value=lambda test: int((test.scores > 4).sum()),
    )  # fmt: skip
    monkeypatch.setattr(statistics, "STATISTICS", (*STATISTICS, row))
    evaluation = Evaluation.of(scored())
    assert evaluation.as_json()["n_worse"] == 3
    assert evaluation.lines()[-1] == f"{'worse than 4':<30}3"


@pytest.mark.parametrize("row", STATISTICS, ids=lambda row: row.name)
def test_the_manual_says_what_it_is(row: Statistic) -> None:
    (line,) = [line for line in MANUAL.splitlines() if line.endswith(f"| {row.sentence} |")]
    assert line.startswith(f"| `{row.name}`")


@pytest.mark.parametrize(
    ("rate", "expected"), [(0.0, 0.5), (0.09, 0.5), (0.1, 0.75), (0.2, 0.75), (1.0, 1.0)]
)
def test_the_true_positive_rate_is_above_all_but_a_share_of_good_scores(
    rate: float, expected: float
) -> None:
    good = [0, 1, 2, 3, 4, 5, 6, 7, 8, 12]
    assert true_positive_rate(good, [3, 12, 13, 14], max_false_positive_rate=rate) == expected


def test_a_true_positive_rate_needs_good_and_defective_scores() -> None:
    with pytest.raises(ValueError, match="got 0 good and 1 defective"):
        true_positive_rate([], [1.0], max_false_positive_rate=0.1)
