"""The set-up page: camera, where to look, good parts, training, result, on the line."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Request

from inspection.errors import SetupError
from inspection.jobs import Jobs
from inspection.store.event_kinds import ActionKind
from ui.core import deploy
from ui.core.audit import audited
from ui.core.context import Context
from ui.core.errors import Refuse
from ui.core.page import Page
from ui.pages.setup import (
    camera,
    good_parts,
    result,
    result_routes,
    take_pictures,
    training,
    training_routes,
)
from ui.pages.setup.draft import SetupDraft
from ui.pages.setup.requests import SetupChange, draft_of
from ui.security.users import Role

PAGE = Page(
    name="setup",
    path="/engineer/setup",
    role=Role.ENGINEER,
    label="setup.page",
    order=30,
)


def routes(context: Context) -> APIRouter:
    """Answer what the page asks."""
    router = APIRouter(prefix="/api/engineer/setup")
    jobs = context.jobs
    camera.add_routes(router, context)
    _draft_routes(router, context, jobs)
    take_pictures.add_routes(router, context)
    good_parts.add_routes(router, context)
    training_routes.add_routes(router, context, jobs)
    result_routes.add_routes(router, context, jobs)
    return router


def state_of(context: Context, draft: SetupDraft, jobs: Jobs) -> dict[str, Any]:
    """All the page needs to show a draft."""
    note = draft.note
    try:
        setup, problem = draft.setup(), None
    except SetupError as error:
        setup, problem = None, str(error)
    names = draft.names()
    (recipe,) = {
        product.recipe_of(draft.view)
        for product in context.settings.products
        if product.name == draft.product
    }
    options = training.options_of(draft, recipe)
    return {
        "products": [product.name for product in context.settings.products if not product.archived],
        "views": [view.name for view in context.settings.views],
        "product": draft.product,
        "view": draft.view,
        "camera": camera.camera_message(context, draft.view, note.get("camera") or {}),
        "setup": setup,
        "setup_problem": problem,
        "good": names,
        "removed": draft.removed()[-20:],
        "reference": names[0] if names else None,
        "promise": result.promise(len(names), options.false_reject),
        "options": options,
        "models": training.offered_models(),
        "labelled_bad": len(training_routes.labelled_bad(context, draft)),
        "datasets": good_parts.datasets(context),
        **training.jobs_message(jobs, draft.product, draft.view),
        "line": deploy.on_line(context, draft.product, draft.view),
    }


def _draft_routes(router: APIRouter, context: Context, jobs: Jobs) -> None:
    @router.get("/state")
    async def state(product: str = "", view: str = "") -> dict[str, Any]:
        """The whole draft; without names, that of the first product and view."""
        settings = context.settings
        draft = draft_of(context, product or settings.first_product, view or settings.views[0].name)
        return await asyncio.to_thread(state_of, context, draft, jobs)

    @router.post("/where")
    async def where(wanted: SetupChange, request: Request) -> dict[str, Any]:
        """Keep where to look, if it can be."""
        draft = draft_of(context, wanted.product, wanted.view)
        setup, is_new = await asyncio.to_thread(draft.checked, wanted.setup)
        if is_new:
            about: dict[str, Any] = {
                "product": draft.product,
                "view": draft.view,
                "inspected": len(setup.roi),
            }
            about |= {"ignored": len(setup.ignore), "zones": [zone.name for zone in setup.zones]}
            async with audited(context, request, ActionKind.WHERE_TO_LOOK_SAVED, **about):
                await asyncio.to_thread(draft.keep_setup, setup)
        return {"ok": True, "setup": setup}

    @router.get("/promise")
    async def promise(n: int, asked: float) -> dict[str, Any]:
        """Say what n good parts allow to promise."""
        if not (0 < asked < 1 and 0 <= n <= 1_000_000):
            raise Refuse(f"false reject {asked:g}: allowed: between 0 and 1")
        return await asyncio.to_thread(result.promise, n, asked)
