"""The limits of a recipe's zones: what others would do to recorded parts, and a recipe that has them.

A region that the record holds is judged again by the rules of its zone, so a part's verdict is known, but for
parts of several views. A part within the recipe's own limit has no regions: no rule makes it a reject.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from inspection.errors import InspectionError
from inspection.judgement import Region, Verdict
from inspection.labels.labels import Truth
from inspection.recipe import Recipe
from inspection.recipe.setup_file import Zone, first_problem
from ui.pages.analysis.limit import labelled_as, share_of
from ui.pages.analysis.threshold import Kind, StoredParts

CHOSEN = "zone_limits"
"""Where a recipe says, among what it was trained with, who chose the limits of its zones."""
LIMITS = ("max_area_px", "max_area_mm2", "max_count", "max_peak_percent")
PASS = list(Verdict).index(Verdict.PASS)

Limits = Mapping[str, Mapping[str, float | int | None]]
"""Of zones by name: their limits; None for none."""


def names_of(*, scaled: bool) -> tuple[str, ...]:
    """The limits that can be given; an area in mm² needs a scale."""
    return LIMITS if scaled else tuple(name for name in LIMITS if name != "max_area_mm2")


def scaled(recipe: Recipe) -> bool:
    """Whether a recipe knows how large its pictures are."""
    return recipe.settings.setup.scale_mm_per_px is not None


def limits_of(table: Sequence[Sequence[Any]], *, scaled: bool) -> Limits:
    """What a table gives: the name of a zone, then its limits; an empty field is none."""
    names = names_of(scaled=scaled)
    return {
        str(name): {
            key: None if value in (None, "") else value
            for key, value in zip(names, given, strict=False)
        }
        for name, *given in table
    }


def zone_limits(recipe: Recipe) -> list[dict[str, Any]]:
    """The zones of a recipe with their limits, in its order."""
    zones = recipe.settings.setup.zones
    return [{"name": zone.name, **{key: getattr(zone, key) for key in LIMITS}} for zone in zones]


def with_zone_limits(recipe: Recipe, limits: Limits, chosen: Mapping[str, Any]) -> Recipe:
    """The recipe with these limits of zones, not yet written. Raises InspectionError."""
    setup = recipe.settings.setup
    if unknown := sorted(set(limits) - {zone.name for zone in setup.zones}):
        raise InspectionError(f"zone {unknown[0][:64]!r}: is not one of recipe {recipe.id[:12]}")
    try:
        zones = tuple(
            Zone(name=zone.name, polygon=zone.polygon, **limits[zone.name])  # type: ignore[arg-type]
            if zone.name in limits
            else zone
            for zone in setup.zones
        )
        changed = replace(setup, zones=zones)
    except ValidationError as error:
        raise InspectionError(f"limits of zones: {first_problem(error)}") from error
    training = recipe.settings.training | {CHOSEN: dict(chosen)}
    return recipe.with_settings(replace(recipe.settings, setup=changed, training=training))


def with_limits(parts: StoredParts, recipe: Recipe, limits: Limits) -> dict[str, Any]:
    """What limits of zones do to the labelled parts, and how many parts get another verdict."""
    changed = with_zone_limits(recipe, limits, {}).settings
    passed, unknown = _outcomes(parts, changed.setup.zones, changed.calibration.threshold)
    before = parts.verdict == PASS
    can = parts.kind != Kind.CANNOT
    ng, ok = labelled_as(parts, Truth.NG), labelled_as(parts, Truth.OK)
    return {
        "escapes": share_of(ng, passed, unknown),
        "overkill": share_of(ok, ~passed & ~unknown, unknown),
        "escapes_now": share_of(ng, before, np.zeros(len(before), dtype=np.bool_)),
        "overkill_now": share_of(ok, ~before, np.zeros(len(before), dtype=np.bool_)),
        "to_pass": int((can & passed & ~before).sum()),
        "to_reject": int((can & ~passed & ~unknown & before).sum()),
        "unknown": int((can & unknown).sum()),
    }


def _outcomes(
    parts: StoredParts, zones: Sequence[Zone], threshold: float
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which parts pass by these zones, and of which it cannot be known."""
    rules = {zone.name: zone for zone in zones}
    passed, unknown = parts.verdict == PASS, np.zeros(len(parts.rows), dtype=np.bool_)
    for place, row in enumerate(parts.rows):
        if row[5] == "[]" or parts.kind[place] == Kind.CANNOT:
            continue
        regions = [_region(each) for each in json.loads(row[5])]
        allowed = [_allowed(region, regions, rules, threshold) for region in regions]
        if allowed == [region.accepted for region in regions]:
            continue
        if parts.kind[place] == Kind.SEVERAL_VIEWS:
            unknown[place] = True
            passed[place] = False
        else:
            passed[place] = all(allowed)
    return passed, unknown


def _allowed(
    region: Region, regions: Sequence[Region], rules: Mapping[str, Zone], threshold: float
) -> bool:
    zone = rules.get(region.zone or "")
    together = sum(other.zone == region.zone for other in regions)
    return zone is not None and zone.allows_any and zone.allows(region, together, threshold)


def _region(found: Mapping[str, Any]) -> Region:
    """What a rule looks at of a recorded region."""
    names = ("x_px", "y_px", "width_px", "height_px", "area_px", "area_mm2", "peak_score", "zone")
    return Region(**{name: found[name] for name in names}, accepted=found["accepted"])
