"""A station at work with every door it has, and what must hold whatever is done to it.

`INSPECTION_ATTACK=long` gives the long form: a soak of 30 minutes, 100 kills.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from inspection.judgement import Verdict
from tests.plant.conftest import free_port, wait_until
from tests.ui.conftest import AtWork, make_station, people, recipe_file, stations

__all__ = ["make_station", "people", "recipe_file"]

LONG = os.environ.get("INSPECTION_ATTACK") == "long"
MESSAGES = 10_000
"""Malformed inputs of each door."""
TOKEN = "letmein"

DOORS = """
[triggers.http]
port = {http}
token_file = "trigger.token"
[outputs.modbus_server]
port = {modbus}
plc_timeout_s = 0.0
[outputs.opcua]
port = {opcua}
[outputs.mqtt]
host = "127.0.0.1"
port = {mqtt}
topic = "line"
"""


@dataclass
class Attacked:
    """A station with its ports; `well` says what must hold of it."""

    at_work: AtWork
    ports: dict[str, int]
    _lines: int = 0
    _since: float = field(default_factory=time.monotonic)

    def status(self) -> dict[str, Any]:
        """What `/status` says."""
        url = f"http://127.0.0.1:{self.ports['status']}/status"
        return dict(httpx.get(url, trust_env=False, timeout=10).json())

    def part(self, **fields: str) -> None:
        """Trigger one part by HTTP, which must get its verdict."""
        before = self.status()["answers"]
        answer = httpx.post(
            f"http://127.0.0.1:{self.ports['http']}/trigger", content=json.dumps(fields),
            headers={"Authorization": f"Bearer {TOKEN}"}, trust_env=False, timeout=10,
        )  # fmt: skip
        assert answer.status_code == 202, answer.text
        wait_until(lambda: self.status()["answers"] > before, "the answer")

    def idle(self) -> None:
        """Wait until every trigger that was taken is answered."""
        wait_until(self._settled, "the last answer")

    def _settled(self) -> bool:
        found = self.status()
        return bool(found["triggers"] == found["answers"] and not found["queues"]["owed"])

    def said(self) -> list[str]:
        """All the station wrote on stderr."""
        return (self.at_work.folder / "runtime.log").read_text("utf-8", "replace").splitlines()

    def begin(self) -> None:
        """Count the lines of the log from here on."""
        self._lines, self._since = len(self.said()), time.monotonic()

    def well(self) -> None:
        """The station lives, is Ready, takes a part, and said no more than a line a second and door."""
        assert self.at_work.runtime is not None
        assert self.at_work.runtime.poll() is None, self.said()[-5:]
        self.idle()
        assert self.status()["state"] in ("Ready", "SingleExecution")
        self.part()
        new = self.said()[self._lines :]
        assert not [line for line in new if re.search("Traceback|^  File ", line)], new[-20:]
        doors: dict[str, int] = {}
        for line in new:
            who, _, rest = line.partition(": ")
            name = rest.partition(":")[0] if who == "inspection.outside" else who
            doors[name] = doors.get(name, 0) + 1
        elapsed = time.monotonic() - self._since
        assert all(count <= elapsed + 2 for count in doors.values()), doors

    def whole(self) -> dict[str, int]:
        """Every trigger has one record, no PASS is without a picture, and the record verifies."""
        self.idle()
        told = self.status()
        with self.at_work.record() as store:
            parts = store.parts(limit=1_000_000)
            assert store.verify() == []
            assert store.unanswered("line-1") == []
        ids = [part.trigger_id for part in parts]
        assert len(set(ids)) == len(ids)
        passed = [part for part in parts if part.verdict is Verdict.PASS]
        assert all(part.image and part.score is not None for part in passed)
        return {"triggers": told["triggers"], "parts": len(parts), "passed": len(passed)}

    def weight(self) -> tuple[int, int, int]:
        """Memory in MB, open files, threads of the station."""
        assert self.at_work.runtime is not None
        process = psutil.Process(self.at_work.runtime.pid)
        return process.memory_info().rss >> 20, process.num_fds(), process.num_threads()


@pytest.fixture(scope="session")
def attacked(
    recipe_file: Path, people: Path, tmp_path_factory: pytest.TempPathFactory, attacked_broker: Any
) -> Iterator[Attacked]:
    """A station and its page at work, with HTTP, Modbus, OPC UA and MQTT."""
    ports = {name: free_port() for name in ("http", "modbus", "opcua", "status")}
    ports["mqtt"] = attacked_broker.port
    lines = f"status_port = {ports['status']}\nqueue = 100"
    with stations(recipe_file, people, tmp_path_factory) as make:
        made = make(top=lines, rest=DOORS.format(**ports), start=False)
        (made.folder / "trigger.token").write_text(TOKEN)
        made.start_runtime()
        made.start_page()
        found = Attacked(made, {**ports, "page": made.port})
        wait_until(lambda: found.status()["state"] == "Ready", "Ready")
        yield found


@pytest.fixture(scope="session")
def attacked_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from tests.plant.conftest import Broker, mosquitto

    if not mosquitto():
        pytest.skip("mosquitto is not installed: apt-get install mosquitto")
    made = Broker(tmp_path_factory.mktemp("broker"))
    made.start()
    yield made
    made.stop()


@pytest.fixture
def figures(capsys: pytest.CaptureFixture[str]) -> Any:
    """Print a line of figures, whatever pytest captures."""

    def show(text: str) -> None:
        with capsys.disabled():
            print(f"\n  {text}")

    return show
