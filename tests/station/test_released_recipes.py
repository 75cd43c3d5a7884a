"""A recipe nobody released is seen, and not judged by: also one whose hashes were made anew."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from inspection.doctor import examine
from inspection.errors import InspectionError, SetupError
from inspection.judgement import Verdict
from inspection.launch import station_at_work
from inspection.local_api.commands import StationCommands
from inspection.local_api.feed import Feed
from inspection.plant.messages import TriggerRequest
from inspection.recipe import Recipe, open_recipe, write_recipe
from inspection.station.alarms import NONE, RECIPE
from inspection.station.recipe_library import KEPT_RECIPES, swap
from inspection.station.station_file import read_station
from inspection.store import open_store
from inspection.store.event_kinds import ActionKind
from tests.station.conftest import wait_until

FILE = """
station = "s"
record = "parts.db"
{keys}
[[views]]
name = "top"
camera = "simulated"
settings = {{ size_px = 256, defect_rate = 1.0 }}
[[products]]
name = "flange"
recipe = "flange.recipe"
"""


@pytest.fixture
def place(line: Any, tmp_path: Path) -> Path:
    """A station's folder, whose recipe was put on the line from the page."""
    shutil.copy(line.recipe_path, tmp_path / "flange.recipe")
    write(tmp_path)
    return tmp_path


def write(place: Path, keys: str = "") -> None:
    (place / "station.toml").write_text(FILE.format(keys=keys), "utf-8")


def release(place: Path) -> str:
    with station_at_work(read_station(place / "station.toml")) as station:
        commands = StationCommands(station, Feed())
        commands.recipe(who="mia", path=str(place / "flange.recipe"))
        return station.views[0].recipes["flange"].id


def accept_all(place: Path) -> str:
    """What the attack did: limits so high that all passes, and every hash made anew."""
    recipe = open_recipe(place / "flange.recipe")
    settings = recipe.settings
    calibration = replace(settings.calibration, threshold=1e6, fail_threshold=2e6)
    made = Recipe(
        replace(settings, calibration=calibration), scores=recipe.scores,
        appearance=recipe.appearance, program=recipe.program_bytes, references=recipe.references,
    )  # fmt: skip
    return write_recipe(made, place / "flange.recipe").id


def judged(station: Any, number: int) -> Any:
    before = station.snapshot()["answers"]
    for _ in range(number):
        assert station.trigger(TriggerRequest(source="test"))
        before += 1
        wait_until(lambda count=before: station.snapshot()["answers"] >= count)
    return station.store.parts(limit=number)


def test_a_recipe_exchanged_unseen_judges_nothing_until_an_engineer_confirms_it(
    place: Path,
) -> None:
    released = release(place)
    exchanged = accept_all(place)
    with station_at_work(read_station(place / "station.toml")) as station:
        told = station.snapshot()
        assert told["recipes_changed"] == [
            {
                "product": "flange", "view": "top", "file": "flange.recipe",
                "recipe_id": exchanged, "released": released, "withheld": True,
            }
        ]  # fmt: skip
        assert (told["state"], told["error_code"]) == ("Error", RECIPE)
        parts = judged(station, 3)
        assert {part.verdict for part in parts} == {Verdict.CANNOT_INSPECT}
        assert {part.cause.code for part in parts} == {"recipe_not_released"}
        assert all(part.image for part in parts)
        commands = StationCommands(station, Feed())
        with pytest.raises(InspectionError, match="does not wait to be confirmed; those that do"):
            commands.confirm(who="mia", recipe_id="other")
        assert commands.confirm(who="mia", recipe_id=exchanged) == {"products": ["flange"]}
        assert (station.state, station.error_code) == ("Ready", NONE)
        assert judged(station, 1)[0].recipe_id == exchanged
        actions = [(each.kind, each.who) for each in station.store.actions()]
        assert actions == [
            ("recipe_confirmed", "mia"), ("recipe_found", "station"), ("recipe_on_line", "mia"),
        ]  # fmt: skip
        assert station.store.verify() == []
    with station_at_work(read_station(place / "station.toml")) as station:
        assert station.snapshot()["recipes_changed"] == []


