"""A memory of band-pass features: no network, so that it sees what one trained on photographs overlooks.

Each patch is told by the highest, the lowest and the root mean square of differences of Gaussians (Marr and
Hildreth, "Theory of edge detection", Proc. R. Soc. B 207, 1980), compressed, as a faint speck and a strong
edge differ by orders of magnitude. It sees specks, scratches and stains on what is otherwise even, and
knows nothing of shapes: on its own it finds less than a network does, beside one it finds more on some parts.
"""

from __future__ import annotations

import itertools
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from models._backbone import Backbone
from models._program import Outputs, on_same_canvas, search_outputs
from models.patchcore import PatchCore

if TYPE_CHECKING:
    import openvino
    import torch

CELL_PX = 16
"""Side of a patch at each scale, in pixels of that scale."""

FAINT_LEVELS = 3.0
"""Grey levels of 255 up to which a difference counts in proportion, and above by its logarithm."""

WIDEST_PX = 4.0
"""Sigma up to which a picture is blurred as it is; for wider ones it is made smaller first."""

MOMENTS = 3
"""Highest, lowest and root mean square."""


class BandModel(PatchCore):
    """PatchCore on differences of Gaussians of grey levels, from one sigma in px to the next."""

    family = "band-pass filters"
    reads_backbone = False
    sigmas_px: ClassVar[tuple[float, ...]]

    def __init__(
        self,
        *,
        backbone: str = "tf_efficientnet_lite0",
        weights: Path | None = None,
        shrinks: tuple[int, ...] = (2, 1),
        bank_size: int = 2000,
        candidates: int = 100_000,
        smoothing_patches: float = 0.0,
        level: float = 0.5,
        fine_weight: float = 0.5,
        seed: int = 0,
    ) -> None:
        super().__init__(
            backbone=backbone,
            weights=weights,
            shrinks=shrinks,
            strides=(CELL_PX,),
            pool=1,
            components=MOMENTS * (len(self.sigmas_px) - 1),
            bank_size=bank_size,
            candidates=candidates,
            smoothing_patches=smoothing_patches,
            level=level,
            fine_weight=fine_weight,
            seed=seed,
        )

    def outputs(self, features: openvino.Model) -> Outputs:
        """What it measures of the canvas of another feature program."""
        own = self.feature_model()
        return search_outputs(on_same_canvas(own, features), self.scales_)

    def _load(self) -> Backbone:
        return _filters(self.sigmas_px)


@lru_cache(maxsize=3)
def _filters(sigmas_px: tuple[float, ...]) -> Backbone:
    """The filters as a network with one map of stride CELL_PX, of RGB in 0..255."""
    name = "bands " + " ".join(f"{sigma:g}" for sigma in sigmas_px)
    channels = MOMENTS * (len(sigmas_px) - 1)
    one = (1 / 255,) * 3
    return Backbone(name, _Bands(sigmas_px).eval(), (0.0,) * 3, one, (channels,), (CELL_PX,))


def _Bands(sigmas_px: tuple[float, ...]) -> torch.nn.Module:  # noqa: N802
    import torch
    from torch.nn import functional as F  # noqa: N812

    class Bands(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            for number, sigma in enumerate(sigmas_px):
                self.register_buffer(f"kernel_{number}", _gaussian(sigma / _smaller(sigma)))

        def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
            grey = x.mean(1, keepdim=True)
            blurred = [self.blur(grey, number) for number in range(len(sigmas_px))]
            found = []
            for finer, coarser in itertools.pairwise(blurred):
                band = finer - coarser
                found.append(F.max_pool2d(band, CELL_PX))
                found.append(-F.max_pool2d(-band, CELL_PX))
                found.append((F.avg_pool2d(band * band, CELL_PX) + 1e-6).sqrt())
            values = torch.cat(found, 1)
            return [torch.sign(values) * torch.log1p(values.abs() / FAINT_LEVELS)]

        def blur(self, grey: torch.Tensor, number: int) -> torch.Tensor:
            kernel, times = getattr(self, f"kernel_{number}"), _smaller(sigmas_px[number])
            small = F.avg_pool2d(grey, times) if times > 1 else grey
            around = len(kernel) // 2
            wide = F.pad(small, (around,) * 4, mode="replicate")
            blurred = F.conv2d(wide, kernel.view(1, 1, 1, -1))
            blurred = F.conv2d(blurred, kernel.view(1, 1, -1, 1))
            if times == 1:
                return blurred
            size = grey.shape[2:]
            return F.interpolate(blurred, size=size, mode="bilinear", align_corners=False)

    return Bands()


def _smaller(sigma_px: float) -> int:
    """How many times smaller the picture is made before it is blurred so far: a divisor of CELL_PX."""
    return min(CELL_PX // 2, int(2 ** max(0, np.ceil(np.log2(max(sigma_px, 1.0) / WIDEST_PX)))))


def _gaussian(sigma_px: float) -> torch.Tensor:
    """A kernel (2 k + 1,) of sum 1; (1,) for no blur."""
    import torch

    reach = int(np.ceil(3 * sigma_px))
    kernel = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / max(sigma_px, 1e-6)) ** 2)
    return kernel / kernel.sum()
