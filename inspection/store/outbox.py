"""Which recorded parts still wait to be given out, and through which output.

A part enters with the transaction that records it, so a crash loses neither or both. It leaves
when the output has taken it. This is working state: not hashed, not part of the record.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select

from inspection.store.schema import outbox, parts

# A statement takes only so many values.
_AT_ONCE = 500


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
    """Give the rows of parts an output has not taken, in the order they were recorded."""
    numbers = (
        select(outbox.c.number)
        .where(outbox.c.output == output)
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
    query = select(outbox.c.output, func.count()).group_by(outbox.c.output)
    return {output: count for output, count in connection.execute(query)}
