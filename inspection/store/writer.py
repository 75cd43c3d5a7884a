"""The one connection that writes a store, and the lock that keeps it the only one."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout
from sqlalchemy import Connection, Engine, text

from inspection.store.database import DatabaseLocation
from inspection.store.errors import StoreBusy

# The first half of the key of the advisory lock: "insp" in ASCII. The second is the schema's hash.
_LOCK_KEY = 0x696E7370
_POLL_S = 0.1
# A server that loses sight of us must let the lock go within half a minute, or we could not take it
# again; and no statement may wait for ever for another program's lock.
_SESSION = (
    "SELECT set_config('tcp_keepalives_idle', '10', false), "
    "set_config('tcp_keepalives_interval', '5', false), "
    "set_config('tcp_keepalives_count', '4', false), "
    "set_config('lock_timeout', '10s', false)"
)


class Writer:
    """Holds the lock from `open` to `close`; one transaction at a time, from any thread."""

    def __init__(self, engine: Engine, place: DatabaseLocation, *, wait_s: float) -> None:
        self.engine = engine
        self.place = place
        self.wait_s = wait_s
        self._turn = threading.Lock()
        self._connection: Connection | None = None
        self._file_lock: FileLock | None = None
        self._database: int | None = None
        """The database's own file, locked too: the file beside it may be deleted."""

    def open(self) -> Connection:
        """Wait up to `wait_s` for the lock. Raises StoreBusy naming the process that has it."""
        if self.place.file is not None:
            self._file_lock = _hold_file(self.place.lock_file, self.place.name, self.wait_s)
            self._database = _hold_database(self.place.file, self.place.name)
        self._connection = self._connected(self.wait_s)
        return self._connection

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Lend the connection within a transaction: committed at the end, undone by an error."""
        with self._turn:
            if self._connection is None or self._connection.invalidated:
                # The server went away and with it our lock: take both again, or another is writing.
                self._drop()
                self._connection = self._connected(0.0)
            with self._connection.begin():
                yield self._connection

    def close(self) -> None:
        """Let the connection go; the locks are held until `release`."""
        with self._turn:
            self._drop()

    def release(self) -> None:
        """Let the locks go, once nothing has the database open any more."""
        if self._database is not None:
            os.close(self._database)
            self._database = None
        if self._file_lock is not None:
            self._file_lock.release()
            self._file_lock = None

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _connected(self, wait_s: float) -> Connection:
        connection = self.engine.connect().execution_options(store_writer=True)
        connection.detach()  # not back into the pool: a server's lock lives as long as its session
        if self.place.file is None:
            try:
                _hold_server(connection, self.place.name, wait_s)
            except BaseException:
                connection.close()
                raise
        return connection


def _hold_file(path: Path, store: str, wait_s: float) -> FileLock:
    lock = FileLock(path, timeout=wait_s, thread_local=False)
    try:
        lock.acquire()
    except Timeout as exc:
        raise _busy(store, _pid_in(path), wait_s) from exc
    # Only for the message another process shows; Windows may refuse to write a locked file.
    with suppress(OSError):
        path.write_text(f"{os.getpid()}\n", encoding="ascii")
    return lock


def _hold_database(file: Path, store: str) -> int | None:
    """Lock the database itself; None on systems and disks that know no such lock.

    It is another lock than SQLite's own (flock, not fcntl), held until nothing is open any more: to
    close any handle of the file would end SQLite's.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        return None
    try:
        handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError:  # SQLite says what is wrong
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        if error.errno in (errno.EWOULDBLOCK, errno.EAGAIN):
            raise _busy(store, "its lock file was deleted", 0.0) from error
        return None
    return handle


def _hold_server(connection: Connection, store: str, wait_s: float) -> None:
    with connection.begin():
        connection.execute(text(_SESSION))
    deadline = time.monotonic() + wait_s
    take = text("SELECT pg_try_advisory_lock(:key, hashtext(current_schema()))")
    while True:
        with connection.begin():
            if connection.scalar(take, {"key": _LOCK_KEY}):
                return
            holder = _holder(connection)
        if time.monotonic() >= deadline:
            raise _busy(store, holder, wait_s)
        time.sleep(_POLL_S)


def _holder(connection: Connection) -> str:
    query = text(
        "SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
        "WHERE l.locktype = 'advisory' AND l.granted AND l.classid = :key "
        "AND l.objid::bigint = hashtext(current_schema())::bigint & 4294967295"
    )
    return str(connection.scalar(query, {"key": _LOCK_KEY}) or "pid unknown")


def _pid_in(path: Path) -> str:
    with suppress(OSError):
        if pid := path.read_text(encoding="ascii", errors="replace").strip():
            return f"pid {pid}"
    return "pid unknown"


def _busy(store: str, holder: str, wait_s: float) -> StoreBusy:
    return StoreBusy(
        f"store {store} is being written by another process ({holder}); waited {wait_s:g} s for it; "
        "stop that process, or open read-only"
    )
