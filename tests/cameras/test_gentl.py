"""The GenTL producer that comes with the genicam package: three cameras that run free."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cameras import CameraTimeout, CameraUnavailable, CameraUnsupported
from cameras.gentl import Gentl


def _camera(producer: str, **settings: Any) -> Gentl:
    return Gentl(producer=producer, **{"device": "0", "trigger_source": "Off"} | settings)


def test_settings_are_written_and_read_back(viky: str) -> None:
    wanted = {"width": 200, "height": 100, "acquisition_frame_rate": 100.0}
    with _camera(viky, **wanted) as camera:
        frame = camera.read()
        applied = dict(camera.applied)
    assert {name: applied[name] for name in wanted} == wanted
    assert (applied["pixel_format"], applied["model"]) == ("RGBa8", "Viky")
    assert frame.image.shape == (100, 200, 3)
    assert frame.exposure_time_us is None


def test_grey_pictures(viky: str) -> None:
    with _camera(viky, pixel_format="Mono8") as camera:
        assert camera.read().image.shape == (400, 400)


def test_two_cameras_of_one_producer_at_once(viky: str) -> None:
    with _camera(viky, device="VikyTL_DEV_red") as red:
        with _camera(viky, device="VikyTL_DEV_green") as green:
            tints = [np.median(camera.read().image, axis=(0, 1)) for camera in (red, green)]
        later = red.read()
    assert tints[0].shape == (3,)
    assert later.sequence == 1


def test_colours_stand_in_the_order_red_green_blue(viky: str) -> None:
    lowest = []
    for device in ("VikyTL_DEV_red", "VikyTL_DEV_green", "VikyTL_DEV_blue"):
        with _camera(viky, device=device) as camera:
            means = camera.read().image.mean(axis=(0, 1))
        lowest.append(int(np.argmax(means)))
    assert lowest == [0, 1, 2]


def test_pictures_nobody_took_are_counted(viky: str) -> None:
    with _camera(viky, acquisition_frame_rate=100.0, width=100, height=100) as camera:
        camera.read()
        time.sleep(0.3)
        frames = [camera.read() for _ in range(10)]
        count = camera.accounting
    lost = sum(frame.missed_before for frame in frames)
    assert lost > 0
    assert count.missed + count.backpressure == lost
    assert count.complete == 11
    assert count.sent == frames[-1].frame_id


def test_an_incomplete_buffer_is_an_incomplete_black_frame(viky: str) -> None:
    """The producer makes none, so harvesters is told of one as a producer would tell it."""
    with _camera(viky) as camera:
        camera.read()
        camera._camera.remote_device.node_map.AcquisitionStop.execute()
        while True:
            try:
                camera.read(timeout_s=0.05)
            except CameraTimeout:
                break
        complete = camera.accounting.complete
        camera._camera._emit_callbacks(camera._camera.Events.INCOMPLETE_BUFFER)
        frame = camera.read(timeout_s=0.05)
        count = camera.accounting
    assert (frame.status, frame.image.shape, int(frame.image.max())) == (
        "incomplete",
        (400, 400),
        0,
    )
    assert (count.complete, count.incomplete) == (complete, 1)


def test_what_the_producer_has_not_is_refused(viky: str) -> None:
    with pytest.raises(CameraUnsupported) as caught:
        _camera(viky, exposure_time_us=100.0).open()
    assert str(caught.value) == (
        "camera gentl: it has no exposure_time_us (100.0 wanted); "
        "supported: pixel_format, width, height, acquisition_frame_rate"
    )
    with pytest.raises(CameraUnsupported) as caught:
        _camera(viky, trigger_source="Software").open()
    told = "camera gentl: trigger_source 'Software' is not supported; supported: Off"
    assert str(caught.value) == told


def test_a_width_out_of_range_is_one_line(viky: str) -> None:
    with pytest.raises(CameraUnsupported) as caught:
        _camera(viky, width=64).open()
    assert str(caught.value) == (
        "camera gentl: width 64 is refused: Value = 64 must be equal or greater than Min = 100."
    )


def test_which_device(viky: str) -> None:
    there = "VikyTL_DEV_red, VikyTL_DEV_green, VikyTL_DEV_blue"
    with pytest.raises(CameraUnavailable) as caught:
        Gentl(producer=viky, trigger_source="Off").open()
    told = f"camera gentl: 3 devices behind {viky}; set device to one of {there}"
    assert str(caught.value) == told
    with pytest.raises(CameraUnavailable) as caught:
        _camera(viky, device="77").open()
    assert str(caught.value) == (
        f"camera gentl: no device 77 behind {viky}; found: {there}; check power and cable"
    )


def test_producer_that_is_not_there(viky: str, tmp_path: Path) -> None:
    gone = str(tmp_path / "gone.cti")
    with pytest.raises(CameraUnavailable) as caught:
        _camera(gone).open()
    assert str(caught.value) == (
        f"camera gentl: producer {gone} is not there; give the path of a .cti file"
    )
    broken = tmp_path / "broken.cti"
    broken.write_bytes(b"no library")
    with pytest.raises(CameraUnavailable, match=r"^camera gentl: "):
        _camera(str(broken)).open()
