"""Pictures taken at the set-up page: a series is noted once, with how many it will be at most."""

from __future__ import annotations

import asyncio
from datetime import datetime
from secrets import token_hex
from typing import Any

from fastapi import APIRouter, Request

from inspection.store.event_kinds import ActionKind
from ui.core.audit import audited
from ui.core.context import Context
from ui.pages.setup.draft import SetupDraft
from ui.pages.setup.requests import Taking, draft_of

MOST_SERIES = 100


def add_routes(router: APIRouter, context: Context) -> None:
    """Answer what the page asks of pictures to be taken."""
    left: dict[tuple[str, ...], int] = {}
    """How many pictures of a series that is noted are still to be taken."""

    @router.post("/good/take")
    async def take(wanted: Taking, request: Request) -> dict[str, Any]:
        """Take one picture, the first of a series or the next; the station must be paused."""
        of = draft_of(context, wanted.product, wanted.view)
        name = await asyncio.to_thread(_fresh_name, of)
        who, series = request.scope["user"].name, wanted.series
        key = who, of.product, of.view, series
        if key in left:
            left[key] -= 1
            if not left[key]:
                del left[key]
            await one(of, name, who, reference=wanted.reference)
            return {"ok": True, "added": [name], "refused": [], "series": series}
        about = {"product": of.product, "view": of.view, "count": wanted.count}
        async with audited(context, request, ActionKind.PICTURES_TAKEN, **about):
            await one(of, name, who, reference=wanted.reference)
        series = token_hex(8)
        if wanted.count > 1:
            left[who, of.product, of.view, series] = wanted.count - 1
            while len(left) > MOST_SERIES:
                del left[next(iter(left))]
        return {"ok": True, "added": [name], "refused": [], "series": series}

    async def one(of: SetupDraft, name: str, who: str, *, reference: bool) -> None:
        await context.runtime.do("take", who=who, view=of.view, path=str(of.good / name))
        await asyncio.to_thread(of.make_thumb, name)
        if reference:
            await asyncio.to_thread(of.write_note, reference=name)


def _fresh_name(draft: SetupDraft) -> str:
    draft.room()
    return draft.next_name(f"taken-{datetime.now().astimezone():%Y%m%d-%H%M%S-%f}")
