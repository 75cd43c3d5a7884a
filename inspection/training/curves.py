"""Curves over all limits: how many defective parts are found, at the price of how many good ones.

A part is rejected where its score is above the limit. Intervals are exact (Clopper and Pearson), 95 %, of
each point by itself; that of the area is DeLong's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from inspection.intervals import exact_interval
from inspection.training.metrics import auroc

Numbers = NDArray[np.float64]
MOST_POINTS = 200
Z95 = 1.959963984540054


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Points (n,) of a curve with the interval of each y; `limits` the score above which is rejected."""

    x: Numbers
    y: Numbers
    low: Numbers
    high: Numbers
    limits: Numbers


@dataclass(frozen=True, slots=True)
class Area:
    """An area under the ROC curve with its 95 % interval."""

    value: float
    low: float
    high: float


def roc(good: ArrayLike, defective: ArrayLike) -> Curve:
    """Share of defective parts found (y) over share of good parts rejected (x), from (0, 0) to (1, 1)."""
    fine, bad = _sorted("roc", good, defective)
    limits = _limits(fine, bad)
    found = len(bad) - np.searchsorted(bad, limits, side="right")
    rejected = len(fine) - np.searchsorted(fine, limits, side="right")
    low, high = _intervals(found, np.full(len(found), len(bad)))
    return Curve(rejected / len(fine), found / len(bad), low, high, limits)


def precision_recall(good: ArrayLike, defective: ArrayLike) -> Curve:
    """Share of defective parts among the rejected (y) over share of defective parts found (x).

    Of these parts, with as many good ones as were labelled: among all parts of a line it is another.
    """
    fine, bad = _sorted("precision_recall", good, defective)
    limits = _limits(fine, bad)
    found = len(bad) - np.searchsorted(bad, limits, side="right")
    rejected = found + len(fine) - np.searchsorted(fine, limits, side="right")
    some = rejected > 0
    found, rejected, limits = found[some], rejected[some], limits[some]
    low, high = _intervals(found, rejected)
    return Curve(found / len(bad), found / rejected, low, high, limits)


def area(good: ArrayLike, defective: ArrayLike) -> Area:
    """The chance that a defective part scores worse than a good one, with DeLong's interval.

    E. R. DeLong, D. M. DeLong and D. L. Clarke-Pearson, Biometrics 44 (1988) 837-845. Where nothing
    varies (all are told apart, say) the interval is that of the rule of three instead of none.
    """
    fine, bad = _sorted("area", good, defective)
    value = auroc(fine, bad)
    of_bad = _placements(bad, fine)
    of_good = 1 - _placements(fine, bad)
    variance = _variance(of_bad) / len(bad) + _variance(of_good) / len(fine)
    if variance == 0:
        least = exact_interval(0, min(len(fine), len(bad)))[1]
        return Area(value, max(0.0, value - least), min(1.0, value + least))
    spread = Z95 * float(np.sqrt(variance))
    return Area(value, max(0.0, value - spread), min(1.0, value + spread))


def _placements(values: Numbers, others: Numbers) -> Numbers:
    """Of each value, the share of the others below it; tied ones count half (n,)."""
    below = np.searchsorted(others, values, side="left")
    upto = np.searchsorted(others, values, side="right")
    return np.asarray((below + upto) / 2 / len(others), dtype=np.float64)


def _variance(values: Numbers) -> float:
    return float(values.var(ddof=1)) if len(values) > 1 else 0.0


def _limits(fine: Numbers, bad: Numbers) -> Numbers:
    """From above the highest score down to below the lowest; few enough to be drawn."""
    every = np.unique(np.concatenate([fine, bad]))[::-1]
    if len(every) > MOST_POINTS:
        every = every[np.unique(np.linspace(0, len(every) - 1, MOST_POINTS).astype(int))]
    return np.append(every, -np.inf)


def _intervals(counts: NDArray[np.intp], of: NDArray[np.intp]) -> tuple[Numbers, Numbers]:
    found = [exact_interval(int(k), int(n)) for k, n in zip(counts, of, strict=True)]
    low, high = np.array(found, dtype=np.float64).T
    return low, high


def _sorted(what: str, good: ArrayLike, defective: ArrayLike) -> tuple[Numbers, Numbers]:
    fine, bad = (np.sort(np.asarray(each, np.float64).ravel()) for each in (good, defective))
    if not len(fine) or not len(bad) or not np.isfinite([*fine, *bad]).all():
        raise ValueError(
            f"{what}: expected finite scores of good and defective parts, "
            f"got {len(fine)} good and {len(bad)} defective"
        )
    return fine, bad
