"""A normalizing flow over a map at three picture sizes at once.

Rudolph, Wehrbein, Rosenhahn, Wandt, "Fully convolutional cross-scale-flows for image-based defect detection",
WACV 2022; the coupling layers and the loss are anomalib's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models._anomalib_model import AnomalibModel, copied
from models.base import Needs

if TYPE_CHECKING:
    import torch

    from models._backbone import Backbone

SCALES, BLOCKS, HIDDEN, CLAMP = 3, 2, 32, 3.0


class Csflow(AnomalibModel):
    """Unlikelihood of a place under one normalizing flow through three sizes of the picture."""

    name = "csflow"
    family = "normalizing flow"
    needs = Needs(at_most=True, minutes=0.43, memory_mb=1350)
    strides = (16,)
    multiple = 64
    most_steps = 60
    batch = 2

    def build(self, backbone: Backbone, size: tuple[int, int]) -> torch.nn.Module:
        """The backbone's map of each size, each normalised, and the coupling layers behind them."""
        import torch
        from anomalib.models.image.csflow.torch_model import ParallelGlowCouplingLayer
        from torch import nn
        from torch.nn import functional as F  # noqa: N812

        (channels,), (stride,) = backbone.channels, backbone.strides
        shapes = [
            (channels, size[0] // (stride << k), size[1] // (stride << k)) for k in range(SCALES)
        ]

        class Model(nn.Module):
            """anomalib's flow, on any backbone; channels are mixed by what OpenVINO has."""

            orders: torch.Tensor

            def __init__(self) -> None:
                super().__init__()
                self.network = copied(backbone)
                self.norms = nn.ModuleList([nn.LayerNorm(shape) for shape in shapes])
                orders = [torch.randperm(channels) for _ in range(BLOCKS * SCALES)]
                self.register_buffer("orders", torch.stack(orders).view(BLOCKS, SCALES, -1))
                self.couplings = nn.ModuleList(
                    [
                        ParallelGlowCouplingLayer(
                            shapes,
                            {
                                "channels_hidden": HIDDEN,
                                "kernel_size": 5 if block == BLOCKS - 1 else 3,
                            },
                            clamp=CLAMP,
                        )
                        for block in range(BLOCKS)
                    ]
                )

            def forward(self, x: torch.Tensor) -> tuple[list[torch.Tensor], torch.Tensor]:
                """What the flow makes of each size's map, and the log-determinants of a whole batch."""
                self.network.eval()
                sizes = [x, *(F.avg_pool2d(x, 1 << k) for k in range(1, SCALES))]
                flowing = [
                    norm(self.network(each)[0])
                    for norm, each in zip(self.norms, sizes, strict=True)
                ]
                determinants = x.new_zeros(())
                for orders, couple in zip(self.orders, self.couplings, strict=True):
                    mixed = [
                        each.index_select(1, o) for each, o in zip(flowing, orders, strict=True)
                    ]
                    flowing, own = couple(mixed)
                    determinants = determinants + own
                return flowing, determinants

        return Model()

    def cost(self, network: Any, x: torch.Tensor) -> torch.Tensor:
        """Minus the log-likelihood, a number of the maps."""
        from anomalib.models.image.csflow.loss import CsFlowLoss

        variables, determinants = network(x)
        cost: torch.Tensor = CsFlowLoss()(variables, determinants / len(x))
        return cost

    def told(self, network: Any, x: torch.Tensor) -> torch.Tensor:
        """Minus the log-likelihood of each place, summed over the sizes."""
        from torch.nn import functional as F  # noqa: N812

        maps = [each.square().mean(1, keepdim=True) for each in network(x)[0]]
        large = [
            F.interpolate(m, size=x.shape[2:], mode="bilinear", align_corners=False) for m in maps
        ]
        found: torch.Tensor = sum(large[1:], large[0])
        return found
