"""Crashes, full disks, second writers and wrong databases: nothing is lost, and the message helps."""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError, OperationalError

from inspection.judgement import Verdict
from inspection.store import (
    NewPart,
    RecordRefused,
    Store,
    StoreBusy,
    StoreDamaged,
    StoreError,
    StoreForeign,
    StoreFull,
    StoreOutdated,
    StoreUnavailable,
    database,
    migrations,
    open_store,
    open_to_read,
)
from inspection.store import error_mapping as faults
from inspection.store.filters import PartFilter

MakePart = Callable[..., NewPart]
Opened = Callable[..., Store]
Writing = Callable[[], subprocess.Popen[str]]


def test_killed_writers_lose_no_part_they_acknowledged(opened: Opened, writing: Writing) -> None:
    chance = random.Random(5)
    acknowledged: list[str] = []
    for round_ in range(3):
        process = writing()
        assert process.stdout is not None
        acknowledged.append(process.stdout.readline().strip())
        time.sleep(chance.uniform(0.0, 0.3))
        process.kill()
        rest, _ = process.communicate(timeout=10)
        acknowledged += rest.split()
        with opened() as store:
            assert store.verify() == []
            # A part is in its outboxes or it is not there at all.
            assert store.outbox_counts() == dict.fromkeys(("mqtt", "webhook"), store.head().count)
            # Each kill leaves at most the triggers of one batch without their part.
            assert len(store.unanswered("press")) <= 4 * (round_ + 1)
    with opened(read_only=True) as store:
        recorded = {record.part_id for record in store.parts(limit=100_000)}
        assert len(recorded) == store.head().count
    # The last line may be cut short by the kill, never a whole id.
    whole = [line for line in acknowledged if len(line) == 36]
    assert len(whole) > 20
    assert set(whole) <= recorded


def test_a_second_writer_is_refused_with_the_pid_of_the_first(
    opened: Opened, writing: Writing
) -> None:
    process = writing()
    assert process.stdout is not None
    process.stdout.readline()
    with pytest.raises(StoreBusy, match="is being written by another process") as refused:
        opened(wait_s=0.3)
    assert f"pid {process.pid}" in str(refused.value)
    assert "waited 0.3 s" in str(refused.value)
    with opened(read_only=True) as store:
        assert store.head().count >= 1


def test_a_second_writer_waits_its_turn(opened: Opened, make_part: MakePart) -> None:
    first = opened()
    first.add(make_part())
    timer = threading.Timer(0.5, first.close)
    timer.start()
    with opened(wait_s=5.0) as second:
        assert second.add(make_part()).number == 2
    timer.join()


def test_threads_share_one_writer(store: Store, make_part: MakePart) -> None:
    batches = [[make_part() for _ in range(3)] for _ in range(8)]
    threads = [threading.Thread(target=store.add_many, args=(batch,)) for batch in batches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.head().count == 24
    assert store.verify() == []


def test_a_clock_that_jumps_back_an_hour_changes_no_order(
    store: Store, make_part: MakePart
) -> None:
    noon = datetime(2026, 10, 25, 12, tzinfo=UTC)
    minutes = [0, 30, 59, -1, 29, 61]  # set back by an hour after the third
    for minute in minutes:
        store.add(make_part(judged_at=noon + timedelta(minutes=minute)))
    assert store.verify() == []
    page = store.parts(limit=2)
    rest = store.parts(limit=9, after_number=page[-1].number)
    assert [record.number for record in [*page, *rest]] == [6, 5, 4, 3, 2, 1]
    half_hour = store.parts(PartFilter(since=noon, until=noon + timedelta(minutes=30)))
    assert [record.number for record in half_hour] == [5, 1]
    assert store.counts(PartFilter(since=noon + timedelta(minutes=59)))[Verdict.PASS] == 2


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 1 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    done = subprocess.run(mount, check=False, capture_output=True, text=True, timeout=10)
    if done.returncode != 0:
        pytest.skip(
            f"NOT TESTED on a full disk: mounting one is not allowed: {done.stderr.strip()}"
        )
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True, timeout=10)


