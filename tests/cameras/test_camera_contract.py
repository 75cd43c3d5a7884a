"""What every camera promises, tested over every file of the cameras folder."""

from __future__ import annotations

import inspect
import subprocess
import sys
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
    CameraUnsupported,
    EndOfStream,
    Frame,
    FrameCount,
    Reconnecting,
    camera_class,
    camera_names,
)

N_FRAMES = 3
REPOSITORY = Path(__file__).parents[2]
MANUAL = REPOSITORY / "docs" / "cameras.md"
ENDLESS = {"basler", "gige", "gentl"}
SDKS = {"basler": "pypylon", "gige": "viva_genicam", "gentl": "harvesters"}


Request = pytest.FixtureRequest


def _folder_settings(request: Request) -> dict[str, Any]:
    tmp_path: Path = request.getfixturevalue("tmp_path")
    for number in range(N_FRAMES):
        cv2.imwrite(str(tmp_path / f"part{number}.png"), np.full((8, 9), number, np.uint8))
    return {"path": tmp_path}


def _video_settings(request: Request) -> dict[str, Any]:
    return {"source": str(request.getfixturevalue("video_of")(N_FRAMES))}


def _gige_settings(request: Request) -> dict[str, Any]:
    request.getfixturevalue("fake_gige")()
    return {"interface": "lo"}


def _gentl_settings(request: Request) -> dict[str, Any]:
    producer = request.getfixturevalue("viky")
    return {"producer": producer, "device": "0", "trigger_source": "Off"}


SETTINGS: dict[str, Callable[[Request], dict[str, Any]]] = {
    "basler": lambda _: {"device_class": "BaslerCamEmu", "width": 64, "height": 48},
    "folder": _folder_settings,
    "gentl": _gentl_settings,
    "gige": _gige_settings,
    "opencv": _video_settings,
    "simulated": lambda _: {"count": N_FRAMES, "size_px": 64},
}
"""Settings that make each camera give N_FRAMES frames and end; those in ENDLESS never end."""


@pytest.fixture(params=camera_names())
def camera(request: Request) -> Camera:
    name = request.param
    kind = camera_class(name)
    if (missing := kind.missing()) is not None:
        pytest.skip(f"{name}: {missing}")
    assert name in SETTINGS, f"camera {name!r} has no settings in {Path(__file__).name}: add a row"
    return kind(**SETTINGS[name](request))


def _read_all(camera: Camera) -> list[Frame]:
    frames: list[Frame] = []
    for _ in range(N_FRAMES if camera.name in ENDLESS else N_FRAMES + 1):
        try:
            frames.append(camera.read(timeout_s=5.0, trigger_id=f"T{len(frames)}"))
        except EndOfStream:
            break
    return frames


def test_there_are_the_cameras_the_manual_says() -> None:
    assert camera_names() == sorted(camera_names())
    assert {"basler", "folder", "gentl", "gige", "opencv", "simulated"} <= set(camera_names())
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
    text = _section(name)
    assert [setting.name for setting in settings if f"`{setting.name}`" not in text] == []


def _section(name: str) -> str:
    """The part of the manual under the heading that has the camera's name, or nothing."""
    sections = MANUAL.read_text(encoding="utf-8").split("\n## ")
    return "".join(each for each in sections if f"`{name}`" in each.partition("\n")[0])


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
    assert [frame.sequence for frame in frames] == list(range(N_FRAMES))
    assert [frame.trigger_id for frame in frames] == ["T0", "T1", "T2"]
    assert {frame.camera for frame in frames} == {camera.name}
    assert [frame.status for frame in frames] == ["complete"] * N_FRAMES


def test_end_is_told_in_one_line_every_time(camera: Camera) -> None:
    if camera.name in ENDLESS:
        pytest.skip(f"{camera.name}: a device has no end")
    with camera:
        _read_all(camera)
        for _ in range(2):
            with pytest.raises(EndOfStream) as caught:
                camera.read()
            assert "\n" not in str(caught.value)
        assert camera.state == "END_OF_STREAM"


