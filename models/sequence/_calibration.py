"""Limits for a false-alarm rate: good residuals are drawn anew to a long run, and alarms are counted."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BLOCK = 25
"""Parts that stay together when they are drawn: what lies nearer to each other stays dependent."""
TAIL = 0.05
"""Share of the good parts at each end whose values are drawn from an exponential tail: few parts have
not seen the farthest."""
GAP = 10
"""Parts without an alarm that end an event."""
PER = 1000.0
MARGIN = 0.5
"""The rehearsal aims at this share of the false alarms allowed: the good parts are few, and the limits as
uncertain as they are (benchmarks, "The stream of parts")."""
SEGMENTS = 200
LONG = 20
"""Parts after which an event that goes on counts once more: a chart that never rests is no good one."""


def limits_by_rehearsal(
    held_out: Floats,
    chart: Callable[[Floats], Floats],
    *,
    false_alarms: float,
    n: int,
    seed: int,
    circumstances: int = 0,
) -> Floats:
    """Limits (k,) of which a long good run exceeds any `false_alarms` times a thousand parts.

    Each channel has the same share of it.
    """
    statistic = chart(rehearsal(held_out, n, seed=seed, circumstances=circumstances))
    order = np.sort(statistic, axis=0)
    low, high = 0.5, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        alarms = np.any(statistic > order[min(n - 1, int(middle * n))], axis=1)
        rate = PER * max(events(alarms), alarms.sum() / LONG) / n
        low, high = (middle, high) if rate > MARGIN * false_alarms else (low, middle)
    return np.asarray(np.maximum(order[min(n - 1, int(high * n))], 1e-9))


def rehearsal(held_out: Floats, n: int, *, seed: int, circumstances: int = 0) -> Floats:
    """Draw a good run of `n` parts from residuals (m, c), in blocks.

    Each stretch of it has means of its own, as uncertain as those of the few parts learnt from are;
    each circumstance that was learnt too adds as much.
    """
    rng = np.random.default_rng(seed)
    m, columns = held_out.shape
    block = min(BLOCK, max(1, m // 4))
    starts = rng.integers(0, m - block + 1, size=-(-n // block))
    drawn = held_out[(starts[:, None] + np.arange(block)).ravel()[:n]].copy()
    for column in range(columns):
        _draw_tail(drawn[:, column], held_out[:, column], rng)
        drawn[:, column] = -drawn[:, column]
        _draw_tail(drawn[:, column], -held_out[:, column], rng)
        drawn[:, column] = -drawn[:, column]
    error = mean_error(held_out, block) * np.sqrt(1 + circumstances)
    offsets = error * rng.standard_normal((SEGMENTS, columns))
    return np.asarray(drawn + np.repeat(offsets, -(-n // SEGMENTS), axis=0)[:n])


def _draw_tail(drawn: Floats, good: Floats, rng: np.random.Generator) -> None:
    """Draw anew what lies above the highest share of good values, in place."""
    threshold = float(np.quantile(good, 1 - TAIL))
    excess = good[good > threshold] - threshold
    high = drawn > threshold
    if len(excess):
        drawn[high] = threshold + rng.exponential(float(excess.mean()), size=int(high.sum()))


def mean_error(held_out: Floats, block: int) -> Floats:
    """Standard error (c,) of the mean of dependent rows, by the means of blocks."""
    blocks = len(held_out) // block
    if blocks < 2:
        return np.asarray(held_out.std(axis=0) / np.sqrt(len(held_out)))
    means = held_out[: blocks * block].reshape(blocks, block, -1).mean(axis=1)
    return np.asarray(means.std(axis=0, ddof=1) / np.sqrt(blocks))


def events(alarms: NDArray[np.bool_], gap: int = GAP) -> int:
    """Count alarms (n,), those within `gap` parts of each other as one."""
    at = np.flatnonzero(alarms)
    return 0 if len(at) == 0 else 1 + int(np.sum(np.diff(at) > gap))


def tail_limit(good: Floats, *, rate: float) -> float:
    """The value that one of `1 / rate` good values exceeds, by an exponential tail of the highest tenth."""
    ordered = np.sort(good)
    share = 0.1
    threshold = ordered[min(len(ordered) - 1, int((1 - share) * len(ordered)))]
    excess = ordered[ordered > threshold] - threshold
    mean = float(excess.mean()) if len(excess) else 0.0
    return float(threshold + mean * np.log(max(share / rate, 1.0)))
