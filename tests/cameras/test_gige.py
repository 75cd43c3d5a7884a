"""GigE Vision over the real protocol: two makes of fake cameras on loopback, and their failures."""

from __future__ import annotations

import signal
import subprocess
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from cameras import (
    CameraLost,
    CameraTimeout,
    CameraUnavailable,
    CameraUnsupported,
    FrameCount,
    Reconnecting,
)
from cameras.gige import Gige

if (_missing := Gige.missing()) is not None:
    pytest.skip(_missing, allow_module_level=True)

Fake = Callable[..., Any]
Aravis = Callable[..., "subprocess.Popen[bytes]"]

TRIGGER_SOFTWARE = 0x200E0  # where the fake's XML puts the register


def _camera(**settings: Any) -> Gige:
    return Gige(interface="lo", **settings)


def _settled(camera: Gige, fake: Any) -> FrameCount:
    """Give the accounting once the stream has counted everything the camera sent."""
    pause = threading.Event()
    for _ in range(100):
        if camera.accounting.sent == fake.blocks_sent():
            break
        pause.wait(0.02)
    return camera.accounting


def test_settings_reach_the_camera_and_are_read_back(fake_gige: Fake) -> None:
    fake = fake_gige()
    wanted = {
        "exposure_time_us": 7000.0, "gain_db": 3.0, "width": 32, "height": 16, "offset_x": 8,
        "offset_y": 4, "acquisition_frame_rate": 60.0, "pixel_format": "Mono8",
    }  # fmt: skip
    with _camera(**wanted) as camera:
        frame = camera.read()
        applied = dict(camera.applied)
        height = fake.peek(fake.REGISTERS["Height"], 4)
    assert {name: applied[name] for name in wanted} == wanted
    assert (applied["serial_number"], applied["trigger_source"]) == ("VIVA-FAKE-001", "Software")
    assert int.from_bytes(height, "big") == 16
    assert (frame.image.shape, frame.exposure_time_us, frame.gain_db) == ((16, 32), 7000.0, 3.0)
    assert frame.device_timestamp_ns is not None


def test_each_trigger_gives_its_picture(fake_gige: Fake) -> None:
    fake = fake_gige()
    with _camera() as camera:
        frames = [camera.read(trigger_id=f"T{number}") for number in range(5)]
        count = _settled(camera, fake)
    assert [frame.frame_id for frame in frames] == [1, 2, 3, 4, 5]
    assert fake.software_triggers() == fake.blocks_sent() == 5
    assert count == FrameCount().plus("complete", 5) == camera.accounting


def test_trigger_mode_of_the_program_before_does_not_stay(fake_gige: Fake) -> None:
    fake_gige()
    with _camera():
        pass
    with _camera(trigger_source="Off") as camera:
        assert camera.read().frame_id == 1
    with _camera(trigger_source="Line1") as camera:
        with pytest.raises(CameraTimeout) as caught:
            camera.read(timeout_s=0.2)
        assert camera.state == "ACQUIRING"
    assert str(caught.value) == (
        "camera gige: no picture in 0.2 s, but it answers; trigger_source is Line1"
    )


def test_lost_packets_make_an_incomplete_picture(fake_gige: Fake) -> None:
    fake = fake_gige(packet_resend=False, drop_packets=[(2, 2)])
    with _camera() as camera:
        frames = [camera.read() for _ in range(3)]
        count = _settled(camera, fake)
    assert [frame.status for frame in frames] == ["complete", "incomplete", "complete"]
    assert [frame.missed_before for frame in frames] == [0, 0, 0]
    assert count == FrameCount().plus("complete", 2).plus("incomplete")


def test_a_picture_without_its_end_is_incomplete_and_black(fake_gige: Fake) -> None:
    fake_gige(packet_resend=False, drop_packets=[(2, packet) for packet in range(2, 40)])
    with _camera(trigger_source="Off") as camera:
        frames = [camera.read() for _ in range(3)]
    damaged = [frame for frame in frames if frame.status != "complete"]
    missed = sum(frame.missed_before for frame in frames)
    assert len(damaged) + missed == 1
    assert all(frame.image.shape == (48, 64) for frame in frames)


