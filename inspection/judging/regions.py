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
from models import AnomalyMap, to_grid

UPSAMPLING = 4
"""Patches are cut into this many steps a side before outlining, so that regions follow the defect."""

NEIGHBOURHOOD = 0.25
"""How far around a place its surroundings reach, as a share of the map's longer side."""


def find_regions(
    score_map: AnomalyMap, layout: CanvasLayout, setup: Setup, *, threshold: float
) -> tuple[Region, ...]:
    """Outline the connected places of a map at fault, worst first, judged by zone.

    A place is at fault where it alone brings the picture over `threshold`. Its outline is the core of
    the heat: what is hotter than halfway from the median around it to its own peak. Sizes are in
    pixels of the picture. The worst place is always there, however small; its peak is the picture's
    score.
    """
    height, width = score_map.values.shape
    fine = (width * UPSAMPLING, height * UPSAMPLING)
    values = cv2.resize(score_map.values, fine, interpolation=cv2.INTER_LINEAR)
    inside = cv2.resize(layout.valid.astype(np.uint8), fine, interpolation=cv2.INTER_NEAREST) > 0
    heat = np.where(inside, values, -np.inf).astype(np.float32)
    taken = np.zeros(heat.shape, dtype=bool)
    regions = []
    for place, peak_score in _places_at_fault(score_map, layout, threshold):
        footprint = cv2.resize(place.astype(np.uint8), fine, interpolation=cv2.INTER_NEAREST) > 0
        footprint = footprint & inside if (footprint & inside).any() else footprint
        peak = _hottest(heat, footprint)
        if taken[peak]:
            continue  # within a worse core, and judged with it
        core = _around(peak, _core(heat, peak, footprint) & ~taken)
        taken |= core
        _, _, stats, centres = cv2.connectedComponentsWithStats(core.astype(np.uint8))
        region = _region(stats[1], centres[1], peak_score, heat.shape, layout.placement, setup)
        regions.append(replace(region, outline=_outline(core, layout.placement)))
    return _apply_rules(regions, setup, threshold)


def _places_at_fault(
    score_map: AnomalyMap, layout: CanvasLayout, threshold: float
) -> list[tuple[NDArray[np.bool_], float]]:
    """The connected patches (h, w) above the threshold with the score of each place, worst first.

    Patches that are not inspected never are: they hold 0, which may be above what is usual.
    """
    inspected = to_grid(layout.valid, *score_map.scored.shape)
    scored = np.where(inspected, score_map.scored + np.float32(score_map.offset), -np.inf)
    above = scored > threshold
    above.flat[int(scored.argmax())] = True  # rounding may leave the worst just below
    count, numbers = cv2.connectedComponents(above.astype(np.uint8), connectivity=8)
    places = [np.asarray(numbers == number) for number in range(1, count)]
    ranked = sorted(places, key=lambda place: -float(scored[place].max()))
    peaks = [float(scored[place].max()) for place in ranked]
    return list(zip(ranked, [score_map.score, *peaks[1:]], strict=True))


def _hottest(heat: NDArray[np.float32], footprint: NDArray[np.bool_]) -> tuple[int, int]:
    """Row and column of the hottest point of a footprint (H, W)."""
    masked = np.where(footprint, heat, -np.inf)
    row, column = np.unravel_index(int(masked.argmax()), heat.shape)
    return int(row), int(column)


def _core(
    heat: NDArray[np.float32], peak: tuple[int, int], footprint: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """What hangs together with the peak of a footprint and is at least half as hot.

    `heat` (H, W) is -inf where nothing is inspected. Half is counted from the median around the peak.
    """
    row, column = peak
    reach = int(NEIGHBOURHOOD * max(heat.shape))
    rows = slice(max(0, row - reach), row + reach + 1)
    columns = slice(max(0, column - reach), column + reach + 1)
    around = heat[rows, columns]
    seen = around[np.isfinite(around)]
    hottest = float(heat[peak])
    if not seen.size or not np.isfinite(hottest):
        return footprint
    return _around(peak, heat >= 0.5 * (float(np.median(seen)) + hottest), or_else=footprint)


def _around(
    point: tuple[int, int],
    mask: NDArray[np.bool_],
    *,
    or_else: NDArray[np.bool_] | None = None,
) -> NDArray[np.bool_]:
    """The connected part of a mask (H, W) that holds a point; `or_else` where the mask does not."""
    _, numbers = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    number = numbers[point]
    return np.asarray(numbers == number) if number else mask if or_else is None else or_else


def _outline(core: NDArray[np.bool_], placement: Placement) -> tuple[tuple[float, float], ...]:
    """The contour of a core (H, W) on the fine grid, as points of the camera's picture."""
    contours, _ = cv2.findContours(
        core.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE
    )
    points = max(contours, key=cv2.contourArea)[:, 0, :]
    down = placement.canvas.height_px / core.shape[0]
    across = placement.canvas.width_px / core.shape[1]
    return tuple(
        placement.picture_xy((x + 0.5) * across, (y + 0.5) * down) for x, y in points.tolist()
    )


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


def _apply_rules(regions: list[Region], setup: Setup, threshold: float) -> tuple[Region, ...]:
    """Mark regions their zone allows: each small and faint enough, and not too many of them."""
    rules = {zone.name: zone for zone in setup.zones}
    judged = []
    for region in regions:
        rule = rules.get(region.zone or "")
        if rule is None or not rule.allows_any:
            judged.append(region)
            continue
        together = sum(other.zone == region.zone for other in regions)
        judged.append(replace(region, accepted=rule.allows(region, together, threshold)))
    return tuple(judged)
