"""The page's line to the station: asks it to do things, and hears what it does."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx

from inspection.local_api.endpoint_file import NAME

ASK_S = 30.0
SILENT_S = 2.0
"""The station says how it is every second; silent for so long, it is gone."""


class Refused(Exception):
    """The station did not do what was asked; the text is one line for a person."""


class StationGone(Refused):
    """There is no station to ask."""


class StationClient:
    """A station at work on this machine, found by `runtime.json` in its page folder."""

    def __init__(self, folder: Path) -> None:
        self._where = folder / NAME
        # Never through a proxy: this is loopback.
        self._client = httpx.AsyncClient(trust_env=False, timeout=ASK_S)

    async def do(self, verb: str, **what: Any) -> dict[str, Any]:
        """Have the station do one thing (`inspection.local_api.server`). Raises Refused."""
        answer = await self._ask("POST", f"/{verb}", json=what)
        found: dict[str, Any] = answer.json()
        if answer.status_code != httpx.codes.OK:
            raise Refused(str(found.get("error", answer.status_code)))
        return found

    async def get(self, path: str) -> bytes | None:
        """Get a picture from the station; None when it has it no longer. Raises Refused."""
        answer = await self._ask("GET", path)
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        if answer.status_code != httpx.codes.OK:
            raise Refused(str(answer.json().get("error", answer.status_code)))
        return answer.content

    async def events(self) -> AsyncIterator[dict[str, Any]]:
        """What the station tells, until it is gone. Raises StationGone."""
        base, headers = self._door()
        timeout = httpx.Timeout(ASK_S, read=SILENT_S)
        try:
            async with self._client.stream(
                "GET", f"{base}/live", headers=headers, timeout=timeout
            ) as stream:
                async for line in stream.aiter_lines():
                    yield json.loads(line)
        except (httpx.HTTPError, ValueError) as error:
            raise StationGone(f"the station does not answer ({type(error).__name__})") from error

    async def close(self) -> None:
        """Let the connections go."""
        await self._client.aclose()

    async def _ask(self, method: str, path: str, **what: Any) -> httpx.Response:
        base, headers = self._door()
        try:
            return await self._client.request(method, base + path, headers=headers, **what)
        except httpx.HTTPError as error:
            raise StationGone(f"the station does not answer ({type(error).__name__})") from error

    def _door(self) -> tuple[str, dict[str, str]]:
        try:
            endpoint = json.loads(self._where.read_text("utf-8"))
            return f"http://127.0.0.1:{endpoint['port']}", {
                "Authorization": f"Bearer {endpoint['token']}"
            }
        except (OSError, ValueError, KeyError) as error:
            raise StationGone(
                "the station is not running; start it with `inspection run`"
            ) from error
