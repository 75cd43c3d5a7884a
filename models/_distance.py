"""Squared Euclidean distances, by one matrix product (torch: twice as fast here as numpy's)."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

Array = NDArray[np.float32]

BLOCK_ROWS = 4096


def squares(points: Array) -> Array:
    """Give the squared length (n,) of each of `points` (n, d)."""
    return np.einsum("nd,nd->n", points, points)


def nearest_squared(points: Array, centres: Array) -> Array:
    """Give each of `points` (n, d) its squared distance (n,) to the nearest of `centres` (m, d)."""
    centres_t = torch.from_numpy(centres)
    centre_squares = centres_t.square().sum(1)
    found = np.empty(len(points), dtype=np.float32)
    for start in range(0, len(points), BLOCK_ROWS):
        rows = torch.from_numpy(points[start : start + BLOCK_ROWS])
        product = torch.addmm(centre_squares, rows, centres_t.T, alpha=-2.0)
        best = product.amin(1) + rows.square().sum(1)
        found[start : start + BLOCK_ROWS] = best.clamp_min(0.0).numpy()
    return found


def nearest_distance(points: Array, centres: Array) -> Array:
    """Give each of `points` (n, d) its distance (n,) to the nearest of `centres` (m, d)."""
    return np.sqrt(nearest_squared(points, centres))
