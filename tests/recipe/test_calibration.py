"""Thresholds and promises: by hand, against scipy, and over many random splits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from inspection.recipe.calibration import calibrate, p_value

# (n, budget) -> rejects m, promise m / (n + 1), images needed; scores are 1 to n
BY_HAND = [
    (9, 0.1, 1, 0.1, 0),
    (9, 0.01, 1, 0.1, 90),
    (19, 0.1, 2, 0.1, 0),
    (20, 0.1, 2, 2 / 21, 0),
    (99, 0.01, 1, 0.01, 0),
    (98, 0.01, 1, 1 / 99, 1),
    (199, 0.02, 4, 0.02, 0),
    (1, 0.5, 1, 0.5, 0),
    (1, 0.01, 1, 0.5, 98),
    (4, 0.9, 4, 0.8, 0),
]


@pytest.mark.parametrize(("n", "budget", "rejects", "promised", "needed"), BY_HAND)
def test_threshold_promise_and_need_by_hand(
    n: int, budget: float, rejects: int, promised: float, needed: int
) -> None:
    scores = np.random.default_rng(0).permutation(np.arange(1.0, n + 1))
    found = calibrate(scores, false_reject=budget)
    assert found.n_good == n
    assert found.false_reject_asked == budget
    assert found.threshold == n + 1 - rejects
    assert found.false_reject_promised == pytest.approx(promised, rel=1e-12)
    assert found.images_needed == needed


def test_with_the_images_it_asked_for_the_promise_is_kept() -> None:
    short = calibrate(np.arange(30.0), false_reject=0.02)
    assert short.false_reject_promised > 0.02
    enough = calibrate(np.arange(30.0 + short.images_needed), false_reject=0.02)
    assert enough.false_reject_promised <= 0.02
    assert enough.images_needed == 0
    one_less = calibrate(np.arange(29.0 + short.images_needed), false_reject=0.02)
    assert one_less.false_reject_promised > 0.02


@pytest.mark.parametrize(("n", "budget"), [(5, 0.01), (40, 0.1), (200, 0.01), (1000, 0.05)])
def test_the_bound_is_the_beta_quantile(n: int, budget: float) -> None:
    found = calibrate(np.arange(float(n)), false_reject=budget)
    rejects = round(found.false_reject_promised * (n + 1))
    assert found.false_reject_bound == pytest.approx(
        stats.beta.ppf(0.95, rejects, n + 1 - rejects), rel=1e-9
    )
    assert found.false_reject_bound > found.false_reject_promised


def test_p_values_by_hand() -> None:
    ordered = np.arange(1.0, 10.0)
    assert p_value(0.0, ordered) == 1.0
    assert p_value(1.0, ordered) == 1.0
    assert p_value(5.0, ordered) == 0.6
    assert p_value(5.5, ordered) == 0.5
    assert p_value(9.0, ordered) == 0.2
    assert p_value(9.1, ordered) == 0.1
    assert p_value(3.0, np.array([3.0, 3.0, 3.0])) == 1.0


@pytest.mark.parametrize("budget", [0.01, 0.07, 0.1, 0.3])
def test_a_score_is_rejected_exactly_when_its_p_value_is_within_the_promise(budget: float) -> None:
    scores = np.sort(np.random.default_rng(2).normal(size=57))
    found = calibrate(scores, false_reject=budget)
    for score in np.concatenate([scores, scores + 1e-9, scores - 1e-9]):
        within = p_value(score, scores) <= found.false_reject_promised + 1e-12
        assert (score > found.threshold) == within


def test_equal_scores_give_that_score_and_reject_none_of_them() -> None:
    found = calibrate(np.full(20, 3.5), false_reject=0.1)
    assert (found.threshold, found.fail_threshold) == (3.5, 3.5)


@pytest.mark.parametrize("budget", [0.001, 0.01, 0.1, 0.5, 0.99])
@pytest.mark.parametrize("n", [1, 2, 5, 40, 500])
def test_a_part_that_fails_is_never_below_one_to_review(n: int, budget: float) -> None:
    scores = np.random.default_rng(n).exponential(size=n)
    found = calibrate(scores, false_reject=budget)
    assert np.isfinite(found.fail_threshold)
    assert found.fail_threshold >= found.threshold


@pytest.mark.parametrize("budget", [0.0, 1.0, -0.1, 1.5, float("nan")])
def test_a_budget_that_is_no_share_is_refused(budget: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1") as caught:
        calibrate(np.arange(10.0), false_reject=budget)
    assert str(budget) in str(caught.value)


@pytest.mark.parametrize("scores", [[], [1.0, float("nan")], [1.0, float("inf")]])
def test_scores_that_are_no_numbers_are_refused(scores: Any) -> None:
    with pytest.raises(ValueError, match="expected finite scores"):
        calibrate(np.array(scores), false_reject=0.1)


@pytest.mark.parametrize(("n", "budget"), [(30, 0.1), (60, 0.05), (120, 0.02)])
def test_over_many_splits_the_promise_and_the_bound_hold(n: int, budget: float) -> None:
    splits = 2000
    rng = np.random.default_rng(11)
    rates, bounds = np.empty(splits), np.empty(splits)
    for split in range(splits):
        found = calibrate(rng.exponential(size=n), false_reject=budget)
        rates[split] = np.exp(-found.threshold)  # the share of all good parts above it
        bounds[split] = found.false_reject_bound
    slack = 3 * rates.std() / splits**0.5
    assert rates.mean() <= budget + slack
    assert rates.mean() == pytest.approx(found.false_reject_promised, abs=slack)
    assert (rates > bounds).mean() <= 0.05 + 3 * (0.05 * 0.95 / splits) ** 0.5
