"""Replaying the pictures of a folder."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from cameras import CameraError, CameraUnavailable, EndOfStream, ImageFileError, list_images
from cameras.folder import Folder


def _write(path: Path, value: int = 0) -> None:
    path.write_bytes(cv2.imencode(path.suffix, np.full((6, 7), value, np.uint8))[1].tobytes())


def test_reads_in_natural_order(tmp_path: Path) -> None:
    for number in (10, 2, 1):
        _write(tmp_path / f"part{number}.png", number)
    with Folder(path=tmp_path) as camera:
        frames = [camera.read() for _ in range(3)]
    assert [int(frame.image[0, 0]) for frame in frames] == [1, 2, 10]
    assert [camera.files[frame.frame_id].name for frame in frames] == [
        "part1.png", "part2.png", "part10.png",
    ]  # fmt: skip


def test_lists_only_pictures_right_in_the_folder(tmp_path: Path) -> None:
    for name in ("b.PNG", "a.tif", "c.jpg", "d.jpeg", "e.bmp", "f.webp", "g.tiff"):
        _write(tmp_path / name.lower())
    (tmp_path / "b.png").rename(tmp_path / "b.PNG")
    (tmp_path / "notes.txt").write_text("no")
    (tmp_path / "folder.png").mkdir()
    _write(tmp_path / "folder.png" / "x.png")
    names = [path.name for path in list_images(tmp_path)]
    assert names == ["a.tif", "b.PNG", "c.jpg", "d.jpeg", "e.bmp", "f.webp", "g.tiff"]


def test_pattern_chooses_files(tmp_path: Path) -> None:
    for name in ("a_top.png", "a_side.png", "b_top.png"):
        _write(tmp_path / name)
    with Folder(path=tmp_path, pattern="*_top.png") as camera:
        assert [path.name for path in camera.files] == ["a_top.png", "b_top.png"]


def test_ends_after_the_last(tmp_path: Path) -> None:
    _write(tmp_path / "a.png")
    with Folder(path=tmp_path) as camera:
        camera.read()
        for _ in range(2):
            with pytest.raises(EndOfStream) as caught:
                camera.read()
            assert str(caught.value) == f"folder {tmp_path}: all 1 pictures are read"


def test_repeats(tmp_path: Path) -> None:
    for number in range(2):
        _write(tmp_path / f"{number}.png", number)
    with Folder(path=tmp_path, repeat=True) as camera:
        frames = [camera.read() for _ in range(5)]
    assert [int(frame.image[0, 0]) for frame in frames] == [0, 1, 0, 1, 0]
    assert [frame.sequence for frame in frames] == [0, 1, 2, 3, 4]


def test_a_bad_file_is_told_once_and_counted(tmp_path: Path) -> None:
    for name in ("1.png", "4.png"):
        _write(tmp_path / name)
    (tmp_path / "2.png").write_bytes(b"")
    (tmp_path / "3.png").write_text("not a picture")
    with Folder(path=tmp_path) as camera:
        first = camera.read()
        for name in ("2.png", "3.png"):
            with pytest.raises(ImageFileError, match=name):
                camera.read()
        second = camera.read()
    assert (first.sequence, first.missed_before) == (0, 0)
    assert (second.sequence, second.missed_before) == (1, 2)


def test_a_file_that_vanished_is_told(tmp_path: Path) -> None:
    _write(tmp_path / "a.png")
    with Folder(path=tmp_path) as camera:
        (tmp_path / "a.png").unlink()
        with pytest.raises(ImageFileError) as caught:
            camera.read()
    assert str(caught.value) == f"picture {tmp_path / 'a.png'} does not exist"


def test_bits_reach_the_reader(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.full((4, 4), 4095, np.uint16))
    with Folder(path=tmp_path, bits=12) as camera:
        assert int(camera.read().image.max()) == 255


def test_folder_without_pictures(tmp_path: Path) -> None:
    with pytest.raises(CameraUnavailable) as caught:
        Folder(path=tmp_path).open()
    assert str(caught.value) == f"folder {tmp_path}: no picture matches '*'"


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(CameraUnavailable) as caught:
        Folder(path=tmp_path / "gone").open()
    assert str(caught.value) == f"folder {tmp_path / 'gone'}: no such file or directory"


def test_file_in_place_of_a_folder(tmp_path: Path) -> None:
    _write(tmp_path / "a.png")
    with pytest.raises(CameraUnavailable) as caught:
        Folder(path=tmp_path / "a.png").open()
    assert str(caught.value) == f"folder {tmp_path / 'a.png'}: not a directory"


def test_wrong_bits(tmp_path: Path) -> None:
    with pytest.raises(CameraError) as caught:
        Folder(path=tmp_path, bits=7).open()
    assert str(caught.value) == "camera folder: bits: expected 9 to 16, got 7"