def test_every_picture_is_accounted_for(camera: Camera) -> None:
    assert camera.accounting == FrameCount()
    with camera:
        frames = _read_all(camera)
        count = camera.accounting
    assert count.complete == len(frames) == N_FRAMES
    assert count.incomplete == count.unsupported == 0
    assert count.missed + count.backpressure == sum(frame.missed_before for frame in frames)


def test_states_follow_open_read_and_close(camera: Camera) -> None:
    states = [camera.state]
    with camera:
        states.append(camera.state)
        camera.read()
        states.append(camera.state)
    states.append(camera.state)
    assert states[0] == states[3] == "CLOSED"
    assert states[1] in {"IDLE", "ACQUIRING"}
    assert states[2] == "ACQUIRING"


@pytest.mark.parametrize("name", camera_names())
def test_what_a_class_declares_are_settings_of_its_own(name: str) -> None:
    kind = camera_class(name)
    settings = set(inspect.signature(kind.__init__).parameters)
    assert {*kind.features, *kind.adjustable} <= settings
    assert set(kind.features).isdisjoint(kind.adjustable)
    assert ("trigger_source" in settings) == (len(kind.trigger_sources) > 1)


def test_trigger_source_and_queues_are_declared_before_it_is_opened(camera: Camera) -> None:
    assert camera.trigger_source in camera.trigger_sources
    assert camera.queues is (camera.trigger_source != "Software")
    wrapped = Reconnecting(camera)
    assert (wrapped.trigger_source, wrapped.queues) == (camera.trigger_source, camera.queues)


def test_unknown_trigger_source_is_refused_with_those_supported(camera: Camera) -> None:
    if "trigger_source" not in inspect.signature(type(camera).__init__).parameters:
        pytest.skip(f"{camera.name}: it has no trigger_source")
    camera.trigger_source = "Line99"
    with pytest.raises(CameraUnsupported) as caught:
        camera.open()
    told = f"camera {camera.name}: trigger_source 'Line99' is not supported; supported: "
    assert str(caught.value).startswith(told)
    assert "Off" in str(caught.value)
    assert camera.state == "CLOSED"


def test_frames_carry_what_was_applied(camera: Camera) -> None:
    with camera:
        frame = camera.read()
        applied = dict(camera.applied)
    assert frame.exposure_time_us == applied.get("exposure_time_us")
    assert frame.gain_db == applied.get("gain_db")
    for name, length in zip(("height", "width"), frame.image.shape, strict=False):
        assert applied.get(name, length) == length


@pytest.mark.parametrize("name", SDKS)
def test_missing_library_matters_only_when_the_camera_is_asked_for(name: str) -> None:
    """Run without the library: the camera is listed, says what to install, and does not open."""
    code = f"""
import sys
class NotThere:
    def find_spec(self, wanted, path=None, target=None):
        if wanted.split(".")[0] == {SDKS[name]!r}:
            raise ModuleNotFoundError(f"No module named {{wanted!r}}")
sys.meta_path.insert(0, NotThere())
import importlib.util, cameras
seen = importlib.util.find_spec
importlib.util.find_spec = lambda wanted: None if wanted == {SDKS[name]!r} else seen(wanted)
kind = cameras.camera_class({name!r})
print(kind.missing())
try:
    kind({'producer="x"' if name == "gentl" else ""}).open()
except cameras.CameraUnavailable as exc:
    print(exc)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    missing, refused = done.stdout.splitlines()
    assert missing.endswith(f"pip install 'inspection[{name}]'")
    assert refused == f"camera {name} {missing}"


def test_no_library_is_imported_before_it_is_used() -> None:
    code = "import sys, cameras; [cameras.camera_class(n) for n in cameras.camera_names()]"
    code += f"; print([name for name in {sorted(SDKS.values())} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


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
