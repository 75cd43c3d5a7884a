"""The station file: every mistake is told with its key, what was got and what is allowed."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import pytest

from inspection.errors import SetupError
from inspection.plant.outputs import output_names
from inspection.plant.triggers import trigger_names
from inspection.station.station_file import read_station

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "station.toml"

SMALL = """
station = "s"
record = "parts.db"
[[views]]
camera = "simulated"
[[products]]
name = "flange"
recipe = "flange.recipe"
"""


def read(folder: Path, text: str) -> object:
    path = folder / "station.toml"
    path.write_text(text, encoding="utf-8")
    return read_station(path)


def test_the_example_of_the_manual_is_sound_and_its_paths_are_beside_it() -> None:
    found = read_station(EXAMPLE)
    assert found.station == "line-1"
    assert found.record == str(EXAMPLE.parent / "station" / "parts.db")
    assert found.products[0].recipe == EXAMPLE.parent / "station" / "flange.recipe"
    assert set(found.outputs) == {"modbus_server", "csv_file"}
    assert set(found.triggers) == {"plc_simulator"}


def test_every_key_of_the_file_is_explained_in_the_manual() -> None:
    from inspection.station.station_file import (
        IdentitySettings,
        ProductSettings,
        Retention,
        StationFile,
        ViewSettings,
    )

    manual = (EXAMPLE.parents[1] / "station-file.md").read_text("utf-8")
    for kind in (StationFile, ViewSettings, ProductSettings, Retention, IdentitySettings):
        for name in set(kind.__dataclass_fields__) - {"home"}:
            assert f"`{name}`" in manual, f"{kind.__name__}.{name}"


def test_a_small_file_is_enough(tmp_path: Path) -> None:
    found = read(tmp_path, SMALL)
    assert (found.deadline_ms, found.queue, found.trigger) == (1000.0, 8, "plant")
    assert found.review == "reject"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("station = ", "not readable as TOML"),
        (SMALL.replace('station = "s"', ""), "station: "),
        ("colour = 1\n" + SMALL, "colour: unknown key"),
        ('home = "/"\n' + SMALL, "home: unknown key"),
        (SMALL.replace('"simulated"', '"pinhole"'), "views.main.camera: no camera 'pinhole'; allowed: "),
        (SMALL + "[outputs.telegraph]\n", "output 'telegraph' does not exist; allowed: " + ", ".join(output_names())),
        (SMALL + "[triggers.bell]\n", "trigger 'bell' does not exist; allowed: " + ", ".join(trigger_names())),
        (SMALL + "[outputs.csv_file]\nfolder = 'x'\ncolour = 1\n", "outputs.csv_file.colour: unknown key; allowed: "),
        (SMALL + "[triggers.interval]\nperiod_s = 'often'\n", "triggers.interval.period_s: "),
        (SMALL.replace('recipe = "flange.recipe"', ""), "products.flange: no recipe for view 'main'"),
        (SMALL.replace('recipe = "f', 'recipes = {side = "x"}\nrecipe = "f'), "products.flange: no view 'side'"),
        (SMALL + SMALL[SMALL.index("[[products]]"):], "products: each needs a name of its own"),
        ("deadline_ms = 0\n" + SMALL, "deadline_ms: "),
        ('review = "ignore"\n' + SMALL, "review: Input should be 'reject' or 'pass'"),
        (SMALL + "[identity]\npattern = '('\n", "codes: pattern"),
        (SMALL.replace('"simulated"', '"simulated"\nsettings = {size = 3}'), "views.main.settings.size: unknown key"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_that_names_the_key(text: str, problem: str, tmp_path: Path) -> None:
    with pytest.raises(SetupError) as caught:
        read(tmp_path, text)
    message = str(caught.value)
    assert message.startswith(f"station file {tmp_path / 'station.toml'}: ")
    assert problem in message
    assert "\n" not in message


def test_the_example_leaves_nothing_to_guess() -> None:
    assert tomllib.loads(EXAMPLE.read_text("utf-8"))["trigger"] == "plant"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("deadline_ms = inf", "deadline_ms: Input should be a finite number, got inf"),
        ("deadline_ms = 1e9", "deadline_ms: Input should be less than or equal to 3600000"),
        ("status_port = 99999", "status_port: Input should be less than or equal to 65535"),
        ("stall_s = nan", "stall_s: Input should be a finite number"),
        ("queue = 1000000", "queue: Input should be less than or equal to 10000"),
        ("images = " + "[" * 5000, "not readable as TOML (nested too deeply)"),
    ],
)
def test_a_number_that_cannot_be_and_a_nest_are_one_line(
    tmp_path: Path, line: str, said: str
) -> None:
    path = tmp_path / "station.toml"
    path.write_text(f"{line}\n{SMALL}", "utf-8")
    with pytest.raises(SetupError) as caught:
        read_station(path)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_station_file_that_is_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "station.toml")
    with pytest.raises(SetupError, match="is a pipe or device, not a file"):
        read_station(tmp_path / "station.toml")
