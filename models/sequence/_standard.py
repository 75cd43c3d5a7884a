"""What good parts are like under each known circumstance, so that a part is compared with its like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from models.sequence.base import PartStream

Floats = NDArray[np.float64]

PRIOR = 1.0
"""A level of a circumstance counts as if so many average parts had been seen of it too."""
CUT = 5.0
"""Values further out than this many robust deviations teach nothing."""
MOST_LEVELS = 50
REJECTED = 1.0
"""Deviations that a rejected part counts at most: its own verdict has told of it, but many on one side are news."""
FURTHEST = 1e6
"""Deviations beyond are all the same; their squares, and float32, hold them."""


@dataclass(frozen=True, slots=True, eq=False)
class Standard:
    """Mean, deviation and the effects of circumstances, of each column of good parts.

    `levels` are the texts of each circumstance, `effects` (k, d) what each adds to the mean (d,).
    """

    names: tuple[str, ...]
    mean: Floats
    deviation: Floats
    levels: Mapping[str, tuple[str, ...]]
    effects: Floats

    def hot(self, stream: PartStream) -> Floats:
        """The circumstances (n, k), one column a level; all 0 for a level never learnt."""
        columns = [
            np.asarray(stream.context[name]) == level
            for name, levels in self.levels.items()
            for level in levels
        ]
        return (
            np.stack(columns, axis=1).astype(np.float64) if columns else np.zeros((len(stream), 0))
        )

    def z(self, stream: PartStream) -> Floats:
        """Deviations (n, d) from good parts of the same circumstances; 0 where nothing was measured."""
        expected = self.mean + self.hot(stream) @ self.effects
        with np.errstate(over="ignore"):
            z = np.nan_to_num((stream.values - expected) / self.deviation, nan=0.0)
        rejected = np.flatnonzero(stream.rejected)
        z[rejected] = np.clip(z[rejected], -REJECTED, REJECTED)
        return np.clip(z, -FURTHEST, FURTHEST)


def learn_standard(good: PartStream) -> Standard:
    """Learn from good parts; columns must vary. A circumstance with too many levels, or one, is left."""
    values = good.values
    middle, spread = np.nanmedian(values, axis=0), _spread(values)
    usable = np.abs(values - middle) <= CUT * spread
    kept = np.where(usable, values, np.nan)
    mean = np.nanmean(kept, axis=0)
    levels = {name: tuple(sorted(set(texts))) for name, texts in good.context.items()}
    levels = {name: each for name, each in levels.items() if 1 < len(each) <= MOST_LEVELS}
    plain = Standard(good.names, mean, spread, levels, np.zeros((0, len(good.names))))
    hot = plain.hot(good)
    centred = np.where(usable, values - mean, 0.0)
    effects: Floats = np.linalg.solve(
        hot.T @ hot + PRIOR * np.eye(hot.shape[1]), hot.T @ centred
    ).astype(np.float64)
    left = np.where(usable, centred - hot @ effects, np.nan)
    deviation = np.nanstd(left, axis=0)
    return Standard(good.names, mean, deviation, levels, effects)


def _spread(values: Floats) -> Floats:
    """A robust deviation; the plain one where more than half of a column is one value."""
    middle = np.nanmedian(values, axis=0)
    robust = 1.4826 * np.nanmedian(np.abs(values - middle), axis=0)
    return np.asarray(np.where(robust > 0, robust, np.nanstd(values, axis=0)))
