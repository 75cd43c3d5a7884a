"""The arithmetic of heads as torch modules, from points (n, d) to values (n,)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

Values = NDArray[np.floating[Any]]


class _Head(torch.nn.Module):
    """Tensors that travel with the module, and what is done with them."""

    def __init__(
        self,
        work: Callable[[torch.Tensor, dict[str, torch.Tensor]], torch.Tensor],
        **values: Values,
    ) -> None:
        super().__init__()
        self.work = work
        for name, each in values.items():
            self.register_buffer(name, torch.from_numpy(np.ascontiguousarray(each, np.float32)))

    def forward(self, points: torch.Tensor) -> torch.Tensor:
        return self.work(points, dict(self.named_buffers()))


def quadratic(mean: Values, precision: Values) -> torch.nn.Module:
    """sqrt((x - mean)ᵀ precision (x - mean)) of each point; `mean` (d,), `precision` (d, d)."""

    def work(points: torch.Tensor, t: dict[str, torch.Tensor]) -> torch.Tensor:
        return ((points - t["mean"]) @ t["factor"]).square().sum(1).clamp_min(1e-9).sqrt()

    return _Head(work, mean=mean, factor=np.linalg.cholesky(precision))


def quadratic_by_place(means: Values, factors: Values) -> torch.nn.Module:
    """The same with a mean (n, d) and a factor (n, d, d) for each place, of the first d directions."""
    directions = means.shape[1]

    def work(points: torch.Tensor, t: dict[str, torch.Tensor]) -> torch.Tensor:
        centred = points[:, :directions] - t["means"]
        turned = torch.bmm(t["factors"], centred[..., None])[..., 0]
        return turned.square().sum(1).clamp_min(1e-9).sqrt()

    return _Head(work, means=means, factors=factors)


def nearest_centre(centres: Values) -> torch.nn.Module:
    """The distance of each point to the nearest of `centres` (m, d)."""

    def work(points: torch.Tensor, t: dict[str, torch.Tensor]) -> torch.Tensor:
        own = points.square().sum(1, keepdim=True)
        squared = own + t["lengths"] - 2.0 * points @ t["centres"].T
        return squared.amin(1).clamp_min(1e-6).sqrt()

    return _Head(work, centres=centres, lengths=np.square(centres).sum(1))


def mixture(means: Values, variances: Values, weights: Values) -> torch.nn.Module:
    """Minus the log-likelihood of each point under diagonal Gaussians (m, d) with `weights` (m,)."""
    constant = np.log(weights) - 0.5 * (np.log(2 * np.pi * variances)).sum(1)
    precision = 1.0 / variances

    def work(points: torch.Tensor, t: dict[str, torch.Tensor]) -> torch.Tensor:
        squares = points.square() @ t["precision"].T - 2.0 * points @ t["pull"].T + t["own"]
        return -torch.logsumexp(t["constant"] - 0.5 * squares, 1)

    own = (np.square(means) * precision).sum(1)
    return _Head(work, precision=precision, pull=means * precision, own=own, constant=constant)


def forest(trees: list[Any], samples: int) -> torch.nn.Module:
    """Ten times one less the depth as a share of what is usual: less deep is higher.

    `trees` are scikit-learn's; leaves lead to themselves, so that all trees are walked equally long.
    """
    size = max(tree.node_count for tree in trees)
    feature, threshold, left, right, depth = (np.zeros((len(trees), size)) for _ in range(5))
    for t, tree in enumerate(trees):
        count = tree.node_count
        leaf = tree.children_left < 0
        own = np.arange(count)
        feature[t, :count] = np.where(leaf, 0, tree.feature)
        threshold[t, :count] = np.where(leaf, 0, tree.threshold)
        left[t, :count] = np.where(leaf, own, tree.children_left)
        right[t, :count] = np.where(leaf, own, tree.children_right)
        level = np.zeros(count)
        for node in own[~leaf]:
            level[tree.children_left[node]] = level[tree.children_right[node]] = level[node] + 1
        depth[t, :count] = level + _usual_depth(tree.n_node_samples)
    steps = max(int(tree.max_depth) for tree in trees)
    offsets = np.arange(len(trees)) * size
    usual = float(_usual_depth(np.array([samples]))[0])

    def work(points: torch.Tensor, t: dict[str, torch.Tensor]) -> torch.Tensor:
        node = t["offsets"].long()[None].expand(points.shape[0], -1)
        feature, left, right = (t[name].long() for name in ("feature", "left", "right"))
        for _ in range(steps):
            value = torch.gather(points, 1, feature[node])
            down = value <= t["threshold"][node]
            node = torch.where(down, left[node], right[node])
        return 10.0 * (1.0 - t["depth"][node].mean(1) / usual)

    return _Head(
        work,
        feature=feature.ravel(),
        threshold=threshold.ravel(),
        left=(left + offsets[:, None]).ravel(),
        right=(right + offsets[:, None]).ravel(),
        depth=depth.ravel(),
        offsets=offsets,
    )


def _usual_depth(samples: Values) -> Values:
    """The mean depth of a search that fails in a binary tree of so many samples (Liu et al., 2008)."""
    count = np.asarray(samples, dtype=np.float64)
    harmonic = np.log(np.maximum(count - 1, 1)) + 0.5772156649
    many = 2 * harmonic - 2 * (count - 1) / np.maximum(count, 1)
    return np.where(count > 2, many, np.where(count == 2, 1.0, 0.0))