@pytest.mark.parametrize("full", ["database", "pictures"])
def test_a_full_disk_loses_nothing_and_the_store_goes_on_after(
    small_disk: Path, tmp_path: Path, make_part: MakePart, full: str
) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 250_000)
    path = (small_disk if full == "database" else tmp_path) / "parts.db"
    images = (tmp_path if full == "database" else small_disk) / "parts.images"
    recorded = []
    with open_store(path, images=images) as store:
        with pytest.raises(StoreFull, match="no room is left on the disk; free some") as raised:
            for _ in range(3000):
                recorded.append(store.add(make_part()).part_id)
        assert str(raised.value).startswith(f"store {path}: could not add part ")
        assert len(recorded) > 10
        # Where the commit itself failed its picture stays: it could yet turn out to be committed.
        files = {file.stem for file in images.rglob("*") if file.is_file()}
        assert files >= set(recorded)
        assert len(files) <= len(recorded) + (1 if full == "database" else 0)
        assert store.verify() == []
        ballast.unlink()
        recorded.append(store.add(make_part()).part_id)
    with open_store(path, images=images) as store:
        assert [
            record.part_id for record in store.parts(limit=5000, newest_first=False)
        ] == recorded
        assert store.verify() == []


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "parts.db"
    path.write_text("name,verdict\n" * 100)
    with pytest.raises(
        StoreForeign, match=f"store {path}: could not open it: the file is not a SQLite"
    ):
        open_store(path)
    assert path.read_text().startswith("name,verdict")


def test_a_database_of_something_else_is_refused(store_url: str, images: Path, raw: Any) -> None:
    raw("CREATE TABLE customers (name TEXT)")
    with pytest.raises(StoreForeign, match=r"holds tables that are not of a record \(customers\)"):
        open_store(store_url, images=images)


def test_a_newer_store_is_refused_and_left_alone(
    opened: Opened, make_part: MakePart, raw: Any
) -> None:
    with opened() as store:
        store.add(make_part())
    last = len(migrations.MIGRATIONS)
    raw(
        f"INSERT INTO migrations VALUES ({last + 1}, 'of the future', '2030-01-01T00:00:00.000000Z')"
    )
    message = f"has schema version {last + 1}, this program knows up to {last}"
    for read_only in (False, True):
        with pytest.raises(StoreForeign, match=message):
            opened(read_only=read_only)
    assert raw("SELECT count(*) FROM parts") == [(1,)]


