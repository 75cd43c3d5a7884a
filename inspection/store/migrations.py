"""The numbered steps that make the tables in a database, and bring an old one up to date."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, insert, inspect, select

from inspection.store.chain import FIRST
from inspection.store.errors import StoreForeign, StoreOutdated
from inspection.store.records import time_text
from inspection.store.schema import applied, chain


@dataclass(frozen=True, slots=True)
class Migration:
    """One step: statements for every database, then those of its kind.

    In the former {number}, {counted} and {text} are types, {last} is the number of the last part.
    A step that was released is never edited; the next change is the next number.
    """

    number: int
    name: str
    both: Sequence[str]
    sqlite: Sequence[str] = ()
    postgresql: Sequence[str] = ()


def migrate(connection: Connection, store: str) -> None:
    """Bring a database up to the last step, each with its number in one transaction of its own.

    Raises StoreForeign for a database of another or a newer program.
    """
    for step in MIGRATIONS[_version(connection, store) :]:
        with connection.begin():
            for statement in _statements(step, connection):
                connection.exec_driver_sql(statement)
            now = time_text(datetime.now(UTC))
            row = {"number": step.number, "name": step.name, "applied_at": now}
            connection.execute(insert(applied), row)


def require_latest(connection: Connection, store: str) -> None:
    """Raise StoreOutdated unless the database is at the last step."""
    found, needed = _version(connection, store), MIGRATIONS[-1].number
    if found < needed:
        raise StoreOutdated(
            f"store {store}: has schema version {found}, needed to read it is {needed}; "
            "open it once for writing to bring it up to date"
        )


def _version(connection: Connection, store: str) -> int:
    with connection.begin():
        names = inspect(connection).get_table_names()
        if not names:
            return 0
        if "migrations" not in names:
            raise StoreForeign(
                f"store {store}: holds tables that are not of a record ({', '.join(names[:3])}); "
                "give an empty or a new database"
            )
        done = list(connection.scalars(select(applied.c.number).order_by(applied.c.number)))
    known = [step.number for step in MIGRATIONS]
    if done == known[: len(done)]:
        return len(done)
    raise StoreForeign(
        f"store {store}: has schema version {done[-1]}, this program knows up to {known[-1]}; "
        "use the newer program that wrote it"
    )


def _statements(step: Migration, connection: Connection) -> list[str]:
    dialect = connection.dialect.name
    special = step.sqlite if dialect == "sqlite" else step.postgresql
    words = {**_TYPES[dialect], "last": _last_part(connection) if step.number > 1 else 0}
    return [*(statement.format(**words) for statement in step.both), *special]


def _last_part(connection: Connection) -> int:
    return connection.scalar(select(chain.c.count).where(chain.c.name == "parts")) or 0


# In SQLite only INTEGER makes the number the row's own place in the file; PostgreSQL's INTEGER ends
# at 2^31. Text must sort by bytes in both, or times and lots would page differently.
_TYPES = {
    "sqlite": {"number": "INTEGER", "counted": "INTEGER", "text": "TEXT"},
    "postgresql": {
        "number": "BIGINT",
        "counted": "BIGINT GENERATED ALWAYS AS IDENTITY",
        "text": 'TEXT COLLATE "C"',
    },
}

_TABLES = (
    """
    CREATE TABLE migrations (
        number INTEGER PRIMARY KEY, name {text} NOT NULL, applied_at {text} NOT NULL
    )
    """,
    """
    CREATE TABLE chain (name {text} PRIMARY KEY, count {number} NOT NULL, hash {text} NOT NULL)
    """,
    """
    CREATE TABLE parts (
        number {number} PRIMARY KEY, format INTEGER NOT NULL,
        part_id {text} NOT NULL UNIQUE, serial {text}, lot {text}, station {text},
        trigger_id {text}, product {text}, source {text},
        verdict {text} NOT NULL, score DOUBLE PRECISION, p_value DOUBLE PRECISION,
        threshold DOUBLE PRECISION, reason {text} NOT NULL, recipe_id {text} NOT NULL,
        regions {text} NOT NULL, health {text} NOT NULL, latency_ms {text} NOT NULL,
        capture {text} NOT NULL, captured_at {text}, judged_at {text} NOT NULL,
        image {text}, image_sha256 {text}, previous_hash {text} NOT NULL, hash {text} NOT NULL
    )
    """,
    """
    CREATE TABLE events (
        number {number} PRIMARY KEY, format INTEGER NOT NULL,
        part_id {text} NOT NULL REFERENCES parts (part_id), kind {text} NOT NULL,
        who {text} NOT NULL, at {text} NOT NULL, detail {text} NOT NULL,
        previous_hash {text} NOT NULL, hash {text} NOT NULL
    )
    """,
    "CREATE INDEX parts_by_lot ON parts (lot, number)",
    "CREATE INDEX parts_by_lot_and_verdict ON parts (lot, verdict, number)",
    "CREATE INDEX parts_by_verdict ON parts (verdict, number)",
    "CREATE INDEX parts_by_serial ON parts (serial, number)",
    "CREATE INDEX parts_by_station ON parts (station, number)",
    "CREATE INDEX parts_by_time ON parts (judged_at, number)",
    "CREATE INDEX events_by_part ON events (part_id, number)",
    f"INSERT INTO chain VALUES ('parts', 0, '{FIRST}')",
    f"INSERT INTO chain VALUES ('events', 0, '{FIRST}')",
)

_WORKING_TABLES = (
    """
    CREATE TABLE triggers (
        number {counted} PRIMARY KEY, trigger_id {text} NOT NULL, station {text} NOT NULL,
        source {text} NOT NULL, serial {text}, lot {text}, product {text}, at {text} NOT NULL,
        UNIQUE (station, trigger_id)
    )
    """,
    """
    CREATE TABLE outbox (
        output {text} NOT NULL, number {number} NOT NULL REFERENCES parts (number),
        PRIMARY KEY (output, number)
    )
    """,
    "CREATE INDEX parts_by_trigger ON parts (trigger_id, station) WHERE trigger_id IS NOT NULL",
    # One part a trigger; version 1 let a restarted station count its triggers anew, and what it
    # recorded stays.
    """
    CREATE UNIQUE INDEX parts_one_a_trigger ON parts (trigger_id, station)
    WHERE trigger_id IS NOT NULL AND number > {last}
    """,
)

_COUNTS_AND_REMOVALS = (
    # Each covers the counts by verdict it is for: no row of parts is read.
    "DROP INDEX parts_by_time",
    "CREATE INDEX parts_by_time ON parts (judged_at, verdict, station, lot, number)",
    "CREATE INDEX parts_by_station_and_time ON parts (station, judged_at, verdict, number)",
    "CREATE INDEX events_by_kind ON events (kind, part_id)",
    # Pictures removed by rule; `done` is 0 until the file is gone.
    """
    CREATE TABLE removals (
        number {number} PRIMARY KEY REFERENCES parts (number), done INTEGER NOT NULL
    )
    """,
    "CREATE INDEX removals_to_do ON removals (number) WHERE done = 0",
)


_ACTIONS = (
    """
    CREATE TABLE actions (
        number {number} PRIMARY KEY, format INTEGER NOT NULL, kind {text} NOT NULL,
        who {text} NOT NULL, at {text} NOT NULL, detail {text} NOT NULL,
        previous_hash {text} NOT NULL, hash {text} NOT NULL
    )
    """,
    "CREATE INDEX actions_by_kind ON actions (kind, number)",
    "CREATE INDEX actions_by_who ON actions (who, number)",
    f"INSERT INTO chain VALUES ('actions', 0, '{FIRST}')",
)


# Why the receiver will not have the part; NULL while it waits.
_REFUSALS = ("ALTER TABLE outbox ADD COLUMN refused {text}",)

# Why a part got its verdict, as a code with its values (JSON); NULL in the rows there were before.
_REASONS = (
    "ALTER TABLE parts ADD COLUMN reason_code {text}",
    "ALTER TABLE parts ADD COLUMN reason_values {text}",
)

# What the line said of a part (JSON); NULL where it said nothing, and in the rows there were before.
_PROCESS = (
    "ALTER TABLE parts ADD COLUMN process {text}",
    "ALTER TABLE triggers ADD COLUMN process {text}",
)


def _sqlite_guard(name: str, action: str, table: str, when: str = "1") -> str:
    return (
        f"CREATE TRIGGER {table}_{name} BEFORE {action} ON {table} WHEN {when} "
        "BEGIN SELECT RAISE(ABORT, 'the record is append-only'); END"
    )


def _postgresql_guard(name: str, action: str, table: str, each: str = "STATEMENT") -> str:
    return (
        f"CREATE TRIGGER {table}_{name} BEFORE {action} ON {table} FOR EACH {each} "
        "EXECUTE FUNCTION refuse_change()"
    )


_ONLY_GROWS = "NEW.name <> OLD.name OR NEW.count <= OLD.count"
_SAME_PART = "EXISTS (SELECT 1 FROM parts WHERE number = NEW.number OR part_id = NEW.part_id)"
_SAME_EVENT = "EXISTS (SELECT 1 FROM events WHERE number = NEW.number)"

_SQLITE_GUARDS = (
    _sqlite_guard("no_update", "UPDATE", "parts"),
    _sqlite_guard("no_delete", "DELETE", "parts"),
    # INSERT OR REPLACE takes the old row away without firing its DELETE trigger.
    _sqlite_guard("no_replace", "INSERT", "parts", _SAME_PART),
    _sqlite_guard("no_update", "UPDATE", "events"),
    _sqlite_guard("no_delete", "DELETE", "events"),
    _sqlite_guard("no_replace", "INSERT", "events", _SAME_EVENT),
    _sqlite_guard("no_delete", "DELETE", "chain"),
    _sqlite_guard("only_grows", "UPDATE", "chain", _ONLY_GROWS),
)

_SAME_ACTION = "EXISTS (SELECT 1 FROM actions WHERE number = NEW.number)"
_SQLITE_ACTION_GUARDS = (
    _sqlite_guard("no_update", "UPDATE", "actions"),
    _sqlite_guard("no_delete", "DELETE", "actions"),
    _sqlite_guard("no_replace", "INSERT", "actions", _SAME_ACTION),
)
_POSTGRESQL_ACTION_GUARDS = (
    _postgresql_guard("append_only", "UPDATE OR DELETE OR TRUNCATE", "actions"),
)

_POSTGRESQL_GUARDS = (
    """
    CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'the record is append-only'; END $$
    """,
    _postgresql_guard("append_only", "UPDATE OR DELETE OR TRUNCATE", "parts"),
    _postgresql_guard("append_only", "UPDATE OR DELETE OR TRUNCATE", "events"),
    _postgresql_guard("no_delete", "DELETE OR TRUNCATE", "chain"),
    _postgresql_guard("only_grows", "UPDATE", "chain", f"ROW WHEN ({_ONLY_GROWS})"),
)

MIGRATIONS: tuple[Migration, ...] = (
    Migration(1, "parts, events and their chain", _TABLES, _SQLITE_GUARDS, _POSTGRESQL_GUARDS),
    Migration(2, "the journal of triggers and the outbox", _WORKING_TABLES),
    Migration(3, "indices for counts, and pictures removed by rule", _COUNTS_AND_REMOVALS),
    Migration(4, "what people did", _ACTIONS, _SQLITE_ACTION_GUARDS, _POSTGRESQL_ACTION_GUARDS),
    Migration(5, "results a receiver refuses", _REFUSALS),
    Migration(6, "reasons as codes with values", _REASONS),
    Migration(7, "process values of the line", _PROCESS),
)
