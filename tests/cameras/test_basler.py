"""Basler's own camera emulator, and the traps of its library."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cameras import (
    CameraError,
    CameraLost,
    CameraTimeout,
    CameraUnavailable,
    CameraUnsupported,
    Reconnecting,
)
from cameras.basler import Basler

REPOSITORY = Path(__file__).parents[2]

if (_missing := Basler.missing()) is not None:
    pytest.skip(_missing, allow_module_level=True)


def _camera(**settings: Any) -> Basler:
    return Basler(**{"device_class": "BaslerCamEmu", "width": 64, "height": 48} | settings)


def test_settings_are_written_and_read_back() -> None:
    wanted = {
        "exposure_time_us": 5000.0, "gain_db": 0.0, "pixel_format": "BayerRG8", "offset_x": 8,
        "offset_y": 4, "acquisition_frame_rate": 50.0, "trigger_activation": "FallingEdge",
        "trigger_delay_us": 20.0, "exposure_auto": "Off",
    }  # fmt: skip
    with _camera(**wanted) as camera:
        frame = camera.read()
        applied = dict(camera.applied)
    assert {name: applied[name] for name in wanted} == wanted
    assert (applied["width"], applied["height"], applied["serial_number"]) == (64, 48, "0815-0000")
    assert (frame.exposure_time_us, frame.gain_db) == (5000.0, 0.0)
    assert frame.image.shape == (48, 64, 3)
    assert frame.device_timestamp_ns is None  # the emulator has no clock


def test_a_wide_picture_fits_after_one_that_was_moved_aside() -> None:
    with _camera(width=64, offset_x=960):
        pass
    with _camera(width=1024) as camera:
        assert camera.read().image.shape == (48, 1024)
        assert camera.applied["offset_x"] == 0


@pytest.mark.parametrize("pixel_format", ["Mono8", "Mono12", "RGB8", "BGR8", "BayerGB12"])
def test_pixel_formats_by_their_standard_names(pixel_format: str) -> None:
    with _camera(pixel_format=pixel_format) as camera:
        image = camera.read().image
        assert camera.applied["pixel_format"] == pixel_format
    assert image.shape == ((48, 64) if pixel_format.startswith("Mono") else (48, 64, 3))
    assert int(image.max()) > 8 * int(image.min() + 1)  # the test picture's ramp, at full depth


def test_each_trigger_gives_its_picture() -> None:
    with _camera() as camera:
        frames = [camera.read(trigger_id=f"T{number}") for number in range(5)]
        assert [frame.frame_id for frame in frames] == [0, 1, 2, 3, 4]
        assert [frame.missed_before for frame in frames] == [0] * 5
        assert camera.accounting.sent == camera.accounting.complete == 5
    assert camera.accounting.sent == 5


def test_a_failed_grab_is_incomplete_and_black() -> None:
    """Its buffer can be read and holds the picture before: it must not be."""
    with _camera() as camera:
        assert camera.read().image.any()
        camera._camera.ForceFailedBufferCount.Value = 1
        camera._camera.ForceFailedBuffer.Execute()
        failed, good = camera.read(), camera.read()
        count = camera.accounting
    assert (failed.status, good.status) == ("incomplete", "complete")
    assert (failed.image.shape, int(failed.image.max())) == ((48, 64), 0)
    assert (count.sent, count.complete, count.incomplete, count.missed) == (3, 2, 1, 0)


def test_a_gap_in_the_ids_is_counted_as_missed() -> None:
    with _camera() as camera:
        camera.read()
        for _ in range(3):  # pictures that never reach us
            pylon = importlib.import_module("pypylon.pylon")
            camera._camera.WaitForFrameTriggerReady(1000, pylon.TimeoutHandling_ThrowException)
            camera._camera.ExecuteSoftwareTrigger()
            camera._camera.RetrieveResult(1000, pylon.TimeoutHandling_ThrowException).Release()
        assert camera.read().missed_before == 3
        assert str(camera.accounting) == (
            "5 sent = 2 complete + 0 incomplete + 3 missed + 0 backpressure + 0 unsupported"
        )


def test_a_line_that_is_silent_is_a_timeout_not_a_loss() -> None:
    with _camera(trigger_source="Line1") as camera:
        with pytest.raises(CameraTimeout) as caught:
            camera.read(timeout_s=0.1)
        assert camera.state == "ACQUIRING"
        assert camera.applied["trigger_source"] == "Line1"
    assert str(caught.value) == (
        "camera basler: no picture in 0.1 s, but it answers; trigger_source is Line1"
    )


def test_a_late_picture_is_not_given_to_the_next_part() -> None:
    with _camera() as camera:
        camera.read()
        late, camera._late = camera._camera, True  # as after a timeout
        pylon = importlib.import_module("pypylon.pylon")
        late.WaitForFrameTriggerReady(1000, pylon.TimeoutHandling_ThrowException)
        late.ExecuteSoftwareTrigger()
        late.GetGrabResultWaitObject().Wait(2000)
        frame = camera.read(trigger_id="T2")
        count = camera.accounting
    assert (frame.frame_id, frame.missed_before) == (0, 1)  # a new start, without the late one
    assert (count.sent, count.complete, count.backpressure) == (3, 2, 1)


def test_the_newest_picture_only_counts_those_before_it() -> None:
    settings = {"trigger_source": "Off", "grab_strategy": "latest_image_only"}
    with _camera(**settings) as camera:
        first = camera.read()
        time.sleep(0.3)
        second = camera.read()
        count = camera.accounting
    assert second.missed_before == second.frame_id - first.frame_id - 1 > 0
    assert count.complete == 2
    assert count.missed == 0
    assert count.sent == second.frame_id + 1


@pytest.fixture
def unplug(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bool]]:
    """Let the library say the device is gone; its emulator cannot be unplugged."""
    pylon = importlib.import_module("pypylon.pylon")
    gone: list[bool] = []
    monkeypatch.setattr(pylon.InstantCamera, "IsCameraDeviceRemoved", lambda _: bool(gone))
    yield gone


def test_an_unplugged_camera_is_lost_though_pictures_still_come(unplug: list[bool]) -> None:
    with Reconnecting(_camera()) as camera:
        session = camera.read().session
        unplug.append(True)
        with pytest.raises(CameraLost, match="^camera basler is unplugged$"):
            camera.read()
        unplug.clear()
        assert camera.read().session != session


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        (
            {"pixel_format": "YUV422_8"},
            "pixel_format 'YUV422_8' is not supported; supported: Mono8",
        ),
        ({"exposure_time_us": 1e12}, "exposure_time_us 1000000000000.0 is refused: Value"),
        ({"width": 7.5}, "width 7.5 is refused: a float does not fit"),
        ({"exposure_auto": "Once2"}, "supported: Off, Once, Continuous"),
        ({"grab_strategy": "newest"}, "supported: one_by_one, latest_image_only"),
        ({"serial_number": "77"}, "no camera found (77 wanted, device_class BaslerCamEmu)"),
    ],
)
def test_refusals_name_what_is_supported(settings: dict[str, Any], text: str) -> None:
    camera = _camera(**settings)
    with pytest.raises((CameraUnsupported, CameraUnavailable)) as caught:
        camera.open()
    assert text in str(caught.value)
    assert "\n" not in str(caught.value)
    assert camera.state == "CLOSED"


def test_no_camera_and_several_cameras() -> None:
    code = """
from cameras import CameraUnavailable
from cameras.basler import Basler
try:
    Basler(device_class="BaslerCamEmu").open()
except CameraUnavailable as exc:
    print(exc)
"""
    told = {}
    for n in ("0", "2"):
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=REPOSITORY, env={**os.environ, "PYLON_CAMEMU": n},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        told[n] = done.stdout.strip()
    assert told["0"].startswith("camera basler: no camera found (any wanted")
    assert told["2"] == (
        "camera basler: 2 cameras found; set serial_number to one of 0815-0000, 0815-0001"
    )


def test_errors_are_of_the_one_tree() -> None:
    with pytest.raises(CameraError, match="^camera basler is closed"):
        _camera().read()
