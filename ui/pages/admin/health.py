"""How station and page are doing, beyond what the station itself tells every second."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
from fastapi import Request

from inspection.jobs import DOCTOR, Jobs
from inspection.local_api.diagnostics import program_version
from inspection.store.event_kinds import ActionKind
from ui.core.audit import record_action
from ui.core.background import job_status
from ui.core.context import Context
from ui.core.errors import Refuse
from ui.live.station_client import Refused


async def examine(context: Context, request: Request) -> None:
    """Begin to look at machine, packages, station file, recipes and record. Raises Refuse while that goes on."""
    who, jobs = request.scope["user"].name, context.jobs
    if await asyncio.to_thread(jobs.running, DOCTOR):
        text = context.words.say("admin.already_running", request.scope["language"])
        raise Refuse(text, status=409)
    station = {"station": str(context.station_path)}
    await asyncio.to_thread(jobs.start, DOCTOR, who=who, about={}, request=station)
    with suppress(Refused):  # it is for a station in trouble, too
        await record_action(context, ActionKind.DOCTOR_RUN, who=who, detail={})


def examination(jobs: Jobs) -> dict[str, Any]:
    """What was found, or that it goes on."""
    return job_status(next(iter(jobs.newest_first(DOCTOR)), None), DOCTOR)


class MachineFacts:
    """What is looked up on this machine at each request."""

    def __init__(self, context: Context) -> None:
        self.context, self.started_ms = context, 1e3 * time.time()
        self._processes = Processes()

    def now(self) -> dict[str, Any]:
        """All of it as plain data; `status` is None while the station is gone."""
        context = self.context
        status = context.hub.status
        policy = context.settings.retention
        return {
            "at_ms": 1e3 * time.time(),
            "status": status,
            "page": {
                "version": program_version(),
                "started_ms": self.started_ms,
                "connections": context.hub.connections,
                **self._processes.of(os.getpid()),
            },
            "runtime": self._processes.of(None if status is None else status.get("pid")),
            "record": {"parts": context.store.head().count, **_size(context.store.place.file)},
            "retention": None
            if policy is None
            else {
                "rejects_days": policy.rejects_days,
                "keep_every": policy.keep_every,
                "free_gb": policy.free_gb,
            },
        }


class Processes:
    """Memory and processor use of processes; the share is of one core since the last look."""

    def __init__(self, find: Callable[[int], psutil.Process] = psutil.Process) -> None:
        self._find = find
        self._known: dict[int, psutil.Process] = {}

    def of(self, pid: int | None) -> dict[str, Any]:
        """One process; None for what cannot be told."""
        nothing = {"pid": pid, "memory_mb": None, "cpu_percent": None, "threads": None}
        if pid is None:
            return nothing
        try:
            fresh = pid not in self._known or not self._known[pid].is_running()
            process = self._known[pid] = self._find(pid) if fresh else self._known[pid]
            percent = process.cpu_percent(None)
            memory, threads = process.memory_info().rss / 1e6, process.num_threads()
        except psutil.Error:
            self._known.pop(pid, None)
            return nothing
        return {
            "pid": pid,
            "memory_mb": memory,
            "cpu_percent": None if fresh else percent,
            "threads": threads,
        }


def _size(file: Path | None) -> dict[str, Any]:
    """The size of a record that is a file, its write-ahead log included."""
    if file is None:
        return {"size_mb": None}
    beside = (file, file.with_name(file.name + "-wal"))
    return {"size_mb": sum(each.stat().st_size for each in beside if each.exists()) / 1e6}
