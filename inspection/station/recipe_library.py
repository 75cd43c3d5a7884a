"""The recipes of a station on this machine: put on the line, kept, and found again by their id.

A recipe is put on the line by exchanging the file that the station reads; the old one is kept.
Whoever swaps then has the station load the file; if that fails, `rollback` undoes it all.
"""

from __future__ import annotations

import glob
import os
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from secrets import token_hex
from typing import Any

from filelock import FileLock, Timeout

from cameras import Frame
from inspection.durable_files import copy_file, sync_folder
from inspection.errors import RecipeError
from inspection.judgement import Judgement
from inspection.judging.explain import Explanation, explain
from inspection.judging.judge import inspect
from inspection.recipe import Recipe, open_recipe
from inspection.station.released_recipes import last_releases, release_of
from inspection.station.station_file import StationFile
from inspection.store import Action, Store
from inspection.store.event_kinds import ActionKind, Author

ON_LINE, REPLACED = ActionKind.RECIPE_ON_LINE, ActionKind.RECIPE_REPLACED
KEPT_RECIPES = "recipes"
"""Folder of recipes that were on the line before, named by their id."""
LOCK, EXCHANGE_S, LEFT_S = ".lock", 60.0, 60.0


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
    before = target.with_name(f".{target.name}.{token_hex(4)}.before")
    spare = before if target.exists() else None
    try:
        before_id = keep(target, kept)
        if spare is not None:
            copy_file(target, spare)
        copy_file(new, target)
    except OSError as error:
        with suppress(OSError):
            if spare is None or spare.exists():
                _put_back(target, spare)
        raise RecipeError(
            f"recipe {target}: cannot be exchanged ({error.strerror or error}); "
            "the earlier one is still in its place"
        ) from error
    return Swap(target=target, recipe_id=recipe_id, before_id=before_id, spare=spare)


@contextmanager
def exchanging(kept: Path, *, wait_s: float = EXCHANGE_S) -> Iterator[None]:
    """Hold the lock of the exchange of recipes: a station that starts meanwhile waits with its look.

    Raises RecipeError when another holds it for longer.
    """
    lock = FileLock(kept / LOCK, timeout=wait_s, thread_local=False)
    try:
        kept.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock.acquire()
    except (Timeout, OSError) as error:
        raise RecipeError(
            f"recipes {kept}: cannot be exchanged now ({error}); another exchange is under way, "
            "or the folder cannot be written: try again"
        ) from error
    try:
        yield
    finally:
        lock.release()


def settle_exchanges(settings: StationFile, store: Store) -> None:
    """Finish or undo the exchanges that a crash cut in two, before the recipes are loaded.

    One whose recipe came into the record as released is done; any other is undone, and the record
    says so. Spare and half-written files go either way. Raises RecipeError, StoreError.
    """
    named = {
        product.recipe_of(view.name): product.name
        for product in settings.products
        for view in settings.views
    }
    left = [(path, product) for path, product in named.items() if spares(path)]
    kept = settings.page_folder / KEPT_RECIPES
    if left:
        with exchanging(kept):  # one that is under way ends first
            releases = last_releases(store)
            for path, product in left:
                _settle(path, release_of(releases, product, path), store)
    for path in named:
        _clear(path.parent.glob(f".{glob.escape(path.name)}.*.part"))
    _clear(kept.glob(".*.part"))


def _settle(target: Path, released: str | None, store: Store) -> None:
    left = spares(target)
    now = _id_of(target)
    before = _id_of(left[0]) if left else None
    if before is not None and now not in (before, released):
        os.replace(left[0], target)
        sync_folder(target.parent)
        why = "the exchange was cut short, and is undone"
        detail = {"file": str(target), "recipe_id": now or "", "before": before, "error": why}
        store.add_action(ActionKind.RECIPE_PUT_BACK, Author.STATION, detail=detail)
    for spare in left:
        spare.unlink(missing_ok=True)


def spares(target: Path) -> list[Path]:
    """What stood in a recipe's place before an exchange that did not end, the oldest first."""
    found = target.parent.glob(f".{glob.escape(target.name)}.*.before")
    return sorted(found, key=lambda path: path.stat().st_mtime)


def _clear(files: Iterable[Path]) -> None:
    """Remove what a kill left half-written; a younger one may be somebody's who writes just now."""
    for path in files:
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > LEFT_S:
                path.unlink()


def _id_of(path: Path) -> str | None:
    try:
        return open_recipe(path).id
    except RecipeError:
        return None


def rollback(done: Swap) -> None:
    """Undo an exchange: the target is again what it was."""
    _put_back(done.target, done.spare)


def _put_back(target: Path, spare: Path | None) -> None:
    if spare is None:
        target.unlink(missing_ok=True)
    else:
        os.replace(spare, target)
    sync_folder(target.parent)


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


class RecipeLibrary:
    """Finds a recipe by its id among those of the station file and those kept in `folder`."""

    def __init__(self, settings: StationFile, folder: Path) -> None:
        self.settings, self.folder = settings, folder
        self._ids: dict[tuple[Path, int], str] = {}

    def find(self, recipe_id: str) -> Recipe | None:
        """The recipe of this id, None if it is no longer on this machine."""
        path = self._path(recipe_id)
        return None if path is None else opened(path)

    def has(self, recipe_id: str) -> bool:
        """Whether the recipe of this id is still on this machine."""
        return self._path(recipe_id) is not None

    def _path(self, recipe_id: str) -> Path | None:
        return next((path for path in self._files() if self._id(path) == recipe_id), None)

    def _files(self) -> list[Path]:
        on_line = {
            product.recipe_of(view.name)
            for product in self.settings.products
            for view in self.settings.views
        }
        kept = (self.folder / KEPT_RECIPES).glob("*.recipe")
        return [path for path in (*on_line, *kept) if path.is_file()]

    def _id(self, path: Path) -> str:
        key = path, path.stat().st_mtime_ns
        if key not in self._ids:
            self._ids[key] = _opened(*key).id
        return self._ids[key]


def opened(path: Path) -> Recipe:
    """Open a recipe, or reuse the one opened before; judge by it with `inspect_opened` only."""
    return _opened(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=4)
def _opened(path: Path, changed_ns: int) -> Recipe:
    return open_recipe(path)


def inspect_opened(frame: Frame, recipe: Recipe) -> Judgement:
    """Judge by a recipe of this library, one picture at a time: several pages may ask at once."""
    with _ONE_AT_A_TIME:
        return inspect(frame, recipe)


def explain_opened(frame: Frame, recipe: Recipe, name: str) -> Explanation:
    """Say why a recipe of this library judges so, as `inspect_opened` judges. Raises InspectionError."""
    with _ONE_AT_A_TIME:
        return explain(frame, recipe, name=name)


_ONE_AT_A_TIME = threading.Lock()
"""A recipe's program is not safe to share between threads."""