def test_a_migration_is_done_whole_or_not_at_all(
    opened: Opened, make_part: MakePart, raw: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened() as store:
        part = store.add(make_part())
    released = migrations.MIGRATIONS
    last = len(released)
    good = migrations.Migration(
        last + 1, "more", ["CREATE TABLE more (number {number} PRIMARY KEY)"]
    )
    bad = migrations.Migration(
        last + 2, "bad", ["CREATE TABLE half (name {text})", "CREATE NONSENSE"]
    )
    monkeypatch.setattr(migrations, "MIGRATIONS", (*released, good, bad))
    with pytest.raises(StoreError, match="could not open it"):
        opened()
    assert raw("SELECT max(number) FROM migrations") == [(last + 1,)]
    assert raw("SELECT count(*) FROM more") == [(0,)]
    with pytest.raises((sqlite3.OperationalError, psycopg.errors.UndefinedTable)):
        raw("SELECT * FROM half")
    monkeypatch.setattr(migrations, "MIGRATIONS", (*released, good))
    with opened() as store:
        assert store.parts() == [part]


def test_an_older_store_is_not_read_before_it_is_brought_up_to_date(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened().close()
    last = len(migrations.MIGRATIONS)
    step = migrations.Migration(
        last + 1, "more", ["CREATE TABLE more (number {number} PRIMARY KEY)"]
    )
    monkeypatch.setattr(migrations, "MIGRATIONS", (*migrations.MIGRATIONS, step))
    message = f"has schema version {last}, needed to read it is {last + 1}"
    with pytest.raises(StoreOutdated, match=message):
        opened(read_only=True)
    opened().close()
    with opened(read_only=True) as store:
        assert store.parts() == []


def test_a_record_of_an_older_program_is_brought_up_to_date_to_be_read(
    tmp_path: Path, make_part: MakePart, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "parts.db"
    with open_store(path) as store:
        part = store.add(make_part())
        head = store.head()
    step = migrations.Migration(
        len(migrations.MIGRATIONS) + 1, "more", ["CREATE TABLE more (number {number} PRIMARY KEY)"]
    )
    monkeypatch.setattr(migrations, "MIGRATIONS", (*migrations.MIGRATIONS, step))
    with open_to_read(path) as store:
        assert (store.parts(), store.head(), store.verify()) == ([part], head, [])
        assert store.read_only


def test_a_database_held_locked_by_another_program(
    tmp_path: Path, make_part: MakePart, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_WAIT_S", 0.2)
    path = tmp_path / "parts.db"
    with open_store(path) as store:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreBusy, match="another program holds the database locked"):
            store.add(make_part())
        other.close()
        assert store.add(make_part()).number == 1


def test_a_damaged_file_says_so(tmp_path: Path, make_part: MakePart) -> None:
    path = tmp_path / "parts.db"
    with open_store(path) as store:
        store.add_many([make_part() for _ in range(200)])
    data = bytearray(path.read_bytes())
    data[8192 : len(data) // 2] = os.urandom(len(data) // 2 - 8192)
    path.write_bytes(data)
    damaged = pytest.raises(StoreDamaged, match="the file is damaged; keep it, and restore a copy")
    with damaged, open_store(path, read_only=True) as store:
        store.verify()


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("sqlite://", "a SQLite URL names a file and no options"),
        ("sqlite:///:memory:", "a SQLite URL names a file and no options"),
        ("sqlite:///a.db?mode=ro", "a SQLite URL names a file and no options"),
        ("mysql://anna:secret@host/db", r"unknown kind 'mysql'; give a path, sqlite:///FILE or"),
        ("postgresql+asyncpg://anna:secret@host/db", "unknown kind 'postgresql.asyncpg'"),
        (
            "postgresql://anna:secret@host/db",
            "needs a folder for its pictures, got none; give images=",
        ),
        ("postgresql://host/db?password=secret", "needs a folder for its pictures, got none"),
        ("postgresql://anna:secret@host:port/db", "the URL cannot be read; give a path,"),
    ],
)
def test_a_wrong_url_says_what_is_allowed(where: str, message: str) -> None:
    with pytest.raises(StoreUnavailable, match=message) as raised:
        open_store(where)
    assert "secret" not in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_missing_store_is_not_made_by_a_reader(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="is not there to be read; check the path"):
        open_store(tmp_path / "parts.db", read_only=True)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "parts.db").mkdir()
    with pytest.raises(StoreUnavailable, match="could not open it: the file cannot be opened"):
        open_store(tmp_path / "parts.db")


def test_a_file_where_the_archive_should_be(tmp_path: Path) -> None:
    (tmp_path / "parts.images").write_text("")
    with pytest.raises(StoreUnavailable, match="could not open it: .*parts.images"):
        open_store(tmp_path / "parts.db")


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    url = "postgresql+psycopg://anna:secret@127.0.0.1:1/parts"
    with pytest.raises(
        StoreUnavailable, match="the server cannot be reached; check that it"
    ) as raised:
        open_store(url, images=tmp_path)
    assert "postgresql+psycopg://anna:***@127.0.0.1:1/parts" in str(raised.value)
    assert "secret" not in f"{raised.value} {raised.value.__cause__}"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"password": "wrong-secret"},
            "server refused the login|cannot be reached.*authentication",
        ),
        ({"database": "no_such_database"}, "no such database|does not exist"),
    ],
)
def test_a_server_that_refuses(
    server_url: str, tmp_path: Path, change: dict[str, str], message: str
) -> None:
    url = make_url(server_url)
    url = url.set(
        password=change.get("password", url.password), database=change.get("database", url.database)
    )
    with pytest.raises(StoreUnavailable, match=message) as raised:
        open_store(url.render_as_string(hide_password=False), images=tmp_path)
    assert "secret" not in f"{raised.value} {raised.value.__cause__}"


