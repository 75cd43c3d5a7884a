"""ROC and precision-recall curves on scores small enough to count by hand."""

from __future__ import annotations

import numpy as np
import pytest

from inspection.intervals import exact_interval
from inspection.training.curves import area, precision_recall, roc
from inspection.training.metrics import auroc

GOOD, BAD = [1.0, 2.0, 3.0, 4.0], [3.0, 5.0, 6.0]


def test_a_roc_curve_counts_what_is_above_each_limit() -> None:
    found = roc(GOOD, BAD)
    assert found.limits.tolist() == [6, 5, 4, 3, 2, 1, -np.inf]
    assert found.y.tolist() == pytest.approx([0, 1 / 3, 2 / 3, 2 / 3, 1, 1, 1])
    assert found.x.tolist() == [0, 0, 0, 0.25, 0.5, 0.75, 1]
    assert (found.low[1], found.high[1]) == exact_interval(1, 3)
    # Below the steps lies the area that the ranks come to.
    assert np.trapezoid(found.y, found.x) == pytest.approx(auroc(GOOD, BAD))


def test_a_precision_recall_curve() -> None:
    found = precision_recall(GOOD, BAD)
    assert found.x.tolist() == pytest.approx([1 / 3, 2 / 3, 2 / 3, 1, 1, 1])
    assert found.y.tolist() == pytest.approx([1, 1, 2 / 3, 3 / 5, 3 / 6, 3 / 7])
    assert (found.low[2], found.high[2]) == exact_interval(2, 3)


def test_the_area_has_delongs_interval() -> None:
    found = area(GOOD, BAD)
    assert found.value == pytest.approx((2.5 + 4 + 4) / 12)
    of_bad, of_good = np.array([2.5, 4, 4]) / 4, np.array([3, 3, 2.5, 2]) / 3
    variance = of_bad.var(ddof=1) / 3 + of_good.var(ddof=1) / 4
    assert found.value - found.low == pytest.approx(1.95996 * np.sqrt(variance), rel=1e-4)
    assert found.high == 1
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(300):
        tried = area(rng.normal(0, 1, 60), rng.normal(1, 1, 40))
        held += tried.low <= 0.7602 <= tried.high  # Phi(1 / sqrt 2)
    assert 270 <= held <= 297  # of 300, for 95 %


def test_an_area_of_parts_all_told_apart_is_not_said_to_be_certain() -> None:
    found = area([1, 2, 3], [7, 8])
    assert (found.value, found.high) == (1, 1)
    assert found.low == pytest.approx(1 - exact_interval(0, 2)[1])


def test_many_scores_make_few_points() -> None:
    rng = np.random.default_rng(2)
    found = roc(rng.normal(0, 1, 5000), rng.normal(2, 1, 500))
    assert len(found.x) <= 201
    assert (found.x[0], found.y[-1], found.x[-1]) == (0, 1, 1)
    with pytest.raises(ValueError, match="got 0 good and 1 defective"):
        roc([], [1.0])
