"""Columns of a table of parts with what people say of each: what it is, who saw it, who does not agree."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from inspection.labels.labels import read_labels, truth_columns
from inspection.store import PartEvent, PartRecord, Store
from inspection.store.event_kinds import EventKind
from inspection.store.reading.outline import events_about, events_since

SAID = (EventKind.ACKNOWLEDGE, EventKind.DISAGREE)


def people_columns(
    store: Store, part_ids: Sequence[str] | None = None
) -> Mapping[str, Callable[[PartRecord], str | None]]:
    """The columns, read for all parts or for a few by their ids. Raises StoreError."""
    return {**truth_columns(read_labels(store, part_ids)), **_operator(_said(store, part_ids))}


def _operator(said: Sequence[PartEvent]) -> Mapping[str, Callable[[PartRecord], str | None]]:
    """The first who acknowledged a reject, as in reports, and the last who did not agree."""
    acknowledged: dict[str, PartEvent] = {}
    disagreed: dict[str, PartEvent] = {}
    for event in said:
        if event.kind == EventKind.ACKNOWLEDGE:
            acknowledged.setdefault(event.part_id, event)
        else:
            disagreed[event.part_id] = event

    def who(found: Mapping[str, PartEvent]) -> Callable[[PartRecord], str | None]:
        return lambda record: found[record.part_id].who if record.part_id in found else None

    def told(found: Mapping[str, PartEvent], name: str) -> Callable[[PartRecord], str | None]:
        def value(record: PartRecord) -> str | None:
            event = found.get(record.part_id)
            return None if event is None else str(event.detail.get(name) or "") or None

        return value

    return {
        "acknowledged_by": who(acknowledged),
        "acknowledged_reason": told(acknowledged, "reason"),
        "acknowledged_comment": told(acknowledged, "comment"),
        "disagreed_by": who(disagreed),
        "disagreed_comment": told(disagreed, "comment"),
    }


def _said(store: Store, part_ids: Sequence[str] | None) -> list[PartEvent]:
    if part_ids is not None:
        return events_about(store, part_ids, SAID)
    found: list[PartEvent] = []
    while new := events_since(store, SAID, after_number=found[-1].number if found else 0):
        found += new
    return found
