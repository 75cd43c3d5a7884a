"""From deviations to p-values of good patches, and several p-values as one.

A patch's deviation becomes s = -log p, p being how often a good patch that was not learnt from deviates as
much or more: counted where there are enough, an exponential tail beyond. Fisher, "Statistical methods for
research workers", 1925; harmonic mean: Wilson, PNAS 116 (2019) 1195-1200.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

SHARES = (0.9, 0.7, 0.5, 0.3, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001)
"""Shares of good patches above each knot."""

LEAST_ABOVE = 20
"""Good patches above the last knot, for the tail to be fitted to."""

LEAST_STEP = 1e-3
"""Deviations between two knots, and least mean excess in the tail."""


@dataclass(frozen=True, slots=True, eq=False)
class Tail:
    """-log p as a broken line of the deviation: 0 up to the first of `knots` (k,), at each steeper by `rises` (k,)."""

    knots: Array
    rises: Array

    def apply(self, plane: Array) -> Array:
        """-log p (h, w) of deviations (h, w)."""
        above = np.maximum(plane[..., None] - self.knots, np.float32(0))
        return np.asarray((above * self.rises).sum(-1), np.float32)


def learn_tail(values: Array) -> Tail:
    """Learn how often good patches (n,) deviate so much."""
    ordered = np.sort(values.astype(np.float64))
    shares = [1.0, *(share for share in SHARES if share * len(ordered) >= LEAST_ABOVE)]
    knots, costs = [float(ordered[0])], [0.0]
    for share in shares[1:]:
        knot = float(np.quantile(ordered, 1 - share))
        if knot - knots[-1] >= LEAST_STEP:
            knots.append(knot)
            costs.append(-float(np.log(share)))
    excess = ordered[ordered > knots[-1]] - knots[-1]
    slope = 1 / max(float(excess.mean()) if len(excess) else LEAST_STEP, LEAST_STEP)
    slopes = np.append(np.diff(costs) / np.diff(knots), slope)
    rises = np.diff(slopes, prepend=0.0)
    return Tail(np.asarray(knots, np.float32), np.asarray(rises, np.float32))


def _mean(planes: Sequence[Array]) -> Array:
    return np.asarray(np.mean(planes, axis=0), np.float32)


def _harmonic(planes: Sequence[Array]) -> Array:
    """-log of the harmonic mean of p."""
    highest = np.max(planes, axis=0)
    total = np.exp(np.asarray(planes) - highest).sum(0)
    return np.asarray(highest + np.log(total) - np.log(len(planes)), np.float32)


def _fisher(planes: Sequence[Array]) -> Array:
    return np.asarray(np.sum(planes, axis=0), np.float32)


def _maximum(planes: Sequence[Array]) -> Array:
    return np.asarray(np.max(planes, axis=0), np.float32)


def _mean_rank(planes: Sequence[Array]) -> Array:
    """The mean share of good patches that deviate less."""
    return np.asarray(np.mean(1 - np.exp(-np.asarray(planes)), axis=0), np.float32)


MEAN = "mean"
"""The mean of deviations as they are, without p-values."""

RULES: Mapping[str, Callable[[Sequence[Array]], Array]] = {
    MEAN: _mean,
    "fisher": _fisher,
    "harmonic": _harmonic,
    "maximum": _maximum,
    "mean_rank": _mean_rank,
}
"""How planes of -log p (h, w) become one: their sum, that of the harmonic mean of p, the largest, the mean rank."""
