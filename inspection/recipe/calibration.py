"""From out-of-sample scores of good parts to two limits: one promised, one estimated.

Split conformal prediction (Vovk, Gammerman, Shafer 2005): with n good scores and a new good part
exchangeable with them, p = (1 + #{s_i >= s}) / (n + 1) is at most a with probability at most a.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inspection.intervals import CONFIDENCE, Numbers, exact_interval

TOP, CENSORED = 0.3, 0.02
"""Share of the scores the tail is fitted to, and of those on top that are only known to be large."""

ODD_DEVIATIONS = 6 * 1.4826
"""Median absolute deviations above the median from which a good picture's score is odd: six deviations
of a normal population, so that a long tail alone hardly reaches it."""

FEWEST_ODD, MOST_ODD = 3, 0.2
"""So many are needed, as the tail's fit stands a lone one; and the largest share that is taken for odd."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Two limits: what is promised of one, and what is estimated of the other.

    A part passes when its score is at most `threshold`; above `fail_threshold` it fails; between, a
    person looks. `false_reject_promised` is the mean share of good parts above `fail_threshold`;
    `false_reject_bound` is not exceeded with 95 % confidence in the pictures this set happened to
    hold. `images_needed` is how many more good pictures the asked rate wants, 0 when it is met.
    `review_estimated` is the share of good parts above `threshold`, `review_ci95` its interval; they
    are None in recipes whose `threshold` was the promised limit. `odd` good pictures score so unlike
    the others that defects may be among them: they count in what is promised, and do not move the
    estimated limit, which would be `threshold_with_odd` with them.
    """

    n_good: int
    false_reject_asked: float
    false_reject_promised: float
    false_reject_bound: float
    images_needed: int
    threshold: float
    fail_threshold: float
    review_asked: float | None = None
    review_estimated: float | None = None
    review_ci95: tuple[float, float] | None = None
    odd: int = 0
    threshold_with_odd: float | None = None


def calibrate(
    scores: NDArray[np.floating],
    *,
    false_reject: float,
    review: float = 0.05,
    threshold: float | None = None,
) -> Calibration:
    """Set both limits from out-of-sample scores (n,) of good parts.

    Where a person chose the PASS limit, `threshold` is it, and `review` only what was asked; the FAIL
    limit goes up with it, and its promise is that of so high a limit. Raises ValueError when there is
    no score, one is not finite, or a share is not in (0, 1).
    """
    from scipy.special import betaincinv

    n = len(scores)
    if n == 0 or not np.isfinite(scores).all():
        raise ValueError(f"calibrate: expected finite scores of good parts, got {n}")
    if threshold is not None and not math.isfinite(threshold):
        raise ValueError(f"calibrate: a limit must be a finite number, got {threshold}")
    for name, share in (("false-reject budget", false_reject), ("review share", review)):
        if not 0 < share < 1:
            raise ValueError(f"calibrate: {name} must be between 0 and 1, got {share}")
    rejects = max(1, min(n, math.floor(false_reject * (n + 1) + 1e-9)))
    ordered = np.sort(np.asarray(scores, dtype=np.float64))
    fail_threshold = float(ordered[n - rejects])
    usual = ordered[: n - _odd(ordered)]
    odd, with_odd = 0, None
    if threshold is None:
        threshold = min(tail_limit(usual, review), fail_threshold)
        if len(usual) < n:
            odd, with_odd = n - len(usual), min(tail_limit(ordered, review), fail_threshold)
    elif threshold > fail_threshold:
        fail_threshold = threshold
        rejects = 1 + int((ordered > threshold).sum())
    above = int((ordered > threshold).sum())
    estimated = (len(usual) * tail_share(usual, threshold) + n - len(usual)) / n
    return Calibration(
        n_good=n,
        false_reject_asked=false_reject,
        false_reject_promised=rejects / (n + 1),
        false_reject_bound=float(betaincinv(rejects, n + 1 - rejects, CONFIDENCE)),
        images_needed=max(0, math.ceil(1 / false_reject - 1e-9) - 1 - n),
        threshold=threshold,
        fail_threshold=fail_threshold,
        review_asked=review,
        review_estimated=max(estimated, rejects / (n + 1)),
        review_ci95=exact_interval(above, n),
        odd=odd,
        threshold_with_odd=with_odd,
    )


def odd_above(scores: NDArray[np.floating]) -> float:
    """The score from which on a good picture is unlike the others (n,); inf where most are equal."""
    middle = np.median(scores)
    deviation = float(np.median(np.abs(scores - middle)))
    return float(middle) + ODD_DEVIATIONS * deviation if deviation > 0 else math.inf


def _odd(ordered: NDArray[np.float64]) -> int:
    """How many ascending scores (n,) are odd, where they are more than the tail's fit stands anyway."""
    n = len(ordered)
    odd = int((ordered > odd_above(ordered)).sum())
    return min(odd, int(MOST_ODD * n)) if odd >= max(FEWEST_ODD, round(CENSORED * n) + 1) else 0


