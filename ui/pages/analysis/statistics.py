"""Figures of the analysis page: a median that drifts."""

from __future__ import annotations

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
