"""An asyncio loop for servers of libraries: what connects to them is bounded, and ends nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from inspection.outside import Door, Refused, in_words
from inspection.ports.connections import BACKLOG, Connection, Connections

CLOSE_IDLE_EVERY_S = 0.5
SLOW_S = 10.0
MOST_WAITING = 1 << 20


class BoundedLoop(asyncio.SelectorEventLoop):
    """Every server made in it lets in so many connections, and hangs up where its library fails.

    What the loop would log with its traceback is a refusal of `door`. `waiting` says of a library's
    protocol how many bytes of a message that is not whole it keeps.
    """

    def __init__(
        self,
        door: Door,
        connections: Connections,
        *,
        waiting: Callable[[Any], int] = lambda protocol: 0,
    ) -> None:
        super().__init__()
        self.door, self.connections, self.waiting = door, connections, waiting
        self.set_exception_handler(self._told)

    async def create_server(self, protocol_factory: Any, *where: Any, **how: Any) -> Any:
        """Listen, as asyncio does."""
        how = {"backlog": BACKLOG, **how}
        self._close_idle()
        return await super().create_server(lambda: self._bounded(protocol_factory), *where, **how)

    def _bounded(self, protocol_factory: Callable[[], Any]) -> BoundedProtocol:
        return BoundedProtocol(protocol_factory(), self.connections, self.door, self.waiting)

    def _close_idle(self) -> None:
        self.connections.close_idle()
        self.call_later(CLOSE_IDLE_EVERY_S, self._close_idle)

    def _told(self, _loop: Any, context: dict[str, Any]) -> None:
        error = context.get("exception")
        what = str(context.get("message", "asyncio"))
        self.door.refuse(what if error is None else f"{what}: {in_words(error)}")


class BoundedProtocol(asyncio.Protocol):
    """Stands between a connection and the library's protocol."""

    def __init__(
        self, inner: Any, connections: Connections, door: Door, waiting: Callable[[Any], int]
    ) -> None:
        self._inner, self._connections, self._door = inner, connections, door
        self._waiting = waiting
        self._transport: asyncio.Transport | None = None
        self._place: Connection | None = None
        self._slow: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Let the connection in, in place of a silent one where there are too many."""
        self._transport = transport
        peer = transport.get_extra_info("peername") or ("",)
        self._place = self._connections.enter(str(peer[0]), transport.abort)
        self._inner.connection_made(transport)
        if self._place is None:
            self._door.refuse(f"too many connections, {len(self._connections)} at work")
            transport.abort()

    def data_received(self, data: bytes) -> None:
        """Give the library what came; where it fails, hang up."""
        if self._place is None:
            return
        self._connections.heard(self._place)
        self._door.attempt(lambda: self._receive(data), refused=self._hang_up)

    def _receive(self, data: bytes) -> None:
        self._inner.data_received(data)
        if (waiting := self._waiting(self._inner)) > MOST_WAITING:
            raise Refused(f"{waiting} bytes without a whole message, at most {MOST_WAITING}")

    def eof_received(self) -> bool | None:
        """Tell the library that no more comes."""
        kept: bool | None = self._inner.eof_received()
        return kept

    def pause_writing(self) -> None:
        """Let one go that does not read for long: what waits for it is memory."""
        self._slow = asyncio.get_running_loop().call_later(SLOW_S, self._hang_up, None)

    def resume_writing(self) -> None:
        """Note that the other side reads again."""
        if self._slow is not None:
            self._slow.cancel()

    def connection_lost(self, error: Exception | None) -> None:
        """Give the place up."""
        self.resume_writing()
        if self._place is not None:
            self._connections.leave(self._place)
        self._door.attempt(lambda: self._inner.connection_lost(error))

    def _hang_up(self, _error: Exception | None) -> None:
        if self._transport is not None:
            self._transport.abort()
