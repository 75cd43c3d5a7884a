"""A web server that refuses one result for good holds up no other, and nothing is lost."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from inspection.cli.records import app
from inspection.plant.outputs.webhook import Webhook
from inspection.station import delivery
from inspection.store import open_store
from tests.station.conftest import wait_until


class Receiver:
    """A web server that refuses the serials it is told to, and counts who asked."""

    def __init__(self) -> None:
        self.bad: dict[str, int] = {}
        self.asked: Counter[str] = Counter()
        self.taken: list[str] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                serial = json.loads(body)["serial"]
                receiver.asked[serial] += 1
                code = receiver.bad.get(serial, 200)
                if code == 200:
                    receiver.taken.append(serial)
                self.send_response(code)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "LONGEST_S", 0.5)


def run(build: Any, receiver: Receiver, record: Path) -> Any:
    hook = Webhook(url=receiver.url, retries=0)
    return build(record=record, kept_output=hook)


@pytest.mark.usefixtures("quick")
def test_one_result_refused_for_good_is_set_aside_named_and_sent_again_when_asked(
    build: Any, receiver: Receiver, tmp_path: Path
) -> None:
    path = tmp_path / "parts.db"
    receiver.bad = {"s1": 422}
    with run(build, receiver, path) as built:
        for number in range(4):
            assert built.trigger(serial=f"s{number}")
            built.settle(number + 1)
        wait_until(lambda: receiver.taken == ["s0", "s2", "s3"])
        wait_until(lambda: built.station.snapshot()["outbox"] == {"kept": 0})
        assert receiver.asked["s1"] == delivery.REFUSALS == 5
        status = built.station.snapshot()
        (part,) = [part for part in built.store.parts() if part.serial == "s1"]
        assert status["refused"] == {"kept": 1}
        (named,) = status["refused_results"]
        assert (named["output"], named["part_id"]) == ("kept", part.part_id)
        assert "HTTP 422" in named["reason"]
        assert 'inspection_refused{output="kept"} 1' in _metrics(status)
        assert built.station.state == "Ready"
    done = CliRunner().invoke(app, ["refused", str(path)])
    assert done.exit_code == 0
    assert part.part_id in done.stdout
    assert "HTTP 422" in done.stdout
    receiver.bad.clear()
    done = CliRunner().invoke(app, ["resend", str(path), "--output", "other", "--json"])
    assert json.loads(done.stdout) == {"waiting_again": 0}
    done = CliRunner().invoke(app, ["resend", str(path), "--output", "kept", "--json"])
    assert json.loads(done.stdout) == {"waiting_again": 1}
    with run(build, receiver, path) as built:
        wait_until(lambda: receiver.taken == ["s0", "s2", "s3", "s1"])
        wait_until(lambda: built.station.snapshot()["outbox"] == {"kept": 0})
        assert built.station.snapshot()["refused"] == {}
    with open_store(path, read_only=True) as store:
        assert store.verify() == []


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("code", [302, 408, 425, 429, 503])
def test_what_may_be_over_a_moment_later_is_never_set_aside(
    build: Any, receiver: Receiver, tmp_path: Path, code: int
) -> None:
    receiver.bad = {"s0": code}
    with run(build, receiver, tmp_path / "parts.db") as built:
        for number in range(2):
            assert built.trigger(serial=f"s{number}")
            built.settle(number + 1)
        wait_until(lambda: receiver.asked["s0"] > delivery.REFUSALS + 1)
        assert receiver.taken == []
        assert built.station.snapshot()["refused"] == {}
        receiver.bad.clear()
        wait_until(lambda: receiver.taken == ["s0", "s1"])


def _metrics(status: Any) -> str:
    from inspection.station.status import metrics

    return metrics(status)
