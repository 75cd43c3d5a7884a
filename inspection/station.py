"""The station loop: camera, judgement, record, listeners, in this order, for every part."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cameras import Camera, EndOfStream, Frame
from inspection.judge import inspect
from inspection.judgement import Judgement
from inspection.recipe import Recipe

if TYPE_CHECKING:
    from inspection.store import PartRecord, Store


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class InspectedPart:
    """One part that went through the station; `record` is already durable."""

    frame: Frame
    judgement: Judgement
    record: PartRecord


def run_station(
    camera: Camera,
    recipe: Recipe,
    store: Store,
    *,
    station: str,
    max_parts: int | None = None,
    timeout_s: float = 5.0,
) -> Iterator[InspectedPart]:
    """Trigger, judge and record part after part; each is given out only once it is stored.

    Ends at `max_parts` or when the camera has no more. Every other camera error is raised.
    """
    from inspection.store import NewPart

    previous: Frame | None = None
    count = 0
    while max_parts is None or count < max_parts:
        try:
            frame = camera.read(timeout_s=timeout_s, trigger_id=f"{station}-{count}")
        except EndOfStream:
            return
        judgement = inspect(frame, recipe, previous=previous)
        record = store.add(
            NewPart(
                judgement=judgement,
                station=station,
                trigger_id=frame.trigger_id,
                product=recipe.settings.product or None,
                frame=frame,
            )
        )
        yield InspectedPart(frame=frame, judgement=judgement, record=record)
        previous = frame
        count += 1
