"""What happens to the computer itself: it is suspended, its clock jumps ahead, its disk becomes read-only."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from inspection.judgement import Verdict
from tests.attack.conftest import TOKEN, Attacked
from tests.plant.conftest import free_port, wait_until
from tests.station.conftest import build

__all__ = ["build"]
pytestmark = pytest.mark.slow
FAKETIME = next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))), None)
STALL_S = 2.0


@pytest.fixture
def machine(make_station: Any) -> Iterator[Any]:
    """Make a station with a trigger over HTTP, on a computer something happens to."""
    made: list[Attacked] = []

    def make(top: str = "", rest: str = "") -> Attacked:
        ports = {name: free_port() for name in ("http", "status")}
        rest = f'[triggers.http]\nport = {ports["http"]}\ntoken_file = "trigger.token"\n{rest}'
        at_work = make_station(
            top=f"status_port = {ports['status']}\nqueue = 100\n{top}", rest=rest, start=False
        )
        (at_work.folder / "trigger.token").write_text(TOKEN)
        at_work.start_runtime()
        made.append(Attacked(at_work, ports))
        wait_until(lambda: made[-1].status()["state"] == "Ready", "Ready")
        return made[-1]

    yield make
    for each in made:
        each.at_work.stop()


def _stream(attacked: Attacked, over: threading.Event, taken: list[str]) -> None:
    """Trigger parts until it is over; what is not answered is asked again under the same id."""
    number = 0
    while not over.is_set():
        with suppress(httpx.HTTPError):
            answer = httpx.post(
                f"http://127.0.0.1:{attacked.ports['http']}/trigger",
                content=json.dumps({"trigger_id": f"t{number}"}),
                headers={"Authorization": f"Bearer {TOKEN}"}, trust_env=False, timeout=20,
            )  # fmt: skip
            if answer.status_code in (202, 409):  # 409: taken already, the answer did not arrive
                taken.append(f"t{number}")
                number += 1
        over.wait(0.05)


def test_a_computer_that_is_suspended(machine: Any, figures: Any) -> None:
    attacked = machine(f"stall_s = {STALL_S}")
    attacked.begin()
    over, taken = threading.Event(), []  # type: tuple[threading.Event, list[str]]
    line = threading.Thread(target=_stream, args=(attacked, over, taken))
    line.start()
    for _ in range(6):
        time.sleep(0.5)
        os.kill(attacked.at_work.runtime.pid, signal.SIGSTOP)
        time.sleep(2 * STALL_S)
        os.kill(attacked.at_work.runtime.pid, signal.SIGCONT)
        wait_until(lambda: attacked.status()["state"] in ("Ready", "SingleExecution"), "Ready")
    over.set()
    line.join(30)
    attacked.well()
    found = attacked.whole()
    with attacked.at_work.record() as store:
        parts = store.parts(limit=10_000)
    assert {part.trigger_id for part in parts} >= set(taken)
    late = [part for part in parts if part.cause.code == "late"]
    assert all(part.verdict is Verdict.CANNOT_INSPECT for part in late)
    figures(f"suspended 6 times: {found}, {len(late)} late")


@pytest.mark.skipif(FAKETIME is None, reason="NOT TESTED: apt-get install faketime")
def test_a_clock_that_jumps_ahead_and_back_at_work(
    machine: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, figures: Any
) -> None:
    clock = tmp_path / "clock"
    clock.write_text("+0d")
    with monkeypatch.context() as started:
        started.setattr(
            "tests.ui.conftest._RUN",
            "from inspection.station import station; station.HOUR_S = 0.5; "
            "from inspection.cli import main; main()",
        )
        for name, text in {
            "LD_PRELOAD": FAKETIME, "FAKETIME_TIMESTAMP_FILE": clock, "FAKETIME_NO_CACHE": 1,
            "FAKETIME_DONT_FAKE_MONOTONIC": 1, "DONT_FAKE_MONOTONIC": 1,
        }.items():  # fmt: skip
            started.setenv(name, str(text))
        attacked = machine(rest="[retention]\nrejects_days = 1\n")
    attacked.begin()
    for trigger_id in ("a", "b"):
        attacked.part(trigger_id=trigger_id)
    clock.write_text("+400d")
    for trigger_id in ("c", "d", "e"):
        attacked.part(trigger_id=trigger_id)
    time.sleep(2.0)  # housekeeping came by
    clock.write_text("-30d")
    attacked.part(trigger_id="f")
    clock.write_text("+0d")
    attacked.part(trigger_id="g")
    time.sleep(2.0)
    found = attacked.whole()
    with attacked.at_work.record() as store:
        parts = {part.trigger_id: part for part in store.parts(limit=100)}
    ahead = datetime.now(UTC) + timedelta(days=300)
    assert [name for name, part in parts.items() if part.judged_at > ahead] == ["e", "d", "c"]
    assert all(
        (attacked.at_work.folder / "parts.images" / part.image).is_file() for part in parts.values()
    )
    answers = attacked.status()["answers"]
    again = httpx.post(
        f"http://127.0.0.1:{attacked.ports['http']}/trigger", content=b'{"trigger_id": "a"}',
        headers={"Authorization": f"Bearer {TOKEN}"}, trust_env=False, timeout=10,
    )  # fmt: skip
    assert again.status_code == httpx.codes.CONFLICT  # what was answered stays known
    assert attacked.status()["answers"] == answers
    told = [line for line in attacked.said() if "no picture is removed for its age" in line]
    assert told
    figures(f"clock 400 days ahead, 30 back: {found}")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of its own in a file, mounted."""
    image, folder = tmp_path / "disk.img", tmp_path / "disk"
    folder.mkdir()
    with image.open("wb") as file:
        file.truncate(64 << 20)
    for command in (("mkfs.ext4", "-q", image), ("mount", "-o", "loop", image, folder)):
        if shutil.which(command[0]) is None:
            pytest.skip(f"NOT TESTED: there is no {command[0]} here")
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"NOT TESTED: a disk cannot be mounted here: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_disk_that_becomes_read_only(build: Any, disk: Path) -> None:
    """As the kernel does after an error of the disk: what is open for writing fails too."""
    with build(record=disk / "parts.db", deadline_ms=800.0, stall_s=120.0) as built:
        assert built.trigger()
        built.settle(1)
        before = built.answers.results[0].verdict
        subprocess.run(["mount", "-o", "remount,abort", disk], check=True)
        taken = 1 + sum(built.trigger() for _ in range(3))  # as a rule none: "not ready"
        wait_until(lambda: len(built.answers.results) == taken, "answers")
        assert all(result.reject for result in built.answers.results[1:])
        assert built.station.state == "Error"
    subprocess.run(["umount", disk], check=True)
    subprocess.run(["mount", "-o", "loop", disk.parent / "disk.img", disk], check=True)
    with build(record=disk / "parts.db") as built:
        found = built.store.parts()
        assert [part.verdict for part in found if part.verdict is not Verdict.CANNOT_INSPECT] == [
            before
        ]
        assert built.store.verify() == []
        assert built.trigger()
        built.settle(1)
