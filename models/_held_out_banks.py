"""Memories that have not seen a fold of the pictures, made from the memory that has seen all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models._coreset import TAKEN, complete_coreset, greedy_coreset
from models._distance import nearest_squared

Array = NDArray[np.float32]
Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class HeldOutBank:
    """A bank (m, d) chosen without the points `own` (n,), and their `distances` (k,) to it."""

    bank: Array
    own: NDArray[np.bool_]
    distances: Array


def select_banks(
    points: Array, folds: Rows, count: int, *, rng: np.random.Generator
) -> tuple[Array, Iterator[HeldOutBank]]:
    """Choose a bank of all `points` (n, d), and one without each fold's own, in the folds' order.

    A bank without a fold is what the bank of all has from the others, with the holes that leaves
    filled up: greedily, from the others, to the same size. How far each point is from each fold's
    part of the bank is known from choosing it, so a fold costs little. `folds` (n,) counts from 0.
    A lone fold is given the bank of all.
    """
    chosen, nearest = greedy_coreset(points, count, groups=folds, rng=rng)
    apart = (_without(fold, points, folds, chosen, nearest, count) for fold in range(len(nearest)))
    return points[chosen], apart


def _without(
    fold: int, points: Array, folds: Rows, chosen: Rows, nearest: Array, count: int
) -> HeldOutBank:
    own = folds == fold
    if own.all():
        return HeldOutBank(points[chosen], own, np.sqrt(nearest[fold]))
    kept = chosen[~own[chosen]]
    squared = np.delete(nearest, fold, 0).min(0)
    open_ = np.where(own, np.float32(TAKEN), squared)
    open_[kept] = TAKEN
    filled = complete_coreset(points, open_, count - len(kept))
    if len(filled):
        near = nearest_squared(points[own], points[filled])
        squared[own] = np.minimum(squared[own], near)
    return HeldOutBank(points[np.concatenate([kept, filled])], own, np.sqrt(squared[own]))
