"""What the station page asks of a station, over its real port."""

from __future__ import annotations

import json
import stat
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import httpx
import numpy as np
import pytest

from cameras import read_image
from cameras.simulated import Simulated
from inspection.errors import RecipeError
from inspection.judgement import Verdict
from inspection.local_api import commands
from inspection.local_api.commands import StationCommands
from inspection.local_api.feed import Feed
from inspection.local_api.server import RUNTIME, ControlServer
from inspection.station import pause_file as pause
from inspection.station.station_file import ViewSettings
from tests.station.conftest import wait_until


class Door:
    """The port of a station, with its token."""

    def __init__(self, folder: Path) -> None:
        told = json.loads((folder / RUNTIME).read_text())
        self.base, self.headers = f"http://127.0.0.1:{told['port']}", _bearer(told["token"])

    def post(self, verb: str, **what: Any) -> httpx.Response:
        return httpx.post(f"{self.base}/{verb}", json=what, headers=self.headers, trust_env=False)

    def get(self, path: str) -> httpx.Response:
        return httpx.get(self.base + path, headers=self.headers, trust_env=False)

    def refused(self, verb: str, **what: Any) -> str:
        answer = self.post(verb, **what)
        assert answer.status_code == 409, answer.text
        return str(answer.json()["error"])

    @contextmanager
    def listening(self) -> Iterator[Iterator[dict[str, Any]]]:
        with httpx.stream(
            "GET", self.base + "/live", headers=self.headers, trust_env=False, timeout=10
        ) as stream:
            yield (json.loads(line) for line in stream.iter_lines())


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def opened(build: Any, tmp_path: Path) -> Any:
    """A station at work with the port the page uses."""

    @contextmanager
    def make(*cameras: Any, **fields: Any) -> Any:
        live = Feed()
        with build(*cameras, **fields) as built:
            built.station.pipeline.listeners = (live, *built.station.pipeline.listeners)
            folder = tmp_path / "page"
            with ControlServer(StationCommands(built.station, live), folder):
                yield built, Door(folder)

    return make


def test_only_who_has_the_token_is_answered(opened: Any, tmp_path: Path) -> None:
    with opened() as (_, door):
        assert stat.S_IMODE((tmp_path / "page" / RUNTIME).stat().st_mode) == 0o600
        door.headers = _bearer("wrong")
        assert door.get("/live").status_code == 401
        assert door.post("trigger", who="x").status_code == 401
    assert not (tmp_path / "page" / RUNTIME).exists()


def test_a_part_is_told_with_its_picture_and_heat(opened: Any) -> None:
    with (
        opened(Simulated(size_px=256, seed=4, defect_rate=1.0)) as (built, door),
        door.listening() as messages,
    ):
        first = next(messages)
        assert (first["type"], first["state"]) == ("status", "Ready")
        assert first["camera_states"] == {"view0": "IDLE"}
        assert door.post("trigger", who="mia", serial="A7").status_code == 200
        part = next(message for message in messages if message["type"] == "part")
        record = built.store.part(part["part_id"])
        assert (part["serial"], part["verdict"]) == ("A7", record.verdict.value)
        assert part["verdict"] != "PASS"
        assert record.source == "page: mia"
        assert (part["width_px"], part["height_px"], part["heat"]) == (256, 256, True)
        picture = cv2.imdecode(_bytes(door, f"/picture/{part['part_id']}.jpg"), 1)
        assert picture.shape == (256, 256, 3)
        heat = cv2.imdecode(_bytes(door, f"/heat/{part['part_id']}.png"), cv2.IMREAD_UNCHANGED)
        assert heat.shape == (256, 256, 4)
        worst = part["regions"][0]
        box = heat[worst["y_px"] :, worst["x_px"] :][: worst["height_px"], : worst["width_px"]]
        assert (box[..., 3] > 0).any()
        assert door.get("/picture/unknown.jpg").status_code == 404


def test_a_passing_part_has_no_heat(opened: Any) -> None:
    with opened() as (_, door), door.listening() as messages:
        door.post("trigger", who="mia")
        part = next(message for message in messages if message["type"] == "part")
        assert (part["verdict"], part["heat"]) == ("PASS", False)
        heat = cv2.imdecode(_bytes(door, f"/heat/{part['part_id']}.png"), cv2.IMREAD_UNCHANGED)
        assert not heat[..., 3].any()


