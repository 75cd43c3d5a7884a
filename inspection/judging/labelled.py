"""What labelled bad parts taught, asked of a judged canvas: types of regions, and places like known defects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

import models
from inspection.judgement import Region
from inspection.recipe.framing import CanvasLayout
from inspection.recipe.geometry import Placement
from models.supervised import DefectHead, TypeClassifier

Array = NDArray[np.float32]


def region_features(maps: models.PatchMaps, region: Region, placement: Placement) -> Array:
    """The mean features (d,) of the patches in a region, one scale after the other, their roots taken.

    `region` lies in the picture that was placed on the canvas. Roots with their sign keep a strong defect
    from being told by its strength: Perronnin, Sánchez, Mensink, ECCV 2010.
    """
    means = [
        maps.told[name][patches_in(region, placement, grid)].mean(0)
        for name, grid in feature_grids(maps)
    ]
    features = np.concatenate(means)
    return np.asarray(np.sign(features) * np.sqrt(np.abs(features)), np.float32)


def feature_grids(maps: models.PatchMaps) -> list[tuple[str, tuple[int, int]]]:
    """The features that were told, by name, with the grid of each; the coarsest first."""
    grids = [maps.distances.shape, *(scale.plain.shape for scale in maps.finer)]
    named = [(f"points_{k}", (grid[0], grid[1])) for k, grid in enumerate(grids)]
    return [(name, grid) for name, grid in named if name in maps.told]


def patches_in(region: Region, placement: Placement, grid: tuple[int, int]) -> NDArray[np.intp]:
    """The patches (n,) of a grid whose middle lies in the box of a region; the one at its own, if none."""
    canvas, window = placement.canvas, placement.window
    (down, across), (height, width) = placement.scale, grid
    top = (region.y_px - window.top_px) * down + placement.top_px
    left = (region.x_px - window.left_px) * across + placement.left_px
    ends = top + region.height_px * down, left + region.width_px * across
    rows = _within(top, ends[0], canvas.height_px / height, height)
    columns = _within(left, ends[1], canvas.width_px / width, width)
    return (rows[:, None] * width + columns).ravel()


def _within(start: float, end: float, step: float, count: int) -> NDArray[np.intp]:
    middles = (np.arange(count) + 0.5) * step
    inside = np.flatnonzero((middles >= start) & (middles <= end))
    if len(inside):
        return inside
    return np.array([np.clip(int((start + end) / 2 / step), 0, count - 1)])


def with_types(
    regions: Sequence[Region], maps: models.PatchMaps, placement: Placement, types: TypeClassifier
) -> tuple[Region, ...]:
    """The regions, each with the type it is told to be of as its label."""
    if not regions:
        return ()
    features = np.stack([region_features(maps, region, placement) for region in regions])
    told = types.tell(features)
    return tuple(replace(each, label=name) for each, name in zip(regions, told, strict=True))


def known_defects(
    maps: models.PatchMaps, layout: CanvasLayout, head: DefectHead
) -> models.AnomalyMap:
    """How much each patch looks like a known defect; its score is the highest of the inspected ones."""
    odds = head.measure(maps.told["points_0"]).reshape(maps.distances.shape)
    height, width = maps.distances.shape
    inspected = models.to_grid(layout.valid, height, width)
    lowest = float(odds.min())
    values = np.where(inspected, odds, np.float32(lowest))
    return models.AnomalyMap(
        values=values.astype(np.float32), score=float(odds[inspected].max()), neighbourhood=values
    )
