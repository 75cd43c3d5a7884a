"""Who is at work: not the program that has a dead station's port, nor its process number."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import psutil
import pytest
from typer.testing import CliRunner

from inspection import demo
from inspection import supervisor as supervise
from inspection.cli import app
from inspection.errors import InspectionError
from inspection.local_api import endpoint_file as runtime_file
from inspection.local_api.endpoint_file import NAME, at_work
from inspection.page_address import PageAddress
from inspection.station.station_file import ProductSettings, StationFile, ViewSettings
from inspection.supervisor import Supervisor


@pytest.fixture
def port() -> Iterator[int]:
    """A port somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def _supervisor(folder: Path) -> Supervisor:
    settings = StationFile(
        station="test",
        record=str(folder / "parts.db"),
        views=(ViewSettings(camera="simulated"),),
        products=(ProductSettings(name="flange", recipe=Path("x.recipe")),),
    )
    return Supervisor(folder / "station.toml", settings, PageAddress(port=1))


def test_the_process_that_wrote_the_file_is_at_work_while_it_listens(
    tmp_path: Path, port: int
) -> None:
    folder = tmp_path / "parts.page"
    assert at_work(folder) is None
    runtime_file.write(folder, port=port, token="t")
    found = at_work(folder)
    assert found is not None
    assert (found["pid"], found["port"]) == (os.getpid(), port)
    assert _supervisor(tmp_path)._at_work()
    runtime_file.write(folder, port=1, token="t")
    assert at_work(folder) is None


def test_a_stranger_with_a_dead_stations_port_or_number_is_not_at_work(
    tmp_path: Path, port: int
) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    started = psutil.Process().create_time()
    folder = tmp_path / "parts.page"
    folder.mkdir()
    for told in (
        {"pid": dead.pid, "started": started},
        {"pid": os.getpid(), "started": started - 60},  # the number was given anew
        {"pid": os.getpid()},
        {"pid": "x", "started": []},
        [],
    ):
        whole: Any = {"port": port, "token": "t", **told} if isinstance(told, dict) else told
        (folder / NAME).write_text(json.dumps(whole))
        assert at_work(folder) is None
        assert not _supervisor(tmp_path)._at_work()


def test_a_station_without_a_page_folder_is_not_ended_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Inspecting:
        def poll(self) -> None:
            return None

    monkeypatch.setattr(supervise, "READY_S", 0.2)
    process = cast("subprocess.Popen[bytes]", Inspecting())
    (tmp_path / "parts.page").write_text("a file, where the folder should be")
    _supervisor(tmp_path)._until_ready(process)
    (tmp_path / "parts.page").unlink()
    (tmp_path / "parts.page").mkdir()
    with pytest.raises(InspectionError, match="not Ready within 0.2 s"):
        _supervisor(tmp_path)._until_ready(process)


def test_a_demo_at_work_keeps_its_record(tmp_path: Path, port: int) -> None:
    folder = tmp_path / "demo"
    demo._claim(folder)
    (folder / "demo.db").write_text("record")
    runtime_file.write(folder / "demo.page", port=port, token="t")
    with pytest.raises(InspectionError, match="its station is at work .* stop it first"):
        demo.run_demo(folder, parts=1, good=20, seed=0, progress=lambda *_: None)
    assert (folder / "demo.db").read_text() == "record"
    (folder / "demo.page" / NAME).unlink()
    demo._claim(folder)
    assert not (folder / "demo.db").exists()


def test_a_demo_whose_pages_port_is_taken_deletes_nothing(tmp_path: Path, port: int) -> None:
    folder = tmp_path / "demo"
    demo._claim(folder)
    (folder / "demo.db").write_text("record")
    found = CliRunner().invoke(app, ["demo", "--folder", str(folder), "--port", str(port)])
    assert isinstance(found.exception, InspectionError)
    assert f"something listens on 127.0.0.1:{port} already" in str(found.exception)
    assert "give another with --port" in str(found.exception)
    assert (folder / "demo.db").read_text() == "record"
