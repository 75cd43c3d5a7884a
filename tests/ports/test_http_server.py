"""Silent connections: they make room for others, end by themselves, and stop nobody."""

from __future__ import annotations

import json
import resource
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http import HTTPStatus
from http.client import HTTPConnection
from typing import Any

import pytest

from inspection.ports.connections import Connections
from inspection.ports.http_server import BoundedHandler, BoundedServer


class Echo(BoundedHandler):
    timeout = 5.0

    def post(self) -> None:
        body = self.body(most=100)
        with self.at_work():
            if body == b"bug":
                raise ZeroDivisionError("a bug")
            self.answer(HTTPStatus.OK, {"got": body.decode()})


@pytest.fixture
def serve() -> Iterator[Callable[..., BoundedServer]]:
    with ExitStack() as stack:

        def make(**limits: Any) -> BoundedServer:
            server = BoundedServer(("127.0.0.1", 0), Echo, name="echo", **limits)
            server.start()
            stack.callback(server.stop)
            return server

        yield make


def _post(server: BoundedServer, body: str) -> tuple[int, Any]:
    line = HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    try:
        line.request("POST", "/", body)
        answer = line.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        line.close()


def _silent(server: BoundedServer) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.server_port), 10)


def _wait(happened: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_silent_connections_make_room_for_one_that_speaks(serve: Any) -> None:
    server = serve(most=20, most_of_one=10, idle_s=100.0)
    silent = [_silent(server) for _ in range(60)]
    try:
        assert _post(server, "A-1") == (200, {"got": "A-1"})
        assert len(server.connections) <= 10
    finally:
        for each in silent:
            each.close()
    _wait(lambda: len(server.connections) == 0)


def test_a_connection_that_says_nothing_or_never_ends_a_request_is_closed(serve: Any) -> None:
    server = serve(idle_s=0.3)
    with _silent(server) as silent, _silent(server) as slow:
        slow.sendall(b"POST / HTTP/1.1\r\nContent-Length: 50\r\n\r\nhalf")
        assert silent.recv(10) == b""
        assert b"HTTP" not in slow.recv(10)
    _wait(lambda: len(server.connections) == 0)


def test_whatever_a_request_does_is_an_answer_and_prints_nothing(
    serve: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    server = serve()
    assert _post(server, "bug") == (500, {"error": "unexpected ZeroDivisionError: a bug"})
    assert _post(server, "x" * 101)[0] == 413
    for text in (b"\0\0\0", b"GET " + b"x" * 70_000, b"POST / HTTP/9.9\r\n\r\n", b"\r\n\r\n"):
        with _silent(server) as line:
            line.sendall(text)
    with _silent(server) as line:  # the caller resets it
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        line.sendall(b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n")
    assert _post(server, "A-2")[0] == 200
    assert capfd.readouterr() == ("", "")


def test_with_no_descriptor_left_the_server_waits_and_goes_on(
    serve: Any, caplog: pytest.LogCaptureFixture
) -> None:
    server = serve(most=10_000, most_of_one=10_000)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    with socket.create_connection(("127.0.0.1", server.server_port)) as line:
        used = max(line.fileno(), server.fileno())
        resource.setrlimit(resource.RLIMIT_NOFILE, (used + 8, limits[1]))
        try:
            taken = []
            with pytest.raises(OSError, match="Too many open files"):
                for _ in range(50):
                    taken.append(_silent(server))
            taken.pop().close()  # let one wait in the queue of the port
            _wait(lambda: server.door.refused > 2)
            for each in taken:
                each.close()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert _post(server, "A-3")[0] == 200
    assert "echo: refused: cannot accept a connection: Too many open files" in caplog.text
    assert len(caplog.records) <= 5


def test_one_at_work_is_never_driven_out() -> None:
    now, closed = [0.0], []
    room = Connections(most=3, most_of_one=2, idle_s=5.0, clock=lambda: now[0])
    one = room.enter("a", lambda: closed.append("one"))
    two = room.enter("a", lambda: closed.append("two"))
    assert one is not None
    assert two is not None
    one.busy += 1
    assert room.enter("a", lambda: closed.append("three")) is not None
    assert closed == ["two"]
    assert room.enter("b", lambda: closed.append("b")) is not None
    assert len(room) == 3
    now[0] = 6.0
    room.close_idle()
    assert closed == ["two", "three", "b"]
    assert len(room) == 1
    other = room.enter("a", lambda: closed.append("four"))
    assert other is not None
    other.busy += 1
    assert room.enter("a", lambda: None) is None  # all of them work
    room.leave(one)
    room.leave(one)
    assert len(room) == 1
