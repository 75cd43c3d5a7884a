"""Adding to the chained tables, and refusing what is in them already."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection, TableClause, insert, select, update

from inspection.store.chain import ChainHead, linked
from inspection.store.errors import RecordRefused
from inspection.store.records import NewPart, clean
from inspection.store.schema import chain, parts

_Key = TypeVar("_Key")
# A statement takes only so many values.
_AT_ONCE = 500


def append(
    connection: Connection, table: TableClause, rows: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Put rows at the end of a chain; give them with their numbers and hashes."""
    done, end = linked(rows, head(connection, table))
    connection.execute(insert(table), done)
    values = {"count": end.count, "hash": end.hash}
    connection.execute(update(chain).where(chain.c.name == table.name).values(values))
    return done


def head(connection: Connection, table: TableClause) -> ChainHead:
    """Read the end of a table's chain."""
    query = select(chain.c.count, chain.c.hash).where(chain.c.name == table.name)
    count, last = connection.execute(query).one()
    return ChainHead(count, last)


def hash_of(connection: Connection, number: int) -> str | None:
    """Read the hash of one part, None where there is none of this number."""
    query = select(parts.c.hash).where(parts.c.number == number)
    return connection.scalar(query)


def refuse_known(connection: Connection, records: Sequence[NewPart]) -> None:
    """Raise RecordRefused where a part, or a part of the same trigger, is recorded already."""
    ids = [record.part_id for record in records]
    if again := sorted(_twice(ids) | known(connection, ids)):
        raise RecordRefused(
            f"part {again[0]} is recorded already, and a record is never changed; "
            "give each part its own part_id, or add an event to it"
        )
    triggers = [key for record in records if (key := _trigger(record)) is not None]
    if answered := sorted(_twice(triggers) | _answered(connection, triggers)):
        station, trigger_id = answered[0]
        raise RecordRefused(
            f"trigger {trigger_id!r} of station {station!r} has its part already, "
            "and a trigger has one; give each trigger its own trigger_id"
        )


def known(connection: Connection, ids: Sequence[str]) -> set[str]:
    """Tell which of these parts are recorded."""
    found: set[str] = set()
    for start in range(0, len(ids), _AT_ONCE):
        some = parts.c.part_id.in_(ids[start : start + _AT_ONCE])
        found.update(connection.scalars(select(parts.c.part_id).where(some)))
    return found


def images_of(connection: Connection, ids: Sequence[str]) -> set[str]:
    """List the pictures that the rows of these parts name."""
    found: set[str] = set()
    for start in range(0, len(ids), _AT_ONCE):
        some = parts.c.part_id.in_(ids[start : start + _AT_ONCE])
        query = select(parts.c.image).where(some, parts.c.image.is_not(None))
        found.update(connection.scalars(query))
    return found


def _answered(connection: Connection, triggers: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    for start in range(0, len(triggers), _AT_ONCE):
        ids = [trigger_id for _, trigger_id in triggers[start : start + _AT_ONCE]]
        query = select(parts.c.station, parts.c.trigger_id).where(parts.c.trigger_id.in_(ids))
        found.update((station, trigger_id) for station, trigger_id in connection.execute(query))
    return found & set(triggers)


def _trigger(record: NewPart) -> tuple[str, str] | None:
    station, trigger_id = clean(record.station), clean(record.trigger_id)
    return None if station is None or trigger_id is None else (station, trigger_id)


def _twice(keys: Sequence[_Key]) -> set[_Key]:
    return {key for key, times in Counter(keys).items() if times > 1}
