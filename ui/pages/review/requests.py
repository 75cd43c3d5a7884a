"""What the review page asks for, checked."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from inspection.labels.masks import LARGEST_BYTES
from inspection.labels.review_queue import Key, State
from inspection.station.station_file import StationFile
from inspection.store.filters import PartFilter
from ui.core.part_choice import SPANS, span_named
from ui.core.part_filter import PartFilterRequest

MOST = 100

Line = Annotated[str, StringConstraints(max_length=200)]


def _span(name: str) -> str:
    if name not in SPANS:
        raise ValueError(f"no such span of time; known are {', '.join(SPANS)}")
    return name


class Filter(PartFilterRequest):
    """Which parts, and by who labelled them; `span` goes before `since` and `until`, as of when it is asked."""

    state: State = State.TODO
    span: Annotated[str, AfterValidator(_span)] = SPANS[-1]

    def of(self, settings: StationFile) -> PartFilter:
        """The parts of a station as of now. Raises FilterError."""
        asked = self.parts(settings.station)
        if self.span == SPANS[-1]:
            return asked
        since, until = span_named(self.span, settings.shifts, datetime.now(UTC))
        return replace(asked, since=since, until=until)


class Asked(BaseModel):
    """What the page tells with everything it asks: which parts are gone through."""

    filter: Filter = Filter()


class QueueRequest(Asked):
    """One page of the queue, after the key of the last part of the page before; or what is sooner than one."""

    after: Key | None = None
    before: Key | None = None
    limit: Annotated[int, Field(ge=1, le=MOST)] = 20


class PartRequest(Asked):
    """One part."""

    part_id: Line


class Given(PartRequest):
    """What a person says of a part; `mask` is a PNG in base64."""

    label: Literal["OK", "NG"]
    defect: Line | None = None
    mask: Annotated[str, StringConstraints(max_length=LARGEST_BYTES * 4 // 3 + 4)] | None = None
    decides: bool = False


class Undo(PartRequest):
    """The label to be taken back."""

    number: int
