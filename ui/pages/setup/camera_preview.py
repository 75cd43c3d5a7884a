"""What the camera sees now, for the set-up page: at most five pictures a second, for all pages together."""

from __future__ import annotations

import asyncio
import time
from urllib.parse import quote

from ui.live.station_client import Refused, StationClient

EVERY_S = 0.18


class CameraPreviews:
    """Asks the station for one picture at a time; pages that ask meanwhile get the same one."""

    def __init__(self, runtime: StationClient) -> None:
        self.runtime = runtime
        self._lock = asyncio.Lock()
        self._latest: dict[str, tuple[float, bytes]] = {}

    async def now(self, view: str) -> bytes:
        """A JPEG that is no older than EVERY_S when it is taken. Raises Refused."""
        async with self._lock:
            at, data = self._latest.get(view, (0.0, b""))
            if time.monotonic() - at > EVERY_S:
                found = await self.runtime.get(f"/camera/{quote(view, safe='')}.jpg")
                if found is None:
                    raise Refused(f"view {view!r}: the camera gave no picture")
                data = found
                self._latest = {view: (time.monotonic(), data)}
            return data
