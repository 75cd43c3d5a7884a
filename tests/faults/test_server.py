"""The database server itself is stopped under a running station, and started again."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.station.conftest import wait_until


def binaries() -> Path | None:
    """Find PostgreSQL's programs, where Debian puts them or on the path."""
    if (found := shutil.which("pg_ctl")) is not None:
        return Path(found).parent
    return max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)


class Server:
    """A PostgreSQL server of the test's own, with its data in a folder that goes away."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self.programs, self.folder = programs, folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"postgresql+psycopg://inspection@127.0.0.1:{self.port}/postgres"
        self._run("initdb", "-U", "inspection", "-A", "trust", "-E", "UTF8", "--locale=C")

    def start(self) -> None:
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1"
        log = str(self.folder / "log")
        self._run("pg_ctl", "-w", "-t", "60", "-l", log, "-o", options, "start")

    def stop(self) -> None:
        """Stop as a power cut would: no client is asked, nothing is put in order."""
        self._run("pg_ctl", "-w", "-t", "60", "-m", "immediate", "stop")

    def _run(self, program: str, *words: str) -> None:
        # The server refuses to run as root.
        other = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        subprocess.run(
            [*other, self.programs / program, "-D", self.folder / "data", *words],
            cwd=self.folder, check=True, timeout=90,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip


@pytest.fixture
def server() -> Iterator[Server]:
    if (programs := binaries()) is None:
        pytest.skip("NOT TESTED: PostgreSQL's programs are not here (see .ci/postgres.sh)")
    folder = Path(tempfile.mkdtemp(prefix="inspection-postgres-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    server = Server(programs, folder)
    try:
        server.start()
        yield server
    finally:
        if (folder / "data" / "postmaster.pid").exists():
            server.stop()
        shutil.rmtree(folder)


class Triggering:
    """Triggers a station all the time, and counts what was taken and what was refused."""

    def __init__(self, built: Any) -> None:
        self.built = built
        self.taken, self.refused = 0, 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def _work(self) -> None:
        while not self._stop.wait(0.1):
            if self.built.trigger():
                self.taken += 1
            else:
                self.refused += 1

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()


def test_the_server_is_stopped_and_started_under_a_running_station(
    build: Any, server: Server, tmp_path: Path, capsys: Any
) -> None:
    with build(
        record=server.url, images=tmp_path / "images", deadline_ms=2000.0, stall_s=120.0
    ) as built:
        triggering = Triggering(built)
        try:
            for round_ in range(2):
                wait_until(lambda: built.station.state in ("Ready", "SingleExecution"), 60)
                answered = len(built.answers.results)
                wait_until(lambda answered=answered: len(built.answers.results) > answered + 3, 60)
                server.stop()
                wait_until(lambda: built.station.state == "Error", 60)
                told, refused = len(built.answers.results), triggering.refused
                wait_until(lambda refused=refused: triggering.refused > refused + 10, 60)
                assert built.station.state == "Error"
                assert all(result.reject for result in built.answers.results[told:])
                assert triggering.refused > 10 * (round_ + 1)
                server.start()
            wait_until(lambda: built.station.state in ("Ready", "SingleExecution"), 60)
        finally:
            triggering.stop()
        total = triggering.taken + triggering.refused
        wait_until(lambda: sum(built.store.counts().values()) == total, 60)
        wait_until(lambda: built.station.snapshot()["answers"] == triggering.taken, 60)
        wait_until(lambda: built.station.snapshot()["outbox"] == {"kept": 0}, 60)
        records = built.store.parts(limit=10_000)
        answers = [result.delivery_id for result in built.answers.results]
        with capsys.disabled():
            print(
                f"\ndatabase server stopped twice: {total} triggers ({triggering.refused} refused), "
                f"{len(records)} records, {len(answers)} answers to those taken"
            )
        assert len({record.trigger_id for record in records}) == len(records) == total
        assert len(set(answers)) == len(answers) == triggering.taken
        assert {result.delivery_id for result in built.kept.results} == {
            record.part_id for record in records
        }
        assert built.store.unanswered("test") == []
        assert built.store.verify() == []
        assert built.station.snapshot()["queues"]["owed"] == 0
