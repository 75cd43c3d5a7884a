"""What is sent to a panel's Gradio: read within bounds before Gradio sees it, and refused in one line.

Gradio 6.31 answers a call it does not know with 500, prints a traceback for what a component cannot take,
and a lone surrogate in a session's name makes every later event of the panel fail.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from functools import wraps
from typing import Annotated, Any

import gradio as gr
from pydantic import BaseModel, StrictInt, StringConstraints, ValidationError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from inspection.outside import Door, Refused, in_words, read_json

MOST_BYTES = 1 << 20
"""Of a call; files come by a door of their own."""
LONGEST = 10_000
NAME = r"^[A-Za-z0-9_-]{1,64}$"
READ = ("/queue/join", "/cancel", "/reset")
"""Doors whose body is JSON."""

Name = Annotated[str, StringConstraints(pattern=NAME)]


class Call(BaseModel):
    """What joins the queue: an event of a component with the values the handler takes."""

    session_hash: Name
    fn_index: StrictInt
    data: list[Any]
    trigger_id: StrictInt | None = None
    event_data: Any = None


SESSIONS = 30
"""Of a panel, the latest used. Gradio keeps some 0.2 MB of each tab that ever was, and of 10,000 of them."""


class PanelBlocks(gr.Blocks):
    """A panel: whatever goes wrong in an event is one line for the person and one in the log."""

    door = Door("panel")

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.state_session_capacity = SESSIONS

    async def process_api(self, *words: Any, **options: Any) -> Any:
        """Do what an event asks. Raises gr.Error."""
        try:
            return await super().process_api(*words, **options)
        except Exception as error:
            if isinstance(error, gr.Error) and not error.print_exception:
                raise
            text = error.message if isinstance(error, gr.Error) else in_words(error)
            self.door.refuse(text)
            raise gr.Error(text, duration=None, print_exception=False) from error

    def show_filling(self) -> None:
        """Let what a page is first filled with be shown as loading until it is there."""
        first: set[int] = set()
        for number, function in self.fns.items():  # in their order: what comes after is behind
            loads = any(event == "load" for _, event in function.targets)
            if loads or function.trigger_after in first:
                first.add(number)
                function.show_progress = "full"

    def draw_in_turn(self) -> None:
        """Let what is drawn for a session (`gr.render`) be drawn by the event loop.

        Gradio 6.31 draws in threads, several at once when a page is opened, while it reads what they write:
        "dictionary changed size during iteration", and the fields never came.
        """
        for function in self.fns.values():
            if function.renderable and function.fn:
                function.fn = _by_the_loop(function.fn)


def _by_the_loop(draw: Callable[..., Any]) -> Callable[..., Coroutine[Any, Any, Any]]:
    @wraps(draw)
    async def drawn(*inputs: Any) -> Any:
        return draw(*inputs)

    return drawn


class PanelCalls:
    """ASGI middleware in front of a panel's Gradio: refuses what its components never send."""

    def __init__(self, app: ASGIApp, *, blocks: PanelBlocks) -> None:
        self.app, self.blocks = app, blocks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a call, or answer it here."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def sent(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, await self._checked(scope, receive), sent)
        except (ClientDisconnect, OSError):
            raise
        except Exception as error:
            if started:
                raise
            self.blocks.door.refuse(in_words(error))
            text = str(error) if isinstance(error, Refused) else "not what this panel sends"
            await JSONResponse({"ok": False, "error": text}, 400)(scope, receive, send)

    async def _checked(self, scope: Scope, receive: Receive) -> Receive:
        """Read what this panel knows; give what hands on the same body. Raises Refused."""
        request = Request(scope, receive)
        if scope["path"].endswith("/queue/data"):
            session = request.query_params.get("session_hash", "")
            if session not in self.blocks._queue.pending_messages_per_session:
                raise Refused("session_hash: no such session here; open the page anew")
        if scope["method"] != "POST" or not scope["path"].endswith(READ):
            return receive
        body = await _body(request)
        asked = read_json(body, most_bytes=MOST_BYTES)
        _check(asked)
        if scope["path"].endswith("/queue/join"):
            self._check_call(asked)
        unread = [{"type": "http.request", "body": body, "more_body": False}]

        async def again() -> Message:
            return unread.pop() if unread else await receive()

        return again

    def _check_call(self, asked: Any) -> None:
        try:
            call = Call.model_validate(asked)
        except ValidationError as error:
            first = error.errors(include_input=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise Refused(f"{where or 'body'}: {first['msg']}") from None
        events = self._events(call.session_hash)
        handler = events.get(call.fn_index)
        if handler is None:
            known = f"{min(events)} to {max(events)}" if events else "none"
            raise Refused(f"fn_index {call.fn_index}: this panel has {known}")
        if len(call.data) != len(handler.inputs):
            raise Refused(
                f"data: {len(call.data)} values, event {call.fn_index} has {len(handler.inputs)}"
            )

    def _events(self, session: str) -> Mapping[int, Any]:
        """The events of a session: the panel's, and those of what was rendered for it (`gr.render`)."""
        states = getattr(self.blocks, "state_holder", None)  # there once it is mounted
        if states is None or session not in states:
            return self.blocks.fns
        events: Mapping[int, Any] = states[session].blocks_config.fns
        return events


async def _body(request: Request) -> bytes:
    """The body, as far as any may go. Raises Refused."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > MOST_BYTES:
            raise Refused(f"a call of more than {MOST_BYTES} bytes")
    return body


def _check(value: Any) -> None:
    """Raise Refused for what no component sends: half letters, long texts, files to fetch from elsewhere."""
    if isinstance(value, str):
        if len(value) > LONGEST:
            raise Refused(f"a text of {len(value)} characters, at most {LONGEST} are allowed")
        if any("\ud800" <= letter <= "\udfff" for letter in value):
            raise Refused("a text with half a letter (a lone surrogate)")
    elif isinstance(value, list):
        for each in value:
            _check(each)
    elif isinstance(value, dict):
        if str(value.get("path", "")).startswith(("http:", "https:")):
            raise Refused("path: an address; a file is sent here, not fetched from elsewhere")
        _check([*value, *value.values()])
