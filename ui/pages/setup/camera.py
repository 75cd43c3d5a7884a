"""The camera of the set-up page: what it sees, trying settings, and keeping them."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Request, Response

from cameras import CameraError, camera_class
from inspection.station.station_file import StationFile, read_station
from inspection.store.event_kinds import ActionKind
from ui.core.audit import audited
from ui.core.context import Context
from ui.pages.setup.camera_preview import CameraPreviews
from ui.pages.setup.camera_settings import (
    checked_settings,
    fields_of,
    keep_settings,
    settable,
    view_of,
)
from ui.pages.setup.requests import CameraChange, draft_of


def add_routes(router: APIRouter, context: Context) -> None:
    """Answer what the page asks of the camera."""
    previews = CameraPreviews(context.runtime)

    @router.get("/look")
    async def look(view: str) -> Response:
        """What the camera sees now; the station must be paused."""
        data = await previews.now(view)
        return Response(data, media_type="image/jpeg", headers={"Cache-Control": "no-store"})

    @router.post("/camera")
    async def change(wanted: CameraChange, request: Request) -> dict[str, Any]:
        """Try settings at the camera; they hold until the station starts anew."""
        draft = draft_of(context, wanted.product, wanted.view)
        kept = await asyncio.to_thread(changed_settings, context, wanted)
        who = request.scope["user"].name
        found = await context.runtime.do("camera", who=who, view=wanted.view, settings=kept)
        await asyncio.to_thread(draft.write_note, camera=wanted.settings)
        return {"ok": True, **found}

    @router.post("/camera/keep")
    async def keep(wanted: CameraChange, request: Request) -> dict[str, Any]:
        """Write settings into the station file."""
        draft = draft_of(context, wanted.product, wanted.view)
        kept = await asyncio.to_thread(changed_settings, context, wanted)
        about = {"view": wanted.view, "settings": kept}
        async with audited(context, request, ActionKind.CAMERA_KEPT, **about):
            await asyncio.to_thread(keep_settings, context.station_path, wanted.view, kept)
            await asyncio.to_thread(draft.write_note, camera={})
        return {"ok": True}


def camera_message(context: Context, view: str, tried: dict[str, Any]) -> dict[str, Any]:
    """Say of a view's camera what a form shows; `tried` is not kept yet."""
    settings = settings_now(context)
    named = view_of(settings, view)
    try:
        kind = camera_class(named.camera)
    except CameraError as error:  # a driver whose library is missing is told, not hidden
        return {"name": named.camera, "fields": [], "tried": {}, "problem": str(error)}
    tried = {name: tried[name] for name in tried.keys() & settable(kind)}
    fields = fields_of(kind, {**named.settings, **tried})
    return {"name": named.camera, "fields": fields, "tried": tried, "problem": None}


def changed_settings(context: Context, wanted: CameraChange) -> dict[str, Any]:
    """The settings of a view's camera as they would be. Raises SetupError for a wrong one."""
    return checked_settings(settings_now(context), wanted.view, wanted.settings)


def settings_now(context: Context) -> StationFile:
    """Read the station file as it is now: the page itself changes it."""
    return read_station(context.station_path)
