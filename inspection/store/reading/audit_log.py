"""What was done, by people and by the station itself: actions and events of parts as one list."""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import Connection, TableClause, literal, null, select

from inspection.store.event_kinds import Author
from inspection.store.schema import actions, events

if TYPE_CHECKING:
    from inspection.store.store import Store

MACHINES = (Author.STATION.value, Author.RETENTION.value)
"""Who writes events without a person; left out unless asked for by kind or by name."""
_PAGE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One row of the tables `actions` and `events`; `part_id` is None for an action."""

    table: Literal["actions", "events"]
    number: int
    part_id: str | None
    kind: str
    who: str
    at: datetime
    detail: Mapping[str, Any]
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """Where the next page begins: only rows with lower numbers than these are in it."""

    action: int | None = None
    event: int | None = None


def deeds(
    store: Store,
    *,
    kind: str | None = None,
    who: str | None = None,
    before: Cursor | None = None,
    limit: int = 50,
) -> tuple[list[AuditEntry], Cursor | None]:
    """Read one page of what was done, newest first, and where the next begins; None: no more."""
    if limit < 1:
        raise ValueError(f"limit: expected 1 or more, got {limit}")
    start = before or Cursor()
    with store.reading("list what was done") as connection:
        done = _rows(connection, actions, start.action, kind, who, limit + 1)
        happened = _rows(connection, events, start.event, kind, who, limit + 1)
    merged = list(heapq.merge(done, happened, key=lambda deed: deed.at, reverse=True))
    page = merged[:limit]
    return page, _after(page, start) if len(merged) > limit else None


def all_deeds(
    store: Store, *, kind: str | None = None, who: str | None = None
) -> Iterator[AuditEntry]:
    """Read everything that was done, newest first, page by page."""
    before: Cursor | None = Cursor()
    while before is not None:
        page, before = deeds(store, kind=kind, who=who, before=before, limit=_PAGE)
        yield from page


def _rows(
    connection: Connection,
    table: TableClause,
    before: int | None,
    kind: str | None,
    who: str | None,
    limit: int,
) -> list[AuditEntry]:
    column = table.c
    part_id = column.part_id if table is events else null().label("part_id")
    columns = (
        literal(table.name).label("table"),
        *(column.number, part_id, column.kind, column.who, column.at, column.detail, column.hash),
    )
    query = select(*columns).order_by(column.number.desc()).limit(limit)
    if before is not None:
        query = query.where(column.number < before)
    if kind is not None:
        query = query.where(column.kind == kind)
    if who is not None:
        query = query.where(column.who == who)
    if kind is None and who is None:
        query = query.where(column.who.not_in(MACHINES))
    return [_deed(dict(row)) for row in connection.execute(query).mappings()]


def _deed(row: dict[str, Any]) -> AuditEntry:
    return AuditEntry(
        **{**row, "at": datetime.fromisoformat(row["at"]), "detail": json.loads(row["detail"])}
    )


def _after(page: list[AuditEntry], start: Cursor) -> Cursor:
    lowest = {deed.table: deed.number for deed in page}  # numbers fall, so the last one stays
    return Cursor(
        action=lowest.get("actions", start.action), event=lowest.get("events", start.event)
    )
