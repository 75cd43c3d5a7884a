"""Normalizing flows on feature maps: how unlikely each place's features are.

Yu et al., "FastFlow: unsupervised anomaly detection and localization via 2D normalizing flows", 2021; the flows and the
loss are anomalib's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models._anomalib_model import AnomalibModel, copied
from models.base import Needs

if TYPE_CHECKING:
    import torch

    from models._backbone import Backbone


class Fastflow(AnomalibModel):
    """Unlikelihood of feature maps under two-dimensional normalizing flows, one at each stride."""

    name = "fastflow"
    family = "normalizing flow"
    needs = Needs(at_most=True, minutes=1.02, memory_mb=1350)
    strides = (8, 16)

    def build(self, backbone: Backbone, size: tuple[int, int]) -> torch.nn.Module:
        """A flow behind each of the backbone's maps."""
        from anomalib.models.image.fastflow.anomaly_map import AnomalyMapGenerator
        from anomalib.models.image.fastflow.torch_model import (
            FastflowModel,
            create_fast_flow_block,
        )
        from torch import nn

        maps = [
            [channels, size[0] // stride, size[1] // stride]
            for channels, stride in zip(backbone.channels, backbone.strides, strict=True)
        ]

        class Model(FastflowModel):  # type: ignore[misc]
            """anomalib's, on a backbone that it does not list."""

            def __init__(self) -> None:
                nn.Module.__init__(self)
                self.input_size = size
                self.feature_extractor = copied(backbone)
                self.norms = nn.ModuleList([nn.LayerNorm(shape) for shape in maps])
                self.fast_flow_blocks = nn.ModuleList(
                    [create_fast_flow_block(shape, False, 1.0, 4) for shape in maps]
                )
                self.anomaly_map_generator = AnomalyMapGenerator(input_size=size)

        return Model()

    def cost(self, network: Any, x: torch.Tensor) -> torch.Tensor:
        """Minus the log-likelihood, a number of the map."""
        from anomalib.models.image.fastflow.loss import FastflowLoss

        variables, jacobians = network(x)
        cost: torch.Tensor = FastflowLoss()(variables, jacobians)
        numbers: int = sum(each[0].numel() for each in variables)
        return cost / numbers
