"""Charts of the field as functions of a whole run at once: residuals (n, d) in, statistics (n, d) out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

Floats = NDArray[np.float64]

# Western Electric, Statistical Quality Control Handbook, 1956: so many of so many parts on one side
# beyond so many standard deviations.
WESTERN_ELECTRIC = ((1, 1, 3.0), (2, 3, 2.0), (4, 5, 1.0))
ON_ONE_SIDE = 8


def ewma(values: Floats, weight: float, start: float = 0.0) -> Floats:
    """The exponentially weighted moving average down the first axis (Roberts 1959)."""
    begin = np.full((1, *values.shape[1:]), (1 - weight) * start)
    smoothed, _ = lfilter([weight], [1.0, weight - 1.0], values, axis=0, zi=begin)
    return np.asarray(smoothed, dtype=np.float64)


def ewma_deviation(weight: float) -> float:
    """Its standard deviation on independent values of deviation 1, once it is settled."""
    return float(np.sqrt(weight / (2.0 - weight)))


def cusum(values: Floats, allowance: float) -> tuple[Floats, Floats]:
    """The sums upward and downward of what exceeds `allowance` (Page 1954), never below 0."""
    return _sum(values - allowance), _sum(-values - allowance)


def held_cusum(values: Floats, allowance: float, most: Floats) -> tuple[Floats, Floats]:
    """The same sums, held at `most` (d,): once a shift is over, the sums are soon below their limit."""
    steps = np.concatenate([values, -values], axis=1) - allowance
    sums, ceiling = np.zeros_like(steps), np.concatenate([most, most])
    now = np.zeros(steps.shape[1])
    for i, step in enumerate(steps):
        now = np.minimum(np.maximum(now + step, 0.0), ceiling)
        sums[i] = now
    return sums[:, : values.shape[1]], sums[:, values.shape[1] :]


def comb(values: Floats, period: int, weight: float) -> Floats:
    """The EWMA over every `period`-th part only: each place in the cycle has an average of its own."""
    feedback = np.zeros(period + 1)
    feedback[0], feedback[period] = 1.0, weight - 1.0
    return np.asarray(lfilter([weight], feedback, values, axis=0), dtype=np.float64)


def western_electric(values: Floats) -> Floats:
    """The four rules (4, n, d): 1 or more where the rule of the handbook speaks."""
    rules = [
        np.maximum(_most_of(values, count, of), _most_of(-values, count, of)) / sigma
        for count, of, sigma in WESTERN_ELECTRIC
    ]
    side = np.maximum(run_length(values > 0), run_length(values < 0)) / ON_ONE_SIDE
    return np.stack([*rules, side])


def _sum(steps: Floats) -> Floats:
    # max(0, S + x) down a column is the walk above its lowest point so far.
    walk = np.cumsum(steps, axis=0)
    return np.asarray(walk - np.minimum(np.minimum.accumulate(walk, axis=0), 0.0))


def _most_of(values: Floats, count: int, of: int) -> Floats:
    """The value that `count` of the last `of` reach; 0 while there are fewer, or below 0."""
    before = np.full((of - 1, *values.shape[1:]), -np.inf)
    windows = np.lib.stride_tricks.sliding_window_view(np.concatenate([before, values]), of, axis=0)
    reached = np.sort(windows, axis=-1)[..., of - count]
    # The part itself must be among them, or an alarm would outlive its cause.
    return np.asarray(np.maximum(np.minimum(reached, values), 0.0))


def run_length(flags: NDArray[np.bool_]) -> Floats:
    """How long a flag has been up without a break, for each row."""
    rows = np.arange(1, len(flags) + 1, dtype=np.float64)[(...,) + (None,) * (flags.ndim - 1)]
    last_down = np.maximum.accumulate(np.where(flags, 0.0, rows), axis=0)
    return np.asarray(np.where(flags, rows - last_down, 0.0))