def tail_limit(ordered: NDArray[np.float64], share: float) -> float:
    """Estimate the limit that `share` of good parts exceed, from their ascending scores (n,).

    The TOP share of the scores is taken for an exponential tail. The CENSORED share on top, at least
    one, only counts as large, so that one odd good picture does not set the limit for all.
    """
    n = len(ordered)
    share = max(share, 1 / (n + 1))
    tail = _tail(ordered)
    if tail is None:
        return float(ordered[-1])
    if share >= tail.share:
        return float(np.quantile(ordered, 1 - share))
    beyond = tail.count * ((tail.share / share) ** (1 / tail.count) - 1)
    return float(tail.start + tail.mean * beyond)


def tail_share(ordered: NDArray[np.float64], limit: float) -> float:
    """Estimate the share of good parts above a limit, by the tail of `tail_limit`."""
    tail = _tail(ordered)
    if tail is None or limit <= tail.start:
        return float((ordered > limit).mean())
    if tail.mean <= 0:
        return 1 / (len(ordered) + 1)
    beyond = (limit - tail.start) / (tail.mean * tail.count)
    return float(tail.share * (1 + beyond) ** -tail.count)


@dataclass(frozen=True, slots=True)
class _Tail:
    """An exponential tail: `share` of the scores above `start`, by `mean`, of `count` seen exactly."""

    start: float
    share: float
    mean: float
    count: int


def _tail(ordered: NDArray[np.float64]) -> _Tail | None:
    """Fit the tail by maximum likelihood, the largest censored; None for too few scores."""
    n = len(ordered)
    if n < 4:
        return None
    top = max(2, round(TOP * n))
    start = float(ordered[n - top - 1])
    excesses = ordered[n - top :] - start
    censored = min(max(1, round(CENSORED * n)), top - 1)
    exact = top - censored
    mean = (excesses[:exact].sum() + censored * excesses[exact - 1]) / exact
    return _Tail(start, top / n, float(mean), exact)


def p_value(score: float, ordered: NDArray[np.floating]) -> float:
    """How often a good part scores this high or higher, from ascending good scores (n,)."""
    n = len(ordered)
    return (1 + n - int(np.searchsorted(ordered, score, side="left"))) / (n + 1)


def promises(n_good: int) -> tuple[Numbers, Numbers]:
    """What n good scores promise of a threshold that j of them lie above, for j = 0 … n: (n + 1,).

    First the mean share of good parts that will not pass, (1 + j) / (n + 1); then what it does not
    exceed with 95 % confidence. At the recipe's own threshold both are those of its `Calibration`.
    """
    from scipy.special import betaincinv

    rejects = np.arange(1, n_good + 2, dtype=np.float64)
    bound = np.ones(n_good + 1)
    if n_good:
        bound[:-1] = betaincinv(rejects[:-1], n_good + 1 - rejects[:-1], CONFIDENCE)
    return rejects / (n_good + 1), bound
