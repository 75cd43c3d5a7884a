"""A convolutional autoencoder of pixels: how badly a picture is rebuilt.

Bergmann et al., "Improving unsupervised defect segmentation by applying structural similarity to autoencoders",
VISAPP 2019.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models._pixel_model import PixelModel, Told
from models.base import Needs

if TYPE_CHECKING:
    import torch

CODE, SQUARES = 16, 10.0
"""Channels of the code, and how often the squared error is added to the dissimilarity."""


class Autoencoder(PixelModel):
    """Error of rebuilding the picture from a small code: structural dissimilarity and squares."""

    name = "autoencoder"
    family = "autoencoder"
    needs = Needs(at_most=True, minutes=3.65, memory_mb=1100)

    def teach(self, planes: torch.Tensor, rng: np.random.Generator, told: Told) -> torch.nn.Module:
        """Teach the rebuilding by the same error that is measured."""
        from torch import nn

        from models._pixel_networks import (
            apart,
            decoder,
            dissimilarity,
            encoder,
            mean_where,
            schedule_of,
        )
        from models._torch_teaching import seeded, teach

        class Network(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.encoder, self.decoder = encoder(CODE), decoder(CODE)

            def rebuild(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
                """The rebuilt picture, and how wrong it is (n, 1, h, w)."""
                rebuilt = self.decoder(self.encoder(x))
                squares = (x - rebuilt).square().mean(1, keepdim=True)
                return rebuilt, dissimilarity(x, rebuilt) + SQUARES * squares

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return self.rebuild(x)[1]

        network = seeded(Network, rng)

        def loss(batch: torch.Tensor) -> torch.Tensor:
            x, counts = apart(batch)
            return mean_where(network(x), counts)

        return teach(
            network,
            planes,
            loss,
            rng=rng,
            name=self.name,
            device=self.device,
            schedule=schedule_of(planes),
            progress=told,
        )
