"""What a server elsewhere answers: of so many bytes and within such a time, or it is none."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx

MOST_BYTES = 1 << 20
"""Of an answer; what a provider says of itself, its keys and tokens have a few kilobytes."""


class BoundedTransport(httpx.AsyncHTTPTransport):
    """Answers are read up to `MOST_BYTES`, and never unpacked: a few bytes may be gigabytes then.

    Raises httpx.TransportError.
    """

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Ask, and give an answer that ends in an error where it is too long."""
        request.headers["Accept-Encoding"] = "identity"
        answer = await super().handle_async_request(request)
        packed = answer.headers.get("Content-Encoding", "identity")
        if packed.lower() != "identity":
            await answer.aclose()
            raise httpx.ReadError(f"the answer is packed ({packed[:20]!r}) and was not asked to be")
        answer.stream = _Counted(answer.stream)
        return answer


class _Counted(httpx.AsyncByteStream):
    def __init__(self, stream: Any) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        found = 0
        async for piece in self._stream:
            found += len(piece)
            if found > MOST_BYTES:
                raise httpx.ReadError(f"an answer of more than {MOST_BYTES} bytes")
            yield piece

    async def aclose(self) -> None:
        await self._stream.aclose()