def test_a_lost_server_session_is_taken_up_again(
    server_url: str, images: Path, make_part: MakePart
) -> None:
    with open_store(server_url, images=images) as store:
        store.add(make_part())
        _end_sessions(server_url)
        with pytest.raises(StoreUnavailable, match="the server cannot be reached"):
            store.add(make_part())
        assert store.add(make_part()).number == 2
        assert len(store.parts()) == 2
        _end_sessions(server_url)
        with pytest.raises(StoreUnavailable):
            store.add(make_part())
        with open_store(server_url, images=images) as other:
            with pytest.raises(StoreBusy, match="is being written by another process"):
                store.add(make_part())
            assert other.add(make_part()).number == 3
        assert store.add(make_part()).number == 4
        assert store.verify() == []


def _end_sessions(url: str) -> None:
    with psycopg.connect(url.replace("+psycopg", "")) as raw:
        raw.execute(
            "SELECT pg_terminate_backend(l.pid, 5000) FROM pg_locks l "
            "WHERE l.locktype = 'advisory' AND l.objid::bigint = "
            "hashtext(current_schema())::bigint & 4294967295"
        )


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("SQLITE_FULL", StoreFull),
        ("SQLITE_BUSY_SNAPSHOT", StoreBusy),
        ("SQLITE_LOCKED", StoreBusy),
        ("SQLITE_READONLY_DBMOVED", StoreUnavailable),
        ("SQLITE_IOERR_FSYNC", StoreUnavailable),
        ("SQLITE_CANTOPEN_ISDIR", StoreUnavailable),
        ("SQLITE_NOTADB", StoreForeign),
        ("SQLITE_CORRUPT_INDEX", StoreDamaged),
        ("SQLITE_CONSTRAINT_PRIMARYKEY", RecordRefused),
        ("SQLITE_ERROR", StoreError),
    ],
)
def test_a_sqlite_error_becomes_the_error_it_means(name: str, kind: type[StoreError]) -> None:
    cause = sqlite3.OperationalError("what sqlite says")
    cause.sqlite_errorname = name
    assert type(_mapped(OperationalError("SELECT", {}, cause))) is kind


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (psycopg.errors.DiskFull, StoreFull),
        (psycopg.errors.TooManyConnections, StoreUnavailable),
        (psycopg.errors.AdminShutdown, StoreUnavailable),
        (psycopg.errors.InvalidPassword, StoreUnavailable),
        (psycopg.errors.InsufficientPrivilege, StoreUnavailable),
        (psycopg.errors.ReadOnlySqlTransaction, StoreUnavailable),
        (psycopg.errors.LockNotAvailable, StoreBusy),
        (psycopg.errors.SerializationFailure, StoreBusy),
        (psycopg.errors.UniqueViolation, RecordRefused),
        (psycopg.errors.DataCorrupted, StoreDamaged),
        (psycopg.errors.SyntaxError, StoreError),
    ],
)
def test_a_postgresql_error_becomes_the_error_it_means(
    error: type[psycopg.Error], kind: type[StoreError]
) -> None:
    ours = _mapped(DBAPIError("SELECT", {}, error("what the server says\nDETAIL: more")))
    assert type(ours) is kind
    assert "DETAIL" not in str(ours)


def _mapped(error: DBAPIError) -> StoreError:
    expected = pytest.raises(StoreError, match=r"store X: could not work: .* \(what .* says\)$")
    with expected as raised, faults.mapped("X", "work"):
        raise error
    return raised.value
