"""What the analysis page may ask for: which parts, said in JSON and checked."""

from __future__ import annotations

import base64
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from inspection.training.options import Costs
from ui.core.part_filter import PartFilterRequest, Text

MOST_PARTS = 50_000


class PartsRequest(PartFilterRequest):
    """Which parts."""

    model_config = ConfigDict(extra="forbid")


class Judged(PartsRequest):
    """Parts to be judged again: the latest `limit` of them."""

    limit: Annotated[int, Field(ge=1, le=MOST_PARTS)] = 10_000


class CostsGiven(BaseModel):
    """What errors cost the plant, in one unit, and the share of parts that are bad."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    escape: Annotated[float, Field(gt=0)] = 100.0
    overkill: Annotated[float, Field(gt=0)] = 1.0
    defect_rate: Annotated[float, Field(gt=0, lt=1)] = 0.01

    def as_costs(self) -> Costs:
        """Convert them to those of a training."""
        return Costs(escape=self.escape, overkill=self.overkill, defect_rate=self.defect_rate)


class LimitRequest(Judged):
    """A PASS limit for the recipe the parts were judged by; `costs` where it was proposed by them."""

    model_config = ConfigDict(allow_inf_nan=False)

    threshold: float
    costs: CostsGiven | None = None


class ZoneGiven(BaseModel):
    """A zone of a recipe and its limits."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    name: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    max_area_px: float | None = None
    max_area_mm2: float | None = None
    max_count: int | None = None


class ZonesRequest(Judged):
    """Limits of zones for the recipe the parts were judged by."""

    zones: Annotated[list[ZoneGiven], Field(min_length=1, max_length=200)]

    @property
    def limits(self) -> dict[str, dict[str, float | int | None]]:
        """The limits by the name of the zone."""
        return {zone.name: zone.model_dump(exclude={"name"}) for zone in self.zones}


class ProposalRequest(Judged):
    """A PASS limit to be proposed by what errors cost."""

    costs: CostsGiven = CostsGiven()


class RecipeAndProduct(BaseModel):
    """A recipe on the line, of a product."""

    recipe: Text
    product: Text = None


class Numbers(BaseModel):
    """A few parts by their numbers."""

    numbers: Annotated[list[int], Field(max_length=100)]


def packed(values: Any, kind: Literal["f8", "u1"]) -> str:
    """Write numbers as base64 of little-endian bytes, for the typed arrays of a browser."""
    return base64.b64encode(np.asarray(values, dtype=f"<{kind}").tobytes()).decode("ascii")
