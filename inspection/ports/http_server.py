"""An HTTP server that nothing from outside ends: bounded connections, each error a refusal."""

from __future__ import annotations

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
from inspection.ports.connections import (
    BACK_OFF_S,
    BACKLOG,
    EXHAUSTED,
    IDLE_S,
    MOST,
    MOST_OF_ONE,
    Connection,
    Connections,
)

POLL_S = 0.1
STOP_S = 5.0


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
        self.door, self._over = Door(name), False
        self.connections = Connections(most=most, most_of_one=most_of_one, idle_s=idle_s)
        super().__init__(address, handler)

    def start(self) -> None:
        """Serve in a thread of its own until `stop`."""
        self._thread = threading.Thread(target=self._serve, name=self.door.name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread and let the port go."""
        self._over = True
        self.shutdown()
        self.server_close()
        self._thread.join(STOP_S)

    def _serve(self) -> None:
        while not self._over:
            try:
                self.serve_forever(POLL_S)
            except Exception as error:  # a port that is watched goes on
                self.door.refuse(f"its thread failed and goes on: {in_words(error)}")
                time.sleep(BACK_OFF_S)

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
