"""The connections of one port: so many at most, and none for ever that says nothing.

When a port or an address has all it may have, a new connection takes the place of the one that has
said nothing for longest. Whoever fills a port with silent connections so drives out his own.
"""

from __future__ import annotations

import errno
import json
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from inspection.outside import Door, Refused, TooLarge, count_of, in_words

MOST, MOST_OF_ONE = 256, 128
"""Connections of a port, and of them from one address."""
IDLE_S = 10.0
BACKLOG = 128
BACK_OFF_S = 0.2
EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
"""What `accept` fails with when a process or computer has no more to give; trying at once is in vain."""


class Connection:
    """One connection; `busy` while its request is worked on."""

    def __init__(self, address: str, close: Callable[[], object], heard_at: float) -> None:
        self.address, self.heard_at, self.busy = address, heard_at, 0
        self._close = close

    def close(self) -> None:
        """Hang up."""
        with suppress(OSError, RuntimeError):
            self._close()


class Connections:
    """Knows the connections of one port. Any thread may call."""

    def __init__(
        self,
        *,
        most: int = MOST,
        most_of_one: int = MOST_OF_ONE,
        idle_s: float = IDLE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.most, self.most_of_one, self.idle_s = most, most_of_one, idle_s
        self._clock, self._lock = clock, threading.Lock()
        self._open: dict[int, Connection] = {}

    def __len__(self) -> int:
        return len(self._open)

    def enter(self, address: str, close: Callable[[], object]) -> Connection | None:
        """Let a connection in, in place of a silent one where there are too many; None: no room.

        `close` hangs up, from any thread.
        """
        new = Connection(address, close, self._clock())
        with self._lock:
            others = list(self._open.values())
            same = [each for each in others if each.address == address]
            full = same if len(same) >= self.most_of_one else others
            if full is same or len(others) >= self.most:
                silent = min(
                    (each for each in full if not each.busy),
                    key=lambda each: each.heard_at,
                    default=None,
                )
                if silent is None:
                    return None
                self._open.pop(id(silent))
            else:
                silent = None
            self._open[id(new)] = new
        if silent is not None:
            silent.close()
        return new

    def heard(self, connection: Connection) -> None:
        """Note that a connection said something that makes sense."""
        connection.heard_at = self._clock()

    def leave(self, connection: Connection) -> None:
        """Forget a connection that ended; safe twice."""
        with self._lock:
            self._open.pop(id(connection), None)

    def close_idle(self) -> None:
        """Hang up on those that have said nothing for `idle_s`."""
        before = self._clock() - self.idle_s
        with self._lock:
            idle = [
                each for each in self._open.values() if each.heard_at < before and not each.busy
            ]
            for each in idle:
                self._open.pop(id(each))
        for each in idle:
            each.close()


class BoundedServer(ThreadingHTTPServer):
    """An HTTP server that nothing from outside ends: bounded connections, each error a refusal."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = BACKLOG

    def __init__(
        self,
        address: tuple[str, int],
        handler: type[BoundedHandler],
        *,
        name: str,
        most: int = MOST,
        most_of_one: int = MOST_OF_ONE,
        idle_s: float = IDLE_S,
    ) -> None:
        self.door = Door(name)
        self.connections = Connections(most=most, most_of_one=most_of_one, idle_s=idle_s)
        super().__init__(address, handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection; where nothing is left to accept it with, wait a little."""
        try:
            return super().get_request()
        except OSError as error:
            if error.errno in EXHAUSTED:
                self.door.refuse(f"cannot accept a connection: {error.strerror}")
                time.sleep(BACK_OFF_S)
            raise

    def process_request(self, request: Any, client_address: Any) -> None:
        """Work on a connection in a thread of its own, if there is room for it."""

        def hang_up() -> None:
            request.shutdown(socket.SHUT_RDWR)

        connection = self.connections.enter(str(client_address[0]), hang_up)
        if connection is None:
            self.door.refuse(f"too many connections, {len(self.connections)} at work")
            self.shutdown_request(request)
            return
        thread = threading.Thread(
            target=self._served, args=(request, client_address, connection), daemon=True
        )
        try:
            thread.start()
        except RuntimeError as error:  # no more threads
            self.connections.leave(connection)
            self.shutdown_request(request)
            self.door.refuse(f"cannot work on a connection: {error}")

    def _served(self, request: Any, client_address: Any, connection: Connection) -> None:
        _OF_THREAD.connection = connection
        try:
            self.process_request_thread(request, client_address)
        finally:
            self.connections.leave(connection)

    def service_actions(self) -> None:
        """Hang up on who says nothing; called all the time by `serve_forever`."""
        self.connections.close_idle()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Count what went wrong with a request; a caller that went away is nothing."""
        error = sys.exception()
        if error is not None and not isinstance(error, OSError):
            self.door.refuse(f"{type(error).__name__}: {error}")


_OF_THREAD = threading.local()


class BoundedHandler(BaseHTTPRequestHandler):
    """A handler of a `BoundedServer`: what its `get` or `post` raises is an answer, and prints nothing."""

    server: BoundedServer
    server_version, sys_version = "inspection", ""
    disable_nagle_algorithm = True

    def get(self) -> None:
        """Answer a GET."""
        self.answer(HTTPStatus.NOT_FOUND, {"error": "there is nothing to read here"})

    def post(self) -> None:
        """Answer a POST."""
        self.answer(HTTPStatus.NOT_FOUND, {"error": "there is nothing to post to here"})

    def do_GET(self) -> None:
        """Answer a GET, whatever goes wrong."""
        self._guarded(self.get)

    def do_POST(self) -> None:
        """Answer a POST, whatever goes wrong."""
        self._guarded(self.post)

    def log_message(self, *_: Any) -> None:
        """Print nothing."""

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Keep the connection while its request is worked on; nobody takes its place."""
        connection: Connection = _OF_THREAD.connection
        connection.busy += 1
        try:
            yield
        finally:
            connection.busy -= 1
            self.server.connections.heard(connection)

    def body(self, *, most: int) -> bytes:
        """Read the body. Raises TooLarge unless it says a length of at most `most` bytes."""
        kept, self.close_connection = self.close_connection, True  # unread, nothing can follow it
        if self.headers.get("Transfer-Encoding"):
            raise TooLarge("a body without its length is not taken")
        size = count_of(self.headers.get("Content-Length") or "0", most=most)
        data = self.rfile.read(size)
        if len(data) < size:
            raise ConnectionResetError("the caller went away")
        self.close_connection = kept
        return data

    def answer(self, status: HTTPStatus, content: Mapping[str, Any]) -> None:
        """Answer with a JSON object."""
        self.send(status, json.dumps(content, default=str).encode(), "application/json")

    def send(self, status: HTTPStatus, data: bytes, kind: str) -> None:
        """Answer with `data` of this media type."""
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(data)

    def _guarded(self, work: Callable[[], None]) -> None:
        def unless_gone() -> None:
            with suppress(ConnectionError, TimeoutError):  # the caller went away: his right
                work()

        self.server.door.attempt(unless_gone, refused=self._refuse)

    def _refuse(self, error: Exception) -> None:
        self.close_connection = True
        status = HTTPStatus.INTERNAL_SERVER_ERROR
        if isinstance(error, Refused):
            status = HTTPStatus.BAD_REQUEST
        if isinstance(error, TooLarge):
            status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        with suppress(OSError):
            self.answer(status, {"error": in_words(error)})
            self._let_finish()

    def _let_finish(self) -> None:
        """Read what the caller still sends, a little: a socket closed before loses the answer."""
        self.connection.settimeout(BACK_OFF_S)
        for _ in range(8):
            if not self.connection.recv(8192):
                return
