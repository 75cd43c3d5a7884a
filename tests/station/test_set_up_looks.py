"""Set-up work at the cameras never gives a part another part's picture, nor loses one unseen."""

from __future__ import annotations

import queue
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest

from cameras import CameraTimeout, Frame
from cameras.simulated import Simulated
from inspection.errors import InspectionError
from inspection.judgement import Verdict
from inspection.station.pipeline import StationStopped
from tests.station.conftest import Built, wait_until


class ByLine(Simulated):
    """A camera the line triggers: pictures come by themselves and wait to be read."""

    trigger_sources = ("Line1",)

    def __init__(self, *, opening_s: float = 0.0) -> None:
        super().__init__(size_px=256, defect_rate=0.0, trigger_source="Line1")
        self.opening_s, self.opened, self.reading = opening_s, 0, threading.Event()
        self.waiting: queue.Queue[int] = queue.Queue()

    def open(self) -> None:
        """Whatever waits at that moment is gone."""
        if self.opened:
            time.sleep(self.opening_s)
        super().open()
        self.waiting, self.opened = queue.Queue(), self.opened + 1

    def read(self, *, timeout_s: float = 5.0, trigger_id: str | None = None) -> Frame:
        self.reading.set()
        try:
            self._part = self.waiting.get(timeout=timeout_s)
        except queue.Empty:
            raise CameraTimeout(f"no picture in {timeout_s} s") from None
        return super().read(timeout_s=timeout_s, trigger_id=trigger_id)


def _part(built: Built, camera: ByLine, number: int) -> None:
    """One part comes along: the light barrier triggers the camera and tells the station."""
    camera.waiting.put(number)
    assert built.trigger(serial=str(number))


def _mixed_up(built: Built) -> list[Any]:
    """Give the parts judged by a picture that is not theirs."""
    return [
        (part.record.serial, part.frames["view0"].frame_id)
        for part in built.parts
        if part.judgement.verdict is not Verdict.CANNOT_INSPECT
        and str(part.frames["view0"].frame_id) != part.record.serial
    ]


@pytest.fixture
def aside() -> Any:
    with ThreadPoolExecutor(4) as pool:
        yield pool


def _look(built: Built, camera: ByLine, pool: ThreadPoolExecutor) -> Future[Frame]:
    """Begin a look, and wait until it is at the camera."""
    camera.reading.clear()
    look = pool.submit(built.station.camera_service.take, "view0")
    assert camera.reading.wait(5)
    return look


def test_a_look_that_waits_at_resume_takes_no_parts_picture(build: Any, aside: Any) -> None:
    camera = ByLine()
    with build(camera) as built:
        built.station.pause(paused=True)
        look = _look(built, camera, aside)
        began = time.monotonic()
        built.station.pause(paused=False)
        with pytest.raises(InspectionError, match="goes on inspecting; pause it to use its"):
            look.result(timeout=0.5)
        assert time.monotonic() - began < 2.0
        assert built.station.state == "Ready"
        for number in range(3):
            _part(built, camera, number)
        built.settle(3)
        assert _mixed_up(built) == []
        assert [part.judgement.verdict for part in built.parts] == [Verdict.PASS] * 3
        assert built.counted() == (3, 3, 3)


def test_a_part_that_came_while_a_look_was_under_way_is_not_given_anothers(
    build: Any, aside: Any
) -> None:
    camera = ByLine()
    with build(camera) as built:
        built.station.pause(paused=True)
        look = _look(built, camera, aside)
        resumed = aside.submit(built.station.pause, paused=False)
        for number in range(12):  # through resume and beyond
            _part(built, camera, number)
            time.sleep(0.06)
        resumed.result(timeout=5)
        with suppress(InspectionError):
            look.result(timeout=5)
        built.settle(12)
        assert _mixed_up(built) == []
        assert built.parts[-1].judgement.verdict is Verdict.PASS
        assert built.counted() == (12, 12, 12)


def test_a_camera_slow_to_open_after_set_up_gives_no_part_anothers_picture(
    build: Any, aside: Any
) -> None:
    camera = ByLine(opening_s=1.2)
    with build(camera) as built:
        built.station.pause(paused=True)
        _look(built, camera, aside)
        built.station.pause(paused=False)
        _part(built, camera, 0)
        wait_until(lambda: camera.opened == 2)
        time.sleep(0.6)  # its picture is gone
        for number in (1, 2):
            _part(built, camera, number)
        built.settle(3)
        assert _mixed_up(built) == []
        assert built.parts[0].judgement.verdict is Verdict.CANNOT_INSPECT
        assert built.parts[2].judgement.verdict is Verdict.PASS


def test_looks_do_not_open_the_camera_anew_until_the_station_goes_on(
    build: Any, aside: Any
) -> None:
    camera = ByLine()
    with build(camera) as built:
        built.station.pause(paused=True)
        for number in range(3):
            look = _look(built, camera, aside)
            camera.waiting.put(number)
            assert look.result(timeout=5).frame_id == number
        assert camera.opened == 1
        built.station.pause(paused=False)
        assert camera.opened == 2


def test_where_each_picture_is_a_part_a_look_shows_one_that_is_recorded(
    build: Any, aside: Any
) -> None:
    camera = ByLine()
    with build(camera, trigger="camera") as built:
        built.station.pause(paused=True)
        look = _look(built, camera, aside)
        camera.waiting.put(0)
        assert look.result(timeout=5).frame_id == 0
        built.settle(1)
        built.station.pause(paused=False)
        camera.waiting.put(1)
        built.settle(2)
        looked, judged = built.store.parts(newest_first=False)
        assert (looked.verdict, looked.reason) == (Verdict.CANNOT_INSPECT, "the station is paused")
        assert judged.verdict is Verdict.PASS
        assert camera.opened == 1


class Hanging(Simulated):
    """A driver that does not return once it is told to hang."""

    def __init__(self) -> None:
        super().__init__(size_px=256, defect_rate=0.0)
        self.let_go = threading.Event()

    def read(self, *, timeout_s: float = 5.0, trigger_id: str | None = None) -> Frame:
        self.let_go.wait(20)
        return super().read(timeout_s=timeout_s, trigger_id=trigger_id)


def test_a_driver_that_hangs_at_a_look_is_told_and_ends_the_station(
    build: Any, aside: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from inspection.station import camera_service as adjust

    monkeypatch.setattr(adjust, "TAKE_S", 0.2)
    monkeypatch.setattr(adjust, "RESUME_S", 0.3)
    camera = Hanging()
    with build(camera, stall_s=1.5) as built:
        built.station.pause(paused=True)
        aside.submit(built.station.camera_service.take, "view0")
        wait_until(lambda: built.station.error_code == 1, 5)
        problem = "view view0: the driver of camera simulated does not return"
        assert built.station.snapshot()["error"] == problem
        with pytest.raises(InspectionError, match="set-up of the cameras did not end within 0.3 s"):
            built.station.pause(paused=False)
        with pytest.raises(StationStopped, match="view view0: the driver of camera"):
            built.station.run()
        camera.let_go.set()
