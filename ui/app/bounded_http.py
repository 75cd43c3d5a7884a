"""How many may connect to the page, and for how long they may say nothing."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from inspection.ports.connections import Connection, Connections

MOST, MOST_OF_ONE = 512, 256
"""Of all, and of one address; a proxy has one, and a browser opens six."""
IDLE_S = 15.0
BODY_S = 5.0
"""A body of which nothing came for so long is none that comes."""
CLOSE_IDLE_EVERY_S = 1.0


class BoundedHttp(H11Protocol):
    """A connection of the page's server: a new one takes the place of one that says nothing.

    What is sent bit by bit, and never becomes a request, says nothing.
    """

    places = Connections(most=MOST, most_of_one=MOST_OF_ONE, idle_s=IDLE_S)
    _looking: asyncio.TimerHandle | None = None
    _place: Connection | None = None
    _data_at = 0.0

    def connection_made(self, transport: Any) -> None:
        """Let the connection in, in place of a silent one where there are too many."""
        super().connection_made(transport)
        address = str(self.client[0]) if self.client else ""
        self._place = self.places.enter(address, transport.abort, self._at_work)
        if self._place is None:
            transport.abort()
        if BoundedHttp._looking is None:
            BoundedHttp._look(self.loop)

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        self._data_at = time.monotonic()
        super().data_received(data)

    def on_response_complete(self) -> None:
        """Note that a whole request was answered."""
        if self._place is not None:
            self.places.heard(self._place)
        super().on_response_complete()

    def handle_websocket_upgrade(self, event: Any) -> None:
        """Hand over to the WebSocket; whoever has one was let in by the gate, or is closed by it."""
        self._leave()
        super().handle_websocket_upgrade(event)

    def connection_lost(self, exc: Exception | None) -> None:
        """Give the place up."""
        self._leave()
        super().connection_lost(exc)

    def _leave(self) -> None:
        if self._place is not None:
            self.places.leave(self._place)

    def _at_work(self) -> bool:
        if self.cycle is None or self.cycle.response_complete:
            return False
        return not self.cycle.more_body or time.monotonic() - self._data_at < BODY_S

    @classmethod
    def _look(cls, loop: asyncio.AbstractEventLoop) -> None:
        """Hang up on the silent again and again, while there are any connections."""
        cls.places.close_idle()
        cls._looking = None
        if len(cls.places):
            cls._looking = loop.call_later(CLOSE_IDLE_EVERY_S, cls._look, loop)
