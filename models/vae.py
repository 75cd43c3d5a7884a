"""A variational autoencoder of pixels: how unlikely a picture is.

Kingma and Welling, "Auto-encoding variational Bayes", ICLR 2014; reconstruction probability: An and Cho, "Variational
autoencoder based anomaly detection using reconstruction probability", 2015.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models._pixel_model import PixelModel, Told
from models.base import Needs

if TYPE_CHECKING:
    import torch

CODE, BETA = 16, 0.005
"""Channels of the code, and how often its KL is added to the cost of a pixel."""


class Vae(PixelModel):
    """Rebuilding error in units of the decoder's own spread, plus how far the code lies from usual (KL)."""

    name = "vae"
    family = "variational autoencoder"
    needs = Needs(at_most=True, minutes=2.19, memory_mb=1000)

    def teach(self, planes: torch.Tensor, rng: np.random.Generator, told: Told) -> torch.nn.Module:
        """Teach the evidence lower bound; the code's mean is used when judging, nothing is drawn."""
        import torch
        from torch import nn
        from torch.nn import functional as F  # noqa: N812

        from models._pixel_networks import apart, decoder, encoder, mean_where, schedule_of
        from models._torch_teaching import seeded, teach

        class Network(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.encoder, self.decoder = encoder(2 * CODE), decoder(CODE, out=4)

            def rebuild(
                self, x: torch.Tensor, noise: float = 0.0
            ) -> tuple[torch.Tensor, torch.Tensor]:
                """The rebuilt picture, and what it costs (n, 1, h, w); the code is drawn with `noise`."""
                mean, log_variance = self.encoder(x).chunk(2, 1)
                log_variance = log_variance.clamp(-8, 4)
                code = mean
                if noise:
                    code = mean + noise * torch.randn_like(mean) * (0.5 * log_variance).exp()
                told = self.decoder(code)
                spread = told[:, 3:].clamp(-7, 0)
                rebuilt = told[:, :3]
                squares = (x - rebuilt).square().mean(1, keepdim=True)
                error = 0.5 * (squares * (-spread).exp() + spread)
                kl = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance)
                kl = kl.mean(1, keepdim=True)
                kl = F.interpolate(kl, size=x.shape[2:], mode="nearest")
                return rebuilt, error + BETA * kl

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return self.rebuild(x)[1]

        network = seeded(Network, rng)

        def loss(batch: torch.Tensor) -> torch.Tensor:
            x, counts = apart(batch)
            return mean_where(network.rebuild(x, 1.0)[1], counts)

        return teach(
            network,
            planes,
            loss,
            rng=rng,
            name=self.name,
            device=self.device,
            learning_rate=4e-3,
            schedule=schedule_of(planes),
            progress=told,
        )
