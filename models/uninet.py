"""A student that rebuilds its teacher's features from an attentive bottleneck, those that matter here counting more.

Wei, Jiang, Xu, "UniNet: a contrastive learning-guided unified framework with feature selection for anomaly detection",
CVPR 2025; bottleneck, decoder, selection and loss are anomalib's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models._anomalib_model import AnomalibModel, extractor
from models.base import STUDENT_TEACHER, Needs

if TYPE_CHECKING:
    import torch

    from models._backbone import Backbone


class Uninet(AnomalibModel):
    """Disagreement of a decoder with its teacher's features, chosen by how much they say of such parts.

    The paper's second teacher, which it moves by a millionth a step, is the first one here.
    """

    name = "uninet"
    family = "student–teacher"
    needs = Needs()
    patent = STUDENT_TEACHER
    own_backbone = "resnet50"
    reads_backbone = False
    multiple = 32
    most_steps = 120

    def build(self, backbone: Backbone, size: tuple[int, int]) -> torch.nn.Module:
        """The teacher with its weights, and bottleneck, decoder and selection to teach."""
        from anomalib.models.components.backbone import get_decoder
        from anomalib.models.image.uninet.components import (
            AttentionBottleneck,
            BottleneckLayer,
            DomainRelatedFeatureSelection,
            UniNetLoss,
        )
        from torch import nn

        class Model(nn.Module):
            """anomalib's, without asking a hub for the teachers."""

            def __init__(self) -> None:
                super().__init__()
                self.teacher = extractor(backbone)
                self.bottleneck = BottleneckLayer(block=AttentionBottleneck, layers=3)
                self.student = get_decoder(backbone.name)
                self.selection = DomainRelatedFeatureSelection()
                self.loss = UniNetLoss()

            def forward(self, x: torch.Tensor) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
                """The teacher's maps, and the student's."""
                taught = list(self.teacher(x).values())
                return taught, list(self.student(self.bottleneck(taught)))

        return Model()

    def cost(self, network: Any, x: torch.Tensor) -> torch.Tensor:
        """How far the selected features are from the teacher's, and how like those of other places."""
        taught, rebuilt = network(x)
        chosen = network.selection([each.contiguous() for each in rebuilt], taught)
        found: torch.Tensor = network.loss(chosen, [each.contiguous() for each in taught])
        return found

    def told(self, network: Any, x: torch.Tensor) -> torch.Tensor:
        """The sum over strides, not blurred, in operations that OpenVINO has: it has no cosine."""
        import torch
        from torch.nn import functional as F  # noqa: N812

        found = torch.zeros(1)
        for own, rebuilt in zip(*network(x), strict=True):
            cosine = (F.normalize(own) * F.normalize(rebuilt)).sum(1, keepdim=True)
            found = found + F.interpolate(1 - cosine, size=x.shape[2:], mode="bilinear")
        return found
