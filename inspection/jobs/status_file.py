"""What a training says of itself while it runs: a small file, replaced whole, for another program."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from inspection.durable_files import replace_json

EVERY_S = 0.2

RUNNING, DONE, FAILED, CANCELLED = "running", "done", "failed", "cancelled"


class StatusFile:
    """Keeps `path` at {state, stage, done, of, seconds, error, result}; without a path does nothing.

    Written aside and renamed, at most five times a second and always at the end. A status that
    cannot be written never stops the work it is about.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._began, self._written = time.monotonic(), 0.0
        self._told: dict[str, Any] = {
            "state": RUNNING, "stage": "", "done": 0, "of": 0, "seconds": 0.0,
            "error": None, "result": None,
        }  # fmt: skip

    def __call__(self, stage: str, done: int, of: int) -> None:
        """Note how far a stage is."""
        self._told |= {"stage": stage, "done": done, "of": of}
        if time.monotonic() - self._written >= EVERY_S:
            self._write()

    def end(self, state: str, *, result: Any = None, error: str | None = None) -> None:
        """Note how it ended; only the first end counts."""
        if self._told["state"] == RUNNING:
            self._told |= {"state": state, "result": result, "error": error}
            self._write()

    def __enter__(self) -> StatusFile:
        self._write()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, KeyboardInterrupt):
            self.end(CANCELLED)
        elif error is not None:
            self.end(FAILED, error=" ".join(str(error).split()) or type(error).__name__)

    def _write(self) -> None:
        if self.path is None:
            return
        self._written = time.monotonic()
        self._told["seconds"] = round(self._written - self._began, 1)
        with suppress(OSError):
            replace_json(self.path, self._told)
