"""The one place where the database's and the disk's errors become ours."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError

from inspection.store.errors import (
    RecordRefused,
    StoreBusy,
    StoreDamaged,
    StoreError,
    StoreForeign,
    StoreFull,
    StoreUnavailable,
)

_Kind = tuple[type[StoreError], str]

_FULL: _Kind = (StoreFull, "no room is left on the disk; free some, nothing of this was recorded")
_BUSY: _Kind = (StoreBusy, "another program holds the database locked; close it and try again")
_DENIED: _Kind = (StoreUnavailable, "it is not allowed; check who may write there")
_LOST: _Kind = (StoreUnavailable, "the server cannot be reached; check that it runs, and the URL")

# The names of https://www.sqlite.org/rescode.html; the longest prefix that fits wins, as below.
_SQLITE: dict[str, _Kind] = {
    "SQLITE_FULL": _FULL,
    "SQLITE_BUSY": _BUSY,
    "SQLITE_LOCKED": _BUSY,
    "SQLITE_READONLY": _DENIED,
    "SQLITE_PERM": _DENIED,
    "SQLITE_AUTH": _DENIED,
    "SQLITE_CANTOPEN": (StoreUnavailable, "the file cannot be opened; check folder and rights"),
    "SQLITE_NOTADB": (StoreForeign, "the file is not a SQLite database; give another path"),
    "SQLITE_CORRUPT": (StoreDamaged, "the file is damaged; keep it, and restore a copy"),
    "SQLITE_IOERR": (StoreUnavailable, "the disk failed to read or write; check the disk"),
    "SQLITE_CONSTRAINT": (RecordRefused, "the database refused the row"),
}

# The codes of https://www.postgresql.org/docs/15/errcodes-appendix.html.
_POSTGRESQL: dict[str, _Kind] = {
    "08": _LOST,
    "23": (RecordRefused, "the database refused the row"),
    "25006": _DENIED,
    "28": (StoreUnavailable, "the server refused the login; check user and password"),
    "3D": (StoreUnavailable, "the server has no such database; create it first"),
    "40": _BUSY,
    "42501": _DENIED,
    "53": (StoreUnavailable, "the server is out of resources; see its log"),
    "53100": _FULL,
    "55P03": _BUSY,
    "57": _LOST,
    "58": (StoreUnavailable, "the server's disk failed; see its log"),
    "XX": (StoreDamaged, "the server reports damage; see its log"),
}

_OS: dict[int, _Kind] = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EACCES: _DENIED,
    errno.EPERM: _DENIED,
    errno.EROFS: _DENIED,
}

_OTHER: _Kind = (StoreError, "the database failed")


@contextmanager
def mapped(store: str, doing: str) -> Iterator[None]:
    """Turn what SQLAlchemy, its driver and the disk raise into the StoreError it means."""
    try:
        yield
    except (SQLAlchemyError, OSError, UnicodeError) as exc:
        kind, meaning = _kind(exc)
        raise kind(f"store {store}: could not {doing}: {meaning} ({_first_line(exc)})") from exc


def _kind(exc: SQLAlchemyError | OSError | UnicodeError) -> _Kind:
    if isinstance(exc, UnicodeError):
        return _SQLITE["SQLITE_CORRUPT"]
    if isinstance(exc, OSError):
        return _OS.get(exc.errno or 0, (StoreUnavailable, "the disk or folder failed; check it"))
    cause = exc.orig if isinstance(exc, DBAPIError) else None
    if isinstance(cause, sqlite3.Error):
        name = getattr(cause, "sqlite_errorname", "")
        return _longest(_SQLITE, name) or _OTHER
    found = _longest(_POSTGRESQL, getattr(cause, "sqlstate", None) or "")
    if found is None and isinstance(exc, OperationalError | InterfaceError):
        return _LOST  # a connection that never came about has no code
    return found or _OTHER


def _longest(table: dict[str, _Kind], code: str) -> _Kind | None:
    fits = [prefix for prefix in table if code.startswith(prefix)]
    return table[max(fits, key=len)] if fits else None


def _first_line(exc: SQLAlchemyError | OSError | UnicodeError) -> str:
    # SQLAlchemy's own text holds the statement and its values; the driver's says what happened.
    text = str(exc.orig) if isinstance(exc, DBAPIError) else str(exc)
    return (text.strip() or type(exc).__name__).splitlines()[0]
