"""One Gaussian over all good patches: how many deviations a patch lies from their mean.

Lee et al., "A Simple Unified Framework for Detecting Out-of-Distribution Samples", NeurIPS 2018; Rippel et
al., "Modeling the Distribution of Normal Data in Pre-Trained Deep Features", ICPR 2020.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models._head_model import HeadModel, Patches
from models.base import Needs

if TYPE_CHECKING:
    import torch


class Mahalanobis(HeadModel):
    """The Mahalanobis distance of each patch to the mean of all good ones."""

    name = "mahalanobis"
    family = "Gaussian"
    needs = Needs(minutes=0.16, memory_mb=1150)

    def teach(self, patches: Patches, rng: np.random.Generator) -> torch.nn.Module:
        """Mean and shrunk covariance (Ledoit and Wolf, 2004) of the patches."""
        from sklearn.covariance import LedoitWolf

        from models._torch_heads import quadratic

        found = LedoitWolf().fit(patches.points.astype(np.float64))
        return quadratic(found.location_, found.precision_)
