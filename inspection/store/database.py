"""Where a store lives, and how connections to it are made."""

from __future__ import annotations

import os
import re
import socket
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError

from inspection.store.errors import StoreForeign, StoreUnavailable

_SMALLEST_DATABASE_BYTES = 512  # SQLite's smallest page
_ALLOWED = "a path, sqlite:///FILE or postgresql+psycopg://USER:PASSWORD@HOST/DATABASE"
_WAIT_S = 10


@dataclass(frozen=True, slots=True)
class DatabaseLocation:
    """A store's database and archive; `file` is None on a server. `name` never holds a password."""

    url: URL
    name: str
    file: Path | None
    images: Path

    @property
    def lock_file(self) -> Path:
        """The file beside the database that its writer holds locked."""
        assert self.file is not None
        return self.file.with_name(f"{self.file.name}.lock")

    @property
    def head_file(self) -> Path | None:
        """The file beside the database that notes how many parts it has."""
        return None if self.file is None else self.file.with_name(f"{self.file.name}.head")


def place_of(path_or_url: str | Path, images: Path | None) -> DatabaseLocation:
    """Work out where database and pictures are. Raises StoreUnavailable for what cannot be a store."""
    if isinstance(path_or_url, Path) or "://" not in path_or_url:
        return _file_place(Path(path_or_url), images)
    url = _parsed(path_or_url)
    backend, _, driver = url.drivername.partition("+")
    if backend == "sqlite" and driver in ("", "pysqlite"):
        if url.query or url.database in (None, "", ":memory:"):
            raise StoreUnavailable(
                f"store {url.render_as_string()}: a SQLite URL names a file and no options, "
                "such as sqlite:///records/parts.db"
            )
        return _file_place(Path(str(url.database)), images)
    if backend == "postgresql" and driver in ("", "psycopg"):
        return _server_place(url.set(drivername="postgresql+psycopg"), images)
    raise StoreUnavailable(f"store {_shown(url)}: unknown kind {url.drivername!r}; give {_ALLOWED}")


def connect(place: DatabaseLocation, *, read_only: bool) -> Engine:
    """Make the engine; nothing is opened yet."""
    if place.file is not None:
        return _sqlite_engine(place.url, place.file, read_only=read_only)
    return _postgresql_engine(place, read_only=read_only)


def _sqlite_engine(url: URL, file: Path, *, read_only: bool) -> Engine:
    def opened() -> sqlite3.Connection:
        if not read_only:
            return _opened(file, "mode=rwc", read_only=False)
        try:
            return _opened(file, "mode=ro", read_only=True)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorname not in _NO_ROOM_FOR_SHM or _has_rows_in_wal(file):
                raise
            # On a medium nobody can write to, as auditors get it, nobody changes it meanwhile.
            return _opened(file, "immutable=1", read_only=True)

    engine = create_engine(url, creator=opened)
    event.listen(engine, "begin", _begin)
    return engine


_NO_ROOM_FOR_SHM = (
    "SQLITE_CANTOPEN",
    "SQLITE_READONLY",
    "SQLITE_READONLY_CANTINIT",
    "SQLITE_READONLY_DIRECTORY",
)
"""What SQLite says where it may not make the file that readers and writers share beside a database."""


def _opened(file: Path, how: str, *, read_only: bool) -> sqlite3.Connection:
    # isolation_level None: the driver's own BEGIN leaves CREATE TABLE outside the transaction.
    raw = sqlite3.connect(
        f"{file.as_uri()}?{how}",
        uri=True, timeout=_WAIT_S, isolation_level=None, check_same_thread=False,
    )  # fmt: skip
    try:
        _set_pragmas(raw, read_only=read_only)
        with closing(raw.execute("SELECT 1 FROM sqlite_master LIMIT 1")) as cursor:
            cursor.fetchall()
    except BaseException:
        raw.close()
        raise
    return raw


def _has_rows_in_wal(file: Path) -> bool:
    """Whether a log beside the database holds what is not in it yet."""
    try:
        return file.with_name(f"{file.name}-wal").stat().st_size > 0
    except OSError:
        return False


def broken_pages(connection: Connection, *, thorough: bool) -> list[str]:
    """What SQLite finds wrong with its pages; `thorough` compares every index with its table too.

    Nothing of a server's: it checks its own.
    """
    if connection.dialect.name != "sqlite":
        return []
    pragma = "integrity_check" if thorough else "quick_check"
    try:
        found = [str(row[0]) for row in connection.exec_driver_sql(f"PRAGMA {pragma}(20)")]
    except DatabaseError as error:
        found = [str(error.orig)]
    except UnicodeError as error:
        found = [str(error)]
    return [] if found == ["ok"] else [" ".join(each.split()) for each in found]


def _set_pragmas(raw: sqlite3.Connection, *, read_only: bool) -> None:
    pragmas = ["foreign_keys = ON", "synchronous = FULL"]
    if not read_only:
        pragmas.insert(0, "journal_mode = WAL")
    for pragma in pragmas:
        with closing(raw.execute(f"PRAGMA {pragma}")) as cursor:
            cursor.fetchall()


def _begin(connection: Connection) -> None:
    # The writer takes the write lock at once; a reader must not.
    writing = connection.get_execution_options().get("store_writer", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def _postgresql_engine(place: DatabaseLocation, *, read_only: bool) -> Engine:
    settings: dict[str, Any] = {
        "connect_timeout": _WAIT_S,
        "tcp_user_timeout": _WAIT_S * 1000,
        "application_name": f"inspection pid {os.getpid()} on {socket.gethostname()}",
    }
    try:
        return create_engine(
            place.url,
            connect_args=settings,
            isolation_level="REPEATABLE READ",  # verify reads one moment of the record
            pool_pre_ping=True,
            execution_options={"postgresql_readonly": read_only},
        )
    except ImportError as exc:
        raise StoreUnavailable(
            f"store {place.name}: needs the package psycopg, which is not installed; "
            'run pip install "psycopg[binary]"'
        ) from exc


def _file_place(file: Path, images: Path | None) -> DatabaseLocation:
    whole = file.absolute()  # the process may change its folder later
    if whole.is_file() and 0 < whole.stat().st_size < _SMALLEST_DATABASE_BYTES:
        raise StoreForeign(
            f"store {file}: {whole.stat().st_size} bytes, no SQLite database is smaller than "
            f"{_SMALLEST_DATABASE_BYTES}; it is something else; give another path"
        )
    url = URL.create("sqlite", database=str(whole))
    archive = whole.with_suffix(".images") if images is None else images.absolute()
    return DatabaseLocation(url, str(file), whole, archive)


def _server_place(url: URL, images: Path | None) -> DatabaseLocation:
    if images is None:
        raise StoreUnavailable(
            f"store {_shown(url)}: a store on a server needs a folder for its pictures, got none; "
            "give images=FOLDER"
        )
    return DatabaseLocation(url, _shown(url), None, images.absolute())


def _parsed(text: str) -> URL:
    try:
        return make_url(text)
    except (ArgumentError, ValueError) as exc:
        scheme = re.match(r"[a-z0-9+]*", text)
        raise StoreUnavailable(
            f"store {scheme[0] if scheme else ''}://…: the URL cannot be read; give {_ALLOWED}"
        ) from exc


def _shown(url: URL) -> str:
    # A password may also stand among the options.
    return url.set(query={}).render_as_string(hide_password=True)
