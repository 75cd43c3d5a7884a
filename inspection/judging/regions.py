"""From an anomaly map to the places at fault, and whether the rules allow them."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from inspection.judgement import Region
from inspection.recipe.framing import CanvasLayout
from inspection.recipe.geometry import Placement
from inspection.recipe.setup_file import Setup
from models import AnomalyMap

UPSAMPLING = 4
"""Patches are cut into this many steps a side before outlining, so that regions follow the defect."""


def find_regions(
    found: AnomalyMap, view: CanvasLayout, setup: Setup, *, threshold: float
) -> tuple[Region, ...]:
    """Outline the connected places of a map at fault, worst first, judged by zone.

    A place is at fault where it alone would bring the picture over `threshold`. Sizes are in pixels
    of the picture. The worst place is always outlined, however small; its peak is the picture's score.
    """
    height, width = found.values.shape
    fine = (width * UPSAMPLING, height * UPSAMPLING)
    values = cv2.resize(found.values, fine, interpolation=cv2.INTER_LINEAR)
    inside = cv2.resize(view.valid.astype(np.uint8), fine, interpolation=cv2.INTER_NEAREST) > 0
    values = np.where(inside, values, 0.0).astype(np.float32)
    around = found.scored
    worst = np.unravel_index(int(around.argmax()), around.shape)
    centre = (worst[0] * UPSAMPLING + UPSAMPLING // 2, worst[1] * UPSAMPLING + UPSAMPLING // 2)
    above = (values > np.float32(threshold - found.offset)).astype(np.uint8)
    if not above[
        centre
    ]:  # interpolation may stay below the peak of the map; it counts all the same
        rows, columns = (slice(i * UPSAMPLING, (i + 1) * UPSAMPLING) for i in worst)
        above[rows, columns] = 1
    _, numbers, stats, centres = cv2.connectedComponentsWithStats(above, connectivity=8)
    labels = np.asarray(numbers)
    # Lone patches do not count in the score, so they are not outlined either.
    over = cv2.resize(around, fine, interpolation=cv2.INTER_LINEAR) > threshold - found.offset
    seeds = {int(labels[centre])} | set(np.unique(labels[over]).tolist())
    highest = max(float(values[labels > 0].max()), 1e-12)
    regions = []
    for label in sorted(seeds - {0}):
        share = float(values[labels == label].max()) / highest
        share = 1.0 if label == labels[centre] else min(share, 1.0)
        peak = threshold + share * (found.score - threshold)
        where = (stats[label], centres[label])
        regions.append(_region(*where, peak, values.shape, view.placement, setup))
    return _apply_rules(sorted(regions, key=lambda r: -r.peak_score), setup)


def _region(
    stats: NDArray[np.int32],
    centre: NDArray[np.float64],
    peak_score: float,
    fine: tuple[int, int],
    placement: Placement,
    setup: Setup,
) -> Region:
    """Bring one component from the fine grid to the picture."""
    down = placement.canvas.height_px / fine[0]
    across = placement.canvas.width_px / fine[1]
    scale_y, scale_x = placement.scale
    left, top = placement.picture_xy(
        stats[cv2.CC_STAT_LEFT] * across, stats[cv2.CC_STAT_TOP] * down
    )
    right = left + stats[cv2.CC_STAT_WIDTH] * across / scale_x
    bottom = top + stats[cv2.CC_STAT_HEIGHT] * down / scale_y
    x0, x1 = np.clip([left, right], 0, placement.picture_width_px)
    y0, y1 = np.clip([top, bottom], 0, placement.picture_height_px)
    area_px = float(stats[cv2.CC_STAT_AREA] * down * across / (scale_x * scale_y))
    x, y = placement.picture_xy(centre[0] * across, centre[1] * down)
    size = (placement.picture_height_px, placement.picture_width_px)
    mm = setup.scale_mm_per_px
    return Region(
        x_px=int(x0),
        y_px=int(y0),
        width_px=max(1, int(np.ceil(x1)) - int(x0)),
        height_px=max(1, int(np.ceil(y1)) - int(y0)),
        area_px=area_px,
        area_mm2=None if mm is None else area_px * mm**2,
        peak_score=peak_score,
        zone=setup.zone_at(x, y, size),
    )


def _apply_rules(regions: list[Region], setup: Setup) -> tuple[Region, ...]:
    """Mark regions their zone allows: each small enough, and not too many of them."""
    rules = {zone.name: zone for zone in setup.zones}
    judged = []
    for region in regions:
        rule = rules.get(region.zone or "")
        if rule is None or not rule.allows_any:
            judged.append(region)
            continue
        together = sum(other.zone == region.zone for other in regions)
        judged.append(replace(region, accepted=rule.allows(region, together)))
    return tuple(judged)
