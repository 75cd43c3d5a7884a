"""Counts and few columns of very many parts, each within a time limit: nobody waits for minutes."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, and_, exists, func, select
from sqlalchemy.exc import DBAPIError

from inspection.judgement import Verdict
from inspection.store.errors import StoreError
from inspection.store.event_kinds import EventKind
from inspection.store.filters import ALL_PARTS, PartFilter, conditions
from inspection.store.reading.verdict_counts import VerdictCounts
from inspection.store.records import PartRecord, part_record, time_text
from inspection.store.schema import events, parts

if TYPE_CHECKING:
    from inspection.store.store import Store

LIMIT_S = 20.0
_LATEST = 50_000
_AT_ONCE = 500
_PAGE = 1000
_STEPS = 20_000  # of SQLite's machine, between two looks at the clock: a millisecond or so


class TooMuch(StoreError):
    """A question about the record took too long and was given up; ask for a shorter time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How many parts a filter lets through, how many with a picture, and the first and last time."""

    parts: int
    pictures: int
    first_at: datetime | None
    last_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeInUse:
    """A recipe that judged some of the latest parts."""

    recipe_id: str
    product: str | None
    parts: int
    last_number: int


def columns_of(
    store: Store,
    part_filter: PartFilter,
    names: Sequence[str],
    *,
    limit: int,
    newest_first: bool = True,
) -> list[tuple[Any, ...]]:
    """Read some columns of up to `limit` parts. Raises StoreError."""
    order = parts.c.number.desc() if newest_first else parts.c.number
    columns = [parts.c[name] for name in names]
    query = select(*columns).where(*conditions(part_filter)).order_by(order).limit(limit)
    with _within(store, "read columns of parts") as connection:
        return [tuple(row) for row in connection.execute(query)]


def columns_by_id(
    store: Store, part_filter: PartFilter, part_ids: Sequence[str], names: Sequence[str]
) -> list[tuple[Any, ...]]:
    """Read some columns of those of these parts that the filter lets through."""
    columns, found = [parts.c[name] for name in names], []
    with _within(store, "read columns of parts") as connection:
        for start in range(0, len(part_ids), _AT_ONCE):
            some = parts.c.part_id.in_(part_ids[start : start + _AT_ONCE])
            query = select(*columns).where(some, *conditions(part_filter))
            found += [tuple(row) for row in connection.execute(query)]
    return found


def page_of(
    store: Store,
    part_filter: PartFilter,
    *,
    below: int | None = None,
    above: int | None = None,
    limit: int,
) -> list[PartRecord]:
    """Read a page of parts, the newest first: those before a number, or the nearest after one."""
    number = parts.c.number
    where = conditions(part_filter)
    order = number.asc() if above is not None else number.desc()
    if below is not None:
        where.append(number < below)
    if above is not None:
        where.append(number > above)
    # First the numbers, as in `query.page`: sorting whole rows takes seconds in a large record.
    numbers = select(number).where(*where).order_by(order).limit(limit)
    query = select(parts).where(number.in_(numbers)).order_by(number.desc())
    with _within(store, "search parts") as connection:
        return [part_record(dict(row)) for row in connection.execute(query).mappings()]


def all_of(store: Store, part_filter: PartFilter) -> Iterator[PartRecord]:
    """Read every part a filter lets through, oldest first, page by page; those recorded meanwhile are left out."""
    above, last = 0, store.head().count
    while page := page_of(store, part_filter, above=above, limit=_PAGE):
        above = page[0].number
        for record in reversed(page):
            if record.number > last:
                return
            yield record


def extent(store: Store, part_filter: PartFilter) -> Extent:
    """Count the parts a filter lets through."""
    times = func.min(parts.c.judged_at), func.max(parts.c.judged_at)
    pictures = func.count(parts.c.image)
    query = select(func.count(), pictures, *times).where(*conditions(part_filter))
    with _within(store, "count parts") as connection:
        count, with_picture, first, last = connection.execute(query).one()
    return Extent(
        parts=count,
        pictures=with_picture,
        first_at=None if first is None else datetime.fromisoformat(first),
        last_at=None if last is None else datetime.fromisoformat(last),
    )


def counts_between(
    store: Store, part_filter: PartFilter, edges: Sequence[datetime]
) -> list[VerdictCounts]:
    """Count by verdict between each two neighbouring edges; all of it at one moment of the record."""
    at, found = parts.c.judged_at, []
    with _within(store, "count parts over time") as connection:
        for begin, end in itertools.pairwise(edges):
            between = and_(at >= time_text(begin), at < time_text(end))
            found.append(_counted(connection, [between, *conditions(part_filter)]))
    return found


def counts_of(store: Store, part_filter: PartFilter = ALL_PARTS) -> VerdictCounts:
    """Count the parts a filter lets through by verdict."""
    with _within(store, "count parts") as connection:
        return _counted(connection, conditions(part_filter))


def _counted(connection: Connection, where: Sequence[ColumnElement[bool]]) -> VerdictCounts:
    by = parts.c.verdict, parts.c.reason_code
    rows = connection.execute(select(*by, func.count()).where(*where).group_by(*by))
    return VerdictCounts.of((verdict, code, count) for verdict, code, count in rows)


def recipes_seen(store: Store) -> list[RecipeInUse]:
    """List the recipes of the latest parts, the last used first."""
    c = parts.c
    newest = func.max(c.number)
    with _within(store, "list recipes") as connection:
        last = connection.scalar(select(newest)) or 0
        query = (
            select(c.recipe_id, c.product, func.count(), newest)
            .where(c.number > last - _LATEST, c.recipe_id != "")
            .group_by(c.recipe_id, c.product)
            .order_by(newest.desc())
        )
        return [
            RecipeInUse(recipe_id=each[0], product=each[1], parts=each[2], last_number=each[3])
            for each in connection.execute(query)
        ]


def lots_seen(store: Store, *, limit: int = 100) -> list[str]:
    """List the lots of the latest parts, the last one first."""
    newest = func.max(parts.c.number)
    with _within(store, "list lots") as connection:
        last = connection.scalar(select(newest)) or 0
        where = parts.c.number > last - _LATEST, parts.c.lot.is_not(None)
        query = select(parts.c.lot).where(*where).group_by(parts.c.lot).order_by(newest.desc())
        return list(connection.scalars(query.limit(limit)))


@contextmanager
def _within(store: Store, doing: str, limit_s: float | None = None) -> Iterator[Connection]:
    """Open a connection whose queries end in time. Raises TooMuch when they did not."""
    limit_s = LIMIT_S if limit_s is None else limit_s
    end = time.monotonic() + limit_s
    with store.reading(doing) as connection:
        try:
            with _stopped_at(connection, end, limit_s):
                yield connection
        except DBAPIError as error:
            if time.monotonic() < end:
                raise
            raise TooMuch(
                f"store {store.place.name}: could not {doing} within {limit_s:g} s; "
                "ask for a shorter time, one lot or one recipe"
            ) from error


@contextmanager
def _stopped_at(connection: Connection, end: float, limit_s: float) -> Iterator[None]:
    if connection.dialect.name != "sqlite":
        connection.exec_driver_sql(f"SET LOCAL statement_timeout = {int(1e3 * limit_s)}")
        yield
        return
    raw: Any = connection.connection.dbapi_connection
    raw.set_progress_handler(lambda: time.monotonic() > end, _STEPS)
    try:
        yield
    finally:
        raw.set_progress_handler(None, 0)


def unacknowledged(store: Store, *, station: str, since: datetime, limit: int) -> list[PartRecord]:
    """List a station's failed parts that nobody acknowledged, newest first."""
    where = conditions(PartFilter(verdict=Verdict.FAIL, station=station, since=since))
    seen = exists().where(
        events.c.part_id == parts.c.part_id, events.c.kind == EventKind.ACKNOWLEDGE.value
    )
    query = select(parts).where(*where, ~seen).order_by(parts.c.number.desc()).limit(limit)
    with store.reading("list the failed parts nobody acknowledged") as connection:
        return [part_record(dict(row)) for row in connection.execute(query).mappings()]
