"""A station that only judges: nothing of torch, timm and anomalib is there, in any of its processes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]

REPOSITORY = Path(__file__).parents[2]
ABSENT = (
    "torch",
    "torchvision",
    "timm",
    "anomalib",
    "lightning",
    "safetensors",
    "sklearn",
    "skimage",
)
HIDE = f"""
import sys

class Without:
    def __init__(self, finder):
        self.finder = finder
    def __getattr__(self, name):
        return getattr(self.finder, name)
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {ABSENT}:
            return None
        return self.finder.find_spec(name, path, target)

sys.meta_path[:] = [Without(finder) for finder in sys.meta_path]
"""
INSTALL = "torch, timm, safetensors are not installed; pip install 'inspection[train]'"
CANNOT = f"model 'patchcore' cannot be trained here: {INSTALL}"
STATION = """
station = "judges"
record = "parts.db"
[[views]]
camera = "simulated"
settings = {{ seed = 3, size_px = 256, defect_rate = 0.3 }}
[[products]]
name = "flange"
recipe = "{recipe}"
[triggers.interval]
period_s = 0.05
"""


@pytest.fixture
def python(tmp_path: Path) -> Run:
    """Run Python in an environment where what training needs is not installed."""
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "sitecustomize.py").write_text(HIDE, encoding="utf-8")
    path = os.pathsep.join([str(hidden), str(REPOSITORY)])

    def run(*words: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *map(str, words)], cwd=tmp_path, env={**os.environ, "PYTHONPATH": path},
            capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip

    return run


@pytest.fixture
def inspection(python: Run) -> Run:
    return lambda *words: python("-c", "from inspection.cli import main; main()", *words)


@pytest.fixture
def station(line: Any, tmp_path: Path) -> Path:
    path = tmp_path / "station.toml"
    path.write_text(STATION.format(recipe=line.recipe_path), encoding="utf-8")
    return path


def test_nothing_of_it_can_be_imported(python: Run) -> None:
    for name in ABSENT:
        done = python("-c", f"import {name}")
        assert done.stderr.endswith(f"ModuleNotFoundError: No module named '{name}'\n")


def test_help_and_models_tell_what_there_is(inspection: Run) -> None:
    assert inspection("--help").returncode == 0
    rows = json.loads(inspection("models", "--json").stdout)
    assert {row["name"]: row["problem"] for row in rows}["patchcore"] == INSTALL


def test_the_stream_of_parts_is_watched_by_charts(inspection: Run, tmp_path: Path) -> None:
    rows = [f"{i + 1},{1 + i * 7919 % 101},{i * 104729 % 97}" for i in range(400)]
    (tmp_path / "parts.csv").write_text("\n".join(["number,score,brightness", *rows]), "utf-8")
    done = inspection("monitor", "parts.csv", "--good", "300", "--method", "all")
    assert done.returncode in (0, 3), done.stderr
    assert "left out method gru: torch is not installed; pip install" in done.stderr
    refused = inspection("monitor", "parts.csv", "--good", "300", "--method", "gru")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith("inspection: method gru: torch is not installed; pip install")


def test_the_doctor_is_content_and_says_that_nothing_is_trained_here(
    inspection: Run, station: Path
) -> None:
    done = inspection("doctor", "--station", station)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"NOTE     training: {INSTALL}; a station that only judges does without\n" in done.stdout
    assert f"ok       station: {station} is sound\n" in done.stdout


def test_pictures_are_judged_and_a_station_works(inspection: Run, station: Path, line: Any) -> None:
    good = line.dataset / "test" / "good" / "0000.png"
    done = inspection("inspect", line.recipe_path, good, "--store", "judged.db", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["verdict"] == "PASS"
    done = inspection("run", station, "--max-parts", 5, "--json")
    assert (done.returncode, done.stderr) == (0, "judges: Ready\n")
    assert sum(json.loads(done.stdout)["verdicts"].values()) == 5


def test_every_page_is_there(python: Run, inspection: Run, station: Path) -> None:
    inspection("run", station, "--max-parts", 1)
    program = (
        "from pathlib import Path\n"
        "from inspection.station.station_file import read_station\n"
        "from ui.app.serve import context_of, make_app\n"
        "from ui.security.users import Users\n"
        "settings = read_station(Path('station.toml'))\n"
        "users = Users(settings.page_folder / 'users.json')\n"
        "with context_of(Path('station.toml'), settings, users) as context:\n"
        "    print(type(make_app(context, hosts=(), loopback_only=True)).__name__)\n"
    )
    done = python("-c", program)
    assert (done.returncode, done.stdout) == (0, "AccessMiddleware\n"), done.stderr


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("train", "parts", "--recipe", "new.recipe"), CANNOT),
        (("demo", "--no-ui"), CANNOT),
        (("bench", "parts"), CANNOT),
    ],
)
def test_what_trains_says_in_one_line_what_to_install(
    inspection: Run, tmp_path: Path, words: tuple[str, ...], problem: str
) -> None:
    done = inspection(*words)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"inspection: {problem}\n"
    assert not re.search(r"\.recipe|inspection-demo", " ".join(map(str, tmp_path.iterdir())))
