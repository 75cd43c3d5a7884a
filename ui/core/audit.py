"""What people do: noted in the record first, done then, or not done at all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from fastapi import Request

from inspection.store.event_kinds import ActionKind, EventKind
from ui.core.context import Context
from ui.core.errors import Refuse
from ui.live.station_client import Refused
from ui.security.users import UsersError


async def record_action(
    context: Context, kind: ActionKind, *, who: str, detail: Mapping[str, Any]
) -> None:
    """Have the station write an action. Raises Refused where it cannot."""
    await context.runtime.do("action", kind=kind, who=who, detail=detail)


async def record_event(
    context: Context, kind: EventKind, *, part_id: str, who: str, detail: Mapping[str, Any]
) -> None:
    """Have the station write an event of a part. Raises Refused where it cannot."""
    await context.runtime.do("event", part_id=part_id, kind=kind, who=who, detail=detail)


@asynccontextmanager
async def audited(
    context: Context, request: Request, kind: ActionKind, /, **detail: Any
) -> AsyncIterator[None]:
    """Do what stands within once it is noted; if it fails after all, that is noted as well.

    Raises Refuse (503) where nothing can be noted; what stands within is then not begun.
    """
    language, who = request.scope["language"], request.scope["user"].name
    await note(context, language, kind, who, detail)
    try:
        yield
    except Exception as error:
        await record_failure(context, request, kind, " ".join(str(error).split()), **detail)
        raise


async def record_failure(
    context: Context, request: Request, kind: ActionKind, error: str, /, **detail: Any
) -> None:
    """Note that what was noted could not be done, or not all of it."""
    failed = {**detail, "kind": kind, "error": error[:500]}
    with suppress(Refused):
        who = request.scope["user"].name
        await record_action(context, ActionKind.CHANGE_FAILED, who=who, detail=failed)


FIELDS = {
    "bad_name": "name",
    "anybody": "role",
    "name_taken": "name",
    "unknown_user": "name",
    "password_length": "password",
    "password_is_name": "password",
    "password_common": "password",
    "badge_length": "code",
    "badge_common": "code",
    "badge_taken": "code",
    "last_administrator": "role",
    "wrong_password": "current",
    "too_soon": "current",
}
"""Where on the page an error is shown; any other is shown by itself."""


async def make_change(
    context: Context,
    request: Request,
    kind: ActionKind,
    detail: dict[str, Any],
    *,
    foresee: Callable[[], object],
    make: Callable[[], object],
) -> None:
    """Make a change that `foresee` (raises UsersError) lets pass, once it is noted in the record.

    If the change fails after all, that is noted as well. Raises UsersError, Refuse.
    """
    language, who = request.scope["language"], request.scope["user"].name
    await asyncio.to_thread(foresee)
    await note(context, language, kind, who, detail)
    try:
        await asyncio.to_thread(make)
    except UsersError as error:
        with suppress(Refused):
            failed = {"kind": kind, "error": error.reason, **detail}
            await record_action(context, ActionKind.CHANGE_FAILED, who=who, detail=failed)
        raise


async def note(
    context: Context, language: str, kind: ActionKind, who: str, detail: dict[str, Any]
) -> None:
    """Write an action into the record. Raises Refuse, saying that nothing was changed."""
    try:
        await record_action(context, kind, who=who, detail=detail)
    except Refused as error:
        text = context.words.say("admin.not_noted", language, error=error)
        raise Refuse(text, status=503) from error


def explain(context: Context, language: str, error: UsersError) -> str:
    """Say why not, in the person's language, in one line."""
    known = context.words.keys
    keys = (f"admin.error_{error.reason}", f"login.{error.reason}")
    key = next((key for key in keys if key in known), None)
    return context.words.say(key, language, **error.values) if key else str(error)
