"""The plane in which good patches vary: how far a patch lies outside it.

Jackson and Mudholkar, "Control procedures for residuals associated with principal component analysis", 1979.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models._head_model import HeadModel, Patches
from models.base import Needs

if TYPE_CHECKING:
    import torch

KEPT_VARIANCE = 0.9


class Pca(HeadModel):
    """Hotelling's T² within the plane and the residual Q outside it, together."""

    name = "pca"
    family = "Gaussian"
    needs = Needs(minutes=0.13, memory_mb=1000)

    def teach(self, patches: Patches, rng: np.random.Generator) -> torch.nn.Module:
        """Principal directions that hold nine tenths of the variance; the rest counts fully."""
        from models._torch_heads import quadratic

        points = patches.points.astype(np.float64)
        mean = points.mean(0)
        variances, axes = np.linalg.eigh(np.cov(points - mean, rowvar=False))
        variances, axes = variances[::-1].clip(1e-9), axes[:, ::-1]
        within = np.cumsum(variances) <= KEPT_VARIANCE * variances.sum()
        outside = max(float(variances[~within].mean()) if (~within).any() else 0.0, 1e-6)
        weight = np.where(within, 0.25 / variances, 1 / outside)
        return quadratic(mean, (axes * weight) @ axes.T)
