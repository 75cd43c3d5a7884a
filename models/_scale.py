"""One scale of a model: a memory of good patches, and what is usual for a patch's look and place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models._density import NEIGHBOURS, LocalDensity, learn_density
from models._distance import nearest_squared, neighbours
from models._feature_pass import FeaturePass
from models._held_out_banks import HeldOutBank, select_banks
from models._position_norm import PositionNormalization, learn_positions
from models._scoring import ScaleMaps
from models._whitening import whitening
from models.base import ModelError

Array = NDArray[np.float32]
Rows = NDArray[np.intp]
ReadRows = Callable[[Sequence[int]], list[Array]]
"""Features (h * w, C) of good pictures by number, measured again."""

BATCH_PATCHES = 16_384
"""Patches whose features are worked on at once."""


@dataclass(frozen=True, slots=True, eq=False)
class Memory:
    """Good patches: `mean` (C,) and `projection` (C, d) whiten features, `bank` (m, d) is kept."""

    mean: Array
    projection: Array
    bank: Array

    def points(self, rows: Array) -> Array:
        """Whiten feature rows (n, C) to points (n, d)."""
        projected = rows.astype(np.float32, copy=False) @ self.projection
        projected -= self.mean @ self.projection
        return np.asarray(projected, dtype=np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Scale:
    """What good pictures taught at one size of the canvas."""

    memory: Memory
    density: LocalDensity
    plain_positions: PositionNormalization
    density_positions: PositionNormalization
    origins: Rows
    """Number of the picture and of the patch, counted row by row, that each point of the bank came from (m, 2)."""

    def measure(self, rows: Array) -> ScaleMaps:
        """Measure a picture's feature rows (h * w, C): maps (h, w)."""
        distances, near = neighbours(self.memory.points(rows), self.memory.bank)
        grid = self.plain_positions.gain.shape
        return ScaleMaps(
            self.plain_positions.apply(distances.reshape(grid)),
            self.density_positions.apply(self.density.standardise(distances, near).reshape(grid)),
        )


def learn_scale(
    features: FeaturePass,
    folds: Rows,
    *,
    components: int,
    bank_size: int,
    seed: int,
    read: ReadRows,
    progress: Callable[[int, int], None],
) -> tuple[Scale, ScaleMaps]:
    """Learn a scale from one pass over n good pictures, and measure each by what the others taught.

    `folds` (n,) counts from 0. Returns the scale and the held-out maps (n, h, w). Raises ModelError
    when no patch is valid.
    """
    whose = folds[np.nonzero(features.candidate)[0]]
    count = int(folds.max()) + 1
    if len(np.unique(whose)) < min(count, 2):
        raise ModelError("patchcore: no patch to learn from; the region of interest is empty")
    progress(0, count)
    mean, projection = whitening(features.moments, components)
    order = np.argsort(whose, kind="stable")
    points = features.points(mean, projection)
    rng = np.random.default_rng([seed, 0])
    chosen, held_out = select_banks(points[order], whose[order], bank_size, rng=rng)
    bank = points[order[chosen]]
    origins = np.argwhere(features.candidate)[order[chosen]]
    memory = Memory(mean, projection, bank)
    known = _Points(features, memory, points, read)
    distances = np.zeros(features.candidate.shape, dtype=np.float32)
    near = np.zeros((*features.candidate.shape, NEIGHBOURS), np.min_scalar_type(bank_size))
    for fold, other in enumerate(held_out):
        for batch in _batches(np.flatnonzero(folds == fold), features.candidate.shape[1]):
            where = np.zeros(len(folds), dtype=bool)
            where[batch] = True
            own = features.flat_valid & where[:, None]
            distances[own], near[own] = _held_out(known.of(batch), bank, other)
        progress(fold + 1, count)
    valid = features.valid
    density, standardised = learn_density(distances, near, features.flat_valid, folds, len(bank))
    plain_positions, plain = learn_positions(distances.reshape(valid.shape), valid, folds)
    density_positions, dense = learn_positions(standardised.reshape(valid.shape), valid, folds)
    scale = Scale(memory, density, plain_positions, density_positions, origins)
    return scale, ScaleMaps(plain, dense)


def _held_out(points: Array, bank: Array, other: HeldOutBank) -> tuple[Array, NDArray[np.int32]]:
    """Distances (n,) to a bank without a fold, and near points (n, k) of those it shares with `bank`."""
    distances, near = neighbours(points, bank[other.kept])
    if len(other.filled):
        distances = np.minimum(distances, np.sqrt(nearest_squared(points, other.filled)))
    return distances, other.kept[near].astype(np.int32)


def _batches(members: Rows, patches: int) -> list[Rows]:
    """Split pictures so that a batch has about BATCH_PATCHES patches."""
    step = max(1, BATCH_PATCHES // patches)
    return [members[start : start + step] for start in range(0, len(members), step)]


class _Points:
    """Whitened valid patches of good pictures: kept, projected from what was kept, or measured again."""

    def __init__(
        self, features: FeaturePass, memory: Memory, candidates: Array, read: ReadRows
    ) -> None:
        self.features, self.memory, self.candidates, self.read = features, memory, candidates, read
        self.starts = np.concatenate([[0], np.cumsum(features.candidate.sum(1))])

    def of(self, batch: Rows) -> Array:
        """Points (n, d) of the pictures' valid patches, picture by picture."""
        missing = [int(i) for i in batch if self.features.rest[i].any()]
        again = [i for i in missing if not self.features.has_rest(i)]
        measured = dict(zip(again, self.read(again), strict=True)) if again else {}
        found = [self._of(int(i), measured.pop(int(i), None)) for i in batch]
        return found[0] if len(found) == 1 else np.concatenate(found)

    def _of(self, index: int, rows: Array | None) -> Array:
        features, memory = self.features, self.memory
        points = np.empty((features.valid[index].size, memory.bank.shape[1]), dtype=np.float32)
        span = slice(self.starts[index], self.starts[index + 1])
        points[features.candidate[index]] = self.candidates[span]
        rest = features.rest[index]
        if rest.any():
            others = features.rest_rows(index) if rows is None else rows[rest]
            del rows  # of a large picture 80 MB
            points[rest] = memory.points(others)
        return np.asarray(points[features.flat_valid[index]], dtype=np.float32)
