"""How far a job is: a small file, replaced whole, for another program to read."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from inspection.durable_files import replace_json

NAME = "status.json"
EVERY_S = 0.2

RUNNING, DONE, FAILED, CANCELLED = "running", "done", "failed", "cancelled"


class StatusFile:
    """Keeps `path` at {state, stage, step, done, of, seconds, error, result}; without a path does nothing.

    Replaced whole, at most five times a second and always at the end; only the end is flushed to
    the disk. A status that cannot be written never stops the work it is about.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._began, self._written = time.monotonic(), 0.0
        self._status: dict[str, Any] = {
            "state": RUNNING, "stage": "", "step": 0, "done": 0, "of": 0, "seconds": 0.0,
            "error": None, "result": None,
        }  # fmt: skip

    def __call__(self, stage: str, done: int, of: int) -> None:
        """Note how far a stage is; `step` counts the stages."""
        step = self._status["step"] + (stage != self._status["stage"])
        self._status |= {"stage": stage, "step": step, "done": done, "of": of}
        if time.monotonic() - self._written >= EVERY_S:
            self._write()

    def end(self, state: str, *, result: Any = None, error: str | None = None) -> None:
        """Note how it ended; only the first end counts."""
        if self._status["state"] == RUNNING:
            self._status |= {"state": state, "result": result, "error": error}
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
        self._status["seconds"] = round(self._written - self._began, 1)
        with suppress(OSError):
            replace_json(self.path, self._status, sync=self._status["state"] != RUNNING)


def read_json(path: Path) -> dict[str, Any] | None:
    """Read an object; None where there is none, or none that can be read."""
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def end_late(folder: Path, limit_s: float) -> None:
    """Note that a job was stopped at its time limit, unless it had just ended well."""
    status = read_json(folder / NAME) or {}
    if status.get("state") in (DONE, CANCELLED):
        return
    error = f"not done within {limit_s:g} s"
    with suppress(OSError):
        replace_json(folder / NAME, {**status, "state": FAILED, "error": error, "late": True})