def test_triggers_of_a_paused_station_are_rejected_and_recorded(opened: Any) -> None:
    with opened() as (built, door):
        door.post("pause", who="mia")
        assert built.station.state == "Initialized"
        assert built.trigger()
        built.settle(1)
        (record,) = built.store.parts()
        assert (record.verdict, record.reason) == (Verdict.CANNOT_INSPECT, "the station is paused")
        door.post("resume", who="mia")
        assert built.station.state == "Ready"
        assert built.trigger()
        built.settle(2)
        assert built.counted() == (2, 2, 2)
        assert [found.kind for found in built.store.actions(who="mia")] == ["resumed", "paused"]


def test_cameras_are_used_only_while_paused(opened: Any, tmp_path: Path) -> None:
    with opened() as (_, door):
        path = tmp_path / "good" / "1.png"
        told = door.refused("take", who="mia", view="view0", path=str(path))
        assert told == "the station is inspecting; pause it before using its cameras"
        door.post("pause", who="mia")
        assert door.post("take", who="mia", view="view0", path=str(path)).json() == {
            "height_px": 256, "width_px": 256,
        }  # fmt: skip
        assert read_image(path).shape == (256, 256, 3)
        assert np.frombuffer(door.get("/camera/view0.jpg").content, np.uint8).size > 1000
        assert "there is none; allowed: view0" in door.refused(
            "take", who="mia", view="top", path=str(path)
        )


def test_a_camera_keeps_its_settings_when_others_fail(opened: Any) -> None:
    with opened() as (built, door):
        door.post("pause", who="mia")
        settings = {"size_px": 320}
        assert door.post("camera", who="mia", view="view0", settings=settings).status_code == 200
        assert built.station.views[0].camera.camera.size_px == 320
        told = door.refused("camera", who="mia", view="view0", settings={"defect_rate": 7})
        assert "defect_rate: expected 0 to 1, got 7" in told
        assert built.station.views[0].camera.camera.size_px == 320
        image = cv2.imdecode(_bytes(door, "/camera/view0.jpg"), 1)
        assert image.shape == (320, 320, 3)


@pytest.mark.parametrize(
    ("kind", "setting", "value"),
    [
        ("simulated", "trigger_source", "Off"),
        ("simulated", "faults", {"1": "lost"}),
        ("folder", "path", "/etc"),
        ("opencv", "source", "/etc/passwd"),
        ("gentl", "producer", "/tmp/evil.cti"),
        ("gige", "interface", "lo"),
        ("basler", "device_class", "BaslerCamEmu"),
    ],
)
def test_a_camera_is_not_made_another_from_the_page(
    kind: str, setting: str, value: Any, opened: Any
) -> None:
    with opened() as (built, door):
        view = ViewSettings(name="view0", camera=kind)
        built.station.camera_service.settings = replace(built.station.settings, views=(view,))
        camera = built.station.views[0].camera.camera
        door.post("pause", who="mia")
        told = door.refused("camera", who="mia", view="view0", settings={setting: value})
        start = f"camera {kind}: {setting} cannot be set from the page, only in the station file; allowed: "
        assert told.startswith(start)
        assert (setting in told[len(start) :].split(", ")) is False
        assert built.station.views[0].camera.camera is camera


def test_what_the_station_file_says_of_a_camera_may_be_said_again(opened: Any) -> None:
    with opened() as (built, door):
        known = ViewSettings(name="view0", camera="simulated", settings={"product": "flange"})
        built.station.camera_service.settings = replace(built.station.settings, views=(known,))
        door.post("pause", who="mia")
        same = {"product": "flange", "size_px": 320}
        assert door.post("camera", who="mia", view="view0", settings=same).status_code == 200


