"""Which parts a page asks for, in JSON: the same fields on every page."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, BeforeValidator, Field, StringConstraints

from inspection.judgement import Verdict
from inspection.store.filters import PartFilter, read_filter


def _filled(value: Any) -> Any:
    return None if isinstance(value, str) and not value.strip() else value


Text = Annotated[Annotated[str, StringConstraints(max_length=200)] | None, BeforeValidator(_filled)]
Moment = Annotated[AwareDatetime | None, BeforeValidator(_filled)]


class PartFilterRequest(BaseModel):
    """Which parts; empty: do not filter by this field. A text that ends in * is a beginning."""

    product: Text = None
    recipe: Text = None
    lot: Text = None
    serial: Text = None
    reason: Text = None
    zone: Text = None
    part_id: Text = None
    number: Annotated[int | None, Field(ge=0), BeforeValidator(_filled)] = None
    verdict: Annotated[Verdict | None, BeforeValidator(_filled)] = None
    since: Moment = None
    until: Moment = None

    def parts(self, station: str) -> PartFilter:
        """The parts of a station. Raises FilterError."""
        asked = {name: getattr(self, name) for name in PartFilterRequest.model_fields}
        return replace(read_filter(asked), station=station)
