"""Figures of the analysis page: a median that drifts, and what is most frequent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from inspection.intervals import Numbers


def drifting_median(values: Numbers, *, around: int = 51) -> Numbers:
    """For each value (n,) the median of the `around` values nearest to it in order.

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
