"""From out-of-sample scores of good parts to thresholds with a promise.

Split conformal prediction (Vovk, Gammerman, Shafer 2005): with n good scores and a new good part
exchangeable with them, p = (1 + #{s_i >= s}) / (n + 1) is at most a with probability at most a.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inspection.intervals import CONFIDENCE, Numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Thresholds, and what may be promised of them.

    A part passes when its score is at most `threshold`; above `fail_threshold` it fails; between, a
    person looks. `false_reject_promised` is the mean share of good parts that will not pass;
    `false_reject_bound` is not exceeded with 95 % confidence in the pictures this set happened to
    hold. `images_needed` is how many more good pictures the asked rate wants, 0 when it is met.
    """

    n_good: int
    false_reject_asked: float
    false_reject_promised: float
    false_reject_bound: float
    images_needed: int
    threshold: float
    fail_threshold: float


def calibrate(scores: NDArray[np.floating], *, false_reject: float) -> Calibration:
    """Choose thresholds for a false-reject budget from out-of-sample scores (n,) of good parts.

    Raises ValueError when there is no score, one is not finite, or the budget is not in (0, 1).
    """
    from scipy.special import betaincinv

    n = len(scores)
    if n == 0 or not np.isfinite(scores).all():
        raise ValueError(f"calibrate: expected finite scores of good parts, got {n}")
    if not 0 < false_reject < 1:
        raise ValueError(
            f"calibrate: false-reject budget must be between 0 and 1, got {false_reject}"
        )
    rejects = max(1, min(n, math.floor(false_reject * (n + 1) + 1e-9)))
    ordered = np.sort(np.asarray(scores, dtype=np.float64))
    threshold = float(ordered[n - rejects])
    return Calibration(
        n_good=n,
        false_reject_asked=false_reject,
        false_reject_promised=rejects / (n + 1),
        false_reject_bound=float(betaincinv(rejects, n + 1 - rejects, CONFIDENCE)),
        images_needed=max(0, math.ceil(1 / false_reject - 1e-9) - 1 - n),
        threshold=threshold,
        fail_threshold=_fail_threshold(ordered, threshold, false_reject),
    )


def p_value(score: float, ordered: NDArray[np.floating]) -> float:
    """How often a good part scores this high or higher, from ascending good scores (n,)."""
    n = len(ordered)
    return (1 + n - int(np.searchsorted(ordered, score, side="left"))) / (n + 1)


def _fail_threshold(ordered: NDArray[np.float64], threshold: float, false_reject: float) -> float:
    """Extrapolate to a tenth of the budget, by an exponential tail above the upper decile.

    No promise hangs on it: it only parts FAIL from REVIEW, and both are rejects.
    """
    start = float(np.quantile(ordered, 0.9))
    excesses = ordered[ordered > start] - start
    mean = float(excesses.mean()) if len(excesses) else 0.0
    rate = min(0.1 * false_reject, 0.05)
    return max(threshold, start + mean * math.log(0.1 / rate))


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
