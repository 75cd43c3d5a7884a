"""What is needed of very many parts at once: few columns of each, and no pictures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import func, select

from inspection.judgement import Verdict
from inspection.store.records import PartEvent, PartRecord, clean, part_event, part_record
from inspection.store.schema import events, parts, removals

if TYPE_CHECKING:
    from inspection.store.store import Store

_AT_ONCE = 500


class Outline(NamedTuple):
    """The few columns of a part by which parts are sorted and chosen; `zones` are those at fault."""

    number: int
    verdict: Verdict
    score: float | None
    threshold: float | None
    lot: str | None
    product: str | None
    recipe_id: str
    judged_at_s: float
    zones: tuple[str, ...]
    has_image: bool


def outlines(
    store: Store, *, station: str, after_number: int = 0, limit: int = 20_000
) -> list[Outline]:
    """Read the outlines of a station's parts, oldest first. Raises StoreError."""
    c = parts.c
    query = (
        select(
            c.number, c.verdict, c.score, c.threshold, c.lot, c.product, c.recipe_id,
            c.judged_at, c.regions, c.image.is_not(None),
        )
        .where(c.number > after_number, c.station == clean(station))
        .order_by(c.number)
        .limit(limit)
    )  # fmt: skip
    with store.reading("outline parts") as connection:
        return [
            Outline(
                number=row[0], verdict=Verdict(row[1]), score=row[2], threshold=row[3],
                lot=row[4], product=row[5], recipe_id=row[6], judged_at_s=_seconds(row[7]),
                zones=_zones(row[8]), has_image=bool(row[9]),
            )
            for row in connection.execute(query)
        ]  # fmt: skip


def events_since(
    store: Store, kinds: Sequence[str], *, after_number: int, limit: int = 10_000
) -> list[PartEvent]:
    """Read the events of some kinds after one number, oldest first; quick however many there are."""
    # Not by the index of kinds: to find the last of a kind, SQLite would sort all of that kind.
    kind = func.coalesce(events.c.kind, "")
    where = events.c.number > after_number, kind.in_([str(each) for each in kinds])
    query = select(events).where(*where).order_by(events.c.number).limit(limit)
    with store.reading("list new events") as connection:
        return [part_event(dict(row)) for row in connection.execute(query).mappings()]


def events_about(store: Store, part_ids: Sequence[str], kinds: Sequence[str]) -> list[PartEvent]:
    """The events of some kinds about these parts, oldest first."""
    found: list[PartEvent] = []
    of_kinds = events.c.kind.in_([str(each) for each in kinds])
    with store.reading("read the events of parts") as connection:
        for start in range(0, len(part_ids), _AT_ONCE):
            some = events.c.part_id.in_(part_ids[start : start + _AT_ONCE])
            rows = connection.execute(select(events).where(some, of_kinds)).mappings()
            found += [part_event(dict(row)) for row in rows]
    return sorted(found, key=lambda event: event.number)


def numbers_of(store: Store, part_ids: Sequence[str]) -> Mapping[str, int]:
    """Look up the number of each of these parts that is recorded."""
    found: dict[str, int] = {}
    with store.reading("number parts") as connection:
        for start in range(0, len(part_ids), _AT_ONCE):
            some = parts.c.part_id.in_(part_ids[start : start + _AT_ONCE])
            query = select(parts.c.part_id, parts.c.number).where(some)
            found.update((part_id, number) for part_id, number in connection.execute(query))
    return found


def numbered(store: Store, numbers: Sequence[int]) -> list[PartRecord]:
    """Read the parts of these numbers, in this order; those not recorded are left out."""
    found: dict[int, PartRecord] = {}
    with store.reading("read parts") as connection:
        for start in range(0, len(numbers), _AT_ONCE):
            query = select(parts).where(parts.c.number.in_(numbers[start : start + _AT_ONCE]))
            for row in connection.execute(query).mappings():
                found[row["number"]] = part_record(dict(row))
    return [found[number] for number in numbers if number in found]


def removed(store: Store) -> list[int]:
    """List the numbers of the parts whose picture was removed by rule."""
    with store.reading("list removed pictures") as connection:
        return list(connection.scalars(select(removals.c.number)))


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _zones(regions: str) -> tuple[str, ...]:
    if regions == "[]":
        return ()
    found = {each["zone"] for each in json.loads(regions) if not each["accepted"]}
    return tuple(sorted(found - {None}))
