"""Axes with round values: where a value stands on one, and which values have a label."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Axis:
    """From low to high, by value or by logarithm."""

    low: float
    high: float
    log: bool = False

    def at(self, value: float) -> float:
        """Where a value stands, 0…1."""
        return float(self.all_at(np.array([value]))[0])

    def all_at(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Where values stand, 0…1."""
        low, high = self._ends
        values = np.maximum(values, self.low)
        return np.clip(((np.log(values) if self.log else values) - low) / (high - low), 0.0, 1.0)

    def back(self, share: float) -> float:
        """The value that stands there."""
        low, high = self._ends
        value = low + share * (high - low)
        return math.exp(value) if self.log else value

    def ticks(self, most: int) -> list[float]:
        """Round values: about `most`, by logarithm 1, 2 and 5 of each power of ten."""
        return _powers(self.low, self.high) if self.log else _steps(self.low, self.high, most)

    @property
    def _ends(self) -> tuple[float, float]:
        return (math.log(self.low), math.log(self.high)) if self.log else (self.low, self.high)


def score_axis(
    extent: Sequence[float | None], limits: Sequence[float], fail: float | None, *, log: bool
) -> Axis:
    """An axis that all scores are on, and the limits; `extent` is lowest, lowest above 0, highest.

    The limit of FAIL is on it where it is no more than three times the recipe's own, the first of `limits`.
    """
    (lowest, above, highest), own = extent, limits[0]
    far = own if fail is None else min(fail, 3 * own)
    high = 1.03 * max(own if highest is None else highest, far, *limits)
    first = above if log else lowest
    low = min(own / 10 if first is None else first, *limits)
    if log and 0 < low < high:
        return Axis(0.97 * low, high, log=True)
    begin = low - 0.08 * (high - low)
    begin = max(0.0, begin) if low >= 0 else begin
    return Axis(begin, high if high > begin else begin + (abs(begin) or 1.0))


def apart(values: Iterable[float], at: Callable[[float], float], least: float) -> list[float]:
    """Those of ascending values that stand no less than `least` behind the one kept before."""
    kept = list[float]()
    for value in values:
        if not kept or at(value) - at(kept[-1]) >= least:
            kept.append(value)
    return kept


def _steps(low: float, high: float, most: int) -> list[float]:
    power = 10.0 ** math.floor(math.log10((high - low) / most))
    step = next(n * power for n in (1, 2, 5, 10) if n * power >= 0.999 * (high - low) / most)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{k * step:.12g}") for k in range(first, last + 1)]


def _powers(low: float, high: float) -> list[float]:
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    found = [float(f"{n * 10.0**power:.3g}") for power in powers for n in (1, 2, 5)]
    return [value for value in found if low <= value <= high]
