"""A variational autoencoder of patch features: how unlikely a patch is.

Kingma and Welling, "Auto-encoding variational Bayes", ICLR 2014; reconstruction probability: An and Cho, "Variational
autoencoder based anomaly detection using reconstruction probability", 2015.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models._head_model import HeadModel, Patches
from models.base import Needs

if TYPE_CHECKING:
    import torch

WIDTH, MIDDLE, BETA = 128, 24, 0.05


class FeatureVae(HeadModel):
    """Rebuilding error in units of the decoder's own spread, plus how far the code lies from usual (KL)."""

    name = "feature_vae"
    family = "variational autoencoder"
    needs = Needs(minutes=0.37, memory_mb=1000)
    in_folds = False

    def teach(self, patches: Patches, rng: np.random.Generator) -> torch.nn.Module:
        """Teach the evidence lower bound; the code's mean is used when judging, nothing is drawn."""
        import torch
        from torch import nn

        from models._torch_teaching import seeded, teach

        size = patches.points.shape[1]

        class Network(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.encoder = nn.Sequential(
                    nn.Linear(size, WIDTH), nn.GELU(), nn.Linear(WIDTH, 2 * MIDDLE)
                )
                self.decoder = nn.Sequential(
                    nn.Linear(MIDDLE, WIDTH), nn.GELU(), nn.Linear(WIDTH, 2 * size)
                )

            def cost(self, points: torch.Tensor, noise: float) -> torch.Tensor:
                mean, log_variance = self.encoder(points).chunk(2, 1)
                log_variance = log_variance.clamp(-8, 4)
                code = mean
                if noise:
                    code = mean + noise * torch.randn_like(mean) * (0.5 * log_variance).exp()
                rebuilt, spread = self.decoder(code).chunk(2, 1)
                spread = spread.clamp(-4, 2)
                error = 0.5 * ((points - rebuilt).square() * (-spread).exp() + spread).sum(1)
                kl = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1)
                cost: torch.Tensor = error + BETA * kl
                return cost

            def forward(self, points: torch.Tensor) -> torch.Tensor:
                return self.cost(points, 0.0)

        network = seeded(Network, rng)
        return teach(
            network,
            torch.from_numpy(patches.points),
            lambda x: network.cost(x, 1.0).mean(),
            rng=rng,
            name=self.name,
            device=self.device,
        )
