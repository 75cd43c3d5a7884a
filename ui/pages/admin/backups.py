"""A copy of the whole station, made while it goes on, to be fetched and kept elsewhere."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse

from inspection.jobs import BACKUP, Job
from inspection.store.event_kinds import ActionKind
from ui.core.audit import audited
from ui.core.background import job_status
from ui.core.context import Context
from ui.core.errors import Refuse


def routes(context: Context) -> APIRouter:
    """Answer `/backup…`; a backup holds all there is, so each is in the record before it is made or fetched."""
    router = APIRouter(prefix="/backup")
    jobs = context.jobs

    async def newest() -> Job | None:
        return next(iter(await asyncio.to_thread(jobs.newest_first, BACKUP)), None)

    @router.get("")
    async def made() -> dict[str, Any]:
        """Say how far the newest backup is, or what it came to."""
        return _status(await newest())

    @router.post("")
    async def make(request: Request) -> dict[str, Any]:
        """Begin a backup; the one made before goes."""
        if await asyncio.to_thread(jobs.running, BACKUP):
            text = context.words.say("admin.already_running", request.scope["language"])
            raise Refuse(text, status=409)
        async with audited(context, request, ActionKind.BACKUP_MADE):
            job = await asyncio.to_thread(
                jobs.start,
                BACKUP,
                who=request.scope["user"].name,
                about={},
                request={
                    "station": str(context.station_path.absolute()),
                    "name": context.settings.station,
                },
            )
        return _status(job)

    @router.get("/file")
    async def file(request: Request) -> FileResponse:
        """Download the newest backup."""
        job = await newest()
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


def _status(job: Job | None) -> dict[str, Any]:
    far = {"stage": "", "done": 0, "of": 0}
    if job is not None:
        far = {"stage": job.stage, "done": job.done, "of": job.of}
    return {"ok": True, **job_status(job, BACKUP), **far}
