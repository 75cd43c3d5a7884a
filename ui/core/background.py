"""The page's side of jobs (`inspection.jobs`): start one, wait for one, say how one is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from inspection.errors import InspectionError
from inspection.jobs import VERIFY, Job, Jobs
from inspection.jobs.kinds import KINDS
from inspection.reports.report import MOST_PICTURES
from inspection.station.station_file import StationFile
from inspection.store.filters import PartFilter
from ui.core.context import Context

POLL_S = 0.1


class JobFailed(InspectionError):
    """A job did not end well; the text is one line for a person."""


def record_request(settings: StationFile, **more: Any) -> dict[str, Any]:
    """Make the request of a job on the record; it may hold a password, and goes by a pipe."""
    images = None if settings.images is None else str(settings.images)
    return {"record": settings.record, "images": images, **more}


def report_request(
    context: Context,
    asked: PartFilter,
    target: Path,
    *,
    language: str,
    pictures: int = MOST_PICTURES,
    verify: bool = False,
) -> dict[str, Any]:
    """Make the request of a report: which parts, in which language, into which file."""
    return record_request(
        context.settings,
        station=str(context.station_path),
        filter=asked.as_json(),
        language=language,
        target=str(target),
        pictures=pictures,
        verify=verify,
    )


def start_verification(jobs: Jobs, settings: StationFile, *, who: str, pictures: bool) -> Job:
    """Begin to read the whole record again. Raises InspectionError while that is going on."""
    request = record_request(settings, pictures=pictures)
    return jobs.start(VERIFY, who=who, about={"pictures": pictures}, request=request)


async def run_job(
    jobs: Jobs,
    kind: str,
    *,
    who: str,
    request: Mapping[str, Any],
    told: Callable[[Job], None] = lambda job: None,
) -> Mapping[str, Any]:
    """Start a job and wait for its result, told how it is; who stops waiting stops the job.

    Raises InspectionError.
    """
    job = await asyncio.to_thread(jobs.start, kind, who=who, about={}, request=request)
    try:
        while job.running:
            await asyncio.sleep(POLL_S)
            job = await asyncio.to_thread(_again, jobs, job)
            told(job)
    finally:
        if job.running:
            with suppress(InspectionError):  # it has just ended
                await asyncio.shield(asyncio.to_thread(jobs.cancel, job.id, at_once=True))
    if job.late:
        raise JobFailed(f"{kind}: {job.error}; ask for fewer parts")
    if job.result is None:
        raise JobFailed(f"{job.error or kind + ': was cancelled'}")
    return job.result


def job_status(job: Job | None, kind: str) -> dict[str, Any]:
    """Say of a job whether it runs, since when, and what it found; error "late" is the time limit."""
    if job is None:
        return {"running": False, "began_ms": None, "took_s": 0.0, "limit_s": KINDS[kind].limit_s,
                "found": None, "error": None}  # fmt: skip
    return {
        "running": job.running,
        "began_ms": 1e3 * datetime.fromisoformat(job.at).timestamp(),
        "took_s": job.seconds,
        "limit_s": KINDS[kind].limit_s,
        "found": job.result,
        "error": "late" if job.late else job.error,
    }


def _again(jobs: Jobs, job: Job) -> Job:
    again = jobs.find(job.id)
    if again is None:
        raise JobFailed(f"{job.kind}: its folder {job.folder} was removed")
    return again
