"""Putting a trained or an earlier recipe on the line, and what was on it before."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from inspection.errors import InspectionError
from inspection.station.recipe_library import (
    KEPT_RECIPES,
    ON_LINE,
    REPLACED,
    Swap,
    commit,
    exchanging,
    history,
    opened,
    rollback,
    swap,
)
from inspection.store.event_kinds import ActionKind
from ui.core.audit import record_action
from ui.core.context import Context
from ui.live.station_client import Refused

_exchanging = asyncio.Lock()


async def put_on_line(context: Context, new: Path, target: Path, *, who: str) -> dict[str, Any]:
    """Exchange the recipe file and have the station judge by it; what fails is undone.

    Raises Refused or InspectionError; the station then judges as before.
    """
    kept = context.folder / KEPT_RECIPES
    async with _exchanging, _lock(kept):
        done = await asyncio.to_thread(swap, new, target, kept)
        try:
            await context.runtime.do("recipe", who=who, path=str(target))
        except BaseException as error:
            await _undo(context, done, who=who, error=error)
            raise
        await asyncio.to_thread(commit, done)
    detail = {"file": str(target), "recipe_id": done.recipe_id, "before": done.before_id}
    with suppress(Refused):
        await record_action(context, REPLACED, who=who, detail=detail)
    return {"recipe_id": done.recipe_id, "before": done.before_id}


@asynccontextmanager
async def _lock(kept: Path) -> AsyncIterator[None]:
    """Hold the lock against a station that starts just now."""
    with ExitStack() as stack:
        await asyncio.to_thread(stack.enter_context, exchanging(kept))
        yield


async def _undo(context: Context, done: Swap, *, who: str, error: BaseException) -> None:
    """Put the file back and have it read again: a station that failed late may judge by the new one."""
    await asyncio.to_thread(rollback, done)
    detail = {"file": str(done.target), "recipe_id": done.recipe_id, "error": str(error)[:500]}
    with suppress(Refused):
        if done.spare is not None:
            await context.runtime.do("recipe", who=who, path=str(done.target))
    with suppress(Refused):
        await record_action(context, ActionKind.RECIPE_PUT_BACK, who=who, detail=detail)


def on_line(context: Context, product: str, view: str) -> dict[str, Any]:
    """Say which recipe a product's view is judged by, who else uses its file, and what was before."""
    target = target_of(context, product, view)
    users = [
        f"{each.name} / {look.name}" if len(context.settings.views) > 1 else each.name
        for each in context.settings.products
        for look in context.settings.views
        if each.recipe_of(look.name) == target
    ]
    try:
        present: str | None = opened(target).id
    except (InspectionError, OSError):
        present = None
    rows = _history(context, target)
    return {"recipe_id": present, "file": target.name, "used_by": users, "history": rows}


def kept_recipe(context: Context, recipe_id: str, target: Path) -> Path:
    """An earlier recipe of this file that is kept. Raises InspectionError."""
    for row in _history(context, target):
        if row["id"] == recipe_id and row["kept"]:
            return context.folder / KEPT_RECIPES / f"{recipe_id}.recipe"
    raise InspectionError(f"recipe {recipe_id[:12]!r}: was not on the line here, or is not kept")


def target_of(context: Context, product: str, view: str) -> Path:
    """The file the station reads a recipe from."""
    for each in context.settings.products:
        if each.name == product:
            return each.recipe_of(view)
    raise InspectionError(f"product {product[:64]!r}: is not in the station file")


def _history(context: Context, target: Path) -> list[dict[str, Any]]:
    found = [
        each for kind in (ON_LINE, REPLACED) for each in context.store.actions(kind=kind, limit=500)
    ]
    return history(found, target, context.folder / KEPT_RECIPES)
