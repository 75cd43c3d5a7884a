"""A decoder that rebuilds a vision transformer's middle blocks from a noisy bottleneck: where it fails to.

Guo et al., "Dinomaly: the less is more philosophy in multi-class unsupervised anomaly detection", CVPR 2025;
bottleneck, decoder and loss are anomalib's.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from models._anomalib_transformer import TransformerModel, apart, encoder, halves, middle_blocks
from models.base import Needs

if TYPE_CHECKING:
    import torch

    from models._backbone import Backbone

DROPPED = 0.2
"""Share of the bottleneck's numbers that are dropped while it is taught."""


class Dinomaly(TransformerModel):
    """Disagreement of a decoder with the vision transformer whose middle blocks it rebuilds."""

    name = "dinomaly"
    family = "reconstruction"
    needs = Needs()

    def build(self, backbone: Backbone, size: tuple[int, int]) -> torch.nn.Module:
        """The frozen encoder, and anomalib's bottleneck and decoder."""
        import torch
        from anomalib.models.image.dinomaly.components import (
            CosineHardMiningLoss,
            DinomalyMLP,
            LinearAttention,
        )
        from anomalib.models.image.dinomaly.torch_model import DecoderViTBlock
        from torch import nn

        steps = self.most_steps

        class Model(nn.Module):
            """anomalib's, on our encoder."""

            def __init__(self) -> None:
                super().__init__()
                self.encoder = encoder(backbone, size)
                self.wanted = middle_blocks(self.encoder.depth)
                width = self.encoder.width
                self.bottleneck = DinomalyMLP(
                    in_features=width,
                    hidden_features=4 * width,
                    out_features=width,
                    drop=DROPPED,
                    bias=False,
                    apply_input_dropout=True,
                )
                self.decoder = nn.ModuleList(
                    DecoderViTBlock(
                        dim=width,
                        num_heads=self.encoder.heads,
                        mlp_ratio=4.0,
                        qkv_bias=True,
                        norm_layer=partial(nn.LayerNorm, eps=1e-8),
                        attn_drop=0.0,
                        attn=LinearAttention,
                    )
                    for _ in self.wanted
                )
                for layer in (*self.bottleneck.modules(), *self.decoder.modules()):
                    if isinstance(layer, nn.Linear):
                        nn.init.trunc_normal_(layer.weight, std=0.01, a=-0.03, b=0.03)
                self.loss = CosineHardMiningLoss(p_schedule_steps=steps)
                self.step = 0

            def pairs(self, x: torch.Tensor) -> list[tuple[torch.Tensor, torch.Tensor]]:
                """Both halves of the blocks, averaged, and what the decoder rebuilt of each."""
                tokens = self.encoder(x, self.wanted)
                now = self.bottleneck(torch.stack(tokens).mean(0))
                rebuilt: list[torch.Tensor] = []
                for block in self.decoder:
                    now = block(now)
                    rebuilt.insert(0, now)
                return halves(self.encoder, tokens, rebuilt)

        return Model()

    def cost(self, network: Any, x: torch.Tensor) -> torch.Tensor:
        """How far the rebuilt blocks are, places that are rebuilt well counting less and less."""
        import torch

        pairs = network.pairs(x)
        if not torch.is_grad_enabled():
            return apart(pairs)
        network.step += 1
        own, rebuilt = ([pair[k] for pair in pairs] for k in (0, 1))
        found: torch.Tensor = network.loss(own, rebuilt, global_step=network.step)
        return found
