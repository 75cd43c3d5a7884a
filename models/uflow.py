"""A normalizing flow over all scales at once: how unlikely each place's features are.

Tailanian, Pardo, Musé, "U-Flow: a U-shaped normalizing flow for anomaly detection with unsupervised threshold", Journal
of Mathematical Imaging and Vision, 2024; the flow and the loss are anomalib's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models._anomalib_model import AnomalibModel, copied
from models.base import Needs

if TYPE_CHECKING:
    import torch

    from models._backbone import Backbone


class Uflow(AnomalibModel):
    """Unlikelihood of feature maps under one U-shaped normalizing flow through all strides."""

    name = "uflow"
    family = "normalizing flow"
    needs = Needs(at_most=True, minutes=1.14, memory_mb=1400)
    strides = (8, 16)

    def build(self, backbone: Backbone, size: tuple[int, int]) -> torch.nn.Module:
        """A flow that takes the backbone's maps in, coarsest first."""
        from anomalib.models.image.uflow.anomaly_map import AnomalyMapGenerator
        from anomalib.models.image.uflow.torch_model import UflowModel
        from torch import nn

        class Features(nn.Module):
            """The backbone's maps, each normalised over the picture."""

            def __init__(self) -> None:
                super().__init__()
                self.network = copied(backbone)
                self.channels, self.scale_factors = backbone.channels, backbone.strides
                self.scales = range(len(backbone.strides))
                self.norms = nn.ModuleList(
                    [
                        nn.LayerNorm([channels, size[0] // stride, size[1] // stride])
                        for channels, stride in zip(
                            backbone.channels, backbone.strides, strict=True
                        )
                    ]
                )

            def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
                self.network.eval()
                return [norm(m) for norm, m in zip(self.norms, self.network(x), strict=True)]

        class Model(UflowModel):  # type: ignore[misc]
            """anomalib's, on a backbone that it does not list."""

            def __init__(self) -> None:
                nn.Module.__init__(self)
                self.input_size = size
                self.affine_clamp, self.affine_subnet_channels_ratio = 2.0, 1.0
                self.permute_soft = False
                self.feature_extractor = Features()
                self.flow = self.build_flow(4)
                self.anomaly_map_generator = AnomalyMapGenerator(size)

        return Model()

    def cost(self, network: Any, x: torch.Tensor) -> torch.Tensor:
        """Minus the log-likelihood, a number of the maps."""
        from anomalib.models.image.uflow.loss import UFlowLoss

        variables, jacobians = network(x)
        cost: torch.Tensor = UFlowLoss()(variables, jacobians)
        numbers: int = sum(each.numel() for each in variables)
        return cost / numbers
