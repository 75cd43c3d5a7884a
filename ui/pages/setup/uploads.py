"""Files on their way in: a private folder of this page's own, few at a time, and nothing stays there."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from secrets import token_hex

AT_ONCE = 4
"""Further uploads wait: with the gate's limit of each body, this bounds what the folder can hold."""


class Uploads:
    """Receives request bodies into files that go with the request."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._room = asyncio.Semaphore(AT_ONCE)
        shutil.rmtree(folder, ignore_errors=True)  # what a kill left

    @asynccontextmanager
    async def received(self, body: AsyncIterator[bytes]) -> AsyncIterator[Path]:
        """Lend the file a body came to. Raises OSError."""
        async with self._room:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            path = self.folder / token_hex(16)
            try:
                path.touch(mode=0o600)
                async for block in body:
                    await asyncio.to_thread(_append, path, block)
                yield path
            finally:
                path.unlink(missing_ok=True)


def _append(path: Path, block: bytes) -> None:
    with path.open("ab") as writing:
        writing.write(block)
