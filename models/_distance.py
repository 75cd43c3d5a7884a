"""Squared Euclidean distances, by one matrix product (torch: twice as fast here as numpy's)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models._density import GROUPS, LEAST_SQUARED, NEIGHBOURS

Array = NDArray[np.float32]

BLOCK_VALUES = 5_000_000
"""Distances held at once (20 MB); in smaller blocks, cores wait for each other on a busy machine."""


def squares(points: Array) -> Array:
    """The squared length (n,) of each of `points` (n, d)."""
    return np.asarray(np.einsum("nd,nd->n", points, points), dtype=np.float32)


def products(points: Array) -> Array:
    """The products (n, n) of each two of `points` (n, d)."""
    import torch

    rows = torch.from_numpy(points)
    return np.asarray(torch.mm(rows, rows.T).numpy(), dtype=np.float32)


def nearest_squared(points: Array, centres: Array) -> Array:
    """The squared distance (n,) of each of `points` (n, d) to the nearest of `centres` (m, d)."""
    found = nearest_squared_by_group(points, centres[None], [len(centres)])
    return np.asarray(found[0], dtype=np.float32)


def nearest_squared_by_group(points: Array, centres: Array, sizes: Sequence[int]) -> Array:
    """The squared distance (groups, n) to the nearest of each group of `centres`.

    `centres` are (groups, m, d), of which the first of `sizes` count; infinite for an empty group.
    """
    import torch

    groups, most, components = centres.shape
    rows = torch.from_numpy(points)
    columns = torch.from_numpy(centres).reshape(groups * most, components).T
    lengths = columns.square().sum(0)
    for group, size in enumerate(sizes):
        lengths[group * most + size : (group + 1) * most] = torch.inf
    block_rows = max(1, BLOCK_VALUES // (groups * most))
    # One buffer for all blocks: a fresh one for each costs ten times the product.
    buffer = torch.empty(min(block_rows, len(points)), groups * most)
    found = torch.empty(len(points), groups)
    for start in range(0, len(points), block_rows):
        block = rows[start : start + block_rows]
        product = torch.addmm(lengths, block, columns, alpha=-2.0, out=buffer[: len(block)])
        torch.amin(product.view(-1, groups, most), 2, out=found[start : start + block_rows])
    return np.maximum(found.numpy().T + squares(points), 0.0)


def nearest_distance(points: Array, centres: Array) -> Array:
    """The distance (n,) of each of `points` (n, d) to the nearest of `centres` (m, d)."""
    return np.sqrt(nearest_squared(points, centres))


def neighbours(points: Array, bank: Array) -> tuple[Array, NDArray[np.int32]]:
    """Distance (n,) of each of `points` (n, d) to the nearest of `bank` (m, d), and near rows (n, k).

    The nearest is exact. The other NEIGHBOURS are chosen among the nearest of each of GROUPS parts of
    the bank: choosing among 5,000 would cost more than measuring them.
    """
    import torch

    size = -(-len(bank) // GROUPS)
    columns = torch.zeros(bank.shape[1], GROUPS * size)
    columns[:, : len(bank)] = torch.from_numpy(bank.T)
    lengths = columns.square().sum(0)
    lengths[len(bank) :] = torch.inf
    count = min(NEIGHBOURS, -(-len(bank) // size))
    step = max(1, BLOCK_VALUES // len(lengths))
    nearest, rows = torch.empty(len(points)), torch.empty(len(points), count, dtype=torch.int32)
    buffer = torch.empty(min(step, len(points)), len(lengths))
    for start in range(0, len(points), step):
        block = torch.from_numpy(points[start : start + step])
        product = torch.addmm(lengths, block, columns, alpha=-2.0, out=buffer[: len(block)])
        best = product.view(-1, GROUPS, size).min(2)
        few = best.values.topk(count, 1, largest=False)
        within = best.indices.gather(1, few.indices)
        nearest[start : start + step] = few.values[:, 0]
        rows[start : start + step] = (few.indices * size + within).int()
    squared = np.maximum(nearest.numpy() + squares(points), LEAST_SQUARED)
    near = np.pad(rows.numpy(), ((0, 0), (0, NEIGHBOURS - count)), mode="edge")
    return np.sqrt(squared), near
