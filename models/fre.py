"""A linear autoencoder of a whole feature map: the error of rebuilding it.

Ndiour, Ahuja, Genc, Tickoo, "FRE: a fast method for anomaly detection and segmentation", BMVC 2023; the network is
anomalib's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models._anomalib_model import AnomalibModel, extractor
from models.base import Needs

if TYPE_CHECKING:
    import torch

    from models._backbone import Backbone

POOL, CODE = 2, 64


class Fre(AnomalibModel):
    """Error of rebuilding a picture's feature map from a small linear code."""

    name = "fre"
    family = "autoencoder"
    needs = Needs(at_most=True, minutes=0.93, memory_mb=1350)
    strides = (8,)

    def build(self, backbone: Backbone, size: tuple[int, int]) -> torch.nn.Module:
        """A tied linear autoencoder behind one map of the backbone."""
        from anomalib.models.image.fre.torch_model import FREModel, TiedAE
        from torch import nn

        numbers = backbone.channels[0]
        for side in size:
            numbers *= side // backbone.strides[0] // POOL

        class Model(FREModel):  # type: ignore[misc]
            """anomalib's, with our backbone."""

            def __init__(self) -> None:
                nn.Module.__init__(self)
                self.pooling_kernel_size = POOL
                self.fre_model = TiedAE(numbers, CODE)
                self.feature_extractor = extractor(backbone)
                (self.layer,) = self.feature_extractor.layers

        return Model()

    def cost(self, network: Any, x: torch.Tensor) -> torch.Tensor:
        """The squared error of rebuilding."""
        features, rebuilt, _ = network.get_features(x)
        found: torch.Tensor = (features - rebuilt).square().mean()
        return found
