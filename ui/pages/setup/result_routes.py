"""What a training came to, trying its recipe, and putting it on the line."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse

from inspection.jobs import Job, Jobs
from inspection.labels.labels import read_labels
from inspection.store.event_kinds import ActionKind
from ui.core import trials
from ui.core.audit import audited
from ui.core.context import Context
from ui.core.deploy import kept_recipe, put_on_line, target_of
from ui.core.errors import Refuse
from ui.pages.setup import training
from ui.pages.setup.draft import SetupDraft
from ui.pages.setup.requests import FOREVER, OfJob, RecipeToConfirm, Release, shown
from ui.pages.setup.result import (
    heat_of_good,
    heat_png,
    part_of,
    picture_of,
    result_message,
    trial_message,
)


def add_routes(router: APIRouter, context: Context, jobs: Jobs) -> None:
    """Answer what the page asks of a recipe that was trained."""
    _result_routes(router, context, jobs)
    _trial_routes(router, context, jobs)
    _line_routes(router, context, jobs)


def trial_of(jobs: Jobs, job_id: str) -> Job:
    """The newest trial of a training's recipe. Raises Refuse."""
    trial = trials.trial_of(jobs, trials.trained(jobs, job_id))
    if trial is None:
        raise Refuse("the recipe was not tried yet", status=404)
    return trial


def _result_routes(router: APIRouter, context: Context, jobs: Jobs) -> None:
    @router.get("/result/{job_id}")
    async def result(job_id: str) -> dict[str, Any]:
        """What a training came to."""
        return await asyncio.to_thread(lambda: result_message(trials.trained(jobs, job_id)))

    @router.get("/result/{job_id}/good/{name}")
    async def learnt(job_id: str, name: str) -> Response:
        """A good part the recipe was learnt from."""
        return await asyncio.to_thread(
            lambda: shown(picture_of(trials.trained(jobs, job_id), name))
        )

    @router.get("/recipe/{job_id}")
    async def recipe(job_id: str) -> Response:
        """The recipe file of a training, to be kept elsewhere."""
        job = await asyncio.to_thread(trials.trained, jobs, job_id)
        draft = SetupDraft(context.folder, job.about["product"], job.about["view"])
        name = f"{draft.folder.name}.recipe"
        return FileResponse(job.recipe, filename=name, media_type="application/octet-stream")


def _trial_routes(router: APIRouter, context: Context, jobs: Jobs) -> None:
    @router.post("/try")
    async def attempt(wanted: OfJob, request: Request) -> dict[str, Any]:
        """Try a recipe on its own good parts, on the latest of the record and on those labelled NG."""
        done = await asyncio.to_thread(trials.trained, jobs, wanted.job)
        parts = await asyncio.to_thread(trials.parts_to_try, context, done)
        who = request.scope["user"].name
        about = {name: done.about[name] for name in ("product", "view")}
        async with audited(context, request, ActionKind.RECIPE_TRIED, **about, training=done.id):
            job = await asyncio.to_thread(trials.start_trial, jobs, done, parts, who=who)
        return {"ok": True, "job": training.job_message(job)}

    @router.get("/tried/{job_id}")
    async def tried(job_id: str) -> dict[str, Any]:
        """What a recipe made of the parts it was tried on, as far as it is."""
        trial = await asyncio.to_thread(trial_of, jobs, job_id)
        return await asyncio.to_thread(lambda: trial_message(trial, read_labels(context.store)))

    @router.get("/tried/{job_id}/heat/{name}")
    async def heat(job_id: str, name: str) -> Response:
        """Where one of the worst good parts is least usual."""
        trial = await asyncio.to_thread(trial_of, jobs, job_id)
        path = heat_of_good(trial, name)
        return FileResponse(path, media_type="image/png", headers={"Cache-Control": FOREVER})

    @router.get("/tried/{job_id}/part/{part_id}")
    async def part(job_id: str, part_id: str) -> Response:
        """Where a recorded part is unusual for the new recipe."""
        trial = await asyncio.to_thread(trial_of, jobs, job_id)
        path = part_of(trial, part_id)
        recipe = trials.trained(jobs, job_id).recipe
        return _png(await asyncio.to_thread(heat_png, recipe, path))


def _line_routes(router: APIRouter, context: Context, jobs: Jobs) -> None:
    @router.post("/line")
    async def line(wanted: Release, request: Request) -> dict[str, Any]:
        """Put a recipe on the line; the one there now is kept."""
        target = target_of(context, wanted.product, wanted.view)
        new = await asyncio.to_thread(chosen, wanted, target)
        who = request.scope["user"].name
        found = await put_on_line(context, new, target, who=who)
        return {"ok": True, **found}

    @router.post("/confirm")
    async def confirm(wanted: RecipeToConfirm, request: Request) -> dict[str, Any]:
        """Have parts judged by a recipe that was not put on the line from here; the record says who."""
        who = request.scope["user"].name
        found = await context.runtime.do("confirm", who=who, recipe_id=wanted.recipe_id)
        return {"ok": True, **found}

    def chosen(wanted: Release, target: Path) -> Path:
        if not wanted.job:
            return kept_recipe(context, wanted.recipe_id, target)
        job = trials.trained(jobs, wanted.job)
        if (job.about["product"], job.about["view"]) != (wanted.product, wanted.view):
            raise Refuse(f"training {job.id}: is of another product or view")
        return job.recipe


def _png(data: bytes | None) -> Response:
    if data is None:
        raise Refuse("this picture cannot be judged by the recipe, so there is no heat", status=404)
    return Response(data, media_type="image/png", headers={"Cache-Control": FOREVER})
