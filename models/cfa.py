"""Features adapted to lie close around what is usual: how far a place's feature is from all of it.

Lee, Lee, Song, "CFA: coupled-hypersphere-based feature adaptation for target-oriented anomaly localization", IEEE
Access 2022; the descriptor's layer and the loss are anomalib's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models._anomalib_model import AnomalibModel, copied
from models.base import Needs

if TYPE_CHECKING:
    import torch

    from models._backbone import Backbone

NEAREST, HARD, RADIUS = 3, 3, 1e-5
"""As anomalib has them."""

MOST_CENTRES = 1024


class Cfa(AnomalibModel):
    """Distance of adapted features to the mean features of good pictures, place by place."""

    name = "cfa"
    family = "memory of features"
    needs = Needs(at_most=True, minutes=0.39, memory_mb=1350)
    strides = (8, 16)
    collects = True
    most_steps = 60
    batch = 2

    def build(self, backbone: Backbone, size: tuple[int, int]) -> torch.nn.Module:
        """The backbone, and the layer that adapts its features, which knows where it is."""
        import torch
        from anomalib.models.image.cfa.torch_model import CoordConv2d
        from torch import nn
        from torch.nn import functional as F  # noqa: N812

        channels = sum(backbone.channels)
        places = size[0] * size[1] // self.strides[0] ** 2

        class Model(nn.Module):
            """anomalib's descriptor, for any backbone and shape of picture."""

            centres: torch.Tensor

            def __init__(self) -> None:
                super().__init__()
                self.network = copied(backbone)
                self.layer = CoordConv2d(channels, channels, kernel_size=1)
                self.register_buffer("centres", torch.zeros(min(places, MOST_CENTRES), channels))
                self.sums: torch.Tensor | None = None
                self.count = 0

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                """Adapted features (n, c, h, w)."""
                self.network.eval()
                finest, *coarser = (F.avg_pool2d(each, 3, 1, 1) for each in self.network(x))
                size = finest.shape[2:]
                maps = [finest, *(F.interpolate(m, size=size, mode="bilinear") for m in coarser)]
                found: torch.Tensor = self.layer(torch.cat(maps, 1))
                return found

            def distances(self, features: torch.Tensor) -> torch.Tensor:
                """Squared distances of each place's feature to each centre (n, h * w, m)."""
                points = features.flatten(2).transpose(1, 2)
                own = points.square().sum(2, keepdim=True)
                squared = own + self.centres.square().sum(1) - 2 * points @ self.centres.T
                return squared.clamp_min(1e-9)

        return Model()

    def collect(self, network: Any, x: torch.Tensor) -> None:
        """Add the batch's features up, place by place."""
        found = network(x).sum(0)
        network.sums = found if network.sums is None else network.sums + found
        network.count += len(x)

    def settle(self, network: Any) -> None:
        """The means are the centres; of very many, some that are spread evenly."""
        import torch

        means = (network.sums / network.count).flatten(1).T
        spread = torch.linspace(0, len(means) - 1, len(network.centres)).round().long()
        network.centres.copy_(means[spread])
        network.sums = None

    def cost(self, network: Any, x: torch.Tensor) -> torch.Tensor:
        """Draw features to their nearest centres, and keep them off the next ones."""
        from anomalib.models.image.cfa.loss import CfaLoss

        loss = CfaLoss(
            num_nearest_neighbors=NEAREST, num_hard_negative_features=HARD, radius=RADIUS
        )
        cost: torch.Tensor = loss(network.distances(network(x))) / 1000
        return cost

    def told(self, network: Any, x: torch.Tensor) -> torch.Tensor:
        """The distance to the nearest centre, as far as it is nearer than the next: softmin times it."""
        import torch
        from torch.nn import functional as F  # noqa: N812

        features = network(x)
        near = network.distances(features).sqrt().topk(NEAREST, largest=False).values
        value = (torch.softmax(-near, -1)[..., 0] * near[..., 0]).reshape(
            -1, 1, *features.shape[2:]
        )
        return F.interpolate(value, size=x.shape[2:], mode="bilinear", align_corners=False)
