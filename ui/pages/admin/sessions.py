"""Who is signed in where: listed, and ended one by one."""

from __future__ import annotations

import asyncio

from fastapi import Request

from inspection.store.event_kinds import ActionKind
from ui.core.audit import audited
from ui.core.context import Context
from ui.core.errors import Refuse
from ui.security.sessions import OpenSession, handle_of


def own_handle(request: Request) -> str | None:
    """The handle of the session that asks."""
    session = request.scope["session"]
    return None if session is None else handle_of(session.id)


async def end_session(context: Context, request: Request, handle: str) -> OpenSession:
    """End one session, once that is noted, and say which it was. Raises Refuse."""
    sessions = context.sessions
    found = next((each for each in sessions.listed() if each.handle == handle), None)
    if found is None:
        raise Refuse(context.words.say("admin.no_session", request.scope["language"]), status=404)
    detail = {"name": found.user.name, "address": found.address}
    async with audited(context, request, ActionKind.SESSION_ENDED, **detail):
        await asyncio.to_thread(sessions.end_one, found.handle)
    return found
