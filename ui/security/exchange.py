"""What passes the gate, message by message: not too much in, headers on what goes out, no longer
than the session holds."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.types import Message, Receive, Send

from ui.security.headers import set_security_headers
from ui.security.sessions import Session, Sessions
from ui.security.users import UsersError

LARGEST_SOCKET_MESSAGE = 2**16
SESSION_OVER, TOO_LARGE = 4401, 1009
"""Codes a WebSocket is closed with: ours for what HTTP calls 401, and that of RFC 6455."""


class Watch:
    """Asks now and then whether a session still holds, for answers that go on for hours."""

    def __init__(self, sessions: Sessions, session: Session | None, *, every_s: float) -> None:
        self.sessions, self.session, self.every_s = sessions, session, every_s
        self._asked, self._holds = time.monotonic(), True

    def __call__(self) -> bool:
        """Whether it holds; without a session always, while users.json is damaged never."""
        now = time.monotonic()
        if self.session is not None and now - self._asked >= self.every_s:
            self._asked = now
            try:
                self._holds = self.sessions.valid(self.session)
            except UsersError:
                self._holds = False
        return self._holds


class HttpExchange:
    """A request: its body is cut off at `most_bytes`, its answer gets headers and a cookie."""

    def __init__(
        self,
        receive: Receive,
        send: Send,
        *,
        path: str,
        most_bytes: int,
        holds: Callable[[], bool],
        cookie: str | None = None,
    ) -> None:
        self._receive, self._send = receive, send
        self.path, self.most_bytes, self.holds, self.cookie = path, most_bytes, holds, cookie
        self.too_large = self.started = self.over = False
        self._bytes = 0

    async def receive(self) -> Message:
        """The next piece of the body; a body that is too large ends like a lost caller."""
        if self.too_large:
            return {"type": "http.disconnect"}
        message = await self._receive()
        self._bytes += len(message.get("body", b""))
        self.too_large = self._bytes > self.most_bytes
        return {"type": "http.disconnect"} if self.too_large else message

    async def send(self, message: Message) -> None:
        """Pass on a piece of the answer; after a body too large none, the gate answers then.

        An answer of one piece always goes out: it may tell of the change that ended the session.
        """
        if self.too_large and not self.started:
            return
        if message["type"] == "http.response.start":
            self.started = True
            message = with_security_headers(message, self.path, self.cookie)
        elif message.get("more_body") and not self.over and not self.holds():
            self.over = True
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})
        if self.over:
            raise OSError("the session is over")
        await self._send(message)


class SocketExchange:
    """A WebSocket: closed at a message that is too large, and when the session is over."""

    def __init__(
        self, receive: Receive, send: Send, *, path: str, holds: Callable[[], bool]
    ) -> None:
        self._receive, self._send, self.path, self.holds = receive, send, path, holds
        self._code: int | None = None

    @property
    def closed(self) -> bool:
        """Whether it was closed here."""
        return self._code is not None

    async def receive(self) -> Message:
        """The next message, or that the other side is gone."""
        message: Message = {"type": "websocket.disconnect"}
        if self._code is None:
            message = await self._receive()
        if message["type"] == "websocket.receive":
            if _size(message) > LARGEST_SOCKET_MESSAGE:
                await self._close(TOO_LARGE)
            elif not self.holds():
                await self._close(SESSION_OVER)
        if self._code is None:
            return message
        return {"type": "websocket.disconnect", "code": self._code}

    async def send(self, message: Message) -> None:
        """Pass on a message. Raises OSError after the socket was closed here, as servers do."""
        if message["type"] == "websocket.http.response.start":
            message = with_security_headers(message, self.path)
        elif message["type"] == "websocket.send" and not self.holds():
            await self._close(SESSION_OVER)
        if self._code is None:
            await self._send(message)
        elif message["type"] != "websocket.close":
            raise OSError("the socket is closed")

    async def _close(self, code: int) -> None:
        if self._code is None:
            self._code = code
            await self._send({"type": "websocket.close", "code": code, "reason": ""})


def with_security_headers(message: Message, path: str, cookie: str | None = None) -> Message:
    """The start of an answer with all its headers."""
    message = {**message, "headers": list(message.get("headers", []))}
    headers = MutableHeaders(scope=message)
    set_security_headers(headers, path)
    if cookie is not None:
        headers.append("Set-Cookie", cookie)
    return message


def _size(message: Any) -> int:
    return len(message.get("bytes") or (message.get("text") or "").encode())
