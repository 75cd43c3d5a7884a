"""Principal components of a whole feature map: what of it lies outside of their plane.

Ahuja, Ndiour, Kalyanpur, Tickoo, "Probabilistic modeling of deep features for out-of-distribution and adversarial
detection", 2019; the components are anomalib's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models._anomalib_model import AnomalibModel, extractor
from models.base import Needs

if TYPE_CHECKING:
    import torch

    from models._backbone import Backbone

POOL, VARIANCE = 2, 0.97


class Dfm(AnomalibModel):
    """What of a picture's feature map lies outside the plane in which good pictures' vary."""

    name = "dfm"
    family = "Gaussian"
    needs = Needs(minutes=0.22, memory_mb=1250)
    strides = (8,)
    collects = True
    most_steps = 0

    def build(self, backbone: Backbone, size: tuple[int, int]) -> torch.nn.Module:
        """One map of the backbone, and the components behind it."""
        from anomalib.models.components import PCA
        from anomalib.models.image.dfm.torch_model import DFMModel
        from torch import nn

        class Model(DFMModel):  # type: ignore[misc]
            """anomalib's, with our backbone."""

            def __init__(self) -> None:
                nn.Module.__init__(self)
                self.pooling_kernel_size, self.score_type = POOL, "fre"
                self.pca_model = PCA(n_components=VARIANCE)
                self.feature_extractor = extractor(backbone)
                (self.layer,) = self.feature_extractor.layers
                self.memory_bank: list[torch.Tensor] = []

        return Model()

    def collect(self, network: Any, x: torch.Tensor) -> None:
        """Keep the batch's feature maps."""
        network(x)

    def settle(self, network: Any) -> None:
        """Find the components."""
        network.fit()

    def told(self, network: Any, x: torch.Tensor) -> torch.Tensor:
        """The squared residual, summed over channels, by arithmetic that changes nothing in place."""
        from torch.nn import functional as F  # noqa: N812

        features, shape = network.get_features(x)
        components = network.pca_model
        centred = features - components.mean
        plane = centred @ components.singular_vectors @ components.singular_vectors.T
        residual = (centred - plane).square().reshape(shape).sum(1, keepdim=True)
        return F.interpolate(residual, size=x.shape[2:], mode="bilinear", align_corners=False)
