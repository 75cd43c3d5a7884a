"""Small convolutional networks that rebuild pictures, and how wrong a rebuilt picture is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from models._torch_teaching import Schedule

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTHS = (16, 32, 48, 64)
"""Channels behind each halving of the picture."""

WINDOW_PX, C1, C2 = 7, 0.01**2, 0.03**2


def schedule_of(planes: torch.Tensor) -> Schedule:
    """How long to teach on so many pictures: a minute or two on two cores at 256 pixels a side."""
    most = min(400, max(200, 20 * len(planes)))
    return Schedule(batch=4, least_steps=100, most_steps=most, check_every=20, patience=4)


def encoder(out: int, *, into: int = 3, widths: Sequence[int] = WIDTHS) -> nn.Sequential:
    """From planes (n, into, h, w) to a code (n, out, h / 16, w / 16)."""
    layers: list[nn.Module] = []
    for width in widths:
        layers += [nn.Conv2d(into, width, 4, 2, 1), nn.BatchNorm2d(width), nn.LeakyReLU(0.2)]
        into = width
    return nn.Sequential(*layers, nn.Conv2d(into, out, 1))


def decoder(code: int, *, out: int = 3, widths: Sequence[int] = WIDTHS) -> nn.Sequential:
    """From a code (n, code, h, w) to planes (n, out, 16 h, 16 w)."""
    layers: list[nn.Module] = []
    for width in reversed(widths):
        layers += [
            nn.Conv2d(code, width, 3, 1, 1), nn.BatchNorm2d(width), nn.LeakyReLU(0.2),
            nn.Upsample(scale_factor=2, mode="nearest"),
        ]  # fmt: skip
        code = width
    return nn.Sequential(*layers, nn.Conv2d(code, out, 3, 1, 1))


def apart(planes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Pictures (n, 3, h, w) in 0..1, and 1 where a pixel counts (n, 1, h, w), of uint8 planes."""
    return planes[:, :3].float() / 255, planes[:, 3:].float()


def mean_where(values: torch.Tensor, counts: torch.Tensor) -> torch.Tensor:
    """The mean of values (n, c, h, w) over the pixels that count."""
    return (values * counts).sum() / (counts.sum() * values.shape[1]).clamp_min(1.0)


def dissimilarity(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """One less the structural similarity around each pixel (n, 1, h, w), of pictures in 0..1.

    Wang et al., "Image quality assessment: from error visibility to structural similarity", IEEE
    Transactions on Image Processing 13 (2004); a square window in place of a Gaussian one, and each
    pixel set against the mean around itself.
    """

    def around(z: torch.Tensor) -> torch.Tensor:
        return F.avg_pool2d(z, WINDOW_PX, 1, WINDOW_PX // 2, count_include_pad=False)

    mean_x, mean_y = around(x), around(y)
    off_x, off_y = x - mean_x, y - mean_y
    variances = around(off_x.square()) + around(off_y.square())
    covariance = around(off_x * off_y)
    bright = (2 * mean_x * mean_y + C1) / (mean_x.square() + mean_y.square() + C1)
    alike = bright * (2 * covariance + C2) / (variances + C2)
    return 1 - alike.mean(1, keepdim=True)
