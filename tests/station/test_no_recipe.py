"""A station that has no recipe yet, or an archived product: nothing passes, and the reason is a code."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from inspection.doctor import examine
from inspection.errors import SetupError
from inspection.judgement import Verdict
from inspection.launch import station_at_work
from inspection.local_api.commands import StationCommands
from inspection.local_api.feed import Feed
from inspection.plant.messages import TriggerRequest
from inspection.station.alarms import NONE, RECIPE
from inspection.station.station import Station
from inspection.station.station_file import read_station
from inspection.store import PartRecord
from tests.station.conftest import wait_until

FILE = """
station = "s"
record = "parts.db"
[[views]]
camera = "simulated"
settings = {{ size_px = 256, defect_rate = 0.0 }}
[[products]]
name = "flange"
recipe = "flange.recipe"
{keys}
[[products]]
name = "nut"
recipe = "nut.recipe"
{last}
"""


def write(place: Path, keys: str = "", last: str = "") -> Path:
    path = place / "station.toml"
    path.write_text(FILE.format(keys=keys, last=last), "utf-8")
    return path


def inspected(station: Station, product: str | None = None) -> PartRecord:
    before = station.snapshot()["answers"]
    assert station.trigger(TriggerRequest(source="test", product=product))
    wait_until(lambda: station.snapshot()["answers"] > before)
    return station.store.parts(limit=1)[0]


def test_parts_are_refused_by_a_code_until_the_first_recipe_is_put_on_the_line(
    line: Any, tmp_path: Path
) -> None:
    with station_at_work(read_station(write(tmp_path))) as station:
        commands = StationCommands(station, Feed())
        part = inspected(station)
        assert (part.verdict, part.cause.code) == (Verdict.CANNOT_INSPECT, "no_recipe_yet")
        assert part.reason == "product 'flange': there is no recipe yet"
        assert (station.error_code, station.released.without) == (RECIPE, ["flange", "nut"])
        found = commands.status()
        assert (found["recipes"], found["parity"]) == ({}, {})
        shutil.copy(line.recipe_path, tmp_path / "flange.recipe")
        commands.recipe(who="mia", path=str(tmp_path / "flange.recipe"))
        assert station.error_code == NONE
        assert inspected(station).verdict in (Verdict.PASS, Verdict.REVIEW, Verdict.FAIL)
        assert inspected(station, "nut").cause.code == "no_recipe_yet"


def test_an_archived_product_keeps_its_number_and_is_not_judged(line: Any, tmp_path: Path) -> None:
    for name in ("flange", "nut"):
        shutil.copy(line.recipe_path, tmp_path / f"{name}.recipe")
    with station_at_work(read_station(write(tmp_path, keys="archived = true"))) as station:
        assert (station.product, station.products) == ("nut", ("flange", "nut"))
        assert inspected(station, "flange").cause.code == "product_archived"
        assert inspected(station).cause.code not in ("product_archived", "no_recipe_yet")
        assert station.released.without == []


def test_one_product_at_least_is_not_archived(tmp_path: Path) -> None:
    path = write(tmp_path, keys="archived = true", last="archived = true")
    with pytest.raises(SetupError, match="one at least must not be archived"):
        read_station(path)


def test_doctor_says_that_a_recipe_is_still_to_be_taught(tmp_path: Path) -> None:
    notes = [
        each
        for each in examine(recipe=None, store=None, station=write(tmp_path))
        if each.what == "recipe"
    ]
    assert [each.mark for each in notes] == ["NOTE", "NOTE"]
    assert "teach one on the set-up page" in notes[0].text
