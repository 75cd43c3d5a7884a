"""A segmentation and a decision head taught on features with noise in them.

Rolih, Fučka, Skočaj, "SuperSimpleNet: unifying unsupervised and supervised learning for fast and reliable surface
defect detection", ICPR 2024; the network and the loss are anomalib's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models._anomalib_model import AnomalibModel, extractor
from models.base import Needs

if TYPE_CHECKING:
    import torch

    from models._backbone import Backbone

NOISE = 0.3
"""Of features; anomalib's 0.015 is for a network whose features are much smaller."""


class Supersimplenet(AnomalibModel):
    """How surely a head takes a place for one of those where noise was added to the features."""

    name = "supersimplenet"
    family = "adversarial"
    needs = Needs(at_most=True, minutes=4.06, memory_mb=1900)
    strides = (8, 16)
    most_steps = 120

    def build(self, backbone: Backbone, size: tuple[int, int]) -> torch.nn.Module:
        """Adapter, heads and noise behind the backbone's maps."""
        from anomalib.models.image.supersimplenet import torch_model as parts
        from torch import nn

        class Features(parts.UpscalingFeatureExtractor):  # type: ignore[misc]
            """anomalib's, of our backbone."""

            def __init__(self) -> None:
                nn.Module.__init__(self)
                self.feature_extractor = extractor(backbone)
                self.pooler = nn.AvgPool2d(3, 1, 1)

        class Model(parts.SupersimplenetModel):  # type: ignore[misc]
            """anomalib's, without asking a hub for the backbone."""

            def __init__(self) -> None:
                nn.Module.__init__(self)
                channels = sum(backbone.channels)
                self.adapt_cls_features = False
                self.feature_extractor = Features()
                self.adaptor = parts.FeatureAdapter(channels)
                self.segdec = parts.SegmentationDetectionModule(channels, stop_grad=True)
                self.anomaly_generator = parts.AnomalyGenerator(0.0, NOISE, 0.2)
                self.anomaly_map_generator = parts.AnomalyMapGenerator(sigma=4)

        return Model()

    def cost(self, network: Any, x: torch.Tensor) -> torch.Tensor:
        """The loss of both heads, against where noise was added."""
        import torch
        from anomalib.models.image.supersimplenet.loss import SSNLoss

        none = torch.zeros(len(x))
        found: torch.Tensor = SSNLoss()(*network(x, torch.zeros_like(x[:, 0]), none))
        return found

    def told(self, network: Any, x: torch.Tensor) -> torch.Tensor:
        """The segmentation head's map before its sigmoid, which would make far and farther alike."""
        features = network.feature_extractor(x)
        plane, _ = network.segdec(network.adaptor(features), features)
        found: torch.Tensor = network.anomaly_map_generator(plane, final_size=x.shape[2:])
        return found
