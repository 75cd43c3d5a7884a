"""Training from the set-up page: choosing, starting, cancelling, each noted first."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from pathlib import Path

from fastapi import Request

from inspection.errors import InspectionError
from inspection.jobs import TRY, Job
from inspection.labels.part_selection import labelled_ng
from inspection.store.event_kinds import ActionKind
from ui.core.audit import audited
from ui.core.context import Context
from ui.pages.setup.draft import SetupDraft
from ui.pages.setup.training import Options, options_of, planned_training, start_training

TRIAL_ENDS_S = 5.0
"""So long a trial has to end when it is asked to."""
MOST_BAD = 200
"""Of so many of the newest parts labelled NG it is told how many would pass."""


def labelled_bad(context: Context, draft: SetupDraft) -> list[tuple[str, Path, str]]:
    """The parts labelled NG of a draft's product; none where several cameras share a picture."""
    if len(context.settings.views) > 1:
        return []
    station = context.settings.station
    found = labelled_ng(context.store, station=station, product=draft.product, most=MOST_BAD)
    return [(record.part_id, path, defect) for record, path, defect in found]


async def train(context: Context, request: Request, draft: SetupDraft, options: Options) -> Job:
    """Start a training; a trial of the same product and view ends for it. Raises InspectionError."""
    who = request.scope["user"].name
    await choose(context, request, draft, options)
    about = await asyncio.to_thread(planned_training, draft, options)
    if (trial := await asyncio.to_thread(context.jobs.running, TRY)) and tries(trial, draft):
        await end_trial(context, request, trial)
    async with audited(context, request, ActionKind.TRAINING_STARTED, **about):
        bad = await asyncio.to_thread(labelled_bad, context, draft) if options.labelled_bad else []
        return await asyncio.to_thread(
            start_training, context.jobs, draft, options, who=who, bad=bad
        )


async def choose(context: Context, request: Request, draft: SetupDraft, options: Options) -> None:
    """Keep the choices, without training yet."""
    if await asyncio.to_thread(options_of, draft) == options:
        return
    about = {"product": draft.product, "view": draft.view, "options": options.model_dump()}
    async with audited(context, request, ActionKind.OPTIONS_CHOSEN, **about):
        await asyncio.to_thread(draft.write_note, options=options.model_dump())


async def cancel(context: Context, request: Request, job_id: str, *, at_once: bool = False) -> None:
    """Ask a job to end; `at_once` does not ask. Raises InspectionError."""
    async with audited(context, request, ActionKind.TRAINING_CANCELLED, job=job_id[:40]):
        await asyncio.to_thread(context.jobs.cancel, job_id, at_once=at_once)


def tries(job: Job, draft: SetupDraft) -> bool:
    """Whether a job is a trial of a recipe of this product and view."""
    same = (job.about["product"], job.about["view"]) == (draft.product, draft.view)
    return job.kind == TRY and same


async def end_trial(context: Context, request: Request, trial: Job) -> None:
    """End a trial and wait until it has; one that does not answer is ended without asking. Raises InspectionError."""
    for at_once in (False, True):
        with suppress(InspectionError):  # it ended by itself meanwhile
            await cancel(context, request, trial.id, at_once=at_once)
        end = time.monotonic() + TRIAL_ENDS_S
        while time.monotonic() < end:
            found = await asyncio.to_thread(context.jobs.find, trial.id)
            if found is None or not found.running:
                return
            await asyncio.sleep(0.1)
