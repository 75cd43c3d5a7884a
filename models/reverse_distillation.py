"""A decoder that rebuilds its teacher's features from a bottleneck: where it fails to.

Deng and Li, "Anomaly detection via reverse distillation from one-class embedding", CVPR 2022; the network and the loss
are anomalib's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models._anomalib_model import AnomalibModel, extractor
from models.base import STUDENT_TEACHER, Needs

if TYPE_CHECKING:
    import torch

    from models._backbone import Backbone


class ReverseDistillation(AnomalibModel):
    """Disagreement of a decoder with the network whose features it rebuilds from a bottleneck."""

    name = "reverse_distillation"
    family = "student–teacher"
    needs = Needs()
    patent = STUDENT_TEACHER
    own_backbone = "resnet18"
    reads_backbone = False
    multiple = 32

    def build(self, backbone: Backbone, size: tuple[int, int]) -> torch.nn.Module:
        """The encoder with its weights, and a bottleneck and a decoder to teach."""
        from anomalib.models.components.backbone import get_decoder
        from anomalib.models.image.reverse_distillation.components import get_bottleneck_layer
        from anomalib.models.image.reverse_distillation.torch_model import ReverseDistillationModel
        from torch import nn

        class Model(ReverseDistillationModel):  # type: ignore[misc]
            """anomalib's, without asking a hub for the encoder."""

            def __init__(self) -> None:
                nn.Module.__init__(self)
                self.tiler = None
                self.encoder = extractor(backbone)
                self.bottleneck = get_bottleneck_layer(backbone.name)
                self.decoder = get_decoder(backbone.name)

        return Model()

    def cost(self, network: Any, x: torch.Tensor) -> torch.Tensor:
        """How far the rebuilt features' directions are from the encoder's."""
        from anomalib.models.image.reverse_distillation.loss import ReverseDistillationLoss

        encoded, decoded = network(x)
        cost: torch.Tensor = ReverseDistillationLoss()(
            [each.contiguous() for each in encoded], [each.contiguous() for each in decoded]
        )
        return cost

    def told(self, network: Any, x: torch.Tensor) -> torch.Tensor:
        """The sum over strides, not blurred, in operations that OpenVINO has: it has no cosine."""
        import torch
        from torch.nn import functional as F  # noqa: N812

        encoded = list(network.encoder(x).values())
        found = torch.zeros(1)
        for own, rebuilt in zip(encoded, network.decoder(network.bottleneck(encoded)), strict=True):
            cosine = (F.normalize(own) * F.normalize(rebuilt)).sum(1, keepdim=True)
            found = found + F.interpolate(1 - cosine, size=x.shape[2:], mode="bilinear")
        return found
