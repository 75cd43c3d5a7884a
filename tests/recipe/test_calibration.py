"""Two limits, one promised and one estimated: by hand, against scipy, and over many random splits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from inspection.recipe.calibration import (
    calibrate,
    odd_above,
    p_value,
    promises,
    tail_limit,
    tail_share,
)

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
    assert found.fail_threshold == n + 1 - rejects
    assert found.threshold <= found.fail_threshold
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
        assert (score > found.fail_threshold) == within


def test_equal_scores_give_that_score_and_reject_none_of_them() -> None:
    found = calibrate(np.full(20, 3.5), false_reject=0.1)
    assert (found.threshold, found.fail_threshold) == (3.5, 3.5)


@pytest.mark.parametrize("budget", [0.001, 0.01, 0.1, 0.5, 0.99])
@pytest.mark.parametrize("review", [0.001, 0.05, 0.3, 0.99])
@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 6, 9, 20, 40, 60, 500])
def test_a_part_that_fails_is_never_below_one_to_review(
    n: int, budget: float, review: float
) -> None:
    rng = np.random.default_rng(n)
    for scores in (rng.exponential(size=n), rng.normal(-3, 1, size=n), np.ones(n)):
        found = calibrate(scores, false_reject=budget, review=review)
        assert np.isfinite([found.threshold, found.fail_threshold]).all()
        assert found.fail_threshold >= found.threshold
        assert found.fail_threshold <= scores.max()
        assert found.review_asked == review
        # Of those that do not pass, those that fail are a part.
        assert found.review_estimated >= found.false_reject_promised
        low, high = found.review_ci95
        assert 0 <= low <= (scores > found.threshold).mean() <= high <= 1


def test_odd_good_pictures_count_in_the_promise_and_do_not_move_the_estimate() -> None:
    usual = np.arange(1.0, 28.0)  # of 30: median 15.5, deviation 7.5, odd above 82.2
    clean, mixed = (
        calibrate(scores, false_reject=0.1)
        for scores in (usual, np.concatenate([usual, [160.0, 161.0, 162.0]]))
    )
    assert (clean.odd, clean.threshold_with_odd) == (0, None)
    assert mixed.odd == 3
    assert mixed.threshold == tail_limit(usual, 0.05)
    assert mixed.fail_threshold == 160.0
    everything = np.concatenate([usual, [160.0, 161.0, 162.0]])
    assert mixed.threshold_with_odd == tail_limit(everything, 0.05) > 50
    assert mixed.review_estimated == pytest.approx((27 * 0.05 + 3) / 30)
    assert mixed.review_ci95[0] < (usual > mixed.threshold).sum() / 30 + 0.1 < mixed.review_ci95[1]


def test_what_is_odd_by_hand() -> None:
    usual = np.arange(1.0, 12.0)  # median 6, median absolute deviation 3
    assert odd_above(usual) == pytest.approx(6 + 6 * 1.4826 * 3)

    def odd(*more: float) -> int:
        return calibrate(np.concatenate([usual, more]), false_reject=0.1).odd

    assert odd(100.0, 101.0) == 0  # the fit of the tail stands them
    assert odd(100.0, 101.0, 102.0) == 2  # at most a fifth
    assert calibrate(np.array([1.0] * 16 + [9.0] * 4), false_reject=0.1).odd == 0


@pytest.mark.parametrize("budget", [0.0, 1.0, -0.1, 1.5, float("nan")])
def test_a_budget_that_is_no_share_is_refused(budget: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1") as caught:
        calibrate(np.arange(10.0), false_reject=budget)
    assert str(budget) in str(caught.value)
    with pytest.raises(ValueError, match="review share must be between 0 and 1") as caught:
        calibrate(np.arange(10.0), false_reject=0.1, review=budget)
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
        rates[split] = np.exp(-found.fail_threshold)  # the share of all good parts above it
        bounds[split] = found.false_reject_bound
    slack = 3 * rates.std() / splits**0.5
    assert rates.mean() <= budget + slack
    assert rates.mean() == pytest.approx(found.false_reject_promised, abs=slack)
    assert (rates > bounds).mean() <= 0.05 + 3 * (0.05 * 0.95 / splits) ** 0.5


def test_the_tail_by_hand() -> None:
    # The top 3 of 10 lie 1, 2 and 3 above 7; the highest counts as 2, as large as the one below:
    # mean (1 + 2 + 2) / 2.
    ordered = np.arange(1.0, 11.0)
    assert tail_limit(ordered, 0.1) == pytest.approx(7 + 2.5 * 2 * (3**0.5 - 1))
    assert tail_limit(ordered, 0.2) == pytest.approx(7 + 2.5 * 2 * (1.5**0.5 - 1))
    # No smaller share than ten pictures can tell of.
    assert tail_limit(ordered, 0.001) == tail_limit(ordered, 1 / 11)
    # What is no tail any more is read from the scores.
    assert tail_limit(ordered, 0.3) == pytest.approx(np.quantile(ordered, 0.7))
    assert tail_limit(ordered, 0.5) == pytest.approx(5.5)
    found = calibrate(ordered, false_reject=0.1, review=0.2)
    assert found.threshold == tail_limit(ordered, 0.2)
    assert found.review_estimated == pytest.approx(0.2)


@pytest.mark.parametrize("share", [0.02, 0.05, 0.1, 0.29])
@pytest.mark.parametrize("n", [5, 20, 60, 200])
def test_the_share_above_a_limit_is_the_one_it_was_set_for(n: int, share: float) -> None:
    ordered = np.sort(np.random.default_rng(n).gamma(4, size=n))
    limit = tail_limit(ordered, share)
    assert tail_share(ordered, limit) == pytest.approx(max(share, 1 / (n + 1)), rel=1e-6)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_too_few_scores_for_a_tail_set_the_highest(n: int) -> None:
    assert tail_limit(np.arange(1.0, n + 1), 0.05) == n
    assert calibrate(np.arange(1.0, n + 1), false_reject=0.01).threshold == n


@pytest.mark.parametrize("times", [2, 10, 1e6])
@pytest.mark.parametrize("n", [5, 10, 20, 31, 60, 200])
def test_one_odd_good_picture_does_not_set_the_limit_for_all(n: int, times: float) -> None:
    scores = np.sort(np.random.default_rng(n).gamma(9, size=n))
    odd = scores.copy()
    odd[-1] *= times
    usual, spoilt = (calibrate(each, false_reject=0.01, review=0.05) for each in (scores, odd))
    # The promised limit must follow it; that was the one limit there was.
    assert spoilt.fail_threshold == odd[-1] if n < 99 else spoilt.fail_threshold <= odd[-1]
    assert usual.threshold <= spoilt.threshold
    if n >= 10:  # of five, the highest may itself be below the tail's limit
        assert spoilt.threshold <= max(usual.threshold, tail_limit(scores, 0.05))
    assert spoilt.threshold == pytest.approx(tail_limit(odd, 0.05))
    assert tail_limit(odd, 0.05) == pytest.approx(tail_limit(scores, 0.05))


def test_an_odd_picture_beside_the_others_hardly_moves_it() -> None:
    rng = np.random.default_rng(3)
    moved = []
    for _ in range(200):
        scores = rng.gamma(9, size=30)
        one_more = np.append(scores, 10 * scores.max())
        limits = [tail_limit(np.sort(each), 0.05) for each in (scores, one_more)]
        moved.append(limits[1] / limits[0])
    assert np.mean(moved) < 1.1
    assert max(moved) < 1.5


POPULATIONS = {
    "exponential": lambda rng, n: rng.exponential(size=n),
    "normal": lambda rng, n: rng.normal(size=n),
    "gamma": lambda rng, n: rng.gamma(4, size=n),
    "long tail": lambda rng, n: rng.lognormal(0, 0.5, size=n),
}


@pytest.mark.parametrize("n", [5, 10, 20, 30, 60, 200])
@pytest.mark.parametrize("name", POPULATIONS)
def test_over_many_splits_the_estimate_is_within_its_interval(name: str, n: int) -> None:
    splits = 1000
    rng = np.random.default_rng([n, len(name)])
    everyone = np.sort(POPULATIONS[name](rng, 100_000))
    inside, shares = np.empty(splits, dtype=bool), np.empty(splits)
    for split in range(splits):
        found = calibrate(rng.choice(everyone, n), false_reject=0.01, review=0.05)
        above = np.searchsorted(everyone, found.threshold, side="right")
        shares[split] = 1 - above / len(everyone)
        assert found.review_ci95 is not None
        low, high = found.review_ci95
        inside[split] = low <= shares[split] <= high
    assert inside.mean() >= 0.9
    if n >= 30:  # with fewer, less than one part in twenty cannot be told
        assert shares.mean() == pytest.approx(0.05, abs=0.012)


@pytest.mark.parametrize("n", [5, 12, 30, 60])
def test_few_pictures_keep_the_promise_they_can_give(n: int) -> None:
    splits = 2000
    rng = np.random.default_rng(n)
    rates = np.empty(splits)
    for split in range(splits):
        found = calibrate(rng.gamma(4, size=n), false_reject=0.01)
        rates[split] = stats.gamma.sf(found.fail_threshold, 4)
    assert found.false_reject_promised == pytest.approx(1 / (n + 1))
    assert rates.mean() == pytest.approx(1 / (n + 1), abs=3 * rates.std() / splits**0.5)


def test_a_pass_limit_that_is_chosen_is_the_recipes_and_the_rest_follows() -> None:
    scores = np.arange(1.0, 100.0)
    below = calibrate(scores, false_reject=0.05, threshold=80.5)
    assert (below.threshold, below.fail_threshold) == (80.5, 95.0)
    assert below.false_reject_promised == 0.05
    above = calibrate(scores, false_reject=0.05, threshold=97.5)
    assert (above.threshold, above.fail_threshold) == (97.5, 97.5)
    share, bound = promises(99)
    assert (above.false_reject_promised, above.false_reject_bound) == (share[2], bound[2])
    beyond = calibrate(scores, false_reject=0.05, threshold=1000.0)
    assert beyond.false_reject_promised == 0.01
    for limit in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="limit must be a finite number"):
            calibrate(scores, false_reject=0.05, threshold=limit)
