"""Greedy k-center coreset, exact, in blocks: many picks for each pass over the points."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models._distance import nearest_squared, nearest_squared_by_group, products, squares

Array = NDArray[np.float32]
Rows = NDArray[np.intp]

FRONTIER = 2048

TAKEN = -1.0
"""Stands for the distance of a point that is not to be picked."""


def greedy_coreset(
    points: Array, count: int, *, groups: Rows, rng: np.random.Generator
) -> tuple[Rows, Array]:
    """Choose `count` rows of `points` (n, d), each the farthest from those chosen before it.

    The same picks as the plain greedy algorithm (Gonzalez 1985), which passes over all points for
    each pick. Distances only shrink as points are chosen, so the `FRONTIER` farthest points settle
    all picks until the farthest of them falls below every point left outside; only then are all
    points measured again, against the whole block of picks in one matrix product.
    `groups` (n,) holds each point's group, from 0 on. Returns row numbers in the order chosen, all
    rows when there are no more than `count`; and each point's squared distance (groups, n) to the
    nearest chosen row of each group.
    """
    lengths = squares(points)
    few = len(points) <= count
    chosen = list(range(len(points))) if few else [int(rng.integers(len(points)))]
    nearest = np.full((int(groups.max()) + 1, len(points)), np.inf, dtype=np.float32)
    measured = 0
    while measured < len(chosen):
        _measure(points, groups, np.array(chosen[measured:]), nearest)
        measured = len(chosen)
        if measured < count and not few:
            chosen += _pick_from_frontier(
                points, lengths, *_frontier(nearest.min(0)), count - measured
            )
    return np.array(chosen, dtype=np.intp), nearest


def complete_coreset(points: Array, nearest: Array, count: int) -> Rows:
    """Choose `count` more rows of `points` (n, d), greedily, beside those chosen already.

    `nearest` (n,) is each point's squared distance to those, TAKEN where it is not to be picked.
    Exact, and most points are never measured: an old distance is an upper bound of the present one,
    and only what stands highest by it is measured again.
    """
    lengths = squares(points)
    bound = nearest.copy()
    count = min(count, int((bound > TAKEN).sum()))
    chosen: list[int] = []
    while len(chosen) < count:
        frontier, _, outside = _frontier(bound)
        if chosen:
            near = nearest_squared(points[frontier], points[chosen])
            bound[frontier] = np.minimum(bound[frontier], near)
        picks = _pick_from_frontier(
            points, lengths, frontier, bound[frontier], outside, count - len(chosen)
        )
        bound[picks] = TAKEN
        chosen += picks
    return np.array(chosen, dtype=np.intp)


def _measure(points: Array, groups: Rows, block: Rows, nearest: Array) -> None:
    """Lower `nearest` (groups, n) to the distances to the block's rows."""
    parts = [block[groups[block] == group] for group in range(len(nearest))]
    sizes = [len(part) for part in parts]
    centres = np.zeros((len(parts), max(sizes), points.shape[1]), dtype=np.float32)
    for centre, part in zip(centres, parts, strict=True):
        centre[: len(part)] = points[part]
    found = nearest_squared_by_group(points, centres, sizes)
    np.minimum(nearest, found, out=nearest)
    nearest[groups[block], block] = 0.0


def _frontier(nearest: Array) -> tuple[Rows, Array, float]:
    """The farthest points, how far they are, and the farthest of those left outside."""
    cut = max(len(nearest) - FRONTIER, 1)
    order = np.argpartition(nearest, cut - 1)
    frontier = np.sort(order[cut:])
    return frontier, nearest[frontier], float(nearest[order[cut - 1]])


def _pick_from_frontier(
    points: Array, lengths: Array, frontier: Rows, near: Array, outside: float, most: int
) -> list[int]:
    """Pick greedily among the farthest points while none outside can be farther.

    All products among them are made at once: on a busy machine one large product waits for the other
    cores once, a small one for each pick would wait each time.
    """
    near, own = near.copy(), lengths[frontier]
    between = products(points[frontier])
    picks: list[int] = []
    while len(picks) < most:
        best = int(near.argmax())
        if near[best] < outside or near[best] == TAKEN:
            break
        picks.append(int(frontier[best]))
        np.minimum(near, own - 2.0 * between[best] + own[best], out=near)
        near[best] = TAKEN
    return picks
