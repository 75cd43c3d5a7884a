"""Single values of what a part's row holds nested: its worst region, health and latency, for spreadsheets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from inspection.judgement import Region
from inspection.store.records import PartRecord

WORST_TEXTS = ("worst_zone", "worst_type")
WORST_NUMBERS = ("worst_area_px", "worst_area_mm2", "worst_peak")
HEALTH = (
    "brightness", "contrast", "sharpness", "saturated_share", "colour", "alignment", "strangeness",
)  # fmt: skip
LATENCY = (
    "total", "wait", "acquire", "judge", "store", "answer", "prepare", "model", "score", "regions",
)  # fmt: skip
"""What recipes measure of a picture, and the steps of a part; another of a recipe to come is in the JSON column."""
NUMBERS = (
    *WORST_NUMBERS,
    *(f"health_{name}" for name in HEALTH),
    *(f"latency_{name}_ms" for name in LATENCY),
)
FLAT_COLUMNS = (*WORST_TEXTS, *NUMBERS)


def flat_columns(record: PartRecord) -> dict[str, Any]:
    """These columns of one part; None where it has none."""
    return {
        **_worst(next((each for each in record.regions if not each.accepted), None)),
        **{f"health_{name}": record.health.get(name) for name in HEALTH},
        **{f"latency_{name}_ms": record.latency_ms.get(name) for name in LATENCY},
    }


def _worst(region: Region | None) -> Mapping[str, Any]:
    if region is None:
        return dict.fromkeys((*WORST_TEXTS, *WORST_NUMBERS))
    values = (region.zone, region.label, region.area_px, region.area_mm2, region.peak_score)
    return dict(zip((*WORST_TEXTS, *WORST_NUMBERS), values, strict=True))
