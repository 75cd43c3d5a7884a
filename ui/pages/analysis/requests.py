"""What the analysis page may ask for: which parts, said in JSON and checked."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from inspection.judgement import Verdict
from inspection.store.reading.summary import Span

MOST_PARTS = 50_000


def _nothing(value: Any) -> Any:
    return None if isinstance(value, str) and not value.strip() else value


Text = Annotated[
    Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)] | None,
    BeforeValidator(_nothing),
]
Moment = Annotated[AwareDatetime | None, BeforeValidator(_nothing)]


class PartsRequest(BaseModel):
    """Which parts; what is empty asks for nothing."""

    model_config = ConfigDict(extra="forbid")

    product: Text = None
    recipe: Text = None
    lot: Text = None
    since: Moment = None
    until: Moment = None

    def span(self, station: str, **more: Any) -> Span:
        """Give it as the record wants it."""
        return Span(
            station=station, product=self.product, recipe_id=self.recipe, lot=self.lot,
            since=_utc(self.since), until=_utc(self.until), **more,
        )  # fmt: skip


class Judged(PartsRequest):
    """Parts to be judged again: the latest `limit` of them."""

    limit: Annotated[int, Field(ge=1, le=MOST_PARTS)] = 10_000


class SearchRequest(PartsRequest):
    """One page of a search, before a number or after it."""

    serial: Text = None
    part_id: Text = None
    number: Annotated[int | None, Field(ge=0), BeforeValidator(_nothing)] = None
    verdict: Annotated[Verdict | None, BeforeValidator(_nothing)] = None
    below: int | None = None
    above: int | None = None

    def found_by(self, station: str) -> Span:
        """Give it as the record wants it, with all that is searched for."""
        return self.span(
            station, serial=self.serial, part_id=self.part_id, number=self.number,
            verdict=self.verdict,
        )  # fmt: skip


class OverTime(PartsRequest):
    """A span of time in steps."""

    step: Literal["hour", "shift", "day"] = "shift"


class Measured(PartsRequest):
    """One measure of the latest parts: "score", "health.NAME" or "latency.NAME"."""

    measure: Annotated[str, StringConstraints(pattern=r"^(score|(health|latency)\.\w{1,60})$")]
    limit: Annotated[int, Field(ge=1, le=MOST_PARTS)] = 10_000


class ExportRequest(SearchRequest):
    """Parts to be written into a file."""

    kind: Literal["csv", "parquet"] = "csv"
    pictures: bool = False

    @property
    def span_asked(self) -> dict[str, Any]:
        """Say in JSON which parts were asked for, as it is noted in the record."""
        more = {"kind", "pictures", "below", "above"}
        return self.model_dump(mode="json", exclude=more, exclude_none=True)


class Numbers(BaseModel):
    """A few parts by their numbers."""

    numbers: Annotated[list[int], Field(max_length=100)]


class Lot(BaseModel):
    """A lot by its name."""

    lot: Annotated[str, StringConstraints(min_length=1, max_length=200)]


def packed(values: Any, kind: Literal["f8", "u1"]) -> str:
    """Write numbers as base64 of little-endian bytes, for the typed arrays of a browser."""
    return base64.b64encode(np.asarray(values, dtype=f"<{kind}").tobytes()).decode("ascii")


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.astimezone(UTC)
