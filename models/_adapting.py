"""Teaches a pretrained network on further pictures, without labels: two views of one are to look alike.

Chen and He, "Exploring Simple Siamese Representation Learning", CVPR 2021.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models._backbone import Backbone
from models.base import ModelError

if TYPE_CHECKING:
    import torch

CODE, NARROW = 256, 64
"""Numbers that a view is told by, and those it is predicted through."""

BATCH = 8
CROP, LEAST_CROP_PX = 0.375, 64
"""Side of a view as a share of the picture's, and at least."""

RATE, SCRATCH_RATE, HEADS_RATE = 1e-4, 1e-3, 1e-3
NOISE = 0.05
LIGHT = (0.7, 1.3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapted:
    """Weights by name, and how alike two views of a picture kept apart look, up to 1, before and after."""

    weights: dict[str, torch.Tensor]
    alike_before: float
    alike_after: float


def adapted(
    backbone: Backbone,
    canvases: NDArray[np.uint8],
    *,
    only_last: bool,
    scratch: bool = False,
    steps: int,
    seed: int,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Adapted:
    """Adapt a copy of the backbone to canvases (n, H, W, 3) RGB; a fifth of them is only measured with.

    `only_last` teaches what lies behind the finest map used, and leaves the rest as it is; `scratch`
    begins at random weights. Raises ModelError where it diverges, and where the canvas is too small
    for a view.
    """
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = copy.deepcopy(backbone.network)
        if scratch:
            _begin_anew(network)
        order = torch.randperm(len(canvases)).numpy()
        apart, taught = np.split(canvases[order], [max(2, len(order) // 5)])
        measured = _planes(apart, backbone)
        before = _alike(network, measured, seed)
        network.requires_grad_(requires_grad=True)
        own = _behind_the_finest(network) if only_last else list(network.parameters())
        project, predict = _heads(sum(backbone.channels))
        heads = [*project.parameters(), *predict.parameters()]
        rates = [(own, SCRATCH_RATE if scratch else RATE), (heads, HEADS_RATE)]
        optimizer = torch.optim.AdamW([{"params": each, "lr": rate} for each, rate in rates])
        network.train(scratch)  # what is usual in a pretrained network stays as it was learnt
        for step in range(1, steps + 1):
            picked = torch.randint(len(taught), (BATCH,)).numpy()
            views = _two_views(_planes(taught[picked], backbone))
            codes = [project(_pooled(network, each)) for each in views]
            pairs = zip(codes, codes[::-1], strict=True)
            alike = [torch.cosine_similarity(predict(a), b.detach()).mean() for a, b in pairs]
            loss = -torch.stack(alike).mean()
            if not torch.isfinite(loss):
                raise ModelError(
                    f"adapting {backbone.name}: it diverged after {step} steps (its loss is "
                    f"{float(loss.detach())}); try fewer --steps or another --seed"
                )
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            progress(step, steps)
        return Adapted(
            weights={name: each.detach().clone() for name, each in network.state_dict().items()},
            alike_before=before,
            alike_after=_alike(network.eval(), measured, seed),
        )


def _alike(network: torch.nn.Module, pictures: torch.Tensor, seed: int) -> float:
    """How alike the network finds two views of each picture, the mean of all views taken away."""
    import torch

    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        one, other = (_pooled(network, each) for each in _two_views(pictures))
        return float(torch.cosine_similarity(one - one.mean(0), other - other.mean(0)).mean())


def _behind_the_finest(network: torch.nn.Module) -> list[torch.nn.Parameter]:
    """The parameters that the finest map does not depend on; the others are frozen."""
    import torch

    network(torch.zeros(1, 3, LEAST_CROP_PX, LEAST_CROP_PX))[0].sum().backward()
    found = [each for each in network.parameters() if each.grad is None]
    for each in network.parameters():
        each.requires_grad_(each.grad is None)
        each.grad = None
    if not found:
        raise ModelError(
            "adapting: no layer of this backbone lies behind its finest map; use --layers all"
        )
    return found


def _begin_anew(network: torch.nn.Module) -> None:
    for module in network.modules():
        if callable(begin := getattr(module, "reset_parameters", None)):
            begin()


def _heads(channels: int) -> tuple[torch.nn.Module, torch.nn.Module]:
    from torch.nn import BatchNorm1d, Linear, ReLU, Sequential

    project = Sequential(Linear(channels, CODE), BatchNorm1d(CODE))
    predict = Sequential(Linear(CODE, NARROW), BatchNorm1d(NARROW), ReLU(), Linear(NARROW, CODE))
    return project, predict


def _planes(canvases: NDArray[np.uint8], backbone: Backbone) -> torch.Tensor:
    """Canvases as the network wants them (n, 3, H, W)."""
    import torch

    mean, std = (torch.tensor(each).view(1, 3, 1, 1) for each in (backbone.mean, backbone.std))
    return (torch.from_numpy(canvases).permute(0, 3, 1, 2).float() / 255 - mean) / std


def _pooled(network: torch.nn.Module, pictures: torch.Tensor) -> torch.Tensor:
    """The mean of each channel of all maps (n, C)."""
    import torch

    return torch.cat([each.mean((2, 3)) for each in network(pictures)], 1)


def _two_views(batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return _view(batch), _view(batch)


def _view(batch: torch.Tensor) -> torch.Tensor:
    """A crop of each picture, perhaps mirrored, in another light and with noise."""
    import torch

    height, width = batch.shape[2:]
    crop_px = max(LEAST_CROP_PX, int(CROP * min(height, width)) // 32 * 32)
    if crop_px > min(height, width):
        raise ModelError(
            f"adapting: a canvas of {width} x {height} px is smaller than a view of {crop_px} px; "
            "use a larger --image-size"
        )
    down, across = (int(torch.randint(side - crop_px + 1, ())) for side in (height, width))
    crop = batch[..., down : down + crop_px, across : across + crop_px]
    crop = crop.flip(3) if torch.rand(()) < 0.5 else crop
    gain = torch.empty(len(batch), 1, 1, 1).uniform_(*LIGHT)
    return crop * gain + NOISE * torch.randn_like(crop)
