"""The one gate before all pages: who comes in, from where, to what, and with how much."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, cookie_parser
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from ui.security import plain_pages
from ui.security.exchange import HttpExchange, SocketExchange, Watch, with_security_headers
from ui.security.paths import MIB, blocked, most_bytes, normalise, panel_door, role_for
from ui.security.rate import RateLimit
from ui.security.request_checks import (
    FORWARDED,
    LOOPBACK,
    SAFE,
    UNSPECIFIED,
    Refusal,
    check_body,
    check_host,
    check_origin,
    is_local,
    is_navigation,
    is_secure,
)
from ui.security.sessions import Session, Sessions
from ui.security.users import ANYBODY, Role, User, Users, UsersError
from ui.words import Words

UPLOAD_BYTES = 1024 * MIB
"""Of all files that were dropped together: Gradio sends them as one; each is 50 MB at most."""
RECHECK_S = 2.0
ACTED = "acted"
"""The cookie that tells for a minute that a person used mouse or keys: a panel's timer asks by itself."""


class AccessMiddleware:
    """ASGI middleware that lets nobody in unless host, path, origin, size, session, role and rate fit.

    What the inner application finds in the scope: `user` (User; None only at /login, /logout,
    /language, /static and /words), `session` (Session or None), `language`, `local` (whether the
    caller sits at the station itself) and the normalised `path`.

    A request without an Origin passes when it reads, when the browser says it comes from our own
    page, and when it carries neither cookie nor Sec-Fetch-Site: then it is a program's, and acts
    in nobody's name. A WebSocket always needs one. An Origin that is not ours never passes.

    Raises SessionsError when the secret is damaged.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        users: Users,
        sessions: Sessions,
        loopback_only: bool,
        hosts: Iterable[str] = (),
        panels: Iterable[str] = (),
        words: plain_pages.Sayer | None = None,
        upload_bytes: int = UPLOAD_BYTES,
        recheck_s: float = RECHECK_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.app, self.users, self.sessions = app, users, sessions
        _ = sessions.cookie  # a damaged secret is told at the start, not to every visitor
        self.loopback_only = loopback_only
        self.hosts = LOOPBACK | ({host.lower().strip("[]") for host in hosts} - UNSPECIFIED)
        self.words = words or Words()
        self.rate = RateLimit(clock)
        self.upload_bytes, self.recheck_s = upload_bytes, recheck_s
        self.panels = frozenset(panels)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one connection in, or answer it here."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        headers = Headers(raw=list(scope["headers"]))
        scope = {
            **scope,
            "headers": [pair for pair in scope["headers"] if pair[0].lower() not in FORWARDED],
            "language": plain_pages.language_of(headers),
            "local": is_local(scope, headers),
        }
        try:
            self._admit(scope, headers)
        except Refusal as refusal:
            await _deny(self._answer(refusal, scope, headers), scope, receive, send)
        else:
            await self._pass(scope, headers, receive, send)

    def _admit(self, scope: Scope, headers: Headers) -> None:
        """Check everything, cheap things first, and note in the scope who it is."""
        check_host(scope, headers, self.hosts)
        try:
            scope["path"] = path = normalise(scope["path"])
        except ValueError:
            raise Refusal(400, "path") from None
        scope["raw_path"] = quote(path, safe="/=:@!$&'()*+,;~").encode()
        check_origin(scope, headers)
        if blocked(path, self.panels):
            raise Refusal(404, "blocked")
        files = panel_door(path, self.panels) == "upload"
        check_body(headers, self._most_bytes(path), files=files)
        scope["session"] = session = self._session(headers)
        scope["user"] = session.user if session else self._anybody(scope)
        needed = role_for(path)
        self._check_role(scope["user"], needed)
        self._check_rate(scope, needed)

    def _most_bytes(self, path: str) -> int:
        return most_bytes(path, upload_bytes=self.upload_bytes, panels=self.panels)

    def _check_rate(self, scope: Scope, needed: Role | None) -> None:
        """Slow whoever changes things faster than a person does; sign-in has its own brake."""
        if scope["type"] != "http" or scope["method"] in SAFE or needed is None:
            return
        session = scope["session"]
        key = session.id if session else (scope.get("client") or ("",))[0]
        wait_s = self.rate.wait_s(key, needed)
        if wait_s > 0:
            raise Refusal(429, "often", seconds=max(1, math.ceil(wait_s)))

    def _session(self, headers: Headers) -> Session | None:
        """Read the cookie; while users.json is damaged nobody is signed in."""
        try:
            return self.sessions.read("; ".join(headers.getlist("cookie")))
        except UsersError:
            return None

    def _anybody(self, scope: Scope) -> User | None:
        here = self.loopback_only and scope["local"]
        return User(ANYBODY, Role.OPERATOR) if here else None

    def _check_role(self, user: User | None, needed: Role | None) -> None:
        if needed is None or (user is not None and user.role.at_least(needed)):
            return
        try:
            self.users.list()
        except UsersError:
            raise Refusal(503, "users") from None
        if user is None:
            raise Refusal(401, "session")
        raise Refusal(403, "role", name=user.name, role=str(user.role), needed=str(needed))

    async def _pass(self, scope: Scope, headers: Headers, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        holds = Watch(self.sessions, scope["session"], every_s=self.recheck_s)
        if scope["type"] != "http":
            socket = SocketExchange(receive, send, path=path, holds=holds)
            try:
                await self.app(scope, socket.receive, socket.send)
            except (WebSocketDisconnect, OSError):
                if not socket.closed:
                    raise
            return
        exchange = HttpExchange(
            receive,
            send,
            path=path,
            most_bytes=self._most_bytes(path),
            holds=holds,
            cookie=self._renewed(scope, headers),
        )
        try:
            await self.app(scope, exchange.receive, exchange.send)
        except (ClientDisconnect, OSError):
            if not (exchange.too_large or exchange.over):
                raise
        if exchange.too_large and not exchange.started:
            answer = self._answer(Refusal(413, "size", most=exchange.most_bytes), scope, headers)
            await _deny(answer, scope, receive, send)

    def _renewed(self, scope: Scope, headers: Headers) -> str | None:
        """A fresh cookie for what a person did: opened a page or sent something.

        What a page asks for by itself, pictures and streams, keeps nobody signed in.
        """
        session = scope["session"]
        acted = scope["method"] not in SAFE or is_navigation(scope, headers)
        if panel_door(scope["path"], self.panels):
            acted = acted and ACTED in cookie_parser("; ".join(headers.getlist("cookie")))
        if session is None or role_for(scope["path"]) is None or not acted:
            return None
        return self.sessions.renew(session, secure=is_secure(scope))

    def _answer(self, refusal: Refusal, scope: Scope, headers: Headers) -> Response:
        language, values = scope["language"], dict(refusal.values)
        for name in {"role", "needed"} & set(values):
            values[name] = self.words.say(f"login.role_{values[name]}", language)
        text = self.words.say(f"login.refused_{refusal.reason}", language, **values)
        if not is_navigation(scope, headers):
            wait = {"Retry-After": str(values["seconds"])} if refusal.status == 429 else {}
            return JSONResponse({"ok": False, "error": text}, refusal.status, headers=wait)
        onward = _onward(scope)
        if refusal.status == 401:
            return RedirectResponse(onward, 303)
        title = self.words.say("login.refused", language)
        parts = [plain_pages.line(text, "alert")]
        if refusal.status == 403 and refusal.reason == "role":
            parts.append(plain_pages.link(self.words.say("login.other_user", language), onward))
            parts.append(plain_pages.link(self.words.say("login.to_line", language), "/"))
        return plain_pages.page(title, language, parts, status=refusal.status)


def _onward(scope: Scope) -> str:
    """The address of the sign-in that leads back to here."""
    query = scope["query_string"].decode("ascii", "replace")
    target = scope["path"] + (f"?{query}" if query else "")
    return f"/login?next={quote(target, safe='')}"


async def _deny(response: Response, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer in place of the application; a WebSocket is closed, which servers answer with 403.

    A fuller answer would have uvicorn 0.54 log an error each time a page tries again.
    """
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 4000 + response.status_code, "reason": ""})
        return

    async def send_with_headers(message: Any) -> None:
        started = message["type"] == "http.response.start"
        await send(with_security_headers(message, "/login") if started else message)

    await response(scope, receive, send_with_headers)
