"""A network that mends pictures, and one that says where it had to: taught on drawn-in defects.

Zavrtanik, Kristan, Skočaj, "DRAEM: a discriminatively trained reconstruction embedding for surface anomaly detection",
ICCV 2021; networks, drawing and loss are anomalib's, the networks an eighth as wide, for two cores.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models._anomalib_model import AnomalibModel
from models.base import Needs

if TYPE_CHECKING:
    import torch

    from models._backbone import Backbone

WIDTH = 16


class Draem(AnomalibModel):
    """Where a picture differs from its mended copy as drawn-in defects did, by two networks of pixels."""

    name = "draem"
    family = "reconstruction"
    needs = Needs(at_most=True, minutes=8.69, memory_mb=1850)
    strides = ()
    reads_backbone = False
    multiple = 32
    batch = 2
    least_steps, most_steps = 150, 400

    def build(self, backbone: Backbone, size: tuple[int, int]) -> torch.nn.Module:
        """The two networks, and what draws defects by Perlin noise, without a folder of textures."""
        from anomalib.data.utils.generators import PerlinAnomalyGenerator
        from anomalib.models.image.draem import torch_model as parts
        from torch import nn

        class Model(parts.DraemModel):  # type: ignore[misc]
            """anomalib's, narrower."""

            def __init__(self) -> None:
                nn.Module.__init__(self)
                self.reconstructive_subnetwork = parts.ReconstructiveSubNetwork(base_width=WIDTH)
                self.discriminative_subnetwork = parts.DiscriminativeSubNetwork(6, 2, WIDTH)
                self.draw = PerlinAnomalyGenerator(blend_factor=(0.1, 1.0))

        return Model()

    def cost(self, network: Any, x: torch.Tensor) -> torch.Tensor:
        """The loss of mending drawn-in defects, and of saying where they were."""
        from anomalib.models.image.draem.loss import DraemLoss

        drawn, mask = network.draw(x)
        mended, found = network(drawn)
        cost: torch.Tensor = DraemLoss()(x, mended, mask, found)
        return cost

    def told(self, network: Any, x: torch.Tensor) -> torch.Tensor:
        """The log-odds of a defect; their softmax would make far and farther alike."""
        import torch

        mended = network.reconstructive_subnetwork(x)
        found: torch.Tensor = network.discriminative_subnetwork(torch.cat([x, mended], 1))
        return found[:, 1:] - found[:, :1]
