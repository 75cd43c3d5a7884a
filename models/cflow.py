"""Conditional normalizing flows: how unlikely a place's features are, given where it is.

Gudovskiy, Ishizaka, Kozuka, "CFLOW-AD: real-time unsupervised anomaly detection with localization via conditional
normalizing flows", WACV 2022; the flows are anomalib's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models._anomalib_model import AnomalibModel, extractor
from models.base import Needs

if TYPE_CHECKING:
    import torch

    from models._backbone import Backbone

CONDITION, BLOCKS, PLACES = 64, 4, 1024
"""Numbers that tell a place, coupling blocks of a flow, and places drawn of a batch and a layer."""


class Cflow(AnomalibModel):
    """Unlikelihood of each place's features under a normalizing flow that is told the place."""

    name = "cflow"
    family = "normalizing flow"
    needs = Needs(at_most=True, minutes=1.73, memory_mb=1350)
    strides = (8, 16)
    learning_rate = 4e-3
    least_steps, most_steps = 200, 400

    def build(self, backbone: Backbone, size: tuple[int, int]) -> torch.nn.Module:
        """A flow for each of the backbone's maps."""
        from anomalib.models.image.cflow.torch_model import CflowModel
        from anomalib.models.image.cflow.utils import cflow_head
        from torch import nn

        class Model(CflowModel):  # type: ignore[misc]
            """anomalib's, with our backbone for its encoder."""

            def __init__(self) -> None:
                nn.Module.__init__(self)
                self.encoder = extractor(backbone)
                self.decoders = nn.ModuleList(
                    [cflow_head(CONDITION, BLOCKS, 1.9, channels) for channels in backbone.channels]
                )

        return Model()

    def cost(self, network: Any, x: torch.Tensor) -> torch.Tensor:
        """Minus the log of the likelihood's sigmoid, a number of a place, over places drawn."""
        import torch
        from torch.nn import functional as F  # noqa: N812

        costs = []
        for layer, values in enumerate(network.encoder(x).values()):
            rows, places = _rows(values)
            drawn = torch.randperm(len(rows))[:PLACES]
            costs.append(-F.logsigmoid(_likelihood(network, layer, rows[drawn], places[drawn])))
        return torch.cat(costs).mean()

    def told(self, network: Any, x: torch.Tensor) -> torch.Tensor:
        """Minus the log-likelihood; anomalib's own map is relative to each picture's highest."""
        import torch
        from torch.nn import functional as F  # noqa: N812

        found = torch.zeros(1)
        for layer, values in enumerate(network.encoder(x).values()):
            count, _, height, width = values.shape
            likelihood = _likelihood(network, layer, *_rows(values))
            plane = likelihood.reshape(count, 1, height, width)
            found = found - F.interpolate(plane, size=x.shape[2:], mode="bilinear")
        return found


def _rows(values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Features (n, c, h, w) place by place (n * h * w, c), and what tells each place."""
    from anomalib.models.image.cflow.utils import positional_encoding_2d

    count, channels, height, width = values.shape
    places = positional_encoding_2d(CONDITION, height, width).flatten(1).T.repeat(count, 1)
    return values.permute(0, 2, 3, 1).reshape(-1, channels), places


def _likelihood(network: Any, layer: int, rows: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """The log-likelihood of each row, a channel."""
    from anomalib.models.image.cflow.utils import get_logp

    normal, log_jacobian = network.decoders[layer](rows, [places])
    channels = rows.shape[1]
    found: torch.Tensor = get_logp(channels, normal, log_jacobian) / channels
    return found
