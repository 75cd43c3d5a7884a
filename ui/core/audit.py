"""What an engineer does: in the record first, done then, or not done at all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from fastapi import Request

from ui.core.admin_note import note
from ui.core.context import Context
from ui.live.station_client import Refused


@asynccontextmanager
async def noted(
    context: Context, request: Request, kind: str, /, **detail: Any
) -> AsyncIterator[None]:
    """Do what stands within once it is noted; if it fails after all, that is noted as well.

    Raises Refuse (503) where nothing can be noted; what stands within is then not begun.
    """
    language, who = request.scope["language"], request.scope["user"].name
    await note(context, language, kind, who, detail)
    try:
        yield
    except Exception as error:
        await not_made(context, request, kind, " ".join(str(error).split()), **detail)
        raise


async def not_made(
    context: Context, request: Request, kind: str, error: str, /, **detail: Any
) -> None:
    """Note that what was noted could not be done, or not all of it."""
    failed = {**detail, "kind": kind, "error": error[:500]}
    with suppress(Refused):
        who = request.scope["user"].name
        await context.runtime.do("action", kind="change_failed", who=who, detail=failed)
