"""Who is signed in where: listed, and ended one by one."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, StringConstraints

from inspection.store.event_kinds import ActionKind
from ui.core.audit import audited
from ui.core.context import Context
from ui.core.errors import Refuse
from ui.security.sessions import OpenSession, handle_of


class Handle(BaseModel):
    """A session by its handle."""

    handle: Annotated[str, StringConstraints(pattern="^[0-9a-f]{16}$")]


def routes(context: Context) -> APIRouter:
    """Answer `/sessions…`."""
    router = APIRouter(prefix="/sessions")
    sessions = context.sessions

    @router.get("")
    async def listed(request: Request) -> dict[str, Any]:
        """All open sessions, the one used last first."""
        mine = handle_of(request.scope["session"].id)
        found = await asyncio.to_thread(sessions.listed)
        return {"sessions": [{**asdict(each), "mine": each.handle == mine} for each in found]}

    @router.post("/end")
    async def end(wanted: Handle, request: Request) -> dict[str, Any]:
        """End one session, once that is noted."""
        found: OpenSession | None = next(
            (each for each in sessions.listed() if each.handle == wanted.handle), None
        )
        if found is None:
            text = context.words.say("admin.no_session", request.scope["language"])
            raise Refuse(text, status=404)
        detail = {"name": found.user.name, "address": found.address}
        async with audited(context, request, ActionKind.SESSION_ENDED, **detail):
            await asyncio.to_thread(sessions.end_one, found.handle)
        return {"ok": True}

    return router
