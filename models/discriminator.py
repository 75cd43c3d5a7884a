"""An adversary on patch features: a network taught to tell good patches from disturbed ones.

Liu et al., "SimpleNet: A Simple Network for Image Anomaly Detection and Localization", CVPR 2023: the
generator's place is taken by noise on features, at several strengths. Rolih et al., "SuperSimpleNet", ICPR 2024:
and by defects drawn into good pictures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models._head_model import HeadModel, Patches
from models.base import Needs

if TYPE_CHECKING:
    import torch

WIDTH, STRENGTHS = 128, (0.3, 0.8)


class Discriminator(HeadModel):
    """How surely a discriminator takes a patch for a disturbed one."""

    name = "discriminator"
    family = "adversarial"
    needs = Needs(minutes=0.25, memory_mb=1000)
    in_folds = False
    from_drawn = True

    def teach(self, patches: Patches, rng: np.random.Generator) -> torch.nn.Module:
        """Teach it with noise as large as good patches vary, and larger, and with what was drawn in."""
        import torch
        from torch import nn
        from torch.nn import functional as F  # noqa: N812

        from models._torch_teaching import seeded, teach

        size = patches.points.shape[1]

        class Network(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.layers = nn.Sequential(
                    nn.Linear(size, WIDTH), nn.LayerNorm(WIDTH), nn.LeakyReLU(0.2),
                    nn.Linear(WIDTH, WIDTH), nn.LeakyReLU(0.2), nn.Linear(WIDTH, 1),
                )  # fmt: skip

            def forward(self, points: torch.Tensor) -> torch.Tensor:
                sureness: torch.Tensor = self.layers(points)[:, 0]
                return sureness

        network = seeded(Network, rng)
        drawn = torch.from_numpy(patches.drawn).to(self.device)

        def loss(x: torch.Tensor) -> torch.Tensor:
            strength = torch.empty(len(x), 1).uniform_(*STRENGTHS)
            false = [x + strength * torch.randn_like(x)]
            if len(drawn):
                false.append(drawn[torch.randint(len(drawn), (len(x),))])
            wrong = sum(F.softplus(-network(each)).mean() for each in false) / len(false)
            return F.softplus(network(x)).mean() + wrong

        return teach(
            network,
            torch.from_numpy(patches.points),
            loss,
            rng=rng,
            name=self.name,
            device=self.device,
        )
