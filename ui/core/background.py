"""Errands that take long: in a process of their own, in the background, with a time limit.

`python -m ui.core.background verify|doctor STATION.toml` prints what was found as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil

from inspection.errors import InspectionError
from inspection.station.station_file import StationFile

KINDNESS = 10
"""Inspecting goes first: errands run with this much less priority."""


class BackgroundTask:
    """One errand that runs at most once at a time; its last result is kept."""

    def __init__(self, name: str, station: Path, *, limit_s: float) -> None:
        self.name, self.station, self.limit_s = name, station, limit_s
        self._began_ms: float | None = None
        self._took_s = 0.0
        self._found: Any = None
        self._error: str | None = None
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> bool:
        """Start, unless it is running."""
        if self._running:
            return False
        self._began_ms, self._found, self._error = 1e3 * time.time(), None, None
        self._task = asyncio.create_task(self._run())
        return True

    def told(self) -> dict[str, Any]:
        """Say whether it runs, since when, and what it found; error "late" is the time limit."""
        return {
            "running": self._running,
            "began_ms": self._began_ms,
            "took_s": self._took_s,
            "limit_s": self.limit_s,
            "found": self._found,
            "error": self._error,
        }

    @property
    def _running(self) -> bool:
        return self._task is not None and not self._task.done()

    async def _run(self) -> None:
        began = time.monotonic()
        words = (sys.executable, "-m", "ui.core.background", self.name, str(self.station))
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*words, stdout=pipe, stderr=pipe)
        with suppress(psutil.Error):
            psutil.Process(process.pid).nice(KINDNESS)
        try:
            out, err = await asyncio.wait_for(process.communicate(), self.limit_s)
        except TimeoutError:
            self._error = "late"
        else:
            self._settle(process.returncode, out, err)
        finally:
            self._took_s = time.monotonic() - began
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    def _settle(self, code: int | None, out: bytes, err: bytes) -> None:
        if code == 0:
            self._found = json.loads(out)
            return
        last = err.decode("utf-8", "replace").strip().splitlines() or [f"exit code {code}"]
        self._error = last[-1]


def _verify(station: Path) -> Any:
    from inspection.station.station_file import read_station
    from inspection.store import open_store

    settings = read_station(station)
    with open_store(settings.record, images=settings.images, read_only=True) as store:
        findings = store.verify()
        head = store.head()
    return {"findings": findings, "count": head.count, "hash": head.hash}


def _doctor(station: Path) -> Any:
    from inspection.doctor import examine

    found = examine(recipe=None, store=None, station=station)
    return {"findings": [asdict(finding) for finding in found]}


ERRANDS: dict[str, Callable[[Path], Any]] = {"verify": _verify, "doctor": _doctor}


def main(name: str, station: str) -> int:
    """Do one errand; print what was found."""
    from inspection.errors import expected
    from inspection.store import StoreError

    try:
        found = ERRANDS[name](Path(station))
    except Exception as error:
        if not (expected(error) or isinstance(error, StoreError)):
            raise
        sys.stderr.write(" ".join(str(error).split()) + "\n")
        return 1
    sys.stdout.write(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))


class WorkFailed(InspectionError):
    """Long work did not end well; the text is one line for a person."""


async def run(settings: StationFile, *, limit_s: float, **wanted: Any) -> dict[str, Any]:
    """Have a process of its own do one thing (`inspection.jobs.record_tasks`). Raises WorkFailed."""
    images = None if settings.images is None else str(settings.images)
    wanted = {"record": settings.record, "images": images, **wanted}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "inspection.jobs.record_tasks",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        told, _ = await asyncio.wait_for(process.communicate(json.dumps(wanted).encode()), limit_s)
        found: dict[str, Any] = json.loads(told)
    except TimeoutError as error:
        raise WorkFailed(
            f"{wanted['do']}: not done within {limit_s:g} s; ask for fewer parts"
        ) from error
    except ValueError as error:
        raise WorkFailed(f"{wanted['do']}: ended with exit code {process.returncode}") from error
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if "error" in found:
        raise WorkFailed(found["error"])
    return found
