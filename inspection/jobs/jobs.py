"""Trainings and trials as processes of their own, which outlive the page that started them.

A job is a folder: `job.json` (what, who, which process), `status.json` (how far it is), `out`
(what it printed) and `log` (its last words). One job runs at a time.
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
from inspection.jobs.status_file import CANCELLED, DONE, FAILED, RUNNING

TRAIN, TRY = "train", "try"
KEPT = 10
JOB_ID = re.compile(r"\d{8}-\d{6}-\d{6}")

# Lower priority than inspecting; Ctrl-C works even where a shell had it ignored for the page.
_RUN = """
import os, signal
os.nice(10)
signal.signal(signal.SIGINT, signal.default_int_handler)
from inspection.{} import main
main()
"""
_MODULE = {TRAIN: "cli", TRY: "jobs.trial"}

Prepare = Callable[[Path], Sequence[object]]
"""Fills the folder of a new job and gives the words of the command line."""


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
    done: int = 0
    of: int = 0
    seconds: float = 0.0
    error: str | None = None
    result: Mapping[str, Any] | None = None

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

    def start(self, kind: str, *, who: str, about: Mapping[str, Any], prepare: Prepare) -> Job:
        """Start a job, detached from this process. Raises InspectionError while another runs."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with FileLock(self.folder / "lock", timeout=10):
            if (other := self.running()) is not None:
                raise InspectionError(
                    f"{other.kind}: {other.who} started one at {other.at[11:16]} UTC and it is "
                    "not done; wait for it, or cancel it"
                )
            self._forget_old()
            return self._start(kind, who=who, about=about, prepare=prepare)

    def newest_first(self) -> list[Job]:
        """Give all jobs that are kept, newest first."""
        found = (self.find(path.name) for path in sorted(self.folder.glob("*-*"), reverse=True))
        return [job for job in found if job is not None]

    def running(self) -> Job | None:
        """Give the one at work."""
        return next((job for job in self.newest_first() if job.running), None)

    def find(self, job_id: str) -> Job | None:
        """Give one job, None where there is none of this id."""
        folder = self.folder / job_id
        if not JOB_ID.fullmatch(job_id) or (card := _read(folder / "job.json")) is None:
            return None
        names = ("id", "kind", "who", "at", "about")
        fields = {name: card[name] for name in names} | _fate(card, folder)
        return Job(folder=folder, **fields)

    def cancel(self, job_id: str, *, at_once: bool = False) -> Job:
        """Ask a job to end, leaving nothing half-written; `at_once` does not ask."""
        job = self.find(job_id)
        if job is None or not job.running:
            raise InspectionError(f"job {job_id}: is not running")
        (job.folder / "cancelled").touch()
        pid = (_read(job.folder / "job.json") or {})["pid"]
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL if at_once else signal.SIGINT)
        return job

    def _start(self, kind: str, *, who: str, about: Mapping[str, Any], prepare: Prepare) -> Job:
        now = datetime.now(UTC)
        job_id = now.strftime("%Y%m%d-%H%M%S-%f")
        folder = self.folder / job_id
        folder.mkdir(mode=0o700)
        try:
            words = prepare(folder)
            process = _spawn(folder, _RUN.format(_MODULE[kind]), words)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        # A child that ended and is not asked after would stay in the process table.
        threading.Thread(target=process.wait, name=f"job {job_id}", daemon=True).start()
        card = {
            "id": job_id, "kind": kind, "who": who, "at": now.isoformat(), "about": dict(about),
            "pid": process.pid, "birth": birth(process.pid),
        }  # fmt: skip
        replace_json(folder / "job.json", card)
        job = self.find(job_id)
        assert job is not None
        return job

    def _forget_old(self) -> None:
        """Remove jobs beyond the newest ones; what is on the line has its own copy."""
        for job in self.newest_first()[KEPT:]:
            shutil.rmtree(job.folder, ignore_errors=True)


def snapshot(pictures: Mapping[str, Path], folder: Path) -> None:
    """Give a job pictures of its own, by name: what is removed meanwhile does not disturb it."""
    folder.mkdir()
    for name, path in pictures.items():
        try:
            os.link(path, folder / name)
        except OSError:  # another disk, or one without links
            shutil.copyfile(path, folder / name)


def birth(pid: int) -> str | None:
    """Tell a process from a later one of the same number: its start and this boot; None: gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None
    state, started = fields[0], fields[19]
    return None if state in "ZX" else f"{started} {boot}"


def _fate(card: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Say how a job is: what it told, unless its process is gone without a last word."""
    # Asked first: a process that ends meanwhile has told its end by then.
    alive = card["birth"] is not None and birth(card["pid"]) == card["birth"]
    told = _read(folder / "status.json") or {}
    if told.get("state") in (DONE, FAILED, CANCELLED):
        return told
    if alive:
        began = datetime.fromisoformat(card["at"]).timestamp()
        return {**told, "state": RUNNING, "seconds": round(time.time() - began, 1)}
    if (folder / "cancelled").exists():
        return {**told, "state": CANCELLED}
    return {**told, "state": FAILED, "error": _last_line(folder / "log")}


def _spawn(folder: Path, program: str, words: Sequence[object]) -> subprocess.Popen[bytes]:
    with (folder / "out").open("wb") as out, (folder / "log").open("wb") as log:
        return subprocess.Popen(  # noqa: S603
            [sys.executable, "-c", program, *map(str, words)],
            stdin=subprocess.DEVNULL, stdout=out, stderr=log, start_new_session=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )  # fmt: skip


def _last_line(log: Path) -> str:
    try:
        lines = log.read_text("utf-8", "replace").split("\n")
    except OSError:
        lines = []
    said = [line.strip() for line in lines if line.strip()]
    if not said:
        return "it ended without a word; it was killed, or the computer was switched off"
    return said[-1].removeprefix("inspection: ")[:500]


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
