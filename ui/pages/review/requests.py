"""What the review page asks for, checked."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

from inspection.judgement import Verdict
from inspection.labels.masks import LARGEST_BYTES
from inspection.labels.review_queue import QueueFilter, State

MOST = 100

Line = Annotated[str, StringConstraints(max_length=200)]


class Filter(BaseModel):
    """Which parts; what is not given is not asked for. Times are seconds since 1970."""

    state: State = State.TODO
    lot: Line | None = None
    verdict: Verdict | None = None
    zone: Line | None = None
    product: Line | None = None
    recipe: Line | None = None
    since_s: float | None = None
    until_s: float | None = None

    @property
    def wanted(self) -> QueueFilter:
        """Give it as the queue wants it."""
        return QueueFilter(**{name: getattr(self, name) for name in Filter.model_fields})


class QueueRequest(BaseModel):
    """One page of the queue, after the key of the last part of the page before."""

    filter: Filter = Filter()
    after: tuple[int, float, int] | None = None
    limit: Annotated[int, Field(ge=1, le=MOST)] = 20


class PartRequest(BaseModel):
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


class Types(BaseModel):
    """The types of defects, in the order of the keys."""

    types: Annotated[list[Line], Field(max_length=20)]


class Export(BaseModel):
    """A dataset to be made of the labelled parts of a filter."""

    name: Line
    filter: Filter = Filter()
    test_percent: Annotated[int, Field(ge=0, le=90)] = 20
