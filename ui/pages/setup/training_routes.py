"""Training from the set-up page: starting, watching, cancelling."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request

from inspection.jobs import Jobs
from inspection.labels.part_selection import labelled_ng
from inspection.store.event_kinds import ActionKind
from ui.core.audit import audited
from ui.core.context import Context
from ui.pages.setup.draft import SetupDraft
from ui.pages.setup.requests import OfJob, Training, draft_of
from ui.pages.setup.training import (
    Options,
    job_message,
    jobs_message,
    options_of,
    planned_training,
    start_training,
)

MOST_BAD = 200
"""Of so many of the newest parts labelled NG it is told how many would pass."""


def labelled_bad(context: Context, draft: SetupDraft) -> list[tuple[str, Path, str]]:
    """The parts labelled NG of a draft's product; none where several cameras share a picture."""
    if len(context.settings.views) > 1:
        return []
    station = context.settings.station
    found = labelled_ng(context.store, station=station, product=draft.product, most=MOST_BAD)
    return [(record.part_id, path, defect) for record, path, defect in found]


def add_routes(router: APIRouter, context: Context, jobs: Jobs) -> None:
    """Answer what the page asks of trainings."""

    @router.get("/jobs")
    async def progress(product: str, view: str) -> dict[str, Any]:
        """Say how the jobs are: that of the draft, its trial, and the one running."""
        return await asyncio.to_thread(jobs_message, jobs, product, view)

    @router.post("/train")
    async def train(wanted: Training, request: Request) -> dict[str, Any]:
        """Start a training."""
        draft = draft_of(context, wanted.product, wanted.view)
        who, options = request.scope["user"].name, wanted.options
        await keep(draft, options, request)
        about = await asyncio.to_thread(planned_training, draft, options)
        async with audited(context, request, ActionKind.TRAINING_STARTED, **about):
            bad = (
                await asyncio.to_thread(labelled_bad, context, draft)
                if options.labelled_bad
                else []
            )
            job = await asyncio.to_thread(start_training, jobs, draft, options, who=who, bad=bad)
        return {"ok": True, "job": job_message(job)}

    @router.post("/options")
    async def choose(wanted: Training, request: Request) -> dict[str, Any]:
        """Keep the choices, without training yet."""
        await keep(draft_of(context, wanted.product, wanted.view), wanted.options, request)
        return {"ok": True}

    async def keep(draft: SetupDraft, options: Options, request: Request) -> None:
        if await asyncio.to_thread(options_of, draft) == options:
            return
        about = {"product": draft.product, "view": draft.view, "options": options.model_dump()}
        async with audited(context, request, ActionKind.OPTIONS_CHOSEN, **about):
            await asyncio.to_thread(draft.write_note, options=options.model_dump())

    @router.post("/cancel")
    async def cancel(wanted: OfJob, request: Request) -> dict[str, Any]:
        """Ask a job to end."""
        async with audited(context, request, ActionKind.TRAINING_CANCELLED, job=wanted.job):
            await asyncio.to_thread(jobs.cancel, wanted.job, at_once=wanted.at_once)
        return {"ok": True}
