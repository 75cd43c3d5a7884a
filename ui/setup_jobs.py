"""Training from the set-up page: starting, watching, cancelling."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Request

from inspection.jobs import Jobs
from ui import setup_training
from ui.context import Context
from ui.setup_asked import OfJob, Training, draft_of, note


def add_routes(router: APIRouter, context: Context, jobs: Jobs) -> None:
    """Answer what the page asks of trainings."""

    @router.get("/jobs")
    async def progress(product: str, view: str) -> dict[str, Any]:
        """Say how the jobs are: that of the draft, its trial, and the one running."""
        return await asyncio.to_thread(setup_training.progress_of, jobs, product, view)

    @router.post("/train")
    async def train(wanted: Training, request: Request) -> dict[str, Any]:
        """Start a training."""
        of = draft_of(context, wanted.product, wanted.view)
        who, options = request.scope["user"].name, wanted.options
        await asyncio.to_thread(of.write_note, options=options.model_dump())
        job = await asyncio.to_thread(setup_training.start_training, jobs, of, options, who=who)
        await note(context, request, "training_started", job=job.id, **job.about)
        return {"ok": True, "job": setup_training.progress(job)}

    @router.post("/options")
    async def choose(wanted: Training) -> dict[str, Any]:
        """Keep the choices, without training yet."""
        of = draft_of(context, wanted.product, wanted.view)
        await asyncio.to_thread(of.write_note, options=wanted.options.model_dump())
        return {"ok": True}

    @router.post("/cancel")
    async def cancel(wanted: OfJob, request: Request) -> dict[str, Any]:
        """Ask a job to end."""
        await asyncio.to_thread(jobs.cancel, wanted.job, at_once=wanted.at_once)
        await note(context, request, "training_cancelled", job=wanted.job)
        return {"ok": True}
