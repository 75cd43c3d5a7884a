"""Watching a folder: only whole pictures become frames, each once, in the order they came."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from cameras import (
    CameraError,
    CameraLost,
    CameraTimeout,
    CameraUnavailable,
    CameraUnsupported,
    ImageFileError,
)
from cameras.folder import Folder


def _picture(value: int, suffix: str = ".png") -> bytes:
    noise = np.random.default_rng(value).integers(0, 40, (60, 70), np.uint8)
    return cv2.imencode(suffix, noise + value)[1].tobytes()


def _value(frame: Any) -> int:
    return int(frame.image.min())


def _watch(path: Path, **settings: Any) -> Folder:
    return Folder(path=path, watch=True, **{"stable_s": 0.05} | settings)


def test_gives_what_arrives_and_not_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "old.png").write_bytes(_picture(1))
    with _watch(tmp_path) as camera:
        (tmp_path / "new.png").write_bytes(_picture(100))
        frame = camera.read(timeout_s=5, trigger_id="T1")
        with pytest.raises(CameraTimeout) as caught:
            camera.read(timeout_s=0.2)
        assert str(camera.accounting).startswith("1 sent = 1 complete")
    assert (_value(frame), frame.frame_id, frame.trigger_id) == (100, 0, "T1")
    assert str(caught.value) == f"folder {tmp_path}: no whole picture arrived in 0.2 s"


def test_waits_for_a_slow_writer(tmp_path: Path) -> None:
    """A file that still grows is not read, however often the folder is looked at."""
    data = _picture(50)
    path = tmp_path / "slow.png"

    def write_slowly() -> None:
        with path.open("wb") as file:
            for start in range(0, len(data), len(data) // 8):
                file.write(data[start : start + len(data) // 8])
                file.flush()
                time.sleep(0.05)

    with _watch(tmp_path, stable_s=0.3) as camera:
        writer = threading.Thread(target=write_slowly)
        writer.start()
        frame = camera.read(timeout_s=10)
        writer.join()
    assert _value(frame) == 50
    assert path.stat().st_size == len(data)


def test_sentinel_says_when_a_picture_is_whole(tmp_path: Path) -> None:
    with _watch(tmp_path, sentinel_suffix=".done", stable_s=0.0) as camera:
        (tmp_path / "a.png").write_bytes(_picture(10))
        (tmp_path / "b.png").write_bytes(_picture(20))
        with pytest.raises(CameraTimeout):
            camera.read(timeout_s=0.1)
        (tmp_path / "b.png.done").touch()
        assert _value(camera.read()) == 20
        (tmp_path / "a.done").touch()
        assert _value(camera.read()) == 10


def test_a_truncated_upload_is_told_once_and_counted(tmp_path: Path) -> None:
    whole = _picture(90, ".jpg")
    with _watch(tmp_path) as camera:
        (tmp_path / "cut.jpg").write_bytes(whole[: len(whole) // 2])
        with pytest.raises(ImageFileError, match=r"cut\.jpg"):
            camera.read(timeout_s=5)
        (tmp_path / "whole.jpg").write_bytes(whole)
        frame = camera.read(timeout_s=5)
        count = camera.accounting
    assert frame.missed_before == 1
    assert (count.sent, count.complete, count.incomplete) == (2, 1, 1)


def test_an_upload_that_goes_on_after_a_pause_is_read_then(tmp_path: Path) -> None:
    whole = _picture(90, ".jpg")
    with _watch(tmp_path) as camera:
        (tmp_path / "a.jpg").write_bytes(whole[: len(whole) // 2])
        with pytest.raises(ImageFileError):
            camera.read(timeout_s=5)
        (tmp_path / "a.jpg").write_bytes(whole)
        assert camera.read(timeout_s=5).image.shape == (60, 70)


def test_a_name_used_again_is_a_new_picture(tmp_path: Path) -> None:
    with _watch(tmp_path) as camera:
        for value in (30, 60):
            (tmp_path / "image.png").write_bytes(_picture(value))
            assert _value(camera.read(timeout_s=5)) == value


def test_order_is_that_of_arrival_then_of_name(tmp_path: Path) -> None:
    with _watch(tmp_path, stable_s=0.0, sentinel_suffix=".done") as camera:
        (tmp_path / "z.png").write_bytes(_picture(1))
        with pytest.raises(CameraTimeout):
            camera.read(timeout_s=0.03)
        for name, value in (("part10", 12), ("part2", 11)):
            (tmp_path / f"{name}.png").write_bytes(_picture(value))
        for name in ("part10", "part2", "z"):
            (tmp_path / f"{name}.done").touch()
        assert [_value(camera.read()) for _ in range(3)] == [1, 11, 12]


@pytest.mark.parametrize(
    ("after", "left"),
    [
        ("keep", {"a.png", "a.done", "bad.png", "bad.done"}),
        ("delete", {"bad.png", "bad.done"}),
        ("move", {"done/a.png", "failed/bad.png"}),
    ],
)
def test_what_becomes_of_a_file(tmp_path: Path, after: str, left: set[str]) -> None:
    with _watch(tmp_path, after=after, sentinel_suffix=".done") as camera:
        for name, data in (("a", _picture(1)), ("bad", b"no picture")):
            (tmp_path / f"{name}.png").write_bytes(data)
            (tmp_path / f"{name}.done").touch()
        assert _value(camera.read()) == 1
        with pytest.raises(ImageFileError):
            camera.read()
    found = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert found == left


def test_files_left_from_before_are_work_when_files_are_cleared_away(tmp_path: Path) -> None:
    (tmp_path / "left.png").write_bytes(_picture(5))
    with _watch(tmp_path, after="delete") as camera:
        assert _value(camera.read()) == 5
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_to_is_told_at_open(tmp_path: Path) -> None:
    with pytest.raises(CameraUnavailable) as caught:
        _watch(tmp_path / "gone", after="move").open()
    assert str(caught.value) == (
        f"folder {tmp_path / 'gone'}: after 'move' needs a folder that can be written to"
    )
    with pytest.raises(CameraUnavailable) as caught:
        _watch(tmp_path / "gone").open()
    assert str(caught.value) == f"folder {tmp_path / 'gone'}: no such file or directory"


def test_an_empty_folder_can_be_watched_and_a_lost_one_is_told(tmp_path: Path) -> None:
    share = tmp_path / "share"
    share.mkdir()
    with _watch(share) as camera:
        share.rmdir()
        with pytest.raises(CameraLost) as caught:
            camera.read()
        assert camera.state == "LOST"
    told = f"folder {share}: no such file or directory; it was there before"
    assert str(caught.value) == told


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"after": "burn"}, "after 'burn' is not supported; supported: keep, delete, move"),
        ({"stable_s": -1.0}, "stable_s: expected 0 to 3600 seconds, got -1.0"),
        (
            {"sentinel_suffix": "done"},
            "sentinel_suffix: expected an ending with its dot, as '.done', got 'done'",
        ),
    ],
)
def test_wrong_settings(tmp_path: Path, settings: dict[str, Any], text: str) -> None:
    with pytest.raises((CameraError, CameraUnsupported)) as caught:
        _watch(tmp_path, **settings).open()
    assert str(caught.value).removeprefix("camera folder: ") == text