def test_a_complete_picture_that_cannot_be_read_is_never_a_black_good_one(
    fake_gige: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_gige()
    with _camera() as camera:
        good = camera._grab
        broken = {"pixels": None}
        monkeypatch.setattr(camera, "_grab", lambda s: replace(good(s), **broken))
        assert camera.read().status == "corrupt"
        broken["pixel_format"] = "YUV422_8"
        with pytest.raises(CameraUnsupported, match="has pixel format YUV422_8; supported: Mono8"):
            camera.read()
        assert (camera.accounting.sent, camera.accounting.unsupported) == (2, 1)


def test_packets_lost_at_random_by_another_make(aravis: Aravis) -> None:
    aravis("-r", "20")
    settings = {"width": 512, "height": 512, "acquisition_frame_rate": 100.0}
    with _camera(trigger_source="Off", packet_resend=False, **settings) as camera:
        frames = [camera.read() for _ in range(60)]
        count = camera.accounting
    damaged = sum(frame.status == "incomplete" for frame in frames)
    assert damaged > 0
    assert count.incomplete >= damaged
    assert count.complete >= 60 - damaged


def test_lost_packets_are_asked_for_again(fake_gige: Fake) -> None:
    fake = fake_gige(drop_packets=[(1, 2)])
    with _camera() as camera:
        assert [camera.read().status for _ in range(2)] == ["complete", "complete"]
        assert _settled(camera, fake) == FrameCount().plus("complete", 2)


@pytest.mark.parametrize("strategy", ["one_by_one", "latest_image_only"])
def test_every_picture_sent_is_accounted_for(fake_gige: Fake, strategy: str) -> None:
    fake = fake_gige(drop_packets=[(3, 2)], packet_resend=False)
    with _camera(trigger_source="Off", grab_strategy=strategy) as camera:
        frames = [camera.read()]
        threading.Event().wait(0.5)
        frames += [camera.read() for _ in range(3)]
        camera._camera.acquisition_stop()
        with pytest.raises(CameraTimeout):
            while True:
                frames.append(camera.read(timeout_s=0.1))
        count = _settled(camera, fake)
    lost = sum(frame.missed_before for frame in frames)
    damaged = sum(frame.status == "incomplete" for frame in frames)
    assert lost > 0
    assert count.sent == fake.blocks_sent() == len(frames) + lost
    assert count.complete == len(frames) - damaged
    assert count.backpressure + count.missed + count.incomplete == lost + damaged


def test_a_late_picture_is_not_given_to_the_next_part(fake_gige: Fake) -> None:
    fake = fake_gige(fps=2)
    with _camera() as camera:
        camera.read(trigger_id="T0")
        with pytest.raises(CameraTimeout):
            camera.read(timeout_s=0.05, trigger_id="T1")
        threading.Event().wait(0.7)  # T1's picture comes now
        frame = camera.read(trigger_id="T2")
        count = camera.accounting
    assert (frame.trigger_id, frame.missed_before) == ("T2", 1)
    assert frame.frame_id == fake.blocks_sent() == fake.software_triggers() == 3
    assert count == FrameCount().plus("complete", 2).plus("backpressure")


def test_a_camera_that_went_away_is_lost_and_comes_back(fake_gige: Fake) -> None:
    fake = fake_gige()
    with Reconnecting(_camera(), initial_s=0.01) as camera:
        first = camera.read()
        fake.stop()
        with pytest.raises(CameraLost):
            camera.read(timeout_s=0.2)
        with pytest.raises(CameraLost, match="no camera at all answers on lo"):
            camera.read(timeout_s=5.0)
        assert camera.state == "BACKOFF"
        fake.start()
        threading.Event().wait(0.05)
        again = camera.read(timeout_s=5.0)
    assert first.session != again.session
    assert (again.sequence, again.missed_before) == (0, 0)


def test_a_trigger_that_is_not_acknowledged_is_a_lost_camera(fake_gige: Fake) -> None:
    fake_gige(delay_ack={TRIGGER_SOFTWARE: 1.3})
    with _camera() as camera:
        with pytest.raises(CameraLost) as caught:
            camera.read(timeout_s=5.0)
        assert camera.state == "LOST"
    assert str(caught.value).startswith("camera gige did not answer a trigger")
    threading.Event().wait(1.5)  # the fake holds its port until its last answer is sent


def test_a_camera_taken_by_another_program(fake_gige: Fake) -> None:
    fake = fake_gige()
    with _camera(trigger_source="Line1") as camera:
        second = _camera()
        with pytest.raises(CameraUnavailable, match="ACCESS_DENIED.*used by another program"):
            second.open()
        fake.revoke_control()
        with pytest.raises(CameraLost) as caught:
            camera.read(timeout_s=0.1)
    told = "camera gige: another program took the camera, or its heartbeat ended"
    assert str(caught.value) == told


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"trigger_source": "Line7"}, "'Line7' is not supported; supported: Off, Line1, Software"),
        (
            {"pixel_format": "RGB8"},
            "pixel_format 'RGB8' is not supported; supported: Mono8, Mono16",
        ),
        ({"exposure_time_us": 1e12}, "1000000000000 is above the maximum 1000000"),
        (
            {"trigger_delay_us": 3.0},
            "camera gige: it has no trigger_delay_us (3.0 wanted); supported: pixel_format, width, "
            "height, offset_x, offset_y, exposure_auto, exposure_time_us, gain_db, "
            "acquisition_frame_rate, trigger_source",
        ),
    ],
)
def test_refusals_name_what_is_supported(
    fake_gige: Fake, settings: dict[str, Any], text: str
) -> None:
    fake = fake_gige()
    camera = _camera(**settings)
    with pytest.raises(CameraUnsupported) as caught:
        camera.open()
    assert text in str(caught.value)
    assert camera.state == "CLOSED"
    assert fake.controller() is None


