"""anomalib's models on a vision transformer: its weights are brought, it is frozen, what stands behind it is taught."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, cast

from models._anomalib_model import AnomalibModel

if TYPE_CHECKING:
    import torch

    from models._backbone import Backbone


class TransformerModel(AnomalibModel):
    """A network of anomalib behind the blocks of a vision transformer, DINOv2's."""

    own_backbone = "vit_small_patch14_reg4_dinov2"
    transformer = True
    reads_backbone = False
    strides = (16,)
    most_steps: ClassVar[int] = 200

    def told(self, network: Any, x: torch.Tensor) -> torch.Tensor:
        """How far each group of blocks is from its rebuilt copy, in operations that OpenVINO has."""
        import torch
        from torch.nn import functional as F  # noqa: N812

        found = torch.zeros(1)
        for own, rebuilt in network.pairs(x):
            cosine = (F.normalize(own) * F.normalize(rebuilt)).sum(1, keepdim=True)
            found = found + F.interpolate(1 - cosine, size=x.shape[2:], mode="bilinear")
        return found


def encoder(backbone: Backbone, size: tuple[int, int]) -> Any:
    """The frozen transformer for pictures (n, 3, h, w) of one size: tokens of the blocks asked for.

    Its patches are laid on the grid of our patches by making the picture as much smaller.
    """
    import torch
    from torch.nn import functional as F  # noqa: N812

    blocks = cast(Any, backbone.network)
    patch_px, stride = blocks.network.patch_embed.patch_size[0], backbone.strides[0]

    class Encoder(torch.nn.Module):
        """`forward` gives (n, 1 + registers + h * w, c) for each of `wanted`."""

        def __init__(self) -> None:
            super().__init__()
            self.network = copy.deepcopy(blocks.network)
            self.grid = size[0] // stride, size[1] // stride
            self.sized = self.grid[0] * patch_px, self.grid[1] * patch_px
            self.network.set_input_size(img_size=self.sized)
            self.network.eval().requires_grad_(requires_grad=False)
            self.depth = len(self.network.blocks)
            self.width = int(self.network.embed_dim)
            self.heads = int(self.network.blocks[0].attn.num_heads)
            self.before = int(self.network.num_prefix_tokens)

        def forward(
            self, x: torch.Tensor, wanted: Sequence[int], *, norm: bool = False
        ) -> list[torch.Tensor]:
            self.network.eval()
            if self.sized != tuple(x.shape[2:]):
                x = F.interpolate(x, size=self.sized, mode="bilinear", align_corners=False)
            with torch.no_grad():
                found = self.network.forward_intermediates(
                    x,
                    indices=list(wanted),
                    norm=norm,
                    intermediates_only=True,
                    output_fmt="NLC",
                    return_prefix_tokens=True,
                )
            return [torch.cat([before, patches], 1) for patches, before in found]

        def on_grid(self, tokens: torch.Tensor) -> torch.Tensor:
            """The patches among tokens (n, m, c) as a map (n, c, h, w)."""
            patches = tokens[:, self.before :]
            return patches.transpose(1, 2).reshape(len(tokens), -1, *self.grid)

    return Encoder()


def halves(
    encoder: Any, tokens: Sequence[torch.Tensor], rebuilt: Sequence[torch.Tensor]
) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """The means of the first and of the last half of the blocks, as maps, and those of their rebuilt copies."""
    import torch

    half = len(tokens) // 2
    means = [
        [encoder.on_grid(torch.stack(list(each[part])).mean(0)) for each in (tokens, rebuilt)]
        for part in (slice(None, half), slice(half, None))
    ]
    return [(own, copied) for own, copied in means]


def apart(pairs: Sequence[tuple[torch.Tensor, torch.Tensor]]) -> torch.Tensor:
    """How far the directions of whole maps are from each other, 0 to 2."""
    import torch
    from torch.nn import functional as F  # noqa: N812

    far = [1 - F.cosine_similarity(a.flatten(1), b.flatten(1)).mean() for a, b in pairs]
    return torch.stack(far).mean()


def middle_blocks(depth: int) -> list[int]:
    """The eight blocks that are rebuilt, of so many: those in the middle, as anomalib has them."""
    first = max(0, min(2, depth - 8))
    return list(range(first, min(depth, first + 8)))
