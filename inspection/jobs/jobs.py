"""Long work as processes of their own, which a page starts, follows and cancels.

A job is a folder: `job.json` (what, who, which process), `status.json` (how far it is, and its
result), `out` (what it printed) and `log` (its last words). Jobs of one lane run one at a time.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock

from inspection.durable_files import replace_json
from inspection.errors import InspectionError
from inspection.jobs.kinds import KINDS, beside
from inspection.jobs.status_file import CANCELLED, DONE, FAILED, RUNNING, end_late, read_json

JOB_ID = re.compile(r"\d{8}-\d{6}-\d{6}")
GRACE_S = 10.0
"""So long a process has to clear up after its time limit before it is killed."""

Prepare = Callable[[Path], Sequence[object]]
"""Fills the folder of a new job and returns the words of the command line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job as found in its folder; `about` is what the page wants to know it by."""

    id: str
    folder: Path
    kind: str
    who: str
    at: str
    about: Mapping[str, Any]
    state: str
    stage: str = ""
    step: int = 0
    """Which stage it is at, counted from 1; 0 before the first."""
    done: int = 0
    of: int = 0
    seconds: float = 0.0
    error: str | None = None
    result: Mapping[str, Any] | None = None
    late: bool = False

    @property
    def running(self) -> bool:
        """Whether its process is at work."""
        return self.state == RUNNING

    @property
    def recipe(self) -> Path:
        """The recipe a training makes, outside the station's own."""
        return self.folder / "new.recipe"


class Jobs:
    """The jobs of one station, in a folder that any page may open."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def start(
        self,
        kind: str,
        *,
        who: str,
        about: Mapping[str, Any],
        prepare: Prepare = lambda folder: [folder],
        request: Mapping[str, Any] | None = None,
    ) -> Job:
        """Start a job in a process of its own, which reads `request` as JSON and nobody else does.

        Raises InspectionError while another runs that may not run beside it.
        """
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with FileLock(self.folder / "lock", timeout=10):
            if (other := self.running(*beside(kind))) is not None:
                raise InspectionError(
                    f"{other.kind}: {other.who} started one at {other.at[11:16]} UTC and it is "
                    "not done; wait for it, or cancel it"
                )
            self._remove_oldest(kind)
            return self._start(kind, who=who, about=about, prepare=prepare, request=request)

    def newest_first(self, *kinds: str) -> list[Job]:
        """List the jobs that are kept, of these kinds or of all, newest first."""
        folders = sorted(self.folder.glob("*-*"), reverse=True)
        jobs = (self.find(folder.name) for folder in folders)
        return [job for job in jobs if job is not None and (not kinds or job.kind in kinds)]

    def running(self, *kinds: str) -> Job | None:
        """Find the one at work, of these kinds or of all."""
        return next((job for job in self.newest_first(*kinds) if job.running), None)

    def find(self, job_id: str) -> Job | None:
        """Find one job, None where there is none of this id."""
        folder = self.folder / job_id
        if not JOB_ID.fullmatch(job_id) or (card := read_json(folder / "job.json")) is None:
            return None
        names = ("id", "kind", "who", "at", "about")
        return Job(folder=folder, **{name: card[name] for name in names}, **_status(card, folder))

    def cancel(self, job_id: str, *, at_once: bool = False) -> Job:
        """Ask a job to end, leaving nothing half-written; `at_once` does not ask."""
        job = self.find(job_id)
        if job is None or not job.running:
            raise InspectionError(f"job {job_id}: is not running")
        (job.folder / "cancelled").touch()
        pid = (read_json(job.folder / "job.json") or {})["pid"]
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL if at_once else signal.SIGINT)
        return job

    def _start(
        self,
        kind: str,
        *,
        who: str,
        about: Mapping[str, Any],
        prepare: Prepare,
        request: Mapping[str, Any] | None,
    ) -> Job:
        now = datetime.now(UTC)
        job_id = now.strftime("%Y%m%d-%H%M%S-%f")
        folder = self.folder / job_id
        folder.mkdir(mode=0o700)
        limit_s = KINDS[kind].limit_s
        try:
            process = _spawn(folder, [kind, limit_s, folder, *prepare(folder)], request)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        threading.Thread(
            target=_attend, args=(process, folder, limit_s), name=f"job {job_id}", daemon=True
        ).start()
        card = {
            "id": job_id, "kind": kind, "who": who, "at": now.isoformat(), "about": dict(about),
            "pid": process.pid, "birth": process_identity(process.pid),
        }  # fmt: skip
        replace_json(folder / "job.json", card)
        job = self.find(job_id)
        assert job is not None
        return job

    def _remove_oldest(self, kind: str) -> None:
        """Remove the jobs of a lane beyond its newest; a recipe on the line has its own copy."""
        for job in self.newest_first(*beside(kind))[KINDS[kind].kept :]:
            shutil.rmtree(job.folder, ignore_errors=True)


def copy_pictures(pictures: Mapping[str, Path], folder: Path) -> None:
    """Put pictures into a job's folder, by name: what is removed meanwhile does not disturb it."""
    folder.mkdir()
    for name, path in pictures.items():
        try:
            os.link(path, folder / name)
        except OSError:  # another disk, or one without links
            shutil.copyfile(path, folder / name)


def process_identity(pid: int) -> str | None:
    """Tell a process from a later one of the same number: its start and this boot; None: gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None
    state, started = fields[0], fields[19]
    return None if state in "ZX" else f"{started} {boot}"


def _status(card: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Read how far a job is; one whose process is gone without a last word has failed."""
    # The process first: one that ends meanwhile has written its end by then.
    alive = card["birth"] is not None and process_identity(card["pid"]) == card["birth"]
    status = read_json(folder / "status.json") or {}
    if status.get("state") in (DONE, FAILED, CANCELLED):
        return status
    if alive:
        began = datetime.fromisoformat(card["at"]).timestamp()
        return {**status, "state": RUNNING, "seconds": round(time.time() - began, 1)}
    if (folder / "cancelled").exists():
        return {**status, "state": CANCELLED}
    return {**status, "state": FAILED, "error": _last_line(folder / "log")}


def _spawn(
    folder: Path, words: Sequence[object], request: Mapping[str, Any] | None
) -> subprocess.Popen[bytes]:
    program = [sys.executable, "-m", "inspection.jobs.process", *map(str, words)]
    with (folder / "out").open("wb") as out, (folder / "log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603
            program, stdin=subprocess.PIPE, stdout=out, stderr=log, start_new_session=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )  # fmt: skip
    assert process.stdin is not None
    with suppress(BrokenPipeError), process.stdin as pipe:
        pipe.write(json.dumps(request).encode())
    return process


def _attend(process: subprocess.Popen[bytes], folder: Path, limit_s: float) -> None:
    """Wait for a process, for one that nobody waits for stays in the process table."""
    try:
        process.wait(limit_s + GRACE_S)
    except subprocess.TimeoutExpired:  # it hangs where no signal reaches it
        process.kill()
        process.wait()
        end_late(folder, limit_s)


def _last_line(log: Path) -> str:
    try:
        lines = log.read_text("utf-8", "replace").split("\n")
    except OSError:
        lines = []
    lines = [line.strip() for line in lines if line.strip()]
    if not lines:
        return "it ended without a word; it was killed, or the computer was switched off"
    return lines[-1].removeprefix("inspection: ")[:500]
