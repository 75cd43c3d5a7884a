"""Settings of a view's camera: tried at the camera, or kept in the station file."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from fastapi import Request

from inspection.station.station_file import StationFile, read_station
from inspection.store.event_kinds import ActionKind
from ui.core.audit import audited
from ui.core.context import Context
from ui.pages.setup.camera_settings import checked_settings, keep_settings
from ui.pages.setup.draft import SetupDraft


async def attempt(
    context: Context, request: Request, draft: SetupDraft, settings: Mapping[str, Any]
) -> dict[str, Any]:
    """Try settings at the camera; they hold until the station starts anew. It must be paused."""
    kept = await asyncio.to_thread(changed_settings, context, draft.view, settings)
    who = request.scope["user"].name
    found = await context.runtime.do("camera", who=who, view=draft.view, settings=kept)
    await asyncio.to_thread(draft.write_note, camera=dict(settings))
    return found


async def keep(
    context: Context, request: Request, draft: SetupDraft, settings: Mapping[str, Any]
) -> None:
    """Write settings into the station file."""
    kept = await asyncio.to_thread(changed_settings, context, draft.view, settings)
    about = {"view": draft.view, "settings": kept}
    async with audited(context, request, ActionKind.CAMERA_KEPT, **about):
        await asyncio.to_thread(keep_settings, context.station_path, draft.view, kept)
        await asyncio.to_thread(draft.write_note, camera={})


def changed_settings(context: Context, view: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a view's camera as they would be. Raises SetupError for a wrong one."""
    return checked_settings(settings_now(context), view, given)


def settings_now(context: Context) -> StationFile:
    """Read the station file as it is now: the page itself changes it."""
    return read_station(context.station_path)
