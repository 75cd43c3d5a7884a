"""A copy of the whole station, made while it goes on, to be fetched and kept elsewhere."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse

from inspection.jobs import BACKUP, Job, Jobs
from inspection.store.event_kinds import ActionKind
from ui.core.audit import audited
from ui.core.background import job_status
from ui.core.context import Context
from ui.core.errors import Refuse


def routes(context: Context) -> APIRouter:
    """Give out the newest backup; it holds all there is, so that is in the record before."""
    router = APIRouter(prefix="/backup")

    @router.get("/file")
    async def file(request: Request) -> FileResponse:
        """Download the newest backup."""
        job = await asyncio.to_thread(_newest, context.jobs)
        if job is None or job.result is None:
            raise Refuse(
                context.words.say("admin.no_backup", request.scope["language"]), status=404
            )
        name = str(job.result["file"])
        async with audited(context, request, ActionKind.BACKUP_FETCHED, file=name):
            return FileResponse(
                job.folder / name, filename=name, media_type="application/octet-stream"
            )

    return router


async def make_backup(context: Context, request: Request) -> None:
    """Begin a backup, once that is noted; the one made before goes. Raises Refuse."""
    jobs = context.jobs
    if await asyncio.to_thread(jobs.running, BACKUP):
        text = context.words.say("admin.already_running", request.scope["language"])
        raise Refuse(text, status=409)
    async with audited(context, request, ActionKind.BACKUP_MADE):
        await asyncio.to_thread(
            jobs.start,
            BACKUP,
            who=request.scope["user"].name,
            about={},
            request={
                "station": str(context.station_path.absolute()),
                "name": context.settings.station,
            },
        )


def backup_status(jobs: Jobs) -> dict[str, Any]:
    """How far the newest backup is, or what it came to."""
    job = _newest(jobs)
    far = {"stage": "", "done": 0, "of": 0}
    if job is not None:
        far = {"stage": job.stage, "done": job.done, "of": job.of}
    return {**job_status(job, BACKUP), **far}


def _newest(jobs: Jobs) -> Job | None:
    return next(iter(jobs.newest_first(BACKUP)), None)
