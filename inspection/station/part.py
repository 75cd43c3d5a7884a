"""One trigger on its way through the station."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import uuid4

from cameras import Frame
from inspection.judgement import Judgement
from inspection.judging.multi_view import Montage
from inspection.plant.messages import InspectionResult, TriggerRequest
from inspection.recipe.template import Golden

if TYPE_CHECKING:
    from inspection.store import PartRecord, StagedPicture

STAGES = ("taken", "wait", "acquire", "judge", "store", "answer")
"""In the order a part goes through them; each mark is the moment one ended."""


@dataclass(slots=True, eq=False)
class Part:
    """One trigger on its way through the station. Whoever claims it first decides its verdict."""

    request: TriggerRequest
    product: str
    deadline: float
    """Of the monotonic clock, as are the marks."""
    part_id: str = field(default_factory=lambda: str(uuid4()))
    marks: dict[str, float] = field(default_factory=lambda: {"taken": time.monotonic()})
    frames: dict[str, Frame] = field(default_factory=dict)
    montage: Montage | None = None
    picture: Future[StagedPicture | bytes | None] | None = None
    """The picture as the record keeps it, put on the disk while the part is judged, if it has room.

    None in it: the part was rejected before; whoever records it encodes the picture.
    """
    judgement: Judgement | None = None
    judgements: dict[str, Judgement] = field(default_factory=dict)
    """Of each view; `judgement` is what they come to together."""
    serial: str | None = None
    lot: str | None = None
    """As read in the picture; the trigger's own come first."""
    template: str | None = None
    """The name of its template, as read in the picture."""
    templates: dict[str, Golden] = field(default_factory=dict)
    """What each view's picture is compared with, where that is not the recipe's own."""
    _answer: threading.Lock = field(default_factory=threading.Lock)
    _claim: threading.Lock = field(default_factory=threading.Lock)

    def claim(self, judgement: Judgement) -> bool:
        """Decide the part, once."""
        if not self._claim.acquire(blocking=False):
            return False
        self.judgement = judgement
        return True

    def answer_once(self) -> bool:
        """Whether the caller is the one to answer the line: True once."""
        return self._answer.acquire(blocking=False)

    @property
    def answered(self) -> bool:
        """Whether the line was told, or is just being told."""
        return self._answer.locked()

    @property
    def claimed(self) -> bool:
        """Whether the part is decided."""
        return self._claim.locked()

    def mark(self, stage: str) -> None:
        """Note when a stage ended."""
        self.marks[stage] = time.monotonic()

    def times_ms(self) -> dict[str, float]:
        """Duration in ms of each stage that ran; `total` is from trigger to answer."""
        marks = self.marks
        times = {}
        for before, stage in itertools.pairwise(STAGES):
            if before in marks and stage in marks:
                times[stage] = 1e3 * (marks[stage] - marks[before])
        if "answer" in marks:
            times["total"] = 1e3 * (marks["answer"] - marks["taken"])
        return times


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class InspectedPart:
    """One part that went through the station, for listeners; `record` is already durable."""

    request: TriggerRequest
    frames: Mapping[str, Frame]
    judgement: Judgement
    record: PartRecord
    told: InspectionResult
    """What the line was told: a reject, if a PASS came into the record too late."""
    judgements: Mapping[str, Judgement] = field(default_factory=dict)
    """Of each view, empty where none was judged."""


Listener = Callable[[InspectedPart], None]
