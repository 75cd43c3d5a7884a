"""The page's port: silent connections keep nobody out, and half a request is none."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import uvicorn

from ui.app import bounded_http
from ui.app.bounded_http import BoundedHttp


async def _app(scope: Any, receive: Any, send: Any) -> None:
    """Say how long the body was, after a while if asked."""
    body = b""
    while (message := await receive()).get("more_body"):
        body += message["body"]
    if scope["path"] == "/slow":
        await asyncio.sleep(1.0)
    text = str(len(body + message.get("body", b""))).encode()
    start = {"type": "http.response.start", "status": 200, "headers": [(b"x-a", b"b")]}
    await send(start)
    await send({"type": "http.response.body", "body": text})


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    for name, value in (("most", 20), ("most_of_one", 10), ("idle_s", 0.5)):
        monkeypatch.setattr(BoundedHttp.places, name, value)
    monkeypatch.setattr(bounded_http, "BODY_S", 0.2)
    monkeypatch.setattr(bounded_http, "CLOSE_IDLE_EVERY_S", 0.05)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        config = uvicorn.Config(_app, http=BoundedHttp, log_config=None, lifespan="off", ws="none")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        _wait(lambda: server.started)
        yield int(listening.getsockname()[1])
        server.should_exit = True
        thread.join(20)


def _wait(happened: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.01)


def _connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), 10)


def test_silent_connections_keep_nobody_out(page: int) -> None:
    silent = [_connect(page) for _ in range(60)]
    assert httpx.get(f"http://127.0.0.1:{page}/").status_code == 200
    assert len(BoundedHttp.places) <= 10
    for each in silent:
        each.close()
    _wait(lambda: len(BoundedHttp.places) == 0)


@pytest.mark.parametrize(
    "sent", [b"", b"GET / HT", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n"]
)
def test_half_a_request_is_closed(page: int, sent: bytes) -> None:
    with _connect(page) as line:
        line.sendall(sent)
        assert line.recv(100) == b""


def test_a_request_that_is_worked_on_is_not_closed(page: int) -> None:
    assert httpx.post(f"http://127.0.0.1:{page}/slow", content=b"x" * 300_000).text == "300000"
