"""A mask proposed for a part: the core of its heat, so that a person only corrects it."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from inspection.judgement import Judgement, Region, core_mask
from inspection.labels.masks import Mask

LEAST_PX = 6
"""Specks smaller than this, in pixels, are not proposed."""


def from_heat(image: NDArray[np.uint8], judgement: Judgement) -> Mask | None:
    """The cores of the regions at fault; None where there are none.

    `image` (H, W, ...) is the judged picture; the mask (H, W) has its size.
    """
    return _without_specks(core_mask(judgement.regions, image.shape))


def from_regions(regions: Sequence[Region], shape: tuple[int, int]) -> Mask | None:
    """The ellipses within the boxes of the regions at fault; for a part without its recipe."""
    mask = np.zeros(shape, np.uint8)
    for region in _at_fault(regions):
        centre = (region.x_px + region.width_px // 2, region.y_px + region.height_px // 2)
        axes = (max(1, region.width_px // 2), max(1, region.height_px // 2))
        cv2.ellipse(mask, centre, axes, 0, 0, 360, 255, -1)
    return mask if mask.any() else None


def _at_fault(regions: Sequence[Region]) -> list[Region]:
    return [region for region in regions if not region.accepted]


def _without_specks(over: NDArray[np.bool_]) -> Mask | None:
    _, labels, stats, _ = cv2.connectedComponentsWithStats(over.astype(np.uint8), connectivity=8)
    large = stats[:, cv2.CC_STAT_AREA] >= LEAST_PX
    large[0] = False
    mask = np.where(large[labels], 255, 0).astype(np.uint8)
    return mask if mask.any() else None
