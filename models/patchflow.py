"""A normalizing flow on adapted features of several layers and sizes.

PatchFlow as in anomalib 2.7, whose network and loss these are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from models._anomalib_model import AnomalibModel
from models.base import Needs

if TYPE_CHECKING:
    import torch

    from models._backbone import Backbone


class Patchflow(AnomalibModel):
    """Unlikelihood of adapted patch features under one normalizing flow."""

    name = "patchflow"
    family = "normalizing flow"
    needs = Needs(at_most=True, minutes=1.19, memory_mb=1350)
    strides = (8, 16, 32)

    def build(self, backbone: Backbone, size: tuple[int, int]) -> torch.nn.Module:
        """An adapter and a flow behind the backbone's maps of the picture, and of half of it."""
        from anomalib.models.image.patchflow.torch_model import PatchflowModel

        model: torch.nn.Module = PatchflowModel(
            size,
            backbone.name,
            pre_trained=False,
            num_scales=2,
            flow_feature_dim=64,
            flow_hidden_dim=64,
        )
        own = cast(Any, model).feature_extractor.feature_extractor
        own.load_state_dict(backbone.network.state_dict())
        return model

    def cost(self, network: Any, x: torch.Tensor) -> torch.Tensor:
        """Minus the log-likelihood, a number of the map."""
        from anomalib.models.image.patchflow.loss import PatchflowLoss

        found: torch.Tensor = PatchflowLoss()(*network(x))
        return found
