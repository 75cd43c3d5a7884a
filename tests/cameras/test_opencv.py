"""Video files and HTTP streams with OpenCV, and what goes wrong with streams."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cameras import (
    CameraError,
    CameraLost,
    CameraTimeout,
    CameraUnavailable,
    EndOfStream,
    Reconnecting,
)
from cameras.opencv import Opencv


@pytest.fixture
def video(video_of: Callable[[int], Path]) -> Path:
    return video_of(4)


def _live(server: Any, **settings: Any) -> Opencv:
    return Opencv(source=server.url, **settings)


def test_a_video_gives_every_picture_in_rgb_and_ends(video: Path) -> None:
    with Opencv(source=str(video)) as camera:
        frames = [camera.read() for _ in range(4)]
        with pytest.raises(EndOfStream) as caught:
            camera.read()
        assert dict(camera.applied) == {
            "width": 64.0, "height": 48.0, "frame_rate": 10.0, "trigger_source": "Software",
        }  # fmt: skip
    assert str(caught.value) == f"video {video}: all 4 pictures are read"
    reds = [round(float(frame.image[:, :, 0].mean())) for frame in frames]
    assert reds == pytest.approx([60, 120, 180, 240], abs=4)
    assert max(float(frame.image[:, :, 2].mean()) for frame in frames) < 10


def test_a_video_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CameraUnavailable) as caught:
        Opencv(source=str(tmp_path / "no.mp4")).open()
    told = f"camera opencv: there is no video file {tmp_path / 'no.mp4'}"
    assert str(caught.value) == told


@pytest.mark.parametrize("source", [63, "63"])
def test_a_device_that_is_not_there(source: str | int) -> None:
    with pytest.raises(CameraUnavailable, match=r"^camera opencv: 63 cannot be opened$"):
        Opencv(source=source).open()


def test_a_file_that_is_no_video(tmp_path: Path) -> None:
    (tmp_path / "a.avi").write_text("no video")
    with pytest.raises(CameraUnavailable) as caught:
        Opencv(source=str(tmp_path / "a.avi")).open()
    assert str(caught.value) == f"camera opencv: {tmp_path / 'a.avi'} cannot be opened"


def test_only_a_device_can_be_set(video: Path) -> None:
    with pytest.raises(CameraError) as caught:
        Opencv(source=str(video), width=320).open()
    assert str(caught.value) == (
        f"camera opencv: width 320: only a device can be set; {video} gives what it gives"
    )


def test_nobody_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    camera = Opencv(source=f"http://user:secret@{address}/v.mjpg", open_timeout_s=1.0)
    with pytest.raises(CameraUnavailable) as caught:
        camera.open()
    assert str(caught.value) == f"camera opencv: http://{address}/v.mjpg cannot be opened"


def test_a_stream_gives_what_came_after_the_read_began(mjpeg: Any) -> None:
    with _live(mjpeg) as camera:
        camera.read()
        time.sleep(0.3)  # the stream runs on, nobody reads
        sent = mjpeg.sent
        frame = camera.read()
        count = camera.accounting
    assert frame.frame_id >= sent - 2
    assert frame.missed_before == 0
    assert count.sent == frame.frame_id + 1
    assert (count.complete, count.missed) == (2, 0)
    assert count.backpressure == frame.frame_id - 1
    assert frame.image.shape == (48, 64, 3)
    assert float(frame.image[:, :, 0].mean()) == pytest.approx(200, abs=4)


def test_running_free_tells_what_was_skipped(mjpeg: Any) -> None:
    with _live(mjpeg, trigger_source="Off") as camera:
        first = camera.read()
        time.sleep(0.2)
        second = camera.read()
    assert second.missed_before == second.frame_id - first.frame_id - 1 > 0


def test_a_killed_server_is_a_lost_camera(mjpeg: Any) -> None:
    with _live(mjpeg) as camera:
        camera.read()
        mjpeg.kill()
        with pytest.raises(CameraLost) as caught:
            for _ in range(100):
                camera.read(timeout_s=5.0)
        assert camera.state == "LOST"
    assert str(caught.value) == f"camera opencv {mjpeg.url}: the source ended or broke off"


def test_a_frozen_server_is_late_first_and_lost_after_the_stall(mjpeg: Any) -> None:
    with _live(mjpeg, stall_s=1.0) as camera:
        camera.read()
        time.sleep(0.1)  # pictures come that nobody takes; none of them may be given later
        mjpeg.frozen.set()
        time.sleep(0.1)
        with pytest.raises(CameraTimeout, match="no picture in 0.1 s; the last came"):
            camera.read(timeout_s=0.1)
        assert camera.state == "ACQUIRING"
        with pytest.raises(CameraLost):
            camera.read(timeout_s=5.0)
        assert camera.state == "LOST"


def test_a_stream_that_was_lost_comes_back(mjpeg: Any) -> None:
    with Reconnecting(_live(mjpeg, stall_s=0.5)) as camera:
        first = camera.read()
        mjpeg.frozen.set()
        with pytest.raises(CameraLost):
            for _ in range(100):
                camera.read(timeout_s=2.0)
        mjpeg.frozen.clear()
        again = camera.read(timeout_s=5.0)
    assert first.session != again.session
    assert again.sequence == 0
