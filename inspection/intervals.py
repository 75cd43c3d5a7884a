"""Exact figures from counts: intervals of shares, and what good scores promise at any threshold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inspection.recipe.calibration import CONFIDENCE

Numbers = NDArray[np.float64]


def exact_intervals(n: int, *, confidence: float = CONFIDENCE) -> tuple[Numbers, Numbers]:
    """Give the lower and upper ends (n + 1,) of the exact interval of k in n, for each k.

    C. J. Clopper and E. S. Pearson, Biometrika 26 (1934) 404-413. With n = 0 all is possible.
    """
    from scipy.special import betaincinv

    if n == 0:
        return np.zeros(1), np.ones(1)
    k, tail = np.arange(n + 1, dtype=np.float64), (1 - confidence) / 2
    low, high = np.zeros(n + 1), np.ones(n + 1)
    low[1:] = betaincinv(k[1:], n - k[1:] + 1, tail)
    high[:-1] = betaincinv(k[:-1] + 1, n - k[:-1], 1 - tail)
    return low, high


def promises(n_good: int) -> tuple[Numbers, Numbers]:
    """Give what n good scores promise of a threshold that j of them lie above, for j = 0 … n.

    First the mean share of good parts that will not pass, (1 + j) / (n + 1); then what it does not
    exceed with 95 % confidence. At the recipe's own threshold both are those of its `Calibration`.
    """
    from scipy.special import betaincinv

    rejects = np.arange(1, n_good + 2, dtype=np.float64)
    bound = np.ones(n_good + 1)
    if n_good:
        bound[:-1] = betaincinv(rejects[:-1], n_good + 1 - rejects[:-1], CONFIDENCE)
    return rejects / (n_good + 1), bound


def drifting_median(values: Numbers, *, around: int = 51) -> Numbers:
    """Give for each value (n,) the median of the `around` values nearest to it in order.

    At both ends the same number of values is used, so that the line does not end in noise.
    """
    if len(values) == 0:
        return np.zeros(0)
    wide = min(around, len(values))
    middles = np.median(np.lib.stride_tricks.sliding_window_view(values, wide), axis=1)
    first = np.clip(np.arange(len(values)) - wide // 2, 0, len(middles) - 1)
    return np.asarray(middles[first], dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One cause: how many parts have it, and the share of it and all more frequent ones together."""

    name: str
    count: int
    summed: float


def pareto(counts: Mapping[str, int], *, most: int = 12) -> list[Bar]:
    """Order causes by how frequent they are; the rarest beyond `most` are left out, not their share."""
    total = sum(counts.values())
    ordered = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    bars, done = [], 0
    for name, count in ordered[:most]:
        done += count
        bars.append(Bar(name=name, count=count, summed=done / total))
    return bars
