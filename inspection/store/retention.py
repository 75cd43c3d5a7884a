"""Takes pictures away by rule, so that the disk lasts; rows are never removed.

Each removal is an event of the part before it is done, so `verify` tells a rule from a thief. A
crash between the two is mended by the next run.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, Row, exists, func, insert, select, update

from inspection.judgement import Verdict
from inspection.store.append import append
from inspection.store.error_mapping import mapped
from inspection.store.records import event_row, time_text
from inspection.store.schema import events, outbox, parts, removals

if TYPE_CHECKING:
    from inspection.store.store import Store
from inspection.store.event_kinds import PROTECTED_BY, Author, EventKind

# The screen shows it and an output may be sending it.
_KEPT_FOR = timedelta(hours=1)
_AT_ONCE = 200
_GB = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionPolicy:
    """Which pictures are kept; None: that rule removes nothing.

    `rejects_days`: rejects are kept so long. `keep_every`: of the passes every k-th is kept.
    `free_gb`: while less is free, passes that were kept go too, the oldest first; rejects do not.
    """

    rejects_days: float | None = None
    keep_every: int | None = None
    free_gb: float | None = None

    def __post_init__(self) -> None:
        for name, least in (("rejects_days", 0), ("keep_every", 1), ("free_gb", 0)):
            value = getattr(self, name)
            if value is not None and not value >= least:
                raise ValueError(f"RetentionPolicy.{name}: expected {least} or more, got {value!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Retained:
    """What a run did, or would have done: pictures removed by each rule, bytes set free.

    `repaired` counts what an earlier run had only announced. `free_gb` is what is free now; `short`
    tells that this is below the policy's floor, and nothing is left that may be removed.
    """

    removed: dict[str, int]
    freed_bytes: int
    repaired: int
    free_gb: float
    short: bool


def retain(
    store: Store, policy: RetentionPolicy, now: datetime, *, dry_run: bool = False
) -> Retained:
    """Remove the pictures the policy does not keep. Raises StoreError.

    A picture stays if an event of the kinds `PROTECTED_BY` is about its part, if an output has not
    taken the part yet, or if it is younger than an hour. A dry run only counts; it may read only.
    """
    run = _Run(store, policy, now, dry_run)
    with mapped(store.place.name, "remove pictures by rule"):
        repaired = run.repair()
        run.follow()
        lacking, free = run.lacking_bytes(), run.free_bytes()
    return Retained(
        removed=run.removed,
        freed_bytes=run.freed_bytes,
        repaired=repaired,
        free_gb=free / _GB,
        short=lacking > 0,
    )


LONGEST_GAP, PROVED_BY = timedelta(days=4), timedelta(days=7)
"""A line may rest so long; after a longer rest, so many days of parts prove the clock."""


def clock_doubt(store: Store, now: datetime) -> str | None:
    """Say why the age of pictures is not to be trusted, None if it is. Raises StoreError.

    A clock far ahead makes all pictures old at once. Then the record has a gap before its latest
    parts; a gap of more than four days is believed once parts came for a week after it.
    """
    since = now - PROVED_BY
    day = func.substr(parts.c.judged_at, 1, 13)  # YYYY-MM-DDTHH
    with store.reading("look at the times of the latest parts") as connection:
        latest = connection.scalar(select(func.max(parts.c.judged_at)))
        before = connection.scalar(
            select(func.max(parts.c.judged_at)).where(parts.c.judged_at < time_text(since))
        )
        hours = connection.scalars(
            select(day).where(parts.c.judged_at >= time_text(since)).group_by(day).order_by(day)
        )
        times = [datetime.fromisoformat(f"{hour}:00:00+00:00") for hour in hours]
    if latest is None:
        return None
    if (ahead := datetime.fromisoformat(latest)) > now + timedelta(days=1):
        return f"the latest part is of {ahead:%Y-%m-%d %H:%M}, the clock says {now:%Y-%m-%d %H:%M}"
    if before is not None:
        times.insert(0, datetime.fromisoformat(before))
    for one, other in itertools.pairwise([*times, now]):
        if other - one > LONGEST_GAP + timedelta(hours=1):
            return (
                f"no part from {one:%Y-%m-%d %H:%M} to {other:%Y-%m-%d %H:%M}: is the clock right? "
                f"believed after {PROVED_BY.days} days of parts"
            )
    return None


def _passes_between(keep_every: int) -> list[ColumnElement[bool]]:
    # Counted over all passes, which only grow: a pass kept once is kept the next time too.
    place = func.row_number().over(order_by=parts.c.number).label("place")
    passes = select(parts.c.number, place).where(parts.c.verdict == Verdict.PASS.value).subquery()
    between = select(passes.c.number).where(passes.c.place % keep_every != 0)
    return [parts.c.number.in_(between)]


def _old_rejects(rejects_days: float, now: datetime) -> list[ColumnElement[bool]]:
    before = time_text(now - timedelta(days=rejects_days))
    return [parts.c.verdict != Verdict.PASS.value, parts.c.judged_at < before]


class _Run:
    """One run: what it may remove, and what it has removed so far."""

    def __init__(self, store: Store, policy: RetentionPolicy, now: datetime, dry_run: bool) -> None:
        self.store = store
        self.policy = policy
        self.now = now
        self.dry_run = dry_run
        self.removed: dict[str, int] = {}
        self.freed_bytes = 0
        self._counted: set[int] = set()

    def follow(self) -> None:
        """Do what each rule of the policy asks for."""
        policy = self.policy
        if policy.keep_every is not None:
            self.remove("keep_every", _passes_between(policy.keep_every))
        if policy.rejects_days is not None:
            self.remove("rejects_days", _old_rejects(policy.rejects_days, self.now))
        if policy.free_gb is not None and self.lacking_bytes() > 0:
            passes = [parts.c.verdict == Verdict.PASS.value]
            self.remove("free_gb", passes, until_free=True)

    def remove(
        self, rule: str, where: Sequence[ColumnElement[bool]], *, until_free: bool = False
    ) -> None:
        """Remove the pictures of the parts that match and are not protected, the oldest first."""
        self.removed[rule] = 0
        for batch in self._batches(where):
            chosen = self._enough(batch) if until_free else batch
            self.removed[rule] += len(chosen)
            self._counted.update(row.number for row in chosen)
            if self.dry_run:
                self.freed_bytes += sum(self._size(row) for row in chosen)
            else:
                self._take(rule, chosen)
            if until_free and self.lacking_bytes() <= 0:
                return

    def repair(self) -> int:
        """Finish what an earlier run announced and did not do; give how many."""
        query = (
            select(parts.c.number, parts.c.image)
            .join(removals, removals.c.number == parts.c.number)
            .where(removals.c.done == 0)
        )
        with self.store.reading("list announced removals") as connection:
            rows = list(connection.execute(query))
        if rows and not self.dry_run:
            self._unlink(rows)
        return len(rows)

    def free_bytes(self) -> float:
        """Return the bytes free on the disk of the pictures; a dry run adds what it would set free."""
        free = shutil.disk_usage(self.store.place.images).free
        return free + (self.freed_bytes if self.dry_run else 0)

    def lacking_bytes(self) -> float:
        """Return by how many bytes less is free than the policy asks for."""
        return (self.policy.free_gb or 0) * _GB - self.free_bytes()

    def _batches(self, where: Sequence[ColumnElement[bool]]) -> Iterator[list[Any]]:
        # The numbers first, in one question: a million of them fit, their rows would not.
        query = select(parts.c.number).where(*where, *_removable(self.now)).order_by(parts.c.number)
        with self.store.reading("list pictures to remove") as connection:
            numbers = [n for n in connection.scalars(query) if n not in self._counted]
        for start in range(0, len(numbers), _AT_ONCE):
            some = parts.c.number.in_(numbers[start : start + _AT_ONCE])
            columns = (parts.c.number, parts.c.part_id, parts.c.image, parts.c.image_sha256)
            with self.store.reading("list pictures to remove") as connection:
                rows = list(connection.execute(select(*columns).where(some).order_by(*columns[:1])))
            yield rows

    def _enough(self, batch: Sequence[Row[Any]]) -> list[Row[Any]]:
        lacking, chosen = self.lacking_bytes(), []
        for row in batch:
            if lacking <= 0:
                break
            chosen.append(row)
            lacking -= self._size(row)
        return chosen

    def _take(self, rule: str, batch: Sequence[Row[Any]]) -> None:
        with self.store.writing("announce the removal of pictures") as connection:
            # Again, under the lock: a label may have come since the list was made.
            batch = _still_removable(connection, batch, self.now)
            if not batch:
                return
            append(connection, events, [_event(row, rule, self.now) for row in batch])
            connection.execute(insert(removals), [{"number": r.number, "done": 0} for r in batch])
        self._unlink(batch)

    def _unlink(self, rows: Sequence[Any]) -> None:
        for row in rows:
            self.freed_bytes += self._size(row)
        self.store.archive.remove([row.image for row in rows])
        numbers = [row.number for row in rows]
        for start in range(0, len(numbers), _AT_ONCE):
            some = removals.c.number.in_(numbers[start : start + _AT_ONCE])
            with self.store.writing("note the removal of pictures") as connection:
                connection.execute(update(removals).where(some).values(done=1))

    def _size(self, row: Any) -> int:
        return self.store.archive.size_bytes(row.image)


def _removable(now: datetime) -> list[ColumnElement[bool]]:
    about = (events.c.part_id == parts.c.part_id) & events.c.kind.in_(
        [kind.value for kind in PROTECTED_BY]
    )
    return [
        parts.c.image.is_not(None),
        parts.c.judged_at < time_text(now - _KEPT_FOR),
        parts.c.number.not_in(select(removals.c.number)),
        parts.c.number.not_in(select(outbox.c.number)),
        ~exists(select(events.c.number).where(about)),
    ]


def _still_removable(
    connection: Connection, batch: Sequence[Row[Any]], now: datetime
) -> list[Row[Any]]:
    numbers = parts.c.number.in_([row.number for row in batch])
    kept = set(connection.scalars(select(parts.c.number).where(numbers, *_removable(now))))
    return [row for row in batch if row.number in kept]


def _event(row: Row[Any], rule: str, now: datetime) -> dict[str, Any]:
    detail = {"rule": rule, "image": row.image, "image_sha256": row.image_sha256}
    return event_row(row.part_id, EventKind.PICTURE_REMOVED, Author.RETENTION, now, detail)
