"""Which recorded parts still wait to be given out, and through which output.

A part enters with the transaction that records it, so a crash loses neither or both. It leaves
when the output has taken it; one its receiver refuses for good is set aside until a person lets it
wait again. This is working state: not hashed, not part of the record.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, update

from inspection.store.records import clean
from inspection.store.schema import outbox, parts

# A statement takes only so many values.
_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedResult:
    """A part an output's receiver refused for good, and why."""

    output: str
    number: int
    part_id: str
    reason: str


def put(connection: Connection, outputs: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    """Let these parts wait for each of the outputs."""
    waiting = [
        {"output": output, "number": row["number"]}
        for row in rows
        for output in dict.fromkeys(outputs)
    ]
    if waiting:
        connection.execute(insert(outbox), waiting)


def waiting(connection: Connection, output: str, limit: int) -> list[dict[str, Any]]:
    """Read the rows of parts an output has not taken, in the order they were recorded."""
    numbers = (
        select(outbox.c.number)
        .where(outbox.c.output == output, outbox.c.refused.is_(None))
        .order_by(outbox.c.number)
        .limit(limit)
    )
    query = select(parts).where(parts.c.number.in_(numbers)).order_by(parts.c.number)
    return [dict(row) for row in connection.execute(query).mappings()]


def take_out(connection: Connection, output: str, part_ids: Sequence[str]) -> None:
    """Let these parts wait no longer; those that do not wait stay as they are."""
    for start in range(0, len(part_ids), _AT_ONCE):
        some = parts.c.part_id.in_(part_ids[start : start + _AT_ONCE])
        numbers = select(parts.c.number).where(some)
        connection.execute(
            delete(outbox).where(outbox.c.output == output, outbox.c.number.in_(numbers))
        )


def counts(connection: Connection) -> dict[str, int]:
    """Count what waits for each output; an output nothing waits for is not there."""
    return _counted(connection, refused=False)


def refused_counts(connection: Connection) -> dict[str, int]:
    """Count what was set aside for each output; an output without is not there."""
    return _counted(connection, refused=True)


def set_aside(connection: Connection, output: str, part_id: str, reason: str) -> None:
    """Let a part wait no longer, and keep why."""
    number = select(parts.c.number).where(parts.c.part_id == part_id).scalar_subquery()
    this = outbox.c.output == output, outbox.c.number == number
    connection.execute(update(outbox).where(*this).values(refused=clean(reason)))


def refused(connection: Connection, output: str | None, limit: int | None) -> list[RefusedResult]:
    """List what was set aside for an output, None for all, in the order it was recorded."""
    columns = (outbox.c.output, outbox.c.number, parts.c.part_id, outbox.c.refused.label("reason"))
    query = select(*columns).join(parts, parts.c.number == outbox.c.number)
    query = query.where(*_set_aside(output)).order_by(outbox.c.number, outbox.c.output).limit(limit)
    return [RefusedResult(**row) for row in connection.execute(query).mappings()]


def wait_again(connection: Connection, output: str | None) -> int:
    """Let what was set aside for an output, None for all, wait again; give how many."""
    again = update(outbox).where(*_set_aside(output)).values(refused=None)
    return connection.execute(again).rowcount


def _set_aside(output: str | None) -> list[ColumnElement[bool]]:
    this = [] if output is None else [outbox.c.output == output]
    return [outbox.c.refused.is_not(None), *this]


def _counted(connection: Connection, *, refused: bool) -> dict[str, int]:
    reason = outbox.c.refused
    kind = reason.is_not(None) if refused else reason.is_(None)
    query = select(outbox.c.output, func.count()).where(kind).group_by(outbox.c.output)
    return {output: count for output, count in connection.execute(query)}
