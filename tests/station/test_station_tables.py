"""Cameras, outputs and triggers set in a station file by a program: comments stay, nonsense is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from inspection.errors import SetupError
from inspection.station.station_file import read_station
from inspection.station.station_tables import remove_link, set_camera, set_link

FILE = """\
# Line 3, by hand.
station = "line-3"
record = "parts.db"
[[views]]
name = "top"
camera = "simulated"  # until the real one comes
[views.settings]
seed = 3  # lucky
cache = 4

[[products]]
name = "nut"
recipe = "nut.recipe"
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "station.toml"
    file.write_text(FILE, encoding="utf-8")
    return file


def test_a_view_gets_another_camera_and_none_of_the_settings_before(path: Path) -> None:
    set_camera(path, "top", "simulated", {"seed": 3, "size_px": 128})
    assert "seed = 3  # lucky\n" in path.read_text("utf-8")
    set_camera(path, "top", "gige", {"address": "10.0.0.2"})
    (view,) = read_station(path).views
    assert (view.camera, view.settings) == ("gige", {"address": "10.0.0.2"})
    text = path.read_text("utf-8")
    assert text.startswith("# Line 3, by hand.\n")
    assert 'camera = "gige"  # until the real one comes\n' in text
    with pytest.raises(SetupError, match="no view 'side' in it"):
        set_camera(path, "side", "gige", {})


def test_links_come_change_and_go(path: Path) -> None:
    set_link(path, "outputs", "webhook", {"url": "http://10.0.0.3/"})
    set_link(path, "triggers", "interval", {})
    set_link(path, "outputs", "csv_file", {"folder": "out", "separator": ";"})
    set_link(path, "outputs", "csv_file", {"folder": "out"})
    found = read_station(path)
    assert found.triggers == {"interval": {}}
    assert found.outputs == {"webhook": {"url": "http://10.0.0.3/"}, "csv_file": {"folder": "out"}}
    remove_link(path, "outputs", "webhook")
    remove_link(path, "triggers", "interval")
    assert (list(read_station(path).outputs), read_station(path).triggers) == (["csv_file"], {})
    with pytest.raises(SetupError, match=r"outputs\.webhook is not in it"):
        remove_link(path, "outputs", "webhook")


def test_what_cannot_be_leaves_the_file_as_it_was(path: Path) -> None:
    with pytest.raises(SetupError, match=r"outputs\.webhook\.url"):
        set_link(path, "outputs", "webhook", {})
    with pytest.raises(SetupError, match="no camera 'telescope'"):
        set_camera(path, "top", "telescope", {})
    assert path.read_text("utf-8") == FILE
