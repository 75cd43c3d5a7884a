"""`inspection new`: a station file from three answers or none, that runs as it is."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from inspection.errors import SetupError
from inspection.judgement import Verdict
from inspection.launch import station_at_work
from inspection.station.new_station import write_new_station
from inspection.station.station_file import read_station
from tests.station.conftest import wait_until

REPOSITORY = Path(__file__).parents[2]
RUN = "from inspection.cli import main; main()"


def run(folder: Path, *words: str, **how: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", RUN, "new", *words], check=False, cwd=folder, text=True, timeout=60,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)}, **how,
    )  # fmt: skip


def test_without_a_question_it_makes_a_station_that_watches_its_own_folder(tmp_path: Path) -> None:
    done = run(tmp_path, "line-7", "--json", capture_output=True)
    path = tmp_path / "line-7" / "station.toml"
    assert json.loads(done.stdout) == {"station_file": "line-7/station.toml"}, done.stderr
    settings = read_station(path)
    assert (settings.station, settings.product_names, settings.trigger) == (
        "line-7",
        ("part",),
        "camera",
    )
    assert (path.parent / "pictures").is_dir()
    again = run(tmp_path, "line-7", "--json", capture_output=True)
    assert (again.returncode, "is there already" in again.stderr) == (1, True)


def test_on_a_terminal_three_answers_make_it(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    os.write(ours, b"line 8\nnut M8\nsimulated\n")
    done = run(tmp_path, "place", stdin=theirs, capture_output=True)
    os.close(ours)
    os.close(theirs)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("inspection ui place/station.toml\n")
    settings = read_station(tmp_path / "place" / "station.toml")
    assert (settings.station, settings.product_names) == ("line 8", ("nut M8",))
    assert settings.views[0].camera == "simulated"
    assert settings.products[0].recipe == tmp_path / "place" / "nut-m8.recipe"


@pytest.mark.slow
def test_a_camera_that_was_found_is_offered_and_chosen(tmp_path: Path) -> None:
    pytest.importorskip("pypylon", reason="needs pip install 'inspection[basler]'")
    ours, theirs = pty.openpty()
    os.write(ours, b"line 9\nnut\n#1\n")
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "PYLON_CAMEMU": "1"}
    done = subprocess.run(
        [sys.executable, "-c", RUN, "new", "place"], check=False, cwd=tmp_path, text=True,
        timeout=120, stdin=theirs, capture_output=True, env=environment,
    )  # fmt: skip
    os.close(ours)
    os.close(theirs)
    assert "  #1  basler: Basler Emulation 0815-0000\n" in done.stderr
    view = read_station(tmp_path / "place" / "station.toml").views[0]
    assert (view.camera, view.settings) == ("basler", {"serial_number": "0815-0000"})


@pytest.mark.parametrize(
    ("camera", "kind", "setting"),
    [
        ("0", "opencv", 0),
        ("rtsp://10.0.0.1/x", "opencv", "rtsp://10.0.0.1/x"),
        ("gige", "gige", None),
    ],
)
def test_a_camera_is_named_in_one_word(
    tmp_path: Path, camera: str, kind: str, setting: Any
) -> None:
    view = read_station(write_new_station(tmp_path / "s", camera=camera)).views[0]
    assert (view.camera, view.settings.get("source")) == (kind, setting)


def test_what_cannot_be_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="producer"):
        write_new_station(tmp_path / "s", camera="gentl")
    assert list(tmp_path.iterdir()) == []


def test_a_picture_that_arrives_is_a_part_without_a_recipe(tmp_path: Path) -> None:
    import cv2
    import numpy as np

    path = write_new_station(tmp_path / "s")
    with station_at_work(read_station(path)) as station:
        cv2.imwrite(str(path.parent / "pictures" / "a.png"), np.full((64, 64, 3), 90, np.uint8))
        wait_until(lambda: station.snapshot()["answers"] == 1)
        part = station.store.parts(limit=1)[0]
        assert (part.verdict, part.cause.code) == (Verdict.CANNOT_INSPECT, "no_recipe_yet")
        assert part.image is not None
