"""Two small students that foretell a vision transformer's last block from a middle one, and the other way.

Costanzino et al., "Learning to be a transformer to pinpoint anomalies", IEEE Access 2025; the students are anomalib's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models._anomalib_transformer import TransformerModel, encoder
from models.base import STUDENT_TEACHER, Needs

if TYPE_CHECKING:
    import torch

    from models._backbone import Backbone


class L2bt(TransformerModel):
    """How far two blocks of a vision transformer are from what students foretell of each by the other."""

    name = "l2bt"
    family = "student–teacher"
    needs = Needs()
    patent = STUDENT_TEACHER

    def build(self, backbone: Backbone, size: tuple[int, int]) -> torch.nn.Module:
        """The frozen transformer and its two students."""
        from anomalib.models.image.l2bt.students import FeatureProjectionMLP
        from torch import nn
        from torch.nn import functional as F  # noqa: N812

        class Model(nn.Module):
            """anomalib's, on our encoder."""

            def __init__(self) -> None:
                super().__init__()
                self.encoder = encoder(backbone, size)
                depth, width = self.encoder.depth, self.encoder.width
                self.wanted = [max(0, depth * 2 // 3 - 1), depth - 1]
                self.backward_net = FeatureProjectionMLP(in_features=width, out_features=width)
                self.forward_net = FeatureProjectionMLP(in_features=width, out_features=width)

            def pairs(self, x: torch.Tensor) -> list[tuple[torch.Tensor, torch.Tensor]]:
                """Patches (n, h * w, c) of both blocks, and what was foretold of them."""
                before = self.encoder.before
                middle, last = (
                    each[:, before:] for each in self.encoder(x, self.wanted, norm=True)
                )
                return [(middle, self.backward_net(last)), (last, self.forward_net(middle))]

            def apart(self, x: torch.Tensor) -> torch.Tensor:
                """The product of both distances of each patch (n, 1, h, w)."""
                first, second = (
                    (F.normalize(own, dim=2) - F.normalize(foretold, dim=2)).norm(dim=2)
                    for own, foretold in self.pairs(x)
                )
                found: torch.Tensor = (first * second).reshape(len(x), 1, *self.encoder.grid)
                return found

        return Model()

    def cost(self, network: Any, x: torch.Tensor) -> torch.Tensor:
        """How far the directions are, over both blocks."""
        import torch
        from torch.nn import functional as F  # noqa: N812

        apart = [1 - F.cosine_similarity(a, b, dim=-1).mean() for a, b in network.pairs(x)]
        return torch.stack(apart).sum()

    def told(self, network: Any, x: torch.Tensor) -> torch.Tensor:
        """The product of both distances, not blurred."""
        from torch.nn import functional as F  # noqa: N812

        return F.interpolate(
            network.apart(x), size=x.shape[2:], mode="bilinear", align_corners=False
        )
