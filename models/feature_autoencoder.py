"""An autoencoder of patch features: how badly a patch is rebuilt through a narrow middle.

Rumelhart, Hinton, Williams, 1986; on pretrained features: Yang et al., "Unsupervised anomaly segmentation via deep
feature reconstruction" (DFR), Neurocomputing 2021.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models._head_model import HeadModel, Patches
from models.base import Needs

if TYPE_CHECKING:
    import torch

WIDTH, MIDDLE = 128, 24


class FeatureAutoencoder(HeadModel):
    """The error of rebuilding a patch's features by an autoencoder taught on good patches."""

    name = "feature_autoencoder"
    family = "autoencoder"
    needs = Needs(minutes=0.27, memory_mb=1000)
    in_folds = False

    def teach(self, patches: Patches, rng: np.random.Generator) -> torch.nn.Module:
        """Teach it to rebuild good patches from MIDDLE numbers, with a little noise added."""
        import torch
        from torch import nn

        from models._torch_teaching import seeded, teach

        size = patches.points.shape[1]

        class Network(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.layers = nn.Sequential(
                    nn.Linear(size, WIDTH), nn.GELU(), nn.Linear(WIDTH, MIDDLE),
                    nn.Linear(MIDDLE, WIDTH), nn.GELU(), nn.Linear(WIDTH, size),
                )  # fmt: skip

            def forward(self, points: torch.Tensor) -> torch.Tensor:
                rebuilt: torch.Tensor = self.layers(points)
                return (rebuilt - points).square().sum(1).clamp_min(1e-9).sqrt()

        network = seeded(Network, rng)
        layers = network.layers
        return teach(
            network,
            torch.from_numpy(patches.points),
            lambda x: (layers(x + 0.05 * torch.randn_like(x)) - x).square().mean(),
            rng=rng,
            name=self.name,
            device=self.device,
        )
