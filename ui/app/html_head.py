"""Puts our first lines right after `<head>` of Gradio's pages, before anything of Gradio runs."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui.security.headers import FORMS

HEAD = b"""<head>
<script src="/session.js"></script>
<link rel="stylesheet" href="/static/shared/base.css">"""


class HtmlHead:
    """ASGI middleware: Gradio adds `head=` by script only, too late for the language."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hold back an HTML answer until it is whole, and add the lines."""
        if scope["type"] != "http" or scope["path"] in FORMS:
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
            whole = body.replace(b"<head>", HEAD, 1)
            MutableHeaders(scope=start)["content-length"] = str(len(whole))
            await send(start)
            await send({"type": "http.response.body", "body": whole})

        await self.app(scope, receive, changed)


def _is_page(start: Message) -> bool:
    headers = MutableHeaders(scope=start)
    plain = "content-encoding" not in headers
    return plain and headers.get("content-type", "").startswith("text/html")
