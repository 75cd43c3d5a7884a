"""Exact figures from counts: intervals of shares, and what good scores promise at any threshold."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

CONFIDENCE = 0.95


def exact_intervals(n: int, *, confidence: float = CONFIDENCE) -> tuple[Numbers, Numbers]:
    """Compute the lower and upper ends (n + 1,) of the exact interval of k in n, for each k.

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


def exact_interval(k: float, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Clopper and Pearson's interval (Biometrika 26, 1934) for a rate seen as k of n.

    `k` may be the mean of several counts of the same n.
    """
    from scipy.special import betaincinv  # 0.2 s to import

    if n < 1 or not 0 <= k <= n:
        raise ValueError(f"exact_interval: expected 0 <= k <= n and n >= 1, got k={k}, n={n}")
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence: expected between 0 and 1, got {confidence}")
    tail = (1.0 - confidence) / 2.0
    low = 0.0 if k == 0 else float(betaincinv(k, n - k + 1, tail))
    high = 1.0 if k == n else float(betaincinv(k + 1, n - k, 1.0 - tail))
    return low, high