def test_putting_a_recipe_on_the_line_ends_the_wait(place: Path) -> None:
    release(place)
    accept_all(place)
    with station_at_work(read_station(place / "station.toml")) as station:
        assert station.error_code == RECIPE
        StationCommands(station, Feed()).recipe(who="mia", path=str(place / "flange.recipe"))
        assert (station.error_code, station.snapshot()["recipes_changed"]) == (NONE, [])


def test_where_any_recipe_is_allowed_the_change_is_in_the_record_once(place: Path) -> None:
    released = release(place)
    exchanged = accept_all(place)
    write(place, 'recipes = "any"')
    for _ in range(2):
        with station_at_work(read_station(place / "station.toml")) as station:
            (found,) = station.snapshot()["recipes_changed"]
            assert (found["recipe_id"], found["withheld"]) == (exchanged, False)
            assert judged(station, 1)[0].recipe_id == exchanged
            (action,) = station.store.actions(kind=ActionKind.RECIPE_FOUND)
            assert action.detail["before"] == released


def test_a_station_without_any_release_judges_unless_it_asks_for_one(place: Path) -> None:
    with station_at_work(read_station(place / "station.toml")) as station:
        assert station.snapshot()["recipes_changed"] == []
        assert judged(station, 1)[0].cause.code != "recipe_never_released"
        assert station.store.actions() == []
    write(place, 'recipes = "released"')
    with station_at_work(read_station(place / "station.toml")) as station:
        assert judged(station, 1)[0].cause.code == "recipe_never_released"
    write(place, 'recipes = "some"')
    with pytest.raises(SetupError, match="recipes: .*'released' or 'any'"):
        read_station(place / "station.toml")


def test_a_release_holds_for_a_station_that_moved_and_for_a_file_named_anew(
    place: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    release(place)
    moved = tmp_path_factory.mktemp("moved") / "station"
    shutil.move(place, moved)
    place.mkdir()
    with station_at_work(read_station(moved / "station.toml")) as station:
        assert station.snapshot()["recipes_changed"] == []
    accept_all(moved)
    (moved / "flange.recipe").rename(moved / "other.recipe")
    text = (moved / "station.toml").read_text("utf-8").replace("flange.recipe", "other.recipe")
    (moved / "station.toml").write_text(text, "utf-8")
    with station_at_work(read_station(moved / "station.toml")) as station:
        assert judged(station, 1)[0].cause.code == "recipe_not_released"


def test_the_doctor_names_it(place: Path) -> None:
    release(place)
    found = {
        each.what: each for each in examine(recipe=None, store=None, station=place / "station.toml")
    }
    assert found["recipes"].mark == "ok"
    exchanged = accept_all(place)
    found = {
        each.what: each for each in examine(recipe=None, store=None, station=place / "station.toml")
    }
    assert found["recipes"].mark == "PROBLEM"
    assert exchanged[:12] in found["recipes"].text


@pytest.mark.parametrize("noted", [False, True], ids=["before it was noted", "after"])
def test_an_exchange_cut_short_is_settled_at_the_next_start(place: Path, noted: bool) -> None:
    released = release(place)
    new = place / "new"
    new.mkdir()
    shutil.copy(place / "flange.recipe", new / "flange.recipe")
    new_id = accept_all(new)
    settings = read_station(place / "station.toml")
    swap(new / "flange.recipe", place / "flange.recipe", settings.page_folder / KEPT_RECIPES)
    if noted:
        with open_store(settings.record) as store:
            detail = {
                "recipe_id": new_id,
                "file": str(place / "flange.recipe"),
                "products": ["flange"],
            }
            store.add_action(ActionKind.RECIPE_ON_LINE, "mia", detail=detail)
    half = place / ".flange.recipe.0123456789abcdef.part"
    half.write_bytes(b"half")
    os.utime(half, (time.time() - 100,) * 2)
    with station_at_work(settings) as station:
        assert station.views[0].recipes["flange"].id == (new_id if noted else released)
        assert station.snapshot()["recipes_changed"] == []
        put_back = station.store.actions(kind=ActionKind.RECIPE_PUT_BACK)
        assert [each.detail["recipe_id"] for each in put_back] == ([] if noted else [new_id])
    assert not list(place.glob(".flange.recipe*"))
