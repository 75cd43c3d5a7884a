"""Clusters of good patches: how far a patch lies from the nearest centre.

MacQueen, 1967; mini batches: Sculley, "Web-scale k-means clustering", WWW 2010.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models._head_model import HeadModel, Patches
from models.base import Needs

if TYPE_CHECKING:
    import torch

CLUSTERS = 256


class KMeans(HeadModel):
    """The distance of each patch to the nearest of 256 cluster centres: a small, smooth memory."""

    name = "kmeans"
    family = "clustering"
    needs = Needs(minutes=0.32, memory_mb=1100)

    def teach(self, patches: Patches, rng: np.random.Generator) -> torch.nn.Module:
        """Cluster the patches."""
        from sklearn.cluster import MiniBatchKMeans

        from models._torch_heads import nearest_centre

        count = min(CLUSTERS, max(1, len(patches.points) // 4))
        found = MiniBatchKMeans(
            count, batch_size=4096, n_init=1, max_iter=30, random_state=int(rng.integers(2**31))
        ).fit(patches.points)
        return nearest_centre(found.cluster_centers_)
