"""The journal of triggers taken: each is taken once, and none is forgotten before it has a part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, exists, literal, select, text

from inspection.store.records import clean, process_read, process_text, time_text
from inspection.store.schema import parts, triggers


@dataclass(frozen=True, slots=True, kw_only=True)
class NotedTrigger:
    """One trigger as it was taken; what was known of the part came with it."""

    trigger_id: str
    station: str
    source: str
    at: datetime
    serial: str | None = None
    lot: str | None = None
    product: str | None = None
    process: Mapping[str, float | str] = field(default_factory=dict)


# One statement: the journal forgets answered triggers, the parts do not. ON CONFLICT needs the WHERE.
_NOTE = text(
    "INSERT INTO triggers (trigger_id, station, source, serial, lot, product, at, process) "
    "SELECT :trigger_id, :station, :source, :serial, :lot, :product, :at, :process WHERE NOT EXISTS "
    "(SELECT 1 FROM parts WHERE trigger_id = :trigger_id AND station = :station) "
    "ON CONFLICT (station, trigger_id) DO NOTHING"
)

PRUNED_AT_ONCE = 500
"""Triggers forgotten in one transaction, so that no part waits long for its turn."""

_HAS_PART = exists(
    select(literal(1))
    .select_from(parts)
    .where(and_(parts.c.trigger_id == triggers.c.trigger_id, parts.c.station == triggers.c.station))
)


def note(connection: Connection, trigger: NotedTrigger) -> bool:
    """Write a trigger down; False where it is known already, with or without its part."""
    row = {
        "trigger_id": clean(trigger.trigger_id),
        "station": clean(trigger.station),
        "source": clean(trigger.source),
        "serial": clean(trigger.serial),
        "lot": clean(trigger.lot),
        "product": clean(trigger.product),
        "at": time_text(trigger.at),
        "process": process_text(trigger.process),
    }
    return connection.execute(_NOTE, row).rowcount == 1


@dataclass(frozen=True, slots=True)
class KnownTrigger:
    """A trigger taken before; `number` is its part's place in the record, None if it has none yet."""

    number: int | None


def find(connection: Connection, trigger_id: str, station: str) -> KnownTrigger | None:
    """Find a trigger in the record or in the journal."""
    wanted, name = clean(trigger_id), clean(station)
    number = connection.scalar(
        select(parts.c.number).where(parts.c.trigger_id == wanted, parts.c.station == name)
    )
    if number is not None:
        return KnownTrigger(number)
    noted = select(triggers.c.number).where(
        triggers.c.trigger_id == wanted, triggers.c.station == name
    )
    return None if connection.scalar(noted) is None else KnownTrigger(None)


def unanswered(connection: Connection, station: str) -> list[NotedTrigger]:
    """List the station's triggers without a part in the order they were taken."""
    query = (
        select(triggers)
        .where(triggers.c.station == clean(station), ~_HAS_PART)
        .order_by(triggers.c.number)
    )
    return [_noted(row) for row in connection.execute(query)]


def prune(connection: Connection, older_than: datetime) -> int:
    """Of the oldest few, forget the answered triggers older than this; give how many."""
    oldest = select(triggers.c.number).order_by(triggers.c.number).limit(PRUNED_AT_ONCE)
    numbers = list(connection.scalars(oldest))
    old = delete(triggers).where(
        triggers.c.number.in_(numbers), triggers.c.at < time_text(older_than), _HAS_PART
    )
    return connection.execute(old).rowcount


def _noted(row: Row[Any]) -> NotedTrigger:
    values = {name: value for name, value in row._mapping.items() if name != "number"}
    read = {"at": datetime.fromisoformat(row.at), "process": process_read(row.process)}
    return NotedTrigger(**{**values, **read})
