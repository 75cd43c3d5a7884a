"""`inspection run` as a plant runs it: a process of its own, a PLC, exit codes, signals."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[2]
START = "from inspection.cli import main; main()"

STATION = """
station = "run"
record = "parts.db"
status_port = {status_port}
[[views]]
camera = "simulated"
settings = {{ seed = 3, size_px = 256, defect_rate = 0.3 }}
[[products]]
name = "flange"
recipe = "{recipe}"
[outputs.modbus_server]
port = {port}
[outputs.csv_file]
folder = "results"
[triggers.plc_simulator]
port = {port}
period_s = 0.01
"""


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture
def station(line: Any, tmp_path: Path) -> tuple[Path, int]:
    status_port = free_port()
    text = STATION.format(recipe=line.recipe_path, port=free_port(), status_port=status_port)
    path = tmp_path / "station.toml"
    path.write_text(text, encoding="utf-8")
    return path, status_port


def start(path: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", START, "run", str(path), *words],
        cwd=path.parent, env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_a_plc_triggers_and_reads_every_answer(station: tuple[Path, int]) -> None:
    path, _ = station
    process = start(path, "--max-parts", "12", "--json")
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert err == "run: Ready\n"
    found = json.loads(out)
    assert (found["triggers"], found["answers"], sum(found["verdicts"].values())) == (12, 12, 12)
    assert found["verdicts"]["PASS"] >= 1
    assert found["cameras"]["main"]["complete"] == 12
    rows = next((path.parent / "results").glob("*.csv")).read_text("utf-8").splitlines()
    assert len(rows) == 13


def test_asked_to_stop_it_ends_well_and_tells_its_state_meanwhile(
    station: tuple[Path, int],
) -> None:
    path, status_port = station
    process = start(path)
    assert process.stderr is not None
    assert process.stderr.readline() == "run: Ready\n"
    address = f"http://127.0.0.1:{status_port}"
    with urllib.request.urlopen(f"{address}/status", timeout=10) as answer:
        assert json.load(answer)["station"] == "run"
    with urllib.request.urlopen(f"{address}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    assert "inspection_up 1" in lines
    assert any(
        line.startswith('inspection_frames_total{camera="main",status="sent"}') for line in lines
    )
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "answered" in out


def test_it_loads_no_training_library(station: tuple[Path, int]) -> None:
    path, _ = station
    check = (
        "import sys\nfrom inspection.cli import app\n"
        f"app(['run', {str(path)!r}, '--max-parts', '1'], standalone_mode=False)\n"
        "heavy = {'torch', 'anomalib', 'gradio', 'timm'} & set(sys.modules)\nassert not heavy, heavy"
    )
    done = subprocess.run(
        [sys.executable, "-c", check], cwd=path.parent, capture_output=True, text=True, timeout=120,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_when_inspecting_stops_by_itself_the_exit_code_says_so(
    station: tuple[Path, int], tmp_path: Path
) -> None:
    path, _ = station
    text = path.read_text("utf-8").replace("seed = 3,", "seed = 3, count = 4,")
    path.write_text(text, encoding="utf-8")
    process = start(path)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 1
    assert err.splitlines()[-1] == (
        "inspection: station run: camera simulated: all 4 parts are made"
    )


def test_without_a_recipe_it_runs_says_so_and_passes_nothing(station: tuple[Path, int]) -> None:
    path, _ = station
    text = path.read_text("utf-8").replace("flange.recipe", "gone.recipe")
    # A PLC sees error 4 and sends no trigger; time does.
    text = text.partition("[triggers.plc_simulator]")[0] + "[triggers.interval]\nperiod_s = 0.05\n"
    path.write_text(text, encoding="utf-8")
    process = start(path, "--max-parts", "3", "--json")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "run: product 'flange': there is no recipe yet" in err
    assert json.loads(out)["verdicts"] == {"CANNOT_INSPECT": 3}


def test_two_stations_cannot_write_one_record(station: tuple[Path, int]) -> None:
    path, _ = station
    first = start(path)
    assert first.stderr is not None
    assert first.stderr.readline() == "run: Ready\n"
    second = start(path)
    _, err = second.communicate(timeout=60)
    assert second.returncode == 1
    assert f"is being written by another process (pid {first.pid})" in err
    first.send_signal(signal.SIGTERM)
    first.communicate(timeout=60)
    assert first.returncode == 0


def test_doctor_looks_at_all_a_station_file_names(
    station: tuple[Path, int], cli: Any, tmp_path: Path
) -> None:
    path, _ = station
    done = cli("doctor", "--station", path, "--json")
    (findings,) = [json.loads(done.stdout)]
    marks = {finding["what"]: finding["mark"] for finding in findings}
    assert marks["station"] == marks["camera simulated"] == marks["recipe"] == "ok"
    assert marks["output modbus_server"] == marks["trigger plc_simulator"] == "ok"
    path.write_text(path.read_text("utf-8").replace("simulated", "pinhole"), encoding="utf-8")
    done = cli("doctor", "--station", path, "--json")
    assert done.returncode == 1
    (problem,) = [f for f in json.loads(done.stdout) if f["mark"] == "PROBLEM"]
    assert "no camera 'pinhole'" in problem["text"]


@pytest.mark.parametrize(
    ("command", "name"), [("outputs", "modbus_server"), ("triggers", "interval")]
)
def test_what_can_be_used_is_listed(command: str, name: str, cli: Any) -> None:
    rows = json.loads(cli(command, "--json").stdout)
    row = next(row for row in rows if row["name"] == name)
    assert row["problem"] is None
    assert row["about"].endswith(".")
