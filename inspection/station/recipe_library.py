"""Putting a recipe on the line: the file the station reads is exchanged, and the old one is kept.

Whoever exchanges then has the station load the file; if that fails, `put_back` undoes it all.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from secrets import token_hex
from typing import Any

from inspection.durable_files import copy_file
from inspection.errors import RecipeError
from inspection.recipe import Recipe, open_recipe
from inspection.store import Action

ON_LINE, REPLACED = "recipe_on_line", "recipe_replaced"


@dataclass(frozen=True, slots=True, kw_only=True)
class Swap:
    """An exchange that was made; `spare` is what stood at `target` before, None if nothing did."""

    target: Path
    recipe_id: str
    before_id: str | None
    spare: Path | None


def swap(new: Path, target: Path, kept: Path) -> Swap:
    """Put a copy of `new` in the place of `target`, which goes to `kept/ID.recipe` first.

    All or nothing. Raises RecipeError when `new` is damaged or a disk refuses.
    """
    recipe_id = open_recipe(new).id
    spare: Path | None = target.with_name(f".{target.name}.{token_hex(4)}.before")
    try:
        before_id = keep(target, kept)
        spare = copy_file(target, spare) if target.exists() and spare else None
        target.parent.mkdir(parents=True, exist_ok=True)
        copy_file(new, target)
    except OSError as error:
        if spare is not None:
            spare.unlink(missing_ok=True)
        raise RecipeError(
            f"recipe {target}: cannot be exchanged ({error.strerror or error}); "
            "the earlier one is still in its place"
        ) from error
    return Swap(target=target, recipe_id=recipe_id, before_id=before_id, spare=spare)


def rollback(done: Swap) -> None:
    """Undo an exchange: the target is again what it was."""
    if done.spare is None:
        done.target.unlink(missing_ok=True)
    else:
        os.replace(done.spare, done.target)


def commit(done: Swap) -> None:
    """Let go of what an exchange held ready to be put back."""
    if done.spare is not None:
        done.spare.unlink(missing_ok=True)


def keep(path: Path, kept: Path) -> str | None:
    """Copy a recipe to `kept/ID.recipe` and give its id; None if it is not there or damaged."""
    try:
        recipe_id = open_recipe(path).id
    except RecipeError:
        return None
    place = kept / f"{recipe_id}.recipe"
    if not place.exists():
        kept.mkdir(parents=True, exist_ok=True, mode=0o700)
        copy_file(path, place)
    return recipe_id


def history(actions: Iterable[Action], target: Path, kept: Path) -> list[dict[str, Any]]:
    """List the recipes that were at `target`, the latest first: id, when, who, whether it is kept.

    `actions` are those of `recipe_on_line` and `recipe_replaced`, newest first.
    """
    found: dict[str, dict[str, Any]] = {}
    for action in actions:
        if Path(str(action.detail.get("file", ""))) != target:
            continue
        if action.kind == ON_LINE:
            row = {"at": action.at.isoformat(), "who": action.who}
            _add(found, str(action.detail["recipe_id"]), row)
        elif before := action.detail.get("before"):
            _add(found, str(before), {"at": None, "who": None})
    return [
        {"id": recipe_id, **row, "kept": (kept / f"{recipe_id}.recipe").is_file()}
        for recipe_id, row in sorted(found.items(), key=lambda each: each[1]["at"] or "")[::-1]
    ]


def _add(found: dict[str, dict[str, Any]], recipe_id: str, row: dict[str, Any]) -> None:
    if found.setdefault(recipe_id, row)["at"] is None:
        found[recipe_id] = row


def opened(path: Path) -> Recipe:
    """Open a recipe, or give the one that was opened before."""
    return _opened(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=3)
def _opened(path: Path, changed_ns: int) -> Recipe:
    return open_recipe(path)


KEPT_RECIPES = "recipes"
"""Folder of recipes that were on the line before, named by their id (`inspection.station.recipe_library`)."""
