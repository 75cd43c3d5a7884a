"""What the station page is told: each part as it is done, and how the station is doing.

Inspecting never waits for a page: a part is handed over in memory, pictures are encoded only when
asked for, and a page that is too slow is let go and starts again.
"""

from __future__ import annotations

import queue
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from cameras import Frame
from inspection.local_api.messages import part_message
from inspection.station.part import InspectedPart

KEPT_BYTES = 100e6
"""Pictures kept in memory for the pages; at least the last two, whatever their size."""
KEPT_PARTS = 500
"""However small their pictures: what was judged is kept beside them."""
WAITING = 1000
"""Messages a page may be behind by before it is let go."""

Message = Mapping[str, Any]


class Feed:
    """A listener of the station that keeps the latest parts and tells whoever subscribed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._subscribers: set[queue.Queue[Message | None]] = set()
        self._latest: OrderedDict[str, InspectedPart] = OrderedDict()
        self._bytes = 0

    def __call__(self, part: InspectedPart) -> None:
        """Take a part that is done."""
        if part.frames:
            self._keep(part)
        if self._subscribers:  # one that comes now finds this part in the record
            self.tell(part_message(part))

    def _keep(self, part: InspectedPart) -> None:
        with self._lock:
            self._latest[part.record.part_id] = part
            self._bytes += _size(part)
            while (self._bytes > KEPT_BYTES and len(self._latest) > 2) or len(
                self._latest
            ) > KEPT_PARTS:
                self._bytes -= _size(self._latest.popitem(last=False)[1])

    def tell(self, message: Message) -> None:
        """Put a message into every subscriber's queue; one that does not keep up is ended."""
        with self._lock:
            for subscriber in list(self._subscribers):
                try:
                    subscriber.put_nowait(message)
                except queue.Full:
                    self._subscribers.discard(subscriber)
                    with suppress(queue.Empty):
                        subscriber.get_nowait()
                    subscriber.put_nowait(None)

    @contextmanager
    def subscribed(self) -> Iterator[queue.Queue[Message | None]]:
        """Open a queue of messages; None in it means: too slow, subscribe again."""
        mine: queue.Queue[Message | None] = queue.Queue(WAITING)
        with self._lock:
            self._subscribers.add(mine)
        try:
            yield mine
        finally:
            with self._lock:
                self._subscribers.discard(mine)

    def latest(self, part_id: str) -> InspectedPart | None:
        """Find a part whose pictures are still in memory."""
        with self._lock:
            return self._latest.get(part_id)

    def newest(self, view: str) -> Frame | None:
        """The picture of the newest part that a view has one of; None where none came yet."""
        with self._lock:
            parts = reversed(self._latest.values())
            return next((part.frames[view] for part in parts if view in part.frames), None)


def _size(part: InspectedPart) -> int:
    return sum(frame.image.nbytes for frame in part.frames.values())
