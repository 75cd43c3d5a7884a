"""What every camera promises, tested over every file of the cameras folder."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from datetime import UTC
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from cameras import (
    Camera,
    CameraError,
    CameraUnavailable,
    EndOfStream,
    Frame,
    camera_class,
    camera_names,
)

N_FRAMES = 3
MANUAL = Path(__file__).parents[2] / "docs" / "cameras.md"


def _folder_settings(tmp_path: Path) -> dict[str, Any]:
    for number in range(N_FRAMES):
        cv2.imwrite(str(tmp_path / f"part{number}.png"), np.full((8, 9), number, np.uint8))
    return {"path": tmp_path}


SETTINGS: dict[str, Callable[[Path], dict[str, Any]]] = {
    "folder": _folder_settings,
    "simulated": lambda _: {"count": N_FRAMES, "size_px": 64},
}
"""Settings that make each camera give N_FRAMES frames and end."""


@pytest.fixture(params=camera_names())
def camera(request: pytest.FixtureRequest, tmp_path: Path) -> Camera:
    name = request.param
    kind = camera_class(name)
    if (missing := kind.missing()) is not None:
        pytest.skip(f"{name}: {missing}")
    assert name in SETTINGS, f"camera {name!r} has no settings in {Path(__file__).name}: add a row"
    return kind(**SETTINGS[name](tmp_path))


def _read_all(camera: Camera) -> list[Frame]:
    frames: list[Frame] = []
    for _ in range(N_FRAMES + 1):
        try:
            frames.append(camera.read(timeout_s=5.0, trigger_id=f"T{len(frames)}"))
        except EndOfStream:
            break
    return frames


def test_there_are_the_cameras_the_manual_says() -> None:
    assert camera_names() == sorted(camera_names())
    assert {"folder", "simulated"} <= set(camera_names())
    text = MANUAL.read_text(encoding="utf-8")
    assert [name for name in camera_names() if f"`{name}`" not in text] == []


@pytest.mark.parametrize("name", camera_names())
def test_class_is_named_as_its_file(name: str) -> None:
    kind = camera_class(name)
    assert kind.name == name
    assert kind.__module__ == f"cameras.{name}"


@pytest.mark.parametrize("name", camera_names())
def test_settings_are_keyword_only_and_in_the_manual(name: str) -> None:
    settings = list(inspect.signature(camera_class(name).__init__).parameters.values())[1:]
    assert {setting.kind for setting in settings} == {inspect.Parameter.KEYWORD_ONLY}
    text = MANUAL.read_text(encoding="utf-8")
    assert [setting.name for setting in settings if f"`{setting.name}`" not in text] == []


@pytest.mark.parametrize("name", ["", "base", "_files", "nikon", "../folder", "Folder"])
def test_unknown_name_is_refused_with_those_allowed(name: str) -> None:
    with pytest.raises(CameraError) as caught:
        camera_class(name)
    allowed = ", ".join(camera_names())
    assert str(caught.value) == f"camera {name!r} does not exist; allowed: {allowed}"


def test_constructor_opens_nothing() -> None:
    camera_class("folder")(path="/no/such/folder")  # type: ignore[call-arg]


def test_reads_to_the_end_without_a_gap(camera: Camera) -> None:
    with camera:
        frames = _read_all(camera)
        with pytest.raises(EndOfStream) as caught:
            camera.read()
    assert [frame.sequence for frame in frames] == list(range(N_FRAMES))
    assert [frame.trigger_id for frame in frames] == ["T0", "T1", "T2"]
    assert {frame.camera for frame in frames} == {camera.name}
    assert "\n" not in str(caught.value)


def test_frames_are_read_only_and_in_utc(camera: Camera) -> None:
    with camera:
        frame = camera.read()
    assert frame.image.dtype == np.uint8
    assert frame.captured_at.utcoffset() == UTC.utcoffset(None)
    assert frame.trigger_id is None
    with pytest.raises(ValueError, match="read-only"):
        frame.image[0, 0] = 0


def test_opens_again_as_a_new_session(camera: Camera) -> None:
    sessions = []
    for _ in range(2):
        with camera:
            frames = _read_all(camera)
        assert [frame.sequence for frame in frames] == list(range(N_FRAMES))
        sessions.append({frame.session for frame in frames})
    assert [len(session) for session in sessions] == [1, 1]
    assert sessions[0] != sessions[1]
    assert "" not in sessions[0]


def test_close_is_safe_twice_and_before_open(camera: Camera) -> None:
    camera.close()
    camera.open()
    camera.close()
    camera.close()


def test_reading_a_closed_camera_is_an_error(camera: Camera) -> None:
    for _ in range(2):
        with pytest.raises(CameraError) as caught:
            camera.read()
        assert str(caught.value) == f"camera {camera.name} is closed; open it before reading"
        with camera:
            camera.read()


def test_leaving_the_context_does_not_hide_the_error(camera: Camera) -> None:
    with pytest.raises(ZeroDivisionError), camera:
        raise ZeroDivisionError


def test_errors_of_cameras_are_one_tree() -> None:
    assert issubclass(CameraUnavailable, CameraError)
    assert issubclass(EndOfStream, CameraError)
