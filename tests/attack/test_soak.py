"""A line at work with a page open: nothing lost, doubled or passed unbacked, and nothing grows."""

from __future__ import annotations

import json
import threading
import time
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from inspection.judgement import Verdict
from tests.attack.conftest import LONG, TOKEN
from tests.station.conftest import build, wait_until
from tests.store.conftest import server_url

__all__ = ["build", "server_url"]
pytestmark = pytest.mark.slow
SOAK_S = 1800.0 if LONG else 15.0
GROWTH_MB = 60


def test_soak(attacked: Any, figures: Any) -> None:
    attacked.begin()
    stop = threading.Event()
    watching = threading.Thread(target=_watch, args=(attacked, stop))
    watching.start()
    before, sent, refused = attacked.whole()["triggers"], 0, 0
    settled: tuple[int, int, int] | None = None
    began = time.monotonic()
    line = HTTPConnection("127.0.0.1", attacked.ports["http"], timeout=20)
    try:
        while (passed_s := time.monotonic() - began) < SOAK_S:
            line.request(
                "POST", "/trigger", json.dumps({"serial": f"S{sent}", "trigger_id": f"soak-{sent}"}),
                {"Authorization": f"Bearer {TOKEN}"},
            )  # fmt: skip
            answer = line.getresponse()
            answer.read()
            refused += answer.status != 202
            sent += 1
            while (
                attacked.status()["queues"]["inbox"] > 4
            ):  # the highest steady rate: never more waits
                time.sleep(0.01)
            if settled is None and passed_s > SOAK_S / 3:
                settled = attacked.weight()
    finally:
        stop.set()
        watching.join(20)
        line.close()
    attacked.idle()
    rate = sent / (time.monotonic() - began)
    found, after = attacked.whole(), attacked.weight()
    attacked.well()
    assert refused == 0
    assert found["triggers"] - before == sent
    assert settled is not None
    assert after[0] - settled[0] < GROWTH_MB
    assert after[1] - settled[1] < 20
    assert after[2] - settled[2] < 20
    figures(
        f"soak: {sent} parts in {SOAK_S:.0f} s, {rate:.1f} a second; {found}; MB, files, threads {settled} → {after}"
    )


def test_soak_on_postgresql(build: Any, server_url: str, tmp_path: Path, figures: Any) -> None:
    soak_s = SOAK_S if LONG else 6.0
    with build(record=server_url, images=tmp_path / "images") as built:
        began, sent = time.monotonic(), 0
        while time.monotonic() - began < soak_s:
            assert built.trigger(trigger_id=f"soak-{sent}")
            sent += 1
            wait_until(lambda: built.station.snapshot()["queues"]["inbox"] <= 4)
        built.settle(sent, 60)
        wait_until(lambda: built.station.snapshot()["outbox"] == {"kept": 0}, 60)
        rate = sent / (time.monotonic() - began)
        found = built.store.parts(limit=1_000_000)
        assert {part.trigger_id for part in found} == {f"soak-{number}" for number in range(sent)}
        assert built.counted() == (sent, sent, sent)
        assert len({result.delivery_id for result in built.kept.results}) == sent
        passed = [part for part in found if part.verdict is Verdict.PASS]
        assert all(part.image and part.score is not None for part in passed)
        assert built.store.verify() == []
    figures(
        f"soak on PostgreSQL: {sent} parts in {soak_s:.0f} s, {rate:.1f} a second, {len(passed)} passed"
    )


def _watch(attacked: Any, stop: threading.Event) -> None:
    """An open page: what happens, and the pictures of it."""
    with attacked.at_work.client("oli") as client:
        while not stop.wait(0.2):
            client.get("/session.js")
            with attacked.at_work.record() as store:
                latest = store.parts(limit=1)
            if latest:
                client.get(f"/api/operator/part/{latest[0].part_id}")
