"""A driver that does not return: told at once, rejected in time, and the end when it lasts."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from cameras import CameraLost, CameraTimeout, Frame
from cameras.simulated import Simulated
from inspection.judgement import Verdict
from inspection.station import camera_view as views
from inspection.station.alarms import CAMERA
from inspection.station.pipeline import StationStopped
from tests.station.conftest import wait_until

REPOSITORY = Path(__file__).parents[2]


class Hanging(Simulated):
    """A camera whose read or second open does not return until it is let go."""

    def __init__(self, *, at_open: bool = False) -> None:
        super().__init__(size_px=256, defect_rate=0.0)
        self.at_open, self.opened = at_open, 0
        self.let_go = threading.Event()

    def open(self) -> None:
        self.opened += 1
        if self.at_open and self.opened == 2:
            self.let_go.wait(60)
        super().open()

    def read(self, *, timeout_s: float = 5.0, trigger_id: str | None = None) -> Frame:
        if self.at_open and self.opened == 1:
            raise CameraLost("camera simulated: unplugged")
        if not self.at_open:
            self.let_go.wait(60)
        return super().read(timeout_s=timeout_s, trigger_id=trigger_id)


def test_a_driver_that_hangs_is_an_error_that_names_the_view_until_it_returns(build: Any) -> None:
    hanging = Hanging()
    try:
        with build(Simulated(size_px=256), hanging, deadline_ms=400.0) as built:
            assert built.trigger()
            wait_until(lambda: len(built.answers.results) == 1)
            assert built.answers.results[0].verdict is Verdict.CANNOT_INSPECT
            wait_until(lambda: built.station.state == "Error")
            status = built.station.snapshot()
            assert status["error_code"] == CAMERA
            assert status["error"] == "view view1: the driver of camera simulated does not return"
            assert built.trigger()
            wait_until(lambda: len(built.answers.results) == 2)
            assert built.answers.results[1].reject
            hanging.let_go.set()
            wait_until(lambda: built.station.state == "Ready")
            assert built.counted() == (2, 2, 2)
    finally:
        hanging.let_go.set()


@pytest.mark.parametrize("at_open", [False, True], ids=["read", "open"])
def test_a_driver_that_hangs_for_good_stops_the_station(
    build: Any, monkeypatch: pytest.MonkeyPatch, at_open: bool
) -> None:
    monkeypatch.setattr(views, "OPEN_S", 0.3)
    hanging = Hanging(at_open=at_open)
    try:
        with build(hanging, deadline_ms=300.0, stall_s=2.0) as built:
            assert built.trigger()
            with pytest.raises(StationStopped, match="view view0: the driver .* for 2 s longer"):
                built.station.run()
            assert built.station.state == "Error"
            assert built.counted() == (1, 1, 1)
            assert built.answers.results[0].reject
            hanging.let_go.set()
    finally:
        hanging.let_go.set()


HUNG = """
import time
from cameras.simulated import Simulated
from inspection.cli import main
def hang(self, **_):
    Simulated.close = hang
    time.sleep(1000)
Simulated.read = hang
main()
"""


def test_the_program_ends_though_the_driver_hangs_in_reading_and_closing(
    line: Any, tmp_path: Path
) -> None:
    (tmp_path / "station.toml").write_text(
        'station = "hung"\nrecord = "parts.db"\nstall_s = 1.0\ndeadline_ms = 300\n'
        '[[views]]\nname = "top"\ncamera = "simulated"\nsettings = { size_px = 256 }\n'
        f'[[products]]\nname = "flange"\nrecipe = "{line.recipe_path}"\n'
        "[triggers.interval]\nperiod_s = 0.2\n",
        encoding="utf-8",
    )
    done = subprocess.run(
        [sys.executable, "-c", HUNG, "run", "station.toml"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done
    assert "view top: the driver of camera simulated does not return" in done.stderr


def test_the_state_recovers_though_no_picture_comes_after_a_loss(build: Any) -> None:
    class Quiet(Simulated):
        reads = 0

        def read(self, *, timeout_s: float = 5.0, trigger_id: str | None = None) -> Frame:
            self.reads += 1
            if self.reads == 2:
                raise CameraLost("camera simulated: unplugged")
            if self.reads == 1:
                return super().read(timeout_s=timeout_s, trigger_id=trigger_id)
            time.sleep(0.05)
            raise CameraTimeout("camera simulated: no picture")

    with build(Quiet(size_px=256, defect_rate=0.0), trigger="camera") as built:
        wait_until(lambda: "Error" in built.answers.states)
        wait_until(lambda: built.station.state == "Ready")
        assert built.counted() == (1, 1, 1)


def test_the_views_of_a_part_are_taken_at_the_same_time(build: Any) -> None:
    together = threading.Barrier(2, timeout=5.0)

    class Waiting(Simulated):
        def read(self, *, timeout_s: float = 5.0, trigger_id: str | None = None) -> Frame:
            together.wait()
            return super().read(timeout_s=timeout_s, trigger_id=trigger_id)

    cameras = [Waiting(size_px=256, defect_rate=0.0, seed=seed) for seed in (1, 2)]
    with build(*cameras, deadline_ms=20_000.0) as built:
        for number in range(2):
            assert built.trigger()
            built.settle(number + 1)
        assert [tuple(part.frames) for part in built.parts] == [("view0", "view1")] * 2
        assert Verdict.CANNOT_INSPECT not in {r.verdict for r in built.answers.results}