def test_address_chooses_the_camera(fake_gige: Fake) -> None:
    mac = fake_gige().MAC
    for address in ("127.0.0.1", mac, mac.lower()):
        with _camera(address=address) as camera:
            assert camera.read().frame_id == 1
    with pytest.raises(CameraUnavailable) as caught:
        _camera(address="10.0.0.7").open()
    assert str(caught.value) == (
        f"camera gige: no camera 10.0.0.7 answers on lo; found: 127.0.0.1 ({mac.upper()}); "
        "check power, cable, address and interface"
    )


def test_exposure_that_changes_by_itself_is_not_told(fake_gige: Fake) -> None:
    fake_gige()
    with _camera(exposure_auto="Continuous") as camera:
        assert camera.read().exposure_time_us is None
        assert camera.applied["exposure_auto"] == "Continuous"
    with _camera(exposure_time_us=900.0) as camera:
        assert camera.applied["exposure_auto"] == "Off"
        assert camera.read().exposure_time_us == 900.0


def test_ids_of_16_bits_wrap_without_a_loss(aravis: Aravis) -> None:
    """This fake begins at 65401, so its ids wrap after 135 pictures."""
    aravis()
    settings = {"width": 128, "height": 128, "acquisition_frame_rate": 200.0}
    with _camera(trigger_source="Off", **settings) as camera:
        frames = [camera.read() for _ in range(145)]
    ids = [frame.frame_id for frame in frames]
    assert (ids[0], ids[134], ids[135]) == (65_401, 65_535, 1)
    assert sum(frame.missed_before for frame in frames) == 0


def test_colours_of_another_make(aravis: Aravis) -> None:
    aravis()
    for pixel_format in ("RGB8", "BayerRG8", "Mono8"):
        with _camera(pixel_format=pixel_format, width=128, height=96) as camera:
            shape = camera.read().image.shape
        assert shape == ((96, 128) if pixel_format == "Mono8" else (96, 128, 3))


def test_a_frozen_camera_is_lost_and_a_killed_one_too(aravis: Aravis) -> None:
    process = aravis()
    with _camera() as camera:
        camera.read()
        process.send_signal(signal.SIGSTOP)
        with pytest.raises(CameraLost, match="^camera gige did not answer"):
            camera.read(timeout_s=0.3)
        assert camera.state == "LOST"
        process.kill()
    with pytest.raises(CameraUnavailable, match="no camera at all answers on lo"):
        _camera().open()
