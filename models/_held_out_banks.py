"""Memories that have not seen a fold of the pictures, made from the memory that has seen all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models._coreset import TAKEN, complete_coreset, greedy_coreset

Array = NDArray[np.float32]
Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class HeldOutBank:
    """A bank chosen without a fold's points.

    `kept` (k,) numbers the points it has of the bank of all; `filled` (m, d) are points in place of
    those it may not have.
    """

    kept: Rows
    filled: Array


def select_banks(
    points: Array, folds: Rows, count: int, *, rng: np.random.Generator
) -> tuple[Rows, Iterator[HeldOutBank]]:
    """Choose which of all `points` (n, d) are the bank, and a bank without each fold's own, in the folds' order.

    A bank without a fold is what the bank of all has from the others, with the holes that leaves
    filled up: greedily, from the others, to the same size. How far each point is from each fold's
    part of the bank is known from choosing it, so a fold costs little. `folds` (n,) counts from 0.
    A lone fold is given the bank of all.
    """
    chosen, nearest = greedy_coreset(points, count, groups=folds, rng=rng)
    held_out = (_without(fold, points, folds, chosen, nearest) for fold in range(len(nearest)))
    return chosen, held_out


def _without(fold: int, points: Array, folds: Rows, chosen: Rows, nearest: Array) -> HeldOutBank:
    own = folds == fold
    if own.all():
        return HeldOutBank(np.arange(len(chosen)), points[:0])
    kept = np.flatnonzero(~own[chosen])
    open_ = np.where(own, np.float32(TAKEN), np.delete(nearest, fold, 0).min(0))
    open_[chosen[kept]] = TAKEN
    return HeldOutBank(kept, points[complete_coreset(points, open_, len(chosen) - len(kept))])
