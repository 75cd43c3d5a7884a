"""The page /engineer/review: people say what parts really are, by one key each."""

from __future__ import annotations

import asyncio
from functools import lru_cache
from typing import Any

import gradio as gr
from fastapi import APIRouter, Request, Response

from ui.core.context import Context
from ui.core.errors import Refuse
from ui.core.labelling import record_label
from ui.core.page import Page
from ui.pages.review.choice import Choice
from ui.pages.review.messages import Viewer
from ui.pages.review.requests import Given, PartRequest, QueueRequest, Undo
from ui.pages.review.service import Review
from ui.security.users import Role, User

PAGE = Page(
    name="review",
    path="/engineer/review",
    role=Role.ENGINEER,
    label="review.page",
    order=20,
)


def routes(context: Context) -> APIRouter:
    """Answer what the page asks."""
    router = APIRouter(prefix="/api/engineer/review")
    review = review_of(context)

    def viewer(request: Request) -> Viewer:
        return Viewer.of(context, request)

    @router.post("/queue")
    async def queue(asked: QueueRequest, request: Request) -> dict[str, Any]:
        """The parts that want a look first."""
        return await asyncio.to_thread(review.page, asked, viewer(request))

    @router.get("/screen")
    async def screen(request: Request) -> dict[str, Any]:
        """The page without a part, in the person's language."""
        return await asyncio.to_thread(review.screen, viewer(request))

    @router.post("/part")
    async def part(about: PartRequest, request: Request) -> dict[str, Any]:
        """One part."""
        return await asyncio.to_thread(review.refreshed, about, viewer(request))

    @router.post("/label")
    async def label(given: Given, request: Request) -> dict[str, Any]:
        """Record what a person says of a part; done when this answers."""
        user = _user(request)
        detail = await asyncio.to_thread(review.label_detail, given, user)
        await record_label(context, request, given.part_id, detail)
        return await asyncio.to_thread(review.refreshed, given, viewer(request))

    @router.post("/undo")
    async def undo(wanted: Undo, request: Request) -> dict[str, Any]:
        """Take a label back."""
        user = _user(request)
        detail = await asyncio.to_thread(review.undo_detail, wanted, user)
        await record_label(context, request, wanted.part_id, detail)
        return await asyncio.to_thread(review.refreshed, wanted, viewer(request))

    @router.get("/mask/{part_id}/{number}")
    async def mask(part_id: str, number: int, request: Request) -> Response:
        """The mask of a label."""
        data = await asyncio.to_thread(review.mask, part_id, number, _user(request))
        return Response(data, media_type="image/png", headers={"Cache-Control": "no-store"})

    @router.get("/below/{part_id}")
    async def below(part_id: str) -> Response:
        """What is least usual of a part that passed, below the limit."""
        data = await asyncio.to_thread(review.below_limit, part_id)
        if data is None:
            raise Refuse(f"part {part_id[:80]}: there is no heat of it any more", status=404)
        return Response(data, media_type="image/png", headers={"Cache-Control": "no-store"})

    @router.get("/why/{part_id}")
    async def why(part_id: str, request: Request) -> dict[str, Any]:
        """Why a part scored as it did, as a page in a box."""
        return {"html": await asyncio.to_thread(review.why, part_id, viewer(request))}

    @router.get("/proposal/{part_id}")
    async def proposal(part_id: str) -> Response:
        """The mask proposed for a part."""
        data = await asyncio.to_thread(review.proposal, part_id)
        if data is None:
            return Response(status_code=204)
        return Response(data, media_type="image/png", headers={"Cache-Control": "no-store"})

    return router


def panel(context: Context, say: gr.I18n) -> None:
    """Which parts on top; below, drawn by a script, pictures, masks and keys."""
    Choice(context, review_of(context), say)


@lru_cache(maxsize=1)
def review_of(context: Context) -> Review:
    """What routes and panel share."""
    return Review(context)


def _user(request: Request) -> User:
    user: User = request.scope["user"]
    return user
