"""`inspection ui`: a station and its page, watched; real processes, really killed."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from inspection.local_api.server import RUNTIME
from tests.ui.conftest import PASSWORD, REPOSITORY, AtWork, free_port, wait_for

pytestmark = pytest.mark.slow
INTERVAL = "[triggers.interval]\nperiod_s = 0.2\n"


class Watched:
    """`inspection ui` on a station of its own."""

    def __init__(self, station: AtWork) -> None:
        self.station = station
        self.log = station.folder / "ui.log"
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "inspection", "ui", "station.toml", "--port", str(station.port)],
                cwd=station.folder, stdout=out, stderr=out,
                env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            )  # fmt: skip

    def until_page(self) -> None:
        wait_for(self.answers, 60, self.log)

    def answers(self) -> bool:
        with suppress(httpx.HTTPError):
            return httpx.get(self.station.url + "/session.js", trust_env=False).is_success
        return False

    def runtime_pid(self) -> int:
        return int(json.loads((self.station.page_folder / RUNTIME).read_text())["pid"])

    def page_pid(self) -> int:
        """The child of the supervisor that is not the station."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        (found,) = {int(pid) for pid in children.split()} - {self.runtime_pid()}
        return found

    def recorded(self) -> int:
        with self.station.record() as store:
            return store.head().count


@pytest.fixture
def watched(make_station: Callable[..., AtWork]) -> Iterator[Watched]:
    found = Watched(make_station(rest=INTERVAL, start=False))
    found.until_page()
    yield found
    with suppress(ProcessLookupError):
        found.process.send_signal(signal.SIGTERM)
    assert found.process.wait(60) is not None


def test_inspecting_goes_on_while_the_page_is_killed_and_comes_back(watched: Watched) -> None:
    station, page = watched.runtime_pid(), watched.page_pid()
    os.kill(page, signal.SIGKILL)
    before = watched.recorded()
    wait_for(lambda: watched.recorded() > before + 3, 20, watched.log)
    watched.until_page()
    assert watched.runtime_pid() == station
    assert watched.page_pid() != page
    assert "the page ended (killed by SIGKILL); started again in 0.5 s" in watched.log.read_text()


def test_asked_to_stop_it_ends_the_page_and_then_the_station(watched: Watched) -> None:
    wait_for(lambda: watched.recorded() > 2, 20, watched.log)
    watched.process.send_signal(signal.SIGTERM)
    assert watched.process.wait(60) == 0
    assert not watched.answers()
    assert not (watched.station.page_folder / RUNTIME).exists()
    with watched.station.record() as store:
        assert store.verify() == []
    assert "Traceback" not in watched.log.read_text()


def test_a_station_that_is_killed_is_started_again_and_that_is_told(watched: Watched) -> None:
    station, page = watched.runtime_pid(), watched.page_pid()
    before = watched.recorded()
    os.kill(station, signal.SIGKILL)
    wait_for(lambda: watched.recorded() > before + 3, 60, watched.log)
    assert watched.runtime_pid() != station
    assert watched.page_pid() == page
    assert watched.answers()
    line = "the station ended (killed by SIGKILL); started again in 0.5 s\n"
    assert watched.log.read_text().count(line) == 1


def test_a_station_asked_to_stop_takes_the_page_with_it(watched: Watched) -> None:
    os.kill(watched.runtime_pid(), signal.SIGTERM)
    assert watched.process.wait(60) == 0
    assert not watched.answers()
    assert "the station ended, asked by somebody else; the page ends with it\n" in (
        watched.log.read_text()
    )


def test_the_code_for_the_first_administrator_is_printed_at_the_start(
    make_station: Callable[..., AtWork],
) -> None:
    found = Watched(make_station(users=False, start=False))
    try:
        line = rf"First administrator: {found.station.url}/login   \(one-time code (\S+)\)\n"
        wait_for(lambda: re.search(line, found.log.read_text()) is not None, 60, found.log)
        assert found.answers()  # an address that is told is one that answers
        (code,) = re.findall(line, found.log.read_text())
        form = {"name": "ada", "password": PASSWORD, "again": PASSWORD}
        with found.station.client() as client:
            assert client.post("/login", data=form).status_code == 400
            assert client.post("/login", data=form | {"code": code}).status_code == 303
            script = client.get("/session.js").text
            assert '"user": "ada"' in script
            assert '"role": "administrator"' in script
    finally:
        found.process.send_signal(signal.SIGTERM)
        assert found.process.wait(60) == 0


def test_killed_itself_it_leaves_both_at_work_and_another_joins(watched: Watched) -> None:
    station, page = watched.runtime_pid(), watched.page_pid()
    os.kill(watched.process.pid, signal.SIGKILL)
    watched.process.wait()
    before = watched.recorded()
    wait_for(lambda: watched.recorded() > before, 20, watched.log)
    assert watched.answers()
    again = Watched(watched.station)
    assert again.process.wait(60) == 1
    assert f"something listens on 127.0.0.1:{watched.station.port} already" in again.log.read_text()
    os.kill(page, signal.SIGTERM)
    wait_for(lambda: not watched.answers(), 30)
    joined = Watched(watched.station)
    joined.until_page()
    assert "is at work already; the page joins it" in joined.log.read_text()
    joined.process.send_signal(signal.SIGTERM)
    assert joined.process.wait(60) == 0
    os.kill(station, 0)  # it was not ours to stop
    os.kill(station, signal.SIGTERM)


def test_the_demonstration_becomes_the_process_that_watches_its_line(tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "demo.log"
    words = ["demo", "--parts", "4", "--good", "20", "--folder", "shown", "--port", str(port)]
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "inspection", *words],
            cwd=tmp_path, stdout=out, stderr=out,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        )  # fmt: skip
    try:
        wait_for(lambda: "Station page: " in log.read_text(), 240, log, process)
        command = Path(f"/proc/{process.pid}/cmdline").read_text().split("\0")
        assert command[1:5] == ["-m", "inspection", "ui", "shown/station.toml"]
        page = httpx.get(f"http://127.0.0.1:{port}/", trust_env=False).text
        assert "og:" not in page
        assert "twitter:" not in page
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        assert "Inspected 4 parts" in log.read_text()
    finally:
        process.kill()
        process.wait()
