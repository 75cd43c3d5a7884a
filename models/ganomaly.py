"""An autoencoder with an adversary: how badly a picture, and then its code, is rebuilt.

Akcay, Atapour-Abarghouei, Breckon, "GANomaly: semi-supervised anomaly detection via adversarial training", ACCV 2018;
the code keeps its places here, so that there is a map.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models._pixel_model import PixelModel, Told
from models.base import Needs

if TYPE_CHECKING:
    import torch

CODE, SQUARES, CODES, ADVERSARY = 16, 10.0, 0.5, 0.01
"""Channels of the code, and how often squares, the code's and the adversary's error are added."""


class Ganomaly(PixelModel):
    """Encoder, decoder and encoder again beside a discriminator: errors of picture and code."""

    name = "ganomaly"
    family = "adversarial"
    needs = Needs(at_most=True, minutes=3.96, memory_mb=1100)

    def teach(self, planes: torch.Tensor, rng: np.random.Generator, told: Told) -> torch.nn.Module:
        """Teach both in turn: the adversary to tell rebuilt pictures, the others to be taken for real."""
        import torch
        from torch import nn
        from torch.nn import functional as F  # noqa: N812

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
                self.encoder, self.decoder, self.again = encoder(CODE), decoder(CODE), encoder(CODE)

            def rebuild(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
                """The rebuilt picture, and how wrong it and its code are (n, 1, h, w)."""
                code = torch.tanh(self.encoder(x))
                rebuilt = self.decoder(code)
                moved = (code - torch.tanh(self.again(rebuilt))).square().mean(1, keepdim=True)
                squares = (x - rebuilt).square().mean(1, keepdim=True)
                error = dissimilarity(x, rebuilt) + SQUARES * squares
                return rebuilt, error + CODES * F.interpolate(moved, x.shape[2:], mode="nearest")

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return self.rebuild(x)[1]

        network = seeded(Network, rng)
        adversary = seeded(lambda: encoder(1), rng).to(self.device)
        own = torch.optim.AdamW(adversary.parameters(), lr=5e-4)

        def loss(batch: torch.Tensor) -> torch.Tensor:
            x, counts = apart(batch)
            rebuilt, wrong = network.rebuild(x)
            error = mean_where(wrong, counts)
            if not network.training:
                return error
            real, false = adversary(x), adversary(rebuilt.detach())
            told_apart = F.softplus(-real).mean() + F.softplus(false).mean()
            own.zero_grad()
            told_apart.backward()  # type: ignore[no-untyped-call]
            own.step()
            return error + ADVERSARY * F.softplus(-adversary(rebuilt)).mean()

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
