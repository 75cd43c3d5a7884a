"""Greedy k-center coreset, exact, in blocks: many picks for each pass over the points."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models._distance import nearest_squared, squares

FRONTIER = 2048


def greedy_coreset(
    points: NDArray[np.float32], count: int, *, rng: np.random.Generator
) -> NDArray[np.intp]:
    """Choose `count` rows of `points` (n, d), each the farthest from those chosen before it.

    The same picks as the plain greedy algorithm (Gonzalez 1985), which passes over all points for
    each pick. Distances only shrink as points are chosen, so the `FRONTIER` farthest points settle
    all picks until the farthest of them falls below every point left outside; only then are all
    points measured again, against the whole block of picks in one matrix product.
    Returns row numbers in the order chosen; all rows when there are no more than `count`.
    """
    if len(points) <= count:
        return np.arange(len(points))
    lengths = squares(points)
    chosen = [int(rng.integers(len(points)))]
    nearest = np.full(len(points), np.inf, dtype=np.float32)
    measured = 0
    while len(chosen) < count:
        block = np.array(chosen[measured:])
        measured = len(chosen)
        np.minimum(nearest, nearest_squared(points, points[block]), out=nearest)
        nearest[block] = 0.0
        chosen += _pick_from_frontier(points, lengths, nearest, count - measured)
    return np.array(chosen, dtype=np.intp)


def _pick_from_frontier(
    points: NDArray[np.float32],
    lengths: NDArray[np.float32],
    nearest: NDArray[np.float32],
    most: int,
) -> list[int]:
    """Pick greedily among the farthest points while none outside can be farther."""
    cut = max(len(points) - FRONTIER, 1)
    order = np.argpartition(nearest, cut - 1)
    outside = float(nearest[order[cut - 1]])
    frontier = np.sort(order[cut:])
    near, vectors, own = nearest[frontier].copy(), points[frontier], lengths[frontier]
    picks: list[int] = []
    while len(picks) < most:
        best = int(near.argmax())
        if picks and near[best] < outside:
            break
        picks.append(int(frontier[best]))
        np.minimum(near, own - 2.0 * (vectors @ vectors[best]) + own[best], out=near)
        near[best] = -1.0
    return picks
