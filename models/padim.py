"""One Gaussian for each place of the part: how far a patch lies from what is usual there.

Defard et al., "PaDiM: a Patch Distribution Modeling Framework for Anomaly Detection and Localization", ICPR 2020
workshops. Each place's covariance is shrunk towards that of all, so that few pictures suffice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models._head_model import HeadModel, Patches
from models.base import Needs

if TYPE_CHECKING:
    import torch

DIRECTIONS = 24
"""Of the whitened features; a place has that many squared numbers."""

PRIOR_PATCHES = 20.0
"""Patches' worth of the whole part mixed into each place's mean and covariance."""


class Padim(HeadModel):
    """The Mahalanobis distance of each patch to the mean of its own place."""

    name = "padim"
    family = "Gaussian"
    needs = Needs(minutes=0.15, memory_mb=1000)

    def teach(self, patches: Patches, rng: np.random.Generator) -> torch.nn.Module:
        """Mean and covariance of each place, by the patches sampled there and beside it."""
        from models._torch_heads import quadratic_by_place

        points = patches.points[:, :DIRECTIONS].astype(np.float64)
        height, width = patches.grid
        overall = points.mean(0)
        common = np.cov(points, rowvar=False) + 1e-3 * np.eye(points.shape[1])
        rows, columns = np.divmod(patches.places, width)
        sums = np.zeros((height * width, points.shape[1]))
        products = np.zeros((height * width, points.shape[1], points.shape[1]))
        counts = np.zeros(height * width)
        for down in (-1, 0, 1):
            for across in (-1, 0, 1):
                y, x = rows + down, columns + across
                here = (y >= 0) & (y < height) & (x >= 0) & (x < width)
                place, own = (y * width + x)[here], points[here]
                order = np.argsort(place, kind="stable")
                edges = np.searchsorted(place[order], np.arange(height * width + 1))
                for at in np.flatnonzero(np.diff(edges)):
                    mine = own[order[edges[at] : edges[at + 1]]]
                    counts[at] += len(mine)
                    sums[at] += mine.sum(0)
                    products[at] += mine.T @ mine
        weight = (counts + PRIOR_PATCHES)[:, None]
        means = (sums + PRIOR_PATCHES * overall) / weight
        raw = products + PRIOR_PATCHES * (common + np.outer(overall, overall))
        covariances = raw / weight[..., None] - np.einsum("pi,pj->pij", means, means)
        covariances += 1e-3 * np.eye(points.shape[1])
        factors = np.linalg.inv(np.linalg.cholesky(covariances))
        return quadratic_by_place(means, factors)
