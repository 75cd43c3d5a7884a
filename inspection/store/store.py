"""The record of judged parts: stored durably before the verdict is given out, and only added to."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.exc import DatabaseError

from inspection.durable_files import make_folder
from inspection.judgement import Verdict
from inspection.store import journal, outbox
from inspection.store import verify as audit
from inspection.store.append import append, hash_of, head, images_of, known, refuse_known
from inspection.store.chain import ChainHead
from inspection.store.database import DatabaseLocation, broken_pages, connect, place_of
from inspection.store.error_mapping import mapped
from inspection.store.errors import (
    RecordRefused,
    StoreDamaged,
    StoreError,
    StoreOutdated,
    StoreUnavailable,
)
from inspection.store.event_kinds import ActionKind, Author, EventKind
from inspection.store.filters import ALL_PARTS, PartFilter, conditions, page
from inspection.store.journal import KnownTrigger, NotedTrigger
from inspection.store.migrations import migrate, require_latest
from inspection.store.outbox import RefusedResult
from inspection.store.pictures.archive import Archive
from inspection.store.pictures.staging import Batch, Staging
from inspection.store.records import (
    Action,
    NewPart,
    PartEvent,
    PartRecord,
    StagedPicture,
    action,
    action_row,
    event_row,
    part_event,
    part_record,
    part_row,
    time_text,
)
from inspection.store.remembered_head import RememberedHead
from inspection.store.schema import actions, events, parts
from inspection.store.writer import Writer

log = logging.getLogger(__name__)


def open_store(
    path_or_url: str | Path,
    *,
    images: Path | None = None,
    read_only: bool = False,
    wait_s: float = 10.0,
) -> Store:
    """Open the record, made if it is not there; the one writer, unless `read_only`.

    Pictures go to `images`, for a file by default the folder `NAME.images` beside it. Waits up to
    `wait_s` for another writer. Raises StoreError.
    """
    store = Store(place_of(path_or_url, images), read_only=read_only, wait_s=wait_s)
    store.open()
    return store


def open_to_read(path_or_url: str | Path, *, images: Path | None = None) -> Store:
    """Open a record to read it; one of an older program is brought up to date first.

    That adds columns and tables, and changes nothing recorded. Raises StoreError.
    """
    try:
        return open_store(path_or_url, images=images, read_only=True)
    except StoreOutdated:
        open_store(path_or_url, images=images).close()
        return open_store(path_or_url, images=images, read_only=True)


class Store:
    """One open record; `open_store` makes it. Methods may be called from any thread."""

    def __init__(self, place: DatabaseLocation, *, read_only: bool, wait_s: float) -> None:
        self.place = place
        self.read_only = read_only
        self.wait_s = wait_s
        self.archive = Archive(place.images)
        self._staging = Staging(self.archive)
        self._remembered = RememberedHead(place.head_file)
        self._engine: Engine | None = None
        self._writer: Writer | None = None

    def add(self, record: NewPart, *, deliver_to: Sequence[str] = ()) -> PartRecord:
        """Record one part; when this returns, picture and row are on the disk.

        With the row, the part is put in the outbox of each output in `deliver_to`. Raises
        RecordRefused for a part known already, or a second part of one station's trigger.
        """
        return self.add_many([record], deliver_to=deliver_to)[0]

    def add_many(
        self, records: Sequence[NewPart], *, deliver_to: Sequence[str] = ()
    ) -> list[PartRecord]:
        """Record parts with one commit: all of them or, if this raises, none.

        One exception: a server lost during the commit may have kept them; `part` tells.
        """
        if not records:
            return []
        doing = f"add {_named(records)}"
        self._require_writer(doing)
        with mapped(self.place.name, doing), self._staging.staged(records) as pictures:
            done = self._add(doing, records, pictures, deliver_to)
        self._remembered.note(ChainHead(done[-1]["number"], done[-1]["hash"]))
        return [part_record(row) for row in done]

    def stage(self, part_id: str, data: bytes, suffix: str = ".png") -> StagedPicture:
        """Put a part's picture on the disk before the part is judged; `NewPart.staged` then names it.

        One whose part is never added is cleared when the store is opened the next time.
        """
        doing = f"write the picture of part {part_id}"
        self._require_writer(doing)
        with mapped(self.place.name, doing):
            return self._staging.stage(part_id, data, suffix, datetime.now(UTC))

    def add_event(
        self,
        part_id: str,
        kind: EventKind,
        who: str,
        *,
        detail: Mapping[str, Any] | None = None,
        at: datetime | None = None,
    ) -> PartEvent:
        """Record what happened to a part after its verdict, such as an operator's action."""
        row = event_row(part_id, kind, who, at or datetime.now(UTC), detail or {})
        with self.writing(f"add the event {kind!r} of part {part_id}") as connection:
            if not known(connection, [part_id]):
                raise RecordRefused(
                    f"store {self.place.name}: cannot add the event {kind!r}: "
                    f"no part {part_id!r} is recorded; give the part_id of a recorded part"
                )
            (done,) = append(connection, events, [row])
        return part_event(done)

    def add_action(
        self,
        kind: ActionKind,
        who: str,
        *,
        detail: Mapping[str, Any] | None = None,
        at: datetime | None = None,
    ) -> Action:
        """Record what was done that is about no one part, such as signing in."""
        row = action_row(kind, who, at or datetime.now(UTC), detail or {})
        with self.writing(f"add the action {kind!r}") as connection:
            (done,) = append(connection, actions, [row])
        return action(done)

    def actions(
        self,
        *,
        kind: str | None = None,
        who: str | None = None,
        before_number: int | None = None,
        limit: int = 50,
    ) -> list[Action]:
        """Read one page of what people did, newest first."""
        query = select(actions).order_by(actions.c.number.desc()).limit(limit)
        if kind is not None:
            query = query.where(actions.c.kind == str(kind))
        if who is not None:
            query = query.where(actions.c.who == who)
        if before_number is not None:
            query = query.where(actions.c.number < before_number)
        with self.reading("list actions") as connection:
            return [action(dict(row)) for row in connection.execute(query).mappings()]

    def note_trigger(
        self,
        trigger_id: str,
        *,
        station: str,
        source: str,
        at: datetime,
        serial: str | None = None,
        lot: str | None = None,
        product: str | None = None,
        process: Mapping[str, float | str] | None = None,
    ) -> bool:
        """Take a trigger, once: False if this station took it before. On the disk on return."""
        trigger = NotedTrigger(
            trigger_id=trigger_id, station=station, source=source, at=at,
            serial=serial, lot=lot, product=product, process=process or {},
        )  # fmt: skip
        with self.writing(f"note the trigger {trigger_id!r}") as connection:
            return journal.note(connection, trigger)

    def trigger_known(self, trigger_id: str, *, station: str) -> KnownTrigger | None:
        """Whether this station took a trigger before, with its part's number; None if it did not."""
        with self.reading(f"look for the trigger {trigger_id!r}") as connection:
            return journal.find(connection, trigger_id, station)

    def unanswered(self, station: str) -> list[NotedTrigger]:
        """List the triggers of a station that have no part yet, in the order they were taken."""
        with self.reading("list unanswered triggers") as connection:
            return journal.unanswered(connection, station)

    def prune_triggers(self, older_than: datetime) -> int:
        """Forget triggers that have their part and were taken before; give how many."""
        pruned = 0
        while True:
            with self.writing("prune the triggers") as connection:
                some = journal.prune(connection, older_than)
            pruned += some
            if some < journal.PRUNED_AT_ONCE:
                return pruned

    def undelivered(self, output: str, *, limit: int = 100) -> list[PartRecord]:
        """Read the parts an output has not taken yet, in the order they were recorded."""
        with self.reading(f"list what waits for the output {output!r}") as connection:
            return [part_record(row) for row in outbox.waiting(connection, output, limit)]

    def mark_delivered(self, output: str, part_ids: Sequence[str]) -> None:
        """Take parts out of an output's outbox; those that do not wait there stay as they are."""
        with self.writing(f"mark parts as delivered by {output!r}") as connection:
            outbox.take_out(connection, output, part_ids)

    def set_aside(self, output: str, part_id: str, reason: str) -> None:
        """Let a part wait no longer for an output whose receiver refuses it for good."""
        with self.writing(f"set part {part_id} aside for {output!r}") as connection:
            outbox.set_aside(connection, output, part_id, reason)

    def refused(
        self, output: str | None = None, *, limit: int | None = None
    ) -> list[RefusedResult]:
        """Read the parts set aside for an output, or for all, in the order they were recorded."""
        with self.reading("list refused results") as connection:
            return outbox.refused(connection, output, limit)

    def refused_counts(self) -> dict[str, int]:
        """Count the parts set aside for each output; outputs without are left out."""
        with self.reading("count refused results") as connection:
            return outbox.refused_counts(connection)

    def wait_again(self, output: str | None = None) -> int:
        """Let the parts set aside for an output, or for all, wait again; give how many."""
        with self.writing("let refused results wait again") as connection:
            return outbox.wait_again(connection, output)

    def outbox_counts(self) -> dict[str, int]:
        """Count the parts that wait for each output; those nothing waits for are left out."""
        with self.reading("count the outbox") as connection:
            return outbox.counts(connection)

    def parts(
        self,
        part_filter: PartFilter = ALL_PARTS,
        *,
        after_number: int | None = None,
        limit: int = 50,
        newest_first: bool = True,
    ) -> list[PartRecord]:
        """One page of the parts a filter lets through.

        For the next page give the last number of this one as `after_number`.
        """
        if limit < 1:
            raise ValueError(f"limit: expected 1 or more, got {limit}")
        query = page(
            conditions(part_filter),
            after_number=after_number,
            limit=limit,
            newest_first=newest_first,
        )
        with self.reading("list parts") as connection:
            return [part_record(dict(row)) for row in connection.execute(query).mappings()]

    def part(self, part_id: str) -> PartRecord | None:
        """Read one part, None if it is not recorded."""
        with self.reading(f"read part {part_id}") as connection:
            query = select(parts).where(parts.c.part_id == part_id)
            row = connection.execute(query).mappings().first()
            return None if row is None else part_record(dict(row))

    def events(self, part_id: str) -> list[PartEvent]:
        """Read what happened to a part, oldest first."""
        with self.reading(f"read the events of part {part_id}") as connection:
            query = select(events).where(events.c.part_id == part_id).order_by(events.c.number)
            return [part_event(dict(row)) for row in connection.execute(query).mappings()]

    def events_of(
        self,
        kind: str,
        *,
        since: datetime | None = None,
        after_number: int = 0,
        limit: int = 10_000,
    ) -> list[PartEvent]:
        """Read the events of one kind for all parts, such as every label, oldest first."""
        where = [events.c.kind == str(kind), events.c.number > after_number]
        if since is not None:
            where.append(events.c.at >= time_text(since))
        query = select(events).where(*where).order_by(events.c.number).limit(limit)
        with self.reading(f"list the events {kind!r}") as connection:
            return [part_event(dict(row)) for row in connection.execute(query).mappings()]

    def counts(self, part_filter: PartFilter = ALL_PARTS) -> dict[Verdict, int]:
        """Count the parts a filter lets through by verdict; every verdict is there."""
        where = conditions(part_filter)
        query = select(parts.c.verdict, func.count()).where(*where).group_by(parts.c.verdict)
        with self.reading("count parts") as connection:
            found = {verdict: count for verdict, count in connection.execute(query)}
        return {verdict: found.get(verdict.value, 0) for verdict in Verdict}

    def image_path(self, record: PartRecord) -> Path | None:
        """Find the file of a part's picture, None where it has none."""
        return None if record.image is None else self.archive.path(record.image)

    def head(self) -> ChainHead:
        """Read the end of the chain of parts, to be kept somewhere else for `verify`."""
        with self.reading("read the chain") as connection:
            return head(connection, parts)

    def verify(self, *, noted: ChainHead | None = None, pictures: bool = True) -> list[str]:
        """List what was changed, removed or inserted, one line each; empty when all is well.

        `noted` is a head kept outside: then a rewritten chain is found too. Without `pictures` the
        archive is not read.
        """
        with self.reading("verify the record") as connection:
            pages = broken_pages(connection, thorough=True)
            findings = [f"database: {each}" for each in pages]
            try:
                findings += audit.broken_rows(connection, noted)
            except (StoreDamaged, DatabaseError, UnicodeError):
                if not pages:
                    raise
                return findings  # the rows cannot even be read
            if pictures:
                findings += audit.broken_pictures(connection, self.archive)
        return findings

    def open(self) -> None:
        """Take the lock, bring the database up to date. Raises StoreError."""
        if self.read_only and self.place.file is not None and not self.place.file.exists():
            raise StoreUnavailable(
                f"store {self.place.name}: is not there to be read; check the path"
            )
        try:
            with mapped(self.place.name, "open it"):
                self._engine = connect(self.place, read_only=self.read_only)
                if self.read_only:
                    with self._engine.connect() as connection:
                        require_latest(connection, self.place.name)
                else:
                    self._open_to_write(self._engine)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let database and lock go; closing twice is safe."""
        writer, self._writer = self._writer, None
        if writer is not None:
            self._remembered.flush()
            writer.close()
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.dispose()
        if writer is not None:
            writer.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _open_to_write(self, engine: Engine) -> None:
        if self.place.file is not None:
            make_folder(self.place.file.parent)
        self._writer = Writer(engine, self.place, wait_s=self.wait_s)
        connection = self._writer.open()
        self._must_be_whole(connection)
        migrate(connection, self.place.name)
        self._note_lost_parts()
        self._staging.open()
        # Where the disk is full nothing can be noted now: `verify` names them until the next time.
        with suppress(StoreError):
            self._clear_leftovers()

    def _must_be_whole(self, connection: Connection) -> None:
        with connection.begin():
            broken = broken_pages(connection, thorough=False)
        if broken:
            raise StoreDamaged(
                f"store {self.place.name}: its pages are damaged: {broken[0]}; keep the file, look at "
                "the disk, and restore a copy"
            )

    def _note_lost_parts(self) -> None:
        """Say so in the record where it is shorter than it was: files of it were deleted or exchanged."""
        noted = self._remembered.read()
        if noted is None or noted.count == 0:
            return
        with self.writing("compare the record with what was noted of it") as connection:
            found = head(connection, parts)
            if hash_of(connection, noted.count) == noted.hash:
                return
            detail = {"noted": noted.count, "found": found.count}
            row = action_row(ActionKind.PARTS_LOST, Author.STORE, datetime.now(UTC), detail)
            append(connection, actions, [row])
        log.warning(
            "store %s: holds %d parts, not the %d noted beside it: a file of it was deleted or exchanged "
            "(NAME-wal?); keep what there is, restore a copy, and see docs/records.md",
            self.place.name, found.count, noted.count,
        )  # fmt: skip
        self._remembered.note(found)
        self._remembered.flush()

    def _clear_leftovers(self) -> None:
        """Take away pictures a crash left without a row: the lock is ours, so nobody writes one."""
        with mapped(self.place.name, "clear what a crash left"):
            if not (left := self._staging.left()):
                return
            with self.writing("note what a crash left") as connection:
                named = images_of(connection, [each.part_id for each in left])
                lost = [each for each in left if each.image is not None and each.image not in named]
                if lost:
                    detail = {"pictures": [each.image for each in lost]}
                    # What pictures without a row were taken away.
                    now = datetime.now(UTC)
                    row = action_row(ActionKind.PICTURES_CLEARED, Author.STORE, now, detail)
                    append(connection, actions, [row])
            self._staging.clear(left, lost)

    @contextmanager
    def reading(self, doing: str) -> Iterator[Connection]:
        """Open a connection to read with; for the other files of this package."""
        if self._engine is None:
            raise StoreUnavailable(f"store {self.place.name}: cannot {doing}: it is closed")
        with mapped(self.place.name, doing), self._engine.connect() as connection:
            yield connection

    def _add(
        self, doing: str, records: Sequence[NewPart], pictures: Batch, deliver_to: Sequence[str]
    ) -> list[dict[str, Any]]:
        with self.writing(doing) as connection:
            refuse_known(connection, records)
            self._staging.require(pictures)
            rows = [
                part_row(record, *(picture.named if picture else (None, None)))
                for record, picture in zip(records, pictures.pictures, strict=True)
            ]
            done = append(connection, parts, rows)
            outbox.put(connection, deliver_to, done)
            pictures.tried = True
        return done

    @contextmanager
    def writing(self, doing: str) -> Iterator[Connection]:
        """Lend the writer's connection in a transaction; for the other files of this package."""
        writer = self._require_writer(doing)
        with mapped(self.place.name, doing), writer.transaction() as connection:
            yield connection

    def _require_writer(self, doing: str) -> Writer:
        if self._writer is None:
            why = "was opened to read only" if self.read_only and self._engine else "is closed"
            raise StoreUnavailable(f"store {self.place.name}: cannot {doing}: it {why}")
        return self._writer


def _named(records: Sequence[NewPart]) -> str:
    more = f" and {len(records) - 1} more" if len(records) > 1 else ""
    return f"part {records[0].part_id}{more}"
