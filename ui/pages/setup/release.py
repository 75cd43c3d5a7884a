"""A recipe that was trained: tried, and put on the line."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from fastapi import Request

from inspection.jobs import Job
from inspection.store.event_kinds import ActionKind
from ui.core import trials
from ui.core.audit import audited
from ui.core.context import Context
from ui.core.deploy import kept_recipe, put_on_line, target_of
from ui.core.errors import Refuse
from ui.pages.setup.draft import SetupDraft


async def attempt(context: Context, request: Request, training: str) -> Job:
    """Try a recipe on its own good parts, on the latest of the record and on those labelled NG."""
    jobs, who = context.jobs, request.scope["user"].name
    done = await asyncio.to_thread(trials.trained, jobs, training)
    parts = await asyncio.to_thread(trials.parts_to_try, context, done)
    about = {name: done.about[name] for name in ("product", "view")}
    async with audited(context, request, ActionKind.RECIPE_TRIED, **about, training=done.id):
        return await asyncio.to_thread(trials.start_trial, jobs, done, parts, who=who)


async def put_training(
    context: Context, request: Request, draft: SetupDraft, training: str
) -> dict[str, Any]:
    """Put the recipe of a training on the line; the one there now is kept."""
    job = await asyncio.to_thread(trials.trained, context.jobs, training)
    if (job.about["product"], job.about["view"]) != (draft.product, draft.view):
        raise Refuse(f"training {job.id}: is of another product or view")
    return await _put(context, request, draft, job.recipe)


async def put_earlier(
    context: Context, request: Request, draft: SetupDraft, recipe_id: str
) -> dict[str, Any]:
    """Put a recipe on the line that was there before."""
    target = target_of(context, draft.product, draft.view)
    new = await asyncio.to_thread(kept_recipe, context, recipe_id, target)
    return await _put(context, request, draft, new)


async def confirm(context: Context, request: Request, recipe_id: str) -> dict[str, Any]:
    """Have parts judged by a recipe that was not put on the line from here; the record says who."""
    who = request.scope["user"].name
    return await context.runtime.do("confirm", who=who, recipe_id=recipe_id)


async def _put(context: Context, request: Request, draft: SetupDraft, new: Path) -> dict[str, Any]:
    target = target_of(context, draft.product, draft.view)
    return await put_on_line(context, new, target, who=request.scope["user"].name)
