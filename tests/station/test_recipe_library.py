"""Putting a recipe on the line: the old one is kept, and comes back when the new one fails."""

from __future__ import annotations

import itertools
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from inspection.errors import RecipeError
from inspection.judging.judge import load_recipe
from inspection.recipe import Recipe, open_recipe, write_recipe
from inspection.station import recipe_library
from inspection.station.recipe_library import (
    KEPT_RECIPES,
    ON_LINE,
    REPLACED,
    RecipeLibrary,
    commit,
    history,
    inspect_opened,
    opened,
    rollback,
    swap,
)
from inspection.station.station_file import ProductSettings, StationFile, ViewSettings
from inspection.store import Action, open_store


def another(recipe: Recipe, path: Path, *, score: float | None = None) -> str:
    """Write a recipe with another id; with `score`, one that this machine does not agree with."""
    settings = replace(recipe.settings, product="another")
    if score is not None:
        references = tuple(replace(each, score=score) for each in settings.references)
        settings = replace(settings, references=references)
    made = Recipe(
        settings, scores=recipe.scores, appearance=recipe.appearance, program=recipe.program_bytes,
        references=recipe.references,
    )  # fmt: skip
    return write_recipe(made, path).id


@pytest.fixture
def target(line: Any, tmp_path: Path) -> Path:
    path = tmp_path / "station" / "flange.recipe"
    path.parent.mkdir()
    path.write_bytes(line.recipe_path.read_bytes())
    return path


def test_the_old_one_is_kept(recipe: Recipe, target: Path, tmp_path: Path) -> None:
    before = target.read_bytes()
    new_id = another(recipe, tmp_path / "new.recipe")
    done = swap(tmp_path / "new.recipe", target, tmp_path / "kept")
    assert (done.recipe_id, done.before_id) == (new_id, recipe.id)
    assert open_recipe(target).id == new_id
    assert (tmp_path / "kept" / f"{recipe.id}.recipe").read_bytes() == before
    commit(done)
    assert [path.name for path in target.parent.iterdir()] == ["flange.recipe"]


def test_what_fails_on_this_machine_is_undone(recipe: Recipe, target: Path, tmp_path: Path) -> None:
    before = target.read_bytes()
    another(recipe, tmp_path / "new.recipe", score=99.0)
    done = swap(tmp_path / "new.recipe", target, tmp_path / "kept")
    with pytest.raises(RecipeError, match="scores"):
        load_recipe(target)
    rollback(done)
    assert target.read_bytes() == before
    assert [path.name for path in target.parent.iterdir()] == ["flange.recipe"]


def test_a_damaged_recipe_changes_nothing(recipe: Recipe, target: Path, tmp_path: Path) -> None:
    before = target.read_bytes()
    another(recipe, tmp_path / "new.recipe")
    data = bytearray((tmp_path / "new.recipe").read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "new.recipe").write_bytes(data)
    with pytest.raises(RecipeError, match="damaged"):
        swap(tmp_path / "new.recipe", target, tmp_path / "kept")
    assert target.read_bytes() == before
    assert not (tmp_path / "kept").exists()


@pytest.mark.parametrize("fits", range(6))  # file and folder of: kept, spare, the new one
def test_a_full_disk_changes_nothing(
    fits: int, recipe: Recipe, target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = target.read_bytes()
    another(recipe, tmp_path / "new.recipe")
    (tmp_path / "kept").mkdir()
    real, count = os.fsync, itertools.count()

    def full_at_one(handle: int) -> None:
        if next(count) == fits:
            raise OSError(28, "No space left on device")
        real(handle)

    monkeypatch.setattr(os, "fsync", full_at_one)
    with pytest.raises(RecipeError, match="No space left on device"):
        swap(tmp_path / "new.recipe", target, tmp_path / "kept")
    assert target.read_bytes() == before
    assert [path.name for path in target.parent.iterdir()] == ["flange.recipe"]


def test_a_damaged_old_one_does_not_stand_in_the_way(
    recipe: Recipe, target: Path, tmp_path: Path
) -> None:
    target.write_bytes(b"broken")
    new_id = another(recipe, tmp_path / "new.recipe")
    done = swap(tmp_path / "new.recipe", target, tmp_path / "kept")
    assert done.before_id is None
    assert open_recipe(target).id == new_id
    rollback(done)
    assert target.read_bytes() == b"broken"


def test_the_history_is_that_of_one_file(tmp_path: Path) -> None:
    target = tmp_path / "a.recipe"
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "first.recipe").touch()
    with open_store(tmp_path / "parts.db") as store:

        def note(kind: str, hour: int, **detail: Any) -> Action:
            at = datetime(2026, 3, 1, hour, tzinfo=UTC)
            return store.add_action(kind, "mia", detail=detail, at=at)

        note(ON_LINE, 1, recipe_id="second", file=str(target))
        note(REPLACED, 1, recipe_id="second", before="first", file=str(target))
        note(ON_LINE, 2, recipe_id="other", file=str(tmp_path / "b.recipe"))
        note(ON_LINE, 3, recipe_id="third", file=str(target))
        actions = [*store.actions(kind=ON_LINE), *store.actions(kind=REPLACED)]
    rows = history(actions, target, tmp_path / "kept")
    assert [(row["id"], row["who"], row["kept"]) for row in rows] == [
        ("third", "mia", False),
        ("second", "mia", False),
        ("first", None, True),
    ]
    assert rows[0]["at"] == "2026-03-01T03:00:00+00:00"
    assert rows[2]["at"] is None


def test_a_recipe_is_found_by_its_id_on_the_line_and_among_those_kept(
    recipe: Recipe, target: Path, tmp_path: Path
) -> None:
    settings = StationFile(
        station="test",
        record=str(tmp_path / "parts.db"),
        views=(ViewSettings(name="top", camera="simulated"),),
        products=(ProductSettings(name="flange", recipe=target),),
    )
    (tmp_path / KEPT_RECIPES).mkdir()
    kept = another(recipe, tmp_path / KEPT_RECIPES / "earlier.recipe")
    library = RecipeLibrary(settings, tmp_path)
    on_line = open_recipe(target).id
    found = [library.find(recipe_id) for recipe_id in (on_line, kept)]
    assert [each and each.id for each in found] == [on_line, kept]
    assert library.has(kept)
    (tmp_path / KEPT_RECIPES / "earlier.recipe").unlink()
    assert (library.has(kept), library.find(kept)) == (False, None)
    swapped = another(recipe, target)
    assert (library.has(on_line), library.has(swapped)) == (False, True)


def test_two_pages_never_use_one_program_at_the_same_time(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside, most = threading.Semaphore(1), []

    def slow(frame: Any, recipe: Any) -> Any:
        most.append(inside.acquire(blocking=False))
        time.sleep(0.05)
        inside.release()

    monkeypatch.setattr(recipe_library, "inspect", slow)
    same = [opened(target) for _ in range(4)]
    assert len({id(recipe) for recipe in same}) == 1
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda recipe: inspect_opened(None, recipe), same))  # type: ignore[arg-type]
    assert most == [True] * 4
