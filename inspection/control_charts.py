"""Control charts of Shewhart's kind: what varies by chance alone stays within three sigma.

Source: NIST/SEMATECH e-Handbook of Statistical Methods, 6.3.3.2 (proportions) and 6.3.2.2 (individuals).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Numbers = NDArray[np.float64]
SIGMAS = 3.0
D2 = 1.128
"""Mean of the moving range of two over sigma, of normal values."""


@dataclass(frozen=True, slots=True, eq=False)
class ControlChart:
    """Values (n,) in their order, their centre, and the limits of each (n,)."""

    values: Numbers
    centre: float
    low: Numbers
    high: Numbers

    @property
    def outside(self) -> NDArray[np.bool_]:
        """Which values are beyond their limits."""
        found: NDArray[np.bool_] = (self.values < self.low) | (self.values > self.high)
        return found


def p_chart(rejects: ArrayLike, parts: ArrayLike) -> ControlChart:
    """The share of rejects in each of n samples, of so many parts each; limits by each one's size.

    p ± 3 √(p (1 - p) / nᵢ), p the share of all together, cut at 0 and 1. Raises ValueError for a sample
    without parts, and for none.
    """
    counts, sizes = np.asarray(rejects, np.float64), np.asarray(parts, np.float64)
    if not len(sizes) or len(counts) != len(sizes) or (sizes <= 0).any():
        raise ValueError(f"p_chart: expected samples of one part at least, got {sizes.tolist()}")
    centre = float(counts.sum() / sizes.sum())
    spread = SIGMAS * np.sqrt(centre * (1 - centre) / sizes)
    low, high = np.maximum(centre - spread, 0.0), np.minimum(centre + spread, 1.0)
    return ControlChart(counts / sizes, centre, low, high)


def individuals_chart(values: ArrayLike) -> ControlChart:
    """Single values (n,): their mean ± 3 mean moving range / 1.128. Raises ValueError for fewer than 2."""
    given = np.asarray(values, np.float64)
    if len(given) < 2 or not np.isfinite(given).all():
        raise ValueError(
            f"individuals_chart: expected 2 finite values at least, got {given.tolist()}"
        )
    centre = float(given.mean())
    spread = SIGMAS * float(np.abs(np.diff(given)).mean()) / D2
    same = np.ones(len(given))
    return ControlChart(given, centre, (centre - spread) * same, (centre + spread) * same)
