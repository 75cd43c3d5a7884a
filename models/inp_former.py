"""A decoder that rebuilds a vision transformer's middle blocks from a few prototypes of the picture itself.

Luo et al., "Exploring intrinsic normal prototypes within a single image for universal anomaly detection", CVPR 2025;
blocks and loss are anomalib's.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from models._anomalib_transformer import TransformerModel, apart, encoder, halves, middle_blocks
from models.base import Needs

if TYPE_CHECKING:
    import torch

    from models._backbone import Backbone

PROTOTYPES = 6


class InpFormer(TransformerModel):
    """Disagreement of a vision transformer with what a few prototypes of the same picture rebuild of it."""

    name = "inp_former"
    family = "reconstruction"
    needs = Needs()

    def build(self, backbone: Backbone, size: tuple[int, int]) -> torch.nn.Module:
        """The frozen encoder, and anomalib's prototypes, bottleneck and decoder."""
        import torch
        from anomalib.models.image.dinomaly.components import DinomalyMLP
        from anomalib.models.image.inp_former.components.layers import (
            AggregationBlock,
            PrototypeBlock,
        )
        from torch import nn
        from torch.nn import functional as F  # noqa: N812

        class Model(nn.Module):
            """anomalib's, on our encoder, for pictures of any shape."""

            def __init__(self) -> None:
                super().__init__()
                self.encoder = encoder(backbone, size)
                self.wanted = middle_blocks(self.encoder.depth)
                width = self.encoder.width
                self.prototypes = nn.Parameter(torch.randn(PROTOTYPES, width))
                self.bottleneck = DinomalyMLP(
                    in_features=width,
                    hidden_features=4 * width,
                    out_features=width,
                    drop=0.0,
                    bias=True,
                    apply_input_dropout=False,
                )
                make = {
                    "dim": width,
                    "num_heads": self.encoder.heads,
                    "mlp_ratio": 4.0,
                    "qkv_bias": True,
                    "norm_layer": partial(nn.LayerNorm, eps=1e-8),
                }
                self.aggregation = AggregationBlock(**make)
                self.decoder = nn.ModuleList(PrototypeBlock(**make) for _ in self.wanted)

            def rebuild(
                self, x: torch.Tensor
            ) -> tuple[list[tuple[torch.Tensor, torch.Tensor]], torch.Tensor]:
                """Both halves of the blocks and what was rebuilt of each; how far patches are from prototypes."""
                tokens = self.encoder(x, self.wanted)
                whole = torch.stack(tokens).mean(0)
                prototypes = self.aggregation(self.prototypes[None].expand(len(x), -1, -1), whole)
                near = F.normalize(whole, dim=2) @ F.normalize(prototypes, dim=2).transpose(1, 2)
                now = self.bottleneck(whole)
                rebuilt: list[torch.Tensor] = []
                for block in self.decoder:
                    now = block(now, prototypes)
                    rebuilt.insert(0, now)
                return halves(self.encoder, tokens, rebuilt), (1 - near.amax(2)).mean()

            def pairs(self, x: torch.Tensor) -> list[tuple[torch.Tensor, torch.Tensor]]:
                return self.rebuild(x)[0]

        return Model()

    def cost(self, network: Any, x: torch.Tensor) -> torch.Tensor:
        """How far the rebuilt blocks are, hard places counting more, and patches from prototypes."""
        import torch
        from anomalib.models.image.inp_former.components.loss import GlobalCosineHmAdaptiveLoss

        pairs, far = network.rebuild(x)
        if not torch.is_grad_enabled():
            measured: torch.Tensor = apart(pairs) + 0.2 * far
            return measured
        own, rebuilt = ([pair[k] for pair in pairs] for k in (0, 1))
        found: torch.Tensor = GlobalCosineHmAdaptiveLoss()(
            encoder_features=own, decoder_features=rebuilt, inp_loss=far
        )
        return found
