"""What the analysis page may ask for: which parts, and what errors cost, checked."""

from __future__ import annotations

import base64
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from inspection.training.options import Costs
from ui.core.part_filter import PartFilterRequest

MOST_PARTS = 50_000
MOST_LISTED = 24

Numbers = Annotated[list[int], Field(max_length=MOST_LISTED)]


class PartsRequest(PartFilterRequest):
    """Which parts."""

    model_config = ConfigDict(extra="forbid")


class Judged(PartsRequest):
    """Parts to be judged again: the latest `limit` of them."""

    limit: Annotated[int, Field(ge=1, le=MOST_PARTS)] = 10_000


class Shown(Judged):
    """The same, shown over the slider with the limit that is on the line now."""

    on_line: Annotated[float | None, Field(allow_inf_nan=False)] = None


class CostsGiven(BaseModel):
    """What errors cost the plant, in one unit, and the share of parts that are bad."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    escape: Annotated[float, Field(gt=0)] = 100.0
    overkill: Annotated[float, Field(gt=0)] = 1.0
    defect_rate: Annotated[float, Field(gt=0, lt=1)] = 0.01

    def as_costs(self) -> Costs:
        """Convert them to those of a training."""
        return Costs(escape=self.escape, overkill=self.overkill, defect_rate=self.defect_rate)


class Listed(BaseModel):
    """What the slider tells where it has come to rest: some numbers of each list, and how many there are."""

    flips: Numbers = []
    unknown: Numbers = []
    all_flips: int = 0
    all_unknown: int = 0
    upwards: bool = False
    """Whether the limit is above the recipe's."""


def packed(values: Any, kind: Literal["f8", "u1"]) -> str:
    """Write numbers as base64 of little-endian bytes, for the typed arrays of a browser."""
    return base64.b64encode(np.asarray(values, dtype=f"<{kind}").tobytes()).decode("ascii")
