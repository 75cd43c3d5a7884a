"""Looking for devices: each maker's real library and its own fake, and libraries that hang or crash."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cameras import Device, camera_names
from cameras.opencv import video_devices
from inspection.errors import InspectionError
from inspection.station import own_process
from inspection.station.build import make_component
from inspection.station.camera_search import CameraSearch, camera_class, look, view_lines
from tests.cameras.conftest import sdk

Aravis = Callable[..., Any]


def search_of(camera: str) -> CameraSearch:
    (found,) = [each for each in look() if each.camera == camera]
    return found


def test_a_basler_camera_is_found_and_gives_a_picture_by_its_two_lines() -> None:
    sdk("pypylon", "basler")
    search = search_of("basler")
    number = "0815-0000"
    device = Device(label=f"Basler Emulation {number}", settings={"serial_number": number})
    assert (search.devices, search.problem) == ((device,), None)
    view = tomllib.loads(view_lines("basler", device.settings))
    assert view == {"camera": "basler", "settings": {"serial_number": number}}
    kind = camera_class(view["camera"])
    with make_component(kind, view["settings"], "views.main.settings", Path()) as camera:
        assert camera.read().image.shape == (1040, 1024)
        assert camera.applied["serial_number"] == number


def test_a_gige_camera_is_found_and_gives_a_picture(aravis: Aravis) -> None:
    aravis()
    found = [each for each in search_of("gige").devices if each.settings["address"] == "127.0.0.1"]
    assert [each.label for each in found] == ["Aravis Fake 127.0.0.1 (00:00:00:00:00:00)"]
    assert found[0].settings == {"address": "127.0.0.1", "interface": "lo"}
    kind = camera_class("gige")
    with make_component(kind, dict(found[0].settings), "settings", Path()) as camera:
        assert camera.read().image.shape == (512, 512)


def test_devices_of_producers_are_found_beside_one_that_is_none(
    viky: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "broken.cti").write_bytes(b"no library")
    folders = [str(tmp_path), str(Path(viky).parent)]
    monkeypatch.setenv("GENICAM_GENTL64_PATH", os.pathsep.join(folders))
    settings = [dict(each.settings) for each in search_of("gentl").devices]
    ids = ("VikyTL_DEV_red", "VikyTL_DEV_green", "VikyTL_DEV_blue")
    assert settings == [{"producer": viky, "device": each} for each in ids]


def test_every_kind_answers_and_those_that_cannot_look_say_what_to_give() -> None:
    searches = {each.camera: each for each in look()}
    assert list(searches) == camera_names()
    assert searches["folder"].problem == (
        "camera folder cannot look for devices; give the folder's path"
    )


def test_video_devices_of_linux_are_listed_without_their_metadata(tmp_path: Path) -> None:
    for node, name, index in (("video10", "B", 0), ("video2", "A\n", 0), ("video3", "A", 1)):
        (tmp_path / node).mkdir()
        (tmp_path / node / "name").write_text(name)
        (tmp_path / node / "index").write_text(f"{index}\n")
    assert video_devices(tmp_path) == [
        Device(label="A /dev/video2", settings={"source": 2}),
        Device(label="B /dev/video10", settings={"source": 10}),
    ]
    assert video_devices(tmp_path / "none") == []


def test_a_library_that_hangs_or_crashes_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_process, "START_S", 0.5)
    with pytest.raises(
        InspectionError, match=r"^camera x: no answer in 1 s; its library or device"
    ):
        own_process.ask("signal:pause", what="camera x", timeout_s=0.5, given={})
    monkeypatch.setattr(own_process, "START_S", 15.0)
    with pytest.raises(InspectionError, match=r"^camera x: its library ended the program \(-6\)$"):
        own_process.ask("os:abort", what="camera x", timeout_s=1.0, given={})
