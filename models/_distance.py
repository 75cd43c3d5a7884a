"""Squared Euclidean distances, by one matrix product (torch: twice as fast here as numpy's)."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

Array = NDArray[np.float32]

BLOCK_ROWS = 1024


def squares(points: Array) -> Array:
    """Give the squared length (n,) of each of `points` (n, d)."""
    return np.asarray(np.einsum("nd,nd->n", points, points), dtype=np.float32)


def nearest_squared(points: Array, centres: Array) -> Array:
    """Give each of `points` (n, d) its squared distance (n,) to the nearest of `centres` (m, d)."""
    rows, columns = torch.from_numpy(points), torch.from_numpy(centres).T
    lengths = columns.square().sum(0)
    # One buffer for all blocks: a fresh one for each costs ten times the product.
    buffer = torch.empty(min(BLOCK_ROWS, len(points)), len(centres))
    found = torch.empty(len(points))
    for start in range(0, len(points), BLOCK_ROWS):
        block = rows[start : start + BLOCK_ROWS]
        product = torch.addmm(lengths, block, columns, alpha=-2.0, out=buffer[: len(block)])
        torch.amin(product, 1, out=found[start : start + BLOCK_ROWS])
    return np.maximum(found.numpy() + squares(points), 0.0)


def nearest_distance(points: Array, centres: Array) -> Array:
    """Give each of `points` (n, d) its distance (n,) to the nearest of `centres` (m, d)."""
    return np.sqrt(nearest_squared(points, centres))
