"""A mask proposed for a part: the core of its heat, so that a person only corrects it."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from inspection.judgement import Judgement, Region
from inspection.labels.masks import Mask
from inspection.recipe import Recipe

CORE = 0.5

LEAST_PX = 6
"""Specks smaller than this, in pixels, are not proposed."""


def from_heat(image: NDArray[np.uint8], judgement: Judgement, recipe: Recipe) -> Mask | None:
    """Give the core of each place over the limit, inside the regions at fault where there are any.

    Of the distances alone: the detail that is drawn with them would widen it.
    """
    found = judgement.anomaly_map
    if found is None:
        return None
    values = recipe.framing.to_picture(image.shape, found.values, pose=judgement.pose)
    values += np.float32(found.offset)
    limit = recipe.settings.calibration.threshold
    over = values > limit
    if boxes := _at_fault(judgement.regions):
        over &= _inside(boxes, over.shape)
    return _without_specks(_cores(values - np.float32(limit), over))


def from_regions(regions: Sequence[Region], shape: tuple[int, int]) -> Mask | None:
    """Give the ellipses within the boxes of the regions at fault; for a part without its recipe."""
    mask = np.zeros(shape, np.uint8)
    for region in _at_fault(regions):
        centre = (region.x_px + region.width_px // 2, region.y_px + region.height_px // 2)
        axes = (max(1, region.width_px // 2), max(1, region.height_px // 2))
        cv2.ellipse(mask, centre, axes, 0, 0, 360, 255, -1)
    return mask if mask.any() else None


def _at_fault(regions: Sequence[Region]) -> list[Region]:
    return [region for region in regions if not region.accepted]


def _inside(regions: Sequence[Region], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    inside = np.zeros(shape, bool)
    for region in regions:
        rows = slice(max(0, region.y_px), region.y_px + region.height_px)
        inside[rows, max(0, region.x_px) : region.x_px + region.width_px] = True
    return inside


def _cores(excess: NDArray[np.float32], over: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Keep of each connected place what exceeds the limit by half as much as its peak does.

    A patch sees what lies around it, so the heat of a small defect is as wide as a patch's view.
    """
    count, found = cv2.connectedComponents(over.astype(np.uint8), connectivity=8)
    labels = np.asarray(found, np.intp)
    peaks = np.zeros(count, np.float32)
    np.maximum.at(peaks, labels[over], excess[over])
    return np.asarray(over & (excess >= CORE * peaks[labels]))


def _without_specks(over: NDArray[np.bool_]) -> Mask | None:
    _, labels, stats, _ = cv2.connectedComponentsWithStats(over.astype(np.uint8), connectivity=8)
    large = stats[:, cv2.CC_STAT_AREA] >= LEAST_PX
    large[0] = False
    mask = np.where(large[labels], 255, 0).astype(np.uint8)
    return mask if mask.any() else None
