"""Nothing is asked of a network and nobody is told of anything: not by us, and not by what we are built on."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.ui.conftest import free_port, wait_for

pytestmark = pytest.mark.slow
REPOSITORY = Path(__file__).parents[2]
WATCH = """
import os, sys
def watch(event, words):
    if event == "socket.getaddrinfo":
        where = words[0]
    elif event == "socket.connect" and isinstance(words[1], tuple):
        where = words[1][0]
    else:
        return
    where = where.decode() if isinstance(where, bytes) else where
    if where and where not in ("localhost", "::1") and not where.startswith("127."):
        with open(os.environ["ASKED"], "a") as file:
            print(event, where, sys.argv[:3], file=file)
sys.addaudithook(watch)
"""
"""Python reads it before anything else, in every process of the command."""
STATION = """
station = "line-1"
record = "parts.db"
[[views]]
camera = "simulated"
settings = { size_px = 256 }
[[products]]
name = "flange"
recipe = "flange.recipe"
[triggers.interval]
period_s = 0.2
"""
INSPECTION = (sys.executable, "-c", "from inspection.cli import main; main()")
COMMANDS = {
    "inspect": ("inspect", "flange.recipe", "pictures"),
    "doctor": ("doctor",),
    "run": ("run", "station.toml", "--max-parts", "3"),
    "train": ("train", "good", "--recipe", "new.recipe", "--effort", "fast"),
    "models": ("models",),
}


@pytest.fixture
def watched(line: Any, tmp_path: Path) -> tuple[dict[str, str], Path]:
    """A folder to work in, and the environment of a command that is watched; what it asks lands in `asked.txt`."""
    home = tmp_path / "home"
    (tmp_path / "watch").mkdir()
    home.mkdir()
    (tmp_path / "watch" / "sitecustomize.py").write_text(WATCH, "utf-8")
    (tmp_path / "station.toml").write_text(STATION, "utf-8")
    (tmp_path / "flange.recipe").write_bytes(line.recipe_path.read_bytes())
    (tmp_path / "pictures").symlink_to(line.dataset / "test" / "good")
    (tmp_path / "good").symlink_to(line.dataset / "train" / "good")
    # In CI some libraries keep quiet that talk elsewhere.
    env = {name: text for name, text in os.environ.items() if name != "CI"}
    path = os.pathsep.join((str(tmp_path / "watch"), str(REPOSITORY)))
    return env | {
        "HOME": str(home),
        "ASKED": str(tmp_path / "asked.txt"),
        "PYTHONPATH": path,
    }, tmp_path


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_asks_nothing_of_the_network(
    watched: tuple[dict[str, str], Path], command: str
) -> None:
    env, folder = watched
    done = subprocess.run(
        [*INSPECTION, *COMMANDS[command]],
        cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode in (0, 3), done.stderr
    _nothing_asked(folder)


def test_a_station_with_its_page_asks_nothing_of_the_network(
    watched: tuple[dict[str, str], Path],
) -> None:
    env, folder = watched
    port = free_port()
    words = [*INSPECTION, "ui", "station.toml", "--port", str(port)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(words, cwd=folder, env=env, stdout=log, stderr=log)
    try:
        wait_for(lambda: _answers(port), 180, folder / "log", process)
    finally:
        process.terminate()
        process.wait(60)
    _nothing_asked(folder)


def _answers(port: int) -> bool:
    with suppress(httpx.HTTPError):
        url = f"http://127.0.0.1:{port}/login"
        return httpx.get(url, trust_env=False, timeout=5).status_code == httpx.codes.OK
    return False


def _nothing_asked(folder: Path) -> None:
    asked = folder / "asked.txt"
    assert not asked.exists(), asked.read_text()
    assert not (folder / "home" / "intel").exists()  # OpenVINO's telemetry keeps there who we are
