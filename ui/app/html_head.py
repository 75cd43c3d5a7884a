"""Puts every page's theme into it, and our first lines before anything of Gradio runs."""

from __future__ import annotations

import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui.security.headers import FORMS
from ui.security.sessions import cookie_values

HEAD = b"""<head>
<script src="/session.js"></script>
<link rel="stylesheet" href="/static/shared/base.css">"""


CARDS = re.compile(rb'<meta\s[^>]*"(?:og|twitter):[^>]*>')
"""What Gradio would have other sites show of a link to a page: its own name, and a picture of theirs."""
THEME_COOKIE = "theme"
THEMES = ("auto", "light", "dark")
DARK_AT_FIRST = ("/", *FORMS)
"""The operator's page and signing in are dark until somebody chooses; the others as the system says."""


def theme_of(scope: Scope) -> str:
    """The theme a browser chose, else the usual one of the path."""
    chosen = next(cookie_values(Headers(scope=scope).get("cookie", ""), THEME_COOKIE), "")
    usual = "dark" if scope["path"] in DARK_AT_FIRST else "auto"
    return chosen if chosen in THEMES else usual


class HtmlHead:
    """ASGI middleware: Gradio adds `head=` by script only, too late for language and theme."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hold back an HTML answer until it is whole, and add the lines."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start: Message | None = None
        body = b""

        async def changed(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start":
                if _is_page(message):
                    start = message
                else:
                    await send(message)
                return
            if start is None:
                await send(message)
                return
            body += message.get("body", b"")
            if message.get("more_body"):
                return
            head = b"<head>" if scope["path"] in FORMS else HEAD
            theme = b'<html data-theme="%s"' % theme_of(scope).encode()
            whole = CARDS.sub(b"", body).replace(b"<html", theme, 1).replace(b"<head>", head, 1)
            MutableHeaders(scope=start)["content-length"] = str(len(whole))
            await send(start)
            await send({"type": "http.response.body", "body": whole})

        await self.app(scope, receive, changed)


def _is_page(start: Message) -> bool:
    headers = MutableHeaders(scope=start)
    plain = "content-encoding" not in headers
    return plain and headers.get("content-type", "").startswith("text/html")