def test_two_recipes_at_once_are_put_on_the_line_one_after_the_other(
    opened: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once, most = [], []

    def slow(path: Path, **how: Any) -> Any:
        at_once.append(path)
        most.append(len(at_once))
        time.sleep(0.2)
        at_once.remove(path)
        raise RecipeError("told to fail")

    monkeypatch.setattr(commands, "load_recipe", slow)
    with opened() as (_, door), ThreadPoolExecutor(3) as pool:
        asked = [pool.submit(door.refused, "recipe", who="mia", path="x.recipe") for _ in range(3)]
        assert [each.result() for each in asked] == ["told to fail"] * 3
    assert most == [1, 1, 1]


def test_a_recipe_file_exchanged_while_it_is_read_is_refused(
    opened: Any, line: Any, retrained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Path("x.recipe").resolve()
    before = _opened(retrained)
    monkeypatch.setattr(commands, "load_recipe", lambda path, **how: before)
    monkeypatch.setattr(commands, "open_recipe", lambda path: SimpleNamespace(id="another"))
    with opened() as (built, door):
        told = door.refused("recipe", who="mia", path=str(path))
        assert told == (
            f"recipe {path}: the file was exchanged while it was read; put it on the line again"
        )
        assert built.station.views[0].recipes["flange"].id == line.trained["recipe_id"]


def test_a_station_paused_stays_paused_when_it_starts_again(opened: Any, tmp_path: Path) -> None:
    with opened() as (built, door):
        assert built.station.snapshot()["paused_by"] is None
        door.post("pause", who="mia")
        by = built.station.snapshot()["paused_by"]
        assert by["who"] == "mia"
        assert abs((datetime.now(UTC) - datetime.fromisoformat(by["at"])).total_seconds()) < 60
        place = built.station.settings.page_folder / pause.FILE
        assert stat.S_IMODE(place.stat().st_mode) == 0o600
    with opened() as (built, door):
        assert (built.station.paused, built.station.state) == (True, "Initialized")
        assert built.station.snapshot()["paused_by"] == by
        assert built.trigger()
        built.settle(1)
        assert built.parts[0].record.reason == "the station is paused"
        assert door.post("resume", who="mia").status_code == 200
        assert not place.exists()
    with opened() as (built, _):
        assert not built.station.paused


def test_a_damaged_note_of_a_pause_is_a_pause(build: Any) -> None:
    with build() as built:
        place = built.station.settings.page_folder / pause.FILE
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("{")
    with build() as built:
        assert built.station.snapshot()["paused_by"] == {"who": "unknown", "at": "unknown"}


def test_pausing_needs_no_folder_that_can_be_written(build: Any) -> None:
    with build() as built:
        built.station.settings.page_folder.write_text("a file, where the folder should be")
        built.station.pause(paused=True, who="mia")
        assert built.station.state == "Initialized"
        built.station.pause(paused=False)
        assert built.station.state == "Ready"


def test_a_page_folder_that_cannot_be_written_stops_no_station(build: Any, tmp_path: Path) -> None:
    lines: list[str] = []
    folder = tmp_path / "page"
    folder.write_text("a file, where the folder should be")
    with build() as built:
        with ControlServer(StationCommands(built.station, Feed()), folder, tell=lines.append):
            assert built.trigger()
            built.settle(1)
            time.sleep(1.2)  # tried again, and told once
            (told,) = lines
            assert told.startswith("no station page, inspecting goes on: [Errno 17] File exists")
            folder.unlink()
            wait_until((folder / RUNTIME).exists, 5)
            assert Door(folder).get("/picture/unknown.jpg").status_code == 404
            assert lines[1:] == ["the station page can be opened again"]
        assert not (folder / RUNTIME).exists()


def test_a_recipe_is_put_on_the_line_between_two_parts(
    opened: Any, line: Any, tmp_path: Path, retrained: Path
) -> None:
    with opened() as (built, door):
        built.trigger()
        built.settle(1)
        path = (Path("x.recipe")).resolve()  # the path of the station file of these tests
        told = door.refused("recipe", who="mia", path=str(path))
        assert "x.recipe" in told
        built.station.put_recipe(path, _opened(retrained))
        built.trigger()
        built.settle(2)
        ids = [record.recipe_id for record in built.store.parts(newest_first=False)]
        assert ids == [line.trained["recipe_id"], _opened(retrained).id]


def test_a_page_that_does_not_keep_up_is_let_go() -> None:
    live = Feed()
    with live.subscribed() as mine:
        for number in range(mine.maxsize + 1):
            live.tell({"number": number})
        messages = [mine.get_nowait() for _ in range(mine.qsize())]
        assert messages[-1] is None
        live.tell({"number": "later"})
        assert mine.empty()


def _bytes(door: Door, path: str) -> Any:
    answer = door.get(path)
    assert answer.status_code == 200, answer.text
    return np.frombuffer(answer.content, np.uint8)


def _opened(path: Path) -> Any:
    from inspection.recipe import open_recipe

    return open_recipe(path)


@pytest.fixture
def retrained(with_setup: Callable[..., Any], tmp_path: Path) -> Path:
    """The shared recipe under another product name: another file, another id."""
    from inspection.recipe import write_recipe

    path = tmp_path / "retrained.recipe"
    changed = with_setup(product="other")
    changed.id = ""
    write_recipe(changed, path)
    return path
