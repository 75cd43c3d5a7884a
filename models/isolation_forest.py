"""A forest of random cuts over patches: how few cuts set a patch apart.

Liu, Ting, Zhou, "Isolation Forest", ICDM 2008.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models._head_model import HeadModel, Patches
from models.base import Needs

if TYPE_CHECKING:
    import torch

TREES, SAMPLES, DIRECTIONS = 64, 256, 32


class IsolationForest(HeadModel):
    """The anomaly score of an isolation forest over the strongest directions of each patch."""

    name = "isolation_forest"
    family = "clustering"
    needs = Needs(minutes=0.21, memory_mb=1100)

    def teach(self, patches: Patches, rng: np.random.Generator) -> torch.nn.Module:
        """Grow the trees."""
        from sklearn.ensemble import IsolationForest as Forest

        from models._torch_heads import forest

        points = np.ascontiguousarray(patches.points[:, :DIRECTIONS])
        found = Forest(
            n_estimators=TREES,
            max_samples=min(SAMPLES, len(points)),
            random_state=int(rng.integers(2**31)),
        ).fit(points)
        return forest([tree.tree_ for tree in found.estimators_], min(SAMPLES, len(points)))
