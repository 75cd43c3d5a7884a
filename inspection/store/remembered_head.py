"""The end of the chain of parts, noted beside the database: rows that were lost with a file are missed.

SQLite keeps the latest rows of a database in `NAME-wal`. Where that file is deleted, a young record is
shorter without a word; the note is not.
"""

from __future__ import annotations

import json
import time
from contextlib import suppress
from pathlib import Path

from inspection.durable_files import replace_json
from inspection.store.chain import ChainHead

EVERY_S = 1.0
FORMAT = 1


class RememberedHead:
    """Notes the head after a row was committed, once a second at most; none where `path` is None."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._head: ChainHead | None = None
        self._written_at = 0.0

    def read(self) -> ChainHead | None:
        """The head noted last, None where there is none that can be read."""
        if self.path is None:
            return None
        try:
            told = json.loads(self.path.read_bytes())
            return ChainHead(int(told["count"]), str(told["hash"]))
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def note(self, head: ChainHead) -> None:
        """Note a head soon; what a kill loses is less than a second's."""
        self._head = head
        if time.monotonic() - self._written_at >= EVERY_S:
            self.flush()

    def flush(self) -> None:
        """Write what is noted. The record itself is what must not be lost: this may fail."""
        head, self._head = self._head, None
        if head is None or self.path is None:
            return
        self._written_at = time.monotonic()
        told = {"format": FORMAT, "count": head.count, "hash": head.hash}
        with suppress(OSError):
            replace_json(self.path, told, sync=False)
