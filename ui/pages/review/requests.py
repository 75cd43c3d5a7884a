"""What the review page asks for, checked."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

from inspection.labels.masks import LARGEST_BYTES
from inspection.labels.review_queue import Key, State
from inspection.store.filters import PartFilter
from ui.core.part_filter import PartFilterRequest

MOST = 100

Line = Annotated[str, StringConstraints(max_length=200)]


class Filter(PartFilterRequest):
    """Which parts, and by who labelled them; `since_s` and `until_s` are seconds since 1970."""

    state: State = State.TODO
    since_s: float | None = None
    until_s: float | None = None

    def parts(self, station: str) -> PartFilter:
        """The parts of a station. Raises FilterError."""
        asked = super().parts(station)
        since, until = _moment(self.since_s), _moment(self.until_s)
        return replace(asked, since=since or asked.since, until=until or asked.until)


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


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
