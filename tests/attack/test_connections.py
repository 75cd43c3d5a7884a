"""Two thousand silent connections to a station with the usual limit of 1,024 descriptors."""

from __future__ import annotations

import resource
import socket
import time
from typing import Any

import httpx
import psutil
import pytest

pytestmark = pytest.mark.slow
SILENT = {"http": 500, "modbus": 500, "opcua": 500, "status": 300, "page": 1150}
USUAL = 1024


@pytest.fixture
def room_for_both() -> Any:
    """The attacker needs descriptors too."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limits[1] < 4096:
        pytest.skip(f"NOT TESTED: this process may have {limits[1]} descriptors only")
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(8192, limits[1]), limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def test_silent_connections_stop_nobody(attacked: Any, room_for_both: None, figures: Any) -> None:
    at_work = attacked.at_work
    for process in (at_work.runtime, at_work.page):
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (USUAL, USUAL))
    attacked.begin()
    silent = []
    try:
        for name, count in SILENT.items():
            for _ in range(count):
                line = socket.socket()
                line.settimeout(5)
                line.connect(("127.0.0.1", attacked.ports[name]))
                silent.append(line)
        assert len(silent) >= 2000
        for number in range(5):
            attacked.part(serial=f"S{number}")
        assert _modbus_answers(attacked.ports["modbus"])
        with at_work.client("mia") as client:
            assert client.get("/engineer/setup/").status_code == 200
        files = {
            name: psutil.Process(process.pid).num_fds()
            for name, process in (("station", at_work.runtime), ("page", at_work.page))
        }
        time.sleep(3.0)
        attacked.well()
        assert attacked.status()["state"] in ("Ready", "SingleExecution")
        with httpx.Client(base_url=at_work.url, trust_env=False) as client:
            assert client.get("/session.js").status_code == 200
    finally:
        for line in silent:
            line.close()
    log = (at_work.folder / "page.log").read_text("utf-8", "replace")
    assert "Traceback" not in log
    figures(
        f"{len(silent)} silent connections at {USUAL} descriptors: {files} open, {attacked.whole()}"
    )


def _modbus_answers(port: int) -> bool:
    with socket.create_connection(("127.0.0.1", port), 10) as line:
        line.sendall(b"\0\1\0\0\0\6\1\2\0\0\0\6")
        return len(line.recv(100)) > 8
