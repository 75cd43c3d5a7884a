"""What the set-up page does, over a real station at work: what its components do, and what its scripts ask."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, replace
from functools import partial
from inspect import signature
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args
from urllib.parse import unquote

import cv2
import numpy as np
import pytest
from fastapi import FastAPI
from starlette.requests import Request
from starlette.testclient import TestClient

from cameras import camera_class, camera_names, decode_image, read_image
from cameras.simulated import Simulated
from inspection.durable_files import replace_json
from inspection.errors import InspectionError, SetupError
from inspection.jobs import Jobs
from inspection.labels import part_selection as setup_record
from inspection.labels.labels import read_labels
from inspection.plant.messages import TriggerRequest
from inspection.recipe import Recipe, open_recipe, write_recipe
from inspection.recipe.setup_file import Setup, read_setup
from inspection.station.station import Station
from inspection.station.station_file import read_station
from inspection.store import open_store
from inspection.store.event_kinds import ActionKind
from inspection.training.options import EFFORTS
from models import model_class, model_names
from tests.ui.conftest import having_inspected, station_folder
from ui.core import errors as refuse
from ui.core.context import Context
from ui.core.errors import Refuse, checked
from ui.core.panel import Asker
from ui.core.trials import trained as trained_job
from ui.core.wording import Wording
from ui.live.station_client import Refused, StationClient, StationGone
from ui.pages.setup import camera as setup_camera
from ui.pages.setup import camera_settings as setup_station
from ui.pages.setup import good_parts, release, training_actions
from ui.pages.setup import routes as setup
from ui.pages.setup.asked import Asked
from ui.pages.setup.camera_preview import measured
from ui.pages.setup.draft import SetupDraft
from ui.pages.setup.requests import FromRecord, Taking, draft_of
from ui.pages.setup.result import promise, result_message, trial_message
from ui.pages.setup.sentences import measured_text, promise_text
from ui.pages.setup.training import (
    Options,
    models_not_ready,
    offered_models,
    options_of,
    start_training,
)
from ui.pages.setup.where import shapes_of
from ui.security.users import Role, User
from ui.words import Words

STATION = """# Line 1, hall B: do not lose this comment.
station = "line-1"
record = "parts.db"
deadline_ms = 5000

[[views]]
name = "main"  # from above
camera = "simulated"
[views.settings]
seed = 1
size_px = 256  # as the recipe
defect_rate = 0.3

[[products]]
name = "flange"
recipe = "flange.recipe"
"""
API = "/api/engineer/setup"
WHICH = {"product": "flange", "view": "main"}
PARTS = 12


@pytest.fixture(scope="module")
def folder(line: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return station_folder(tmp_path_factory.mktemp("setup"), line, STATION)


@pytest.fixture(scope="module")
def station(folder: Path) -> Iterator[Station]:
    requests = [
        TriggerRequest(source="test", lot="A" if number < 6 else "B") for number in range(PARTS)
    ]
    with having_inspected(folder, requests) as at_work:
        yield at_work


class Asking:
    """Asks as an engineer: what the components' handlers do, and the routes that scripts ask."""

    def __init__(self, context: Context, inbox: Path) -> None:
        app = FastAPI()
        refuse.install(app)
        app.include_router(setup.routes(context))
        self.context, self.inbox = context, inbox
        who = {"user": User("mia", Role.ENGINEER), "language": "en"}
        self.request = Request({"type": "http", "headers": [], **who})

        async def as_user(scope: Any, receive: Any, send: Any) -> None:
            await app({**scope, **who}, receive, send)

        self.client = TestClient(as_user)

    def get(self, path: str, **query: Any) -> Any:
        return self.client.get(API + path, params={**WHICH, **query})

    def post(self, path: str, **body: Any) -> Any:
        """Do one thing; the status is that of the refusal."""
        if path == "/where":
            answer = self.client.post(API + path, json={**WHICH, **body})
            return answer.status_code, answer.json()
        try:
            assert self.client.portal is not None
            return 200, self.client.portal.call(partial(self._do, path, **body))
        except (Refuse, Refused, InspectionError) as error:
            usual = 503 if isinstance(error, StationGone) else 409
            text = " ".join(str(error).split())
            return getattr(error, "status", usual), {"error": text}

    async def _do(self, path: str, **given: Any) -> Any:
        about = self.context, self.request, self.asked.draft
        if path == "/good/take":
            wanted = checked(Taking, **given)
            return {"added": [name async for name in good_parts.take(*about, wanted)]}
        if path in ("/good/record", "/good/upload", "/good/dataset"):
            found = await self._added(path, about, given)
            return {"added": list(found.names), "refused": list(found.refused)}
        if path in ("/good/remove", "/good/restore"):
            move = good_parts.remove if path == "/good/remove" else good_parts.restore
            return {"removed": await move(*about, given["names"])}
        if path == "/reference":
            return await good_parts.choose_reference(*about, given["names"][0])
        if path in ("/camera", "/camera/keep"):
            way = setup_camera.attempt if path == "/camera" else setup_camera.keep
            return await way(*about, given["settings"])
        if path in ("/train", "/options"):
            way = training_actions.train if path == "/train" else training_actions.choose
            return await way(*about, checked(Options, **given["options"]))
        if path == "/line":
            put = release.put_training if "job" in given else release.put_earlier
            return await put(*about, *given.values())
        others: dict[str, Callable[..., Any]] = {
            "/cancel": training_actions.cancel, "/try": release.attempt, "/confirm": release.confirm,
        }  # fmt: skip
        return await others[path](*about[:2], *given.values())

    async def _added(self, path: str, about: Any, given: Any) -> good_parts.Added:
        if path == "/good/record":
            return await good_parts.from_record(*about, checked(FromRecord, **WHICH, **given))
        if path == "/good/dataset":
            return await good_parts.from_dataset(*about, given["name"])
        file = self.inbox / "of its own" / str(given["name"])
        file.parent.mkdir()
        file.write_bytes(given["data"])
        try:
            return await good_parts.upload(*about, [file])
        finally:
            assert not file.parent.exists()  # what came in does not stay

    def send(self, name: str, data: bytes) -> tuple[int, Any]:
        """Upload one file."""
        found: tuple[int, Any] = self.post("/good/upload", name=name, data=data)
        return found

    def did(self, path: str, **body: Any) -> Any:
        status, found = self.post(path, **body)
        assert status == 200, found
        return found

    @property
    def asked(self) -> Asked:
        """All that is known of the draft now."""
        wording = Wording(self.context.words, "en")
        draft = draft_of(self.context, *WHICH.values())
        return Asked(self.context, Asker(self.request, wording), draft)

    @property
    def state(self) -> Any:
        """The same as plain data."""
        asked = self.asked
        setup = asked.setup[0]
        return {
            "tried": asked.note.get("camera") or {},
            "setup": setup and asdict(setup),
            "good": asked.names,
            "removed": asked.draft.removed(),
            "reference": asked.names[0] if asked.names else None,
            "promise": promise(len(asked.names), asked.options.false_reject),
            "options": asked.options.model_dump(),
            "datasets": good_parts.datasets(self.context),
            "training": asked.training and {"id": asked.training.id},
            "line": asked.line,
        }

    def result(self, job: str) -> Any:
        return result_message(trained_job(self.context.jobs, job))

    def tried(self) -> Any:
        trial = self.asked.trial
        return trial and trial_message(trial, read_labels(self.context.store))


@pytest.fixture
def ask(station: Station, folder: Path, tmp_path: Path) -> Iterator[Asking]:
    settings = read_station(folder / "station.toml")
    with open_store(folder / "parts.db", read_only=True) as store:
        given: dict[str, Any] = dict.fromkeys(Context.__dataclass_fields__)
        given |= {"settings": settings, "store": store, "words": Words()}
        given |= {
            "runtime": StationClient(settings.page_folder),
            "station_path": folder / "station.toml",
        }
        made = Asking(Context(**given), tmp_path)
        with made.client as client:
            yield made
            assert client.portal is not None
            client.portal.call(given["runtime"].close)
    station.pause(paused=False)


@pytest.fixture
def draft(ask: Asking) -> Iterator[SetupDraft]:
    """An empty draft, whatever tests before did."""
    import shutil

    found = SetupDraft(ask.context.folder, "flange", "main")
    shutil.rmtree(found.folder, ignore_errors=True)
    return found


def png(image: Any) -> bytes:
    return cv2.imencode(".png", image)[1].tobytes()


# The promise


@pytest.mark.parametrize(
    ("n", "asked", "promised", "needed"),
    [(60, 0.01, 1 / 61, 39), (99, 0.01, 0.01, 0), (9, 0.1, 0.1, 0), (0, 0.01, None, 99), (24, 0.05, 0.04, 0)],
)  # fmt: skip
def test_what_good_parts_allow_to_promise(
    n: int, asked: float, promised: float | None, needed: int
) -> None:
    found = promise(n, asked)
    assert found["promised"] == pytest.approx(promised)
    assert found["needed"] == needed


def test_the_promise_is_in_words(ask: Asking) -> None:
    assert promise_text(ask.asked.me, promise(60, 0.01)) == (
        "With 60 good parts it is guaranteed that at most 1.6 % of good parts get FAIL on average, and at most 4.9 % "
        "with 95 % confidence. To guarantee the requested 1.0 %, add 39 more good pictures."
    )
    assert promise_text(ask.asked.me, promise(99, 0.01)).endswith("That meets the requested 1.0 %.")
    assert promise_text(ask.asked.me, promise(0, 0.01)).endswith("add 99 good pictures.")


# Camera


def test_the_camera_is_seen_only_while_paused(ask: Asking, station: Station) -> None:
    answer = ask.get("/look")
    assert (answer.status_code, "pause it" in answer.json()["error"]) == (409, True)
    station.pause(paused=True)
    answer = ask.get("/look")
    assert answer.headers["content-type"] == "image/jpeg"
    assert decode_image(answer.content, "look").shape == (256, 256, 3)


def test_while_the_line_runs_the_newest_parts_picture_is_seen(
    ask: Asking, station: Station, draft: SetupDraft
) -> None:
    with open_store(ask.context.settings.record, read_only=True) as store:
        (part,) = store.parts(limit=1)
        path = store.image_path(part)
    assert path is not None
    answer = ask.get("/look", newest="true")
    assert answer.headers["content-type"] == "image/jpeg"
    seen = decode_image(answer.content, "look").astype(float)
    assert np.abs(seen - read_image(path)).mean() < 4
    figures = unquote(answer.headers["X-Figures"])
    assert float(re.findall(r'data-focus="([\d.]+)"', figures)[0]) > 1
    assert not draft.note.get("looked")  # nobody looked through the camera


def test_before_the_first_part_there_is_no_picture_and_no_fault(
    ask: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def none(*_: Any) -> None:
        return None

    monkeypatch.setattr(type(ask.context.runtime), "get", none)
    answer = ask.get("/look", newest="true")
    assert (answer.status_code, answer.content) == (204, b"")


def test_brightness_is_of_all_and_focus_of_what_is_inspected() -> None:
    image = np.full((100, 200), 120, np.uint8)
    image[:, 100:] = np.tile(np.array([0, 255], np.uint8), (100, 50))  # stripes at the right
    data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 100])[1].tobytes()
    whole = measured(data, Setup())
    assert sum(whole["counts"]) == image.size
    assert whole["over"] == pytest.approx(0.25, abs=0.01)
    assert whole["under"] == pytest.approx(0.25, abs=0.01)
    left = ((2.0, 2.0), (90.0, 2.0), (90.0, 98.0), (2.0, 98.0))
    right = tuple((x + 105, y) for x, y in left)
    smooth, sharp = (measured(data, Setup(roi=(each,)))["focus"] for each in (left, right))
    assert smooth < 1 < 100 < whole["focus"] < sharp
    with pytest.raises(Refused, match="cannot be read"):
        measured(b"no picture", Setup())


def test_what_the_camera_sees_comes_with_its_figures(
    ask: Asking, station: Station, draft: SetupDraft
) -> None:
    station.pause(paused=True)
    assert not draft.note.get("looked")
    figures = unquote(ask.get("/look").headers["X-Figures"])
    focus, over = (
        float(re.findall(rf'data-{name}="([\d.]+)"', figures)[0]) for name in ("focus", "over")
    )
    assert 0 <= over < 0.2
    assert focus > 1
    assert "best so far" in figures
    assert len(re.findall(r'points="([^"]+)"', figures)[0].split()) == 256 + 2
    assert f"best so far {9 * focus:.0f}" in unquote(
        ask.get("/look", best=9 * focus).headers["X-Figures"]
    )
    assert draft.note["looked"] is True


def test_a_forms_fields_are_those_of_the_driver() -> None:
    found = setup_station.fields_of(Simulated)
    kinds = {field.name: field.kind for field in found}
    assert kinds == {
        "seed": "integer", "size_px": "integer", "defect_rate": "number", "count": "integer",
        "defects": "json", "colour": "flag", "cache": "integer",
    }  # fmt: skip
    size = next(field for field in found if field.name == "size_px")
    assert (size.default, size.required) == (512, False)
    basler = [field.name for field in setup_station.fields_of(camera_class("basler"))]
    assert basler[:3] == ["exposure_time_us", "gain_db", "exposure_auto"]


def test_settings_are_tried_at_the_camera_and_remembered(
    ask: Asking, station: Station, draft: SetupDraft
) -> None:
    station.pause(paused=True)
    ask.did("/camera", settings={"size_px": 128})
    assert decode_image(ask.get("/look").content, "look").shape == (128, 128, 3)
    assert ask.state["tried"] == {"size_px": 128}
    status, found = ask.post("/camera", settings={"size_px": "large"})
    assert status == 409
    assert found["error"].startswith("views.main.settings.size_px: Input should be a valid integer")
    ask.did("/camera", settings={})
    assert ask.state["tried"] == {}


def test_a_refused_setting_leaves_the_camera_as_it_was(
    ask: Asking, station: Station, draft: SetupDraft
) -> None:
    station.pause(paused=True)
    status, found = ask.post("/camera", settings={"defects": ["teapot"]})
    assert status == 409
    assert "teapot" in found["error"]
    assert ask.get("/look").status_code == 200


@pytest.mark.parametrize("way", ["/camera", "/camera/keep"])
@pytest.mark.parametrize("name", ["faults", "trigger_source", "product", "path"])
def test_what_is_not_offered_is_not_set(
    ask: Asking, station: Station, draft: SetupDraft, folder: Path, way: str, name: str
) -> None:
    station.pause(paused=True)
    status, found = ask.post(way, settings={"size_px": 128, name: "x"})
    assert status == 409
    assert found["error"].startswith(f"views.main.settings.{name}: is not set on this page")
    assert "\n" not in found["error"]
    assert (folder / "station.toml").read_text() == STATION
    assert decode_image(ask.get("/look").content, "look").shape == (256, 256, 3)


@pytest.mark.parametrize("name", camera_names())
def test_no_file_device_or_address_is_offered(name: str) -> None:
    """Native code (`producer`), other files (`path`, `after`) and devices are the station file's."""
    offered = setup_station.settable(camera_class(name))
    parameters = signature(camera_class(name), eval_str=True).parameters
    paths = {each for each, given in parameters.items() if "Path" in str(given.annotation)}
    assert not offered & (
        paths | {"path", "after", "device", "producer", "serial", "address", "url"}
    )


def test_keeping_settings_keeps_comments(ask: Asking, folder: Path, draft: SetupDraft) -> None:
    path = folder / "station.toml"
    ask.did("/camera/keep", settings={"size_px": 200, "cache": 3})
    text = path.read_text()
    try:
        assert text == STATION.replace("size_px = 256  # as", "size_px = 200  # as").replace(
            "defect_rate = 0.3\n", "defect_rate = 0.3\ncache = 3\n"
        )
        assert read_station(path).views[0].settings["size_px"] == 200
        action = ask.context.store.actions(kind="camera_kept")[0]
        assert (action.who, action.detail["settings"]["size_px"]) == ("mia", 200)
    finally:
        path.write_text(STATION)


@pytest.mark.parametrize("settings", [{"size_px": "x"}, {"exposure": 3}, {"colour": 7}])
def test_a_wrong_value_leaves_the_station_file_untouched(tmp_path: Path, settings: Any) -> None:
    path = tmp_path / "station.toml"
    path.write_text(STATION)
    with pytest.raises(SetupError, match=r"station\.toml: views\.main\.settings\.\w+: "):
        setup_station.keep_settings(path, "main", settings)
    assert path.read_text() == STATION
    assert [each.name for each in tmp_path.iterdir()] == ["station.toml"]


def test_a_view_without_settings_gets_them(tmp_path: Path) -> None:
    path = tmp_path / "station.toml"
    path.write_text(STATION.replace("[views.settings]\nseed = 1\n", "").replace(
        "size_px = 256  # as the recipe\ndefect_rate = 0.3\n", ""))  # fmt: skip
    setup_station.keep_settings(path, "main", {"size_px": 64})
    assert read_station(path).views[0].settings == {"size_px": 64}
    assert [product.name for product in read_station(path).products] == ["flange"]
    setup_station.keep_settings(path, "main", {"size_px": None})
    assert read_station(path).views[0].settings == {}


# Where to look

RING = [[10, 10], [240, 10], [240, 240], [10, 240]]


def test_where_to_look_is_what_training_reads(ask: Asking, draft: SetupDraft) -> None:
    zone = {"name": "rim", "polygon": RING[:3], "max_area_mm2": 0.5, "max_count": 2}
    given = {"scale_mm_per_px": 0.25, "roi": [RING], "ignore": [RING[1:]], "zones": [zone],
             "align": {"max_shift_px": 20}, "reference_size_px": [256, 256]}  # fmt: skip
    ask.did("/where", setup=given)
    found = read_setup(draft.setup_path)
    assert (found.product, found.scale_mm_per_px, found.reference_size_px) == (
        "flange",
        0.25,
        (256, 256),
    )
    assert found.roi == (tuple((float(x), float(y)) for x, y in RING),)
    assert (found.zones[0].name, found.zones[0].max_area_mm2, found.zones[0].max_count) == (
        "rim",
        0.5,
        2,
    )
    assert found.align is not None
    assert (found.align.max_shift_px, found.align.max_rotation_deg) == (20, 15)
    assert ask.state["setup"]["zones"][0]["name"] == "rim"
    shapes = shapes_of(found)  # as they are drawn again
    assert [shape["kind"] for shape in shapes] == ["roi", "ignore", "zone"]
    assert [len(shape["points"]) for shape in shapes] == [4, 3, 3]
    assert (shapes[2]["name"], shapes[2]["max_area_mm2"], shapes[2]["max_count"]) == ("rim", 0.5, 2)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"zones": [{"name": "a", "polygon": RING}, {"name": "b", "polygon": RING, "max_area_px": -1}]},
         "set-up: zones.1.max_area_px: Input should be greater than 0, got -1"),
        ({"zones": [{"name": "a", "polygon": RING, "max_area_mm2": 1}]}, "max_area_mm2 needs scale_mm_per_px"),
        ({"roi": [RING[:2]]}, "set-up: roi.0: "),
        ({"roi": [RING], "ignore": [RING], "reference_size_px": [256, 256]}, "nothing is left to inspect"),
        ({"rio": []}, "set-up: rio: unknown key"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told_and_not_kept(
    ask: Asking, draft: SetupDraft, given: Any, says: str
) -> None:
    ask.did("/where", setup={"roi": [RING]})
    before = draft.setup_path.read_bytes()
    status, found = ask.post("/where", setup=given)
    assert status == 409
    assert says in found["error"]
    assert "\n" not in found["error"]
    assert draft.setup_path.read_bytes() == before


A, B = ({"name": name, "polygon": RING} for name in "ab")


@pytest.mark.parametrize(
    ("given", "at"),
    [
        ({"zones": [A, {**B, "max_area_px": -1}]}, ("zone", 1)),
        ({"roi": [RING], "ignore": [RING, RING[:2]]}, ("ignore", 1)),
        ({"scale_mm_per_px": None, "zones": [A, {**B, "max_area_mm2": 1}]}, ("zone", 1)),
        ({"zones": [{**A, "max_count": 1, "max_area_px": 9}, {**B, "max_count": 1}]}, ("zone", 1)),
        ({"zones": [A, B, A]}, ("zone", 2)),
        ({"roi": [RING], "ignore": [RING], "reference_size_px": [256, 256]}, (None, None)),
    ],
)
def test_what_cannot_be_names_the_shape(ask: Asking, given: Any, at: Any) -> None:
    status, found = ask.post("/where", setup=given)
    assert (status, found["kind"], found["at"]) == (409, *at)


# Good parts


def test_a_picture_is_taken_while_paused(ask: Asking, station: Station, draft: SetupDraft) -> None:
    assert ask.post("/good/take")[0] == 409
    station.pause(paused=True)
    (name,) = ask.did("/good/take", reference=True)["added"]
    state = ask.state
    assert (state["good"], state["reference"], state["promise"]["n"]) == ([name], name, 1)
    assert decode_image(ask.get(f"/good/{name}").content, name).shape == (256, 256, 3)
    assert max(decode_image(draft.thumb(name).read_bytes(), name).shape) == 200


def test_uploads_are_decoded_before_they_are_kept(ask: Asking, draft: SetupDraft) -> None:
    good = png(np.full((40, 60), 90, dtype=np.uint8))
    assert ask.did("/good/upload", name="a part.png", data=good)["added"] == ["a_part.png"]
    assert (draft.good / "a_part.png").read_bytes() == good
    for name, data in (("broken.png", good[:60]), ("script.html", b"<script>"), ("empty.jpg", b"")):
        found = ask.did("/good/upload", name=name, data=data)
        assert found["added"] == []
        assert [line.split(" ")[1].strip("':") for line in found["refused"]] == [name]
    assert draft.names() == ["a_part.png"]


@pytest.mark.parametrize("name", ["../../evil.png", "/etc/evil.png", "..\\evil.png", ".png"])
def test_a_name_that_leads_elsewhere_leads_nowhere(
    ask: Asking, draft: SetupDraft, tmp_path: Path, name: str
) -> None:
    before = {path for path in tmp_path.rglob("*") if "evil" in path.name}
    with suppress(SetupError):
        draft.add(png(np.full((40, 60), 90, np.uint8)), name)
    evil = {path for path in tmp_path.rglob("*") if "evil" in path.name} - before
    assert all(path.is_relative_to(draft.folder) for path in evil)


def test_the_record_gives_passed_and_ok_parts_but_no_ng(
    ask: Asking, station: Station, draft: SetupDraft
) -> None:
    parts: list[Any] = ask.context.store.parts(limit=100)
    passed = [part for part in parts if part.verdict == "PASS"]
    rejected = [part for part in parts if part.verdict != "PASS"]
    assert len(passed) > 2 and rejected
    station.store.add_event(passed[0].part_id, "label", "jo", detail={"label": "NG"})
    station.store.add_event(rejected[0].part_id, "label", "jo", detail={"label": "OK"})
    added = ask.did("/good/record", count=100)["added"]
    wanted = {part.part_id for part in passed[1:]} | {rejected[0].part_id}
    assert {name.removeprefix("part-").removesuffix(".png") for name in added} == wanted
    assert ask.did("/good/record", count=100)["added"] == []
    ask.did("/good/remove", names=added)
    lot_b = [part for part in parts if part.lot == "B" and part.part_id in wanted]
    assert len(SetupDraft(ask.context.folder, "flange", "main").names()) == 0
    fresh = ask.did("/good/record", count=100, lot="B")["added"]
    assert len(fresh) == len(lot_b)


def test_disputed_and_doubted_parts_are_not_good(ask: Asking, station: Station) -> None:
    def say(kind: str, who: str, **detail: Any) -> None:
        station.store.add_event(part.part_id, kind, who, detail=detail)

    def good() -> bool:
        found = setup_record.latest(
            ask.context.store, station="line-1", product="flange", count=100, good=True
        )
        return part.part_id in [record.part_id for record, _ in found]

    # One that no other test says anything about.
    part = [each for each in ask.context.store.parts(limit=100) if each.verdict == "PASS"][-1]
    assert good()
    say("disagree", "oli", comment="a dent")
    assert not good()
    say("label", "jo", label="OK")
    assert good()
    say("label", "mia", label="NG")
    assert not good()
    say("label", "jo", label="OK")
    assert not good()
    say("label", "ada", label="OK", decides=True)
    assert good()
    say("disagree", "oli", comment="a dent all the same")
    assert not good()
    say("label", "ada", label=None)
    assert not good()


def test_a_dataset_of_the_review_is_added(ask: Asking, draft: SetupDraft) -> None:
    good = ask.context.folder / "datasets" / "march" / "train" / "good"
    good.mkdir(parents=True, exist_ok=True)
    for number in range(3):
        (good / f"{number}.png").write_bytes(png(np.full((30, 30), number, np.uint8)))
    assert ask.state["datasets"] == ["march"]
    assert ask.did("/good/dataset", name="march")["added"] == ["0.png", "1.png", "2.png"]
    assert ask.post("/good/dataset", name="../jobs")[0] == 404


def test_removed_parts_come_back(ask: Asking, draft: SetupDraft) -> None:
    for number in range(3):
        draft.add(png(np.full((30, 30), number, np.uint8)), f"{number}.png")
    ask.did("/reference", names=["1.png"])
    assert ask.state["good"] == ["1.png", "0.png", "2.png"]
    assert list(draft.taught()) == ["0 1.png", "0.png", "2.png"]
    assert ask.did("/good/remove", names=["1.png", "../draft.json"])["removed"] == ["1.png"]
    assert (ask.state["good"], ask.state["removed"]) == (["0.png", "2.png"], ["1.png"])
    assert draft.add(png(np.zeros((30, 30), np.uint8)), "1.png") == "1-2.png"
    ask.did("/good/restore", names=["1.png"])
    assert ask.state["good"] == ["1.png", "0.png", "1-2.png", "2.png"]
    actions = [action.kind for action in ask.context.store.actions(limit=2)]
    assert actions == ["good_parts_added", "good_parts_removed"]


@pytest.mark.parametrize("path", ["/good/..%2Fdraft.json", "/good/%2Fetc%2Fpasswd"])
def test_only_good_parts_are_given_out(ask: Asking, draft: SetupDraft, path: str) -> None:
    assert ask.get(path).status_code in (404, 409)
    with pytest.raises(SetupError, match="there is none of this name"):
        draft.thumb(path.removeprefix("/good/").replace("%2F", "/"))


def test_an_unknown_product_or_view_is_refused(ask: Asking) -> None:
    for wrong in ({"product": "nut"}, {"view": "../x"}):
        with pytest.raises(InspectionError, match="there is none|is not in the station file"):
            draft_of(ask.context, **{**WHICH, **wrong})
        assert ask.get("/look", **wrong).status_code == 409


def test_drafts_of_odd_names_have_folders_of_their_own(tmp_path: Path) -> None:
    pairs = [("a", "b-c"), ("a-b", "c"), ("../x", "y"), ("ナット", "上"), ("", "")]
    folders = {SetupDraft(tmp_path, *pair).folder for pair in pairs}
    assert len(folders) == len(pairs)
    assert all(folder.parent == tmp_path / "setup" for folder in folders)


# What is noted

OPTIONS = {
    "false_reject": 0.03, "review": 0.1, "effort": "fast", "image_size": None, "seed": 1,
    "labelled_bad": True, "model": "padim",
}  # fmt: skip


def filled(draft: SetupDraft) -> None:
    for number in range(5):
        draft.add(png(np.full((30, 30), 9 * number, np.uint8)), f"{number}.png")
    draft.remove(["4.png"])
    draft.add(png(np.full((30, 30), 99, np.uint8)), "5.png")


ACTIONS: list[tuple[str, dict[str, Any], str, dict[str, Any]]] = [
    ("/good/take", {}, "pictures_taken", {"count": 1}),
    ("/good/record", {"count": 2}, "good_parts_added", {"from": "record", "count": 2}),
    ("/good/upload", {"name": "one.png"}, "good_parts_added", {"from": "uploaded", "count": 1}),
    ("/good/remove", {"names": ["1.png"]}, "good_parts_removed", {"names": ["1.png"]}),
    ("/good/restore", {"names": ["4.png"]}, "good_parts_added", {"from": "brought back"}),
    ("/reference", {"names": ["2.png"]}, "reference_chosen", {"name": "2.png"}),
    ("/where", {"setup": {"roi": [RING]}}, "where_to_look_saved", {"inspected": 1}),
    ("/options", {"options": OPTIONS}, "options_chosen", {"options": OPTIONS}),
    ("/camera/keep", {"settings": {"cache": 4}}, "camera_kept", {"view": "main"}),
    ("/train", {"options": {}}, "training_started", {"n_good": 5}),
    ("/try", {}, "recipe_tried", {"training": "20260301-120000-000000"}),
    ("/cancel", {"job": "20260301-120009-000000"}, "training_cancelled", {}),
]


@pytest.fixture
def doing(
    ask: Asking, station: Station, draft: SetupDraft, folder: Path, recipe: Recipe,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[list[str]]:  # fmt: skip
    """A draft, a training that is done and a job at work; gives the jobs begun and ended here."""
    station.pause(paused=True)
    filled(draft)
    trained(ask, recipe)
    done: list[str] = []
    job = Jobs(ask.context.folder / "jobs").newest_first()[-1]
    monkeypatch.setattr(Jobs, "start", lambda *_, **__: done.append("start") or job)
    monkeypatch.setattr(Jobs, "cancel", lambda *_, **__: done.append("cancel"))
    yield done
    (folder / "station.toml").write_text(STATION)


def body_of(ask: Asking, path: str, body: dict[str, Any]) -> dict[str, Any]:
    if path == "/good/upload":
        return {"name": "one.png", "data": png(np.full((30, 30), 77, np.uint8))}
    return {"job": "20260301-120000-000000"} if path == "/try" else body


def files(draft: SetupDraft, folder: Path) -> dict[str, bytes]:
    found = [path for path in draft.folder.rglob("*") if path.is_file()]
    return {str(path): path.read_bytes() for path in [*found, folder / "station.toml"]}


@pytest.mark.parametrize(("path", "body", "kind", "detail"), ACTIONS, ids=[a[0] for a in ACTIONS])
def test_each_step_is_noted_once(
    ask: Asking, doing: list[str], path: str, body: Any, kind: str, detail: Any
) -> None:
    before = ask.context.store.actions(limit=1)[0].number
    ask.did(path, **body_of(ask, path, body))
    (action,) = [each for each in ask.context.store.actions(limit=9) if each.number > before]
    assert (action.kind, action.who) == (kind, "mia")
    assert detail.items() <= action.detail.items()


@pytest.mark.parametrize(("path", "body"), [a[:2] for a in ACTIONS], ids=[a[0] for a in ACTIONS])
def test_what_cannot_be_noted_is_not_done(
    ask: Asking, doing: list[str], draft: SetupDraft, folder: Path, path: str, body: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    do = ask.context.runtime.do

    async def only_this(verb: str, **what: Any) -> Any:
        if verb == "action":
            raise Refused("the record is full")
        return await do(verb, **what)

    monkeypatch.setattr(ask.context.runtime, "do", only_this)
    given, before = body_of(ask, path, body), files(draft, folder)
    status, found = ask.post(path, **given)
    assert (status, found["error"]) == (
        503,
        "The record could not be written, so nothing was changed: the record is full",
    )
    assert (files(draft, folder), doing) == (before, [])


def test_what_fails_after_it_was_noted_is_noted_again(
    ask: Asking, station: Station, draft: SetupDraft
) -> None:
    station.pause(paused=False)
    assert ask.post("/good/take")[0] == 409
    failed, noted = ask.context.store.actions(limit=2)
    assert (noted.kind, failed.kind, failed.detail["kind"]) == (
        "pictures_taken", "change_failed", "pictures_taken",
    )  # fmt: skip
    assert "pause it" in failed.detail["error"]


def test_a_series_of_pictures_is_one_action(
    ask: Asking, station: Station, draft: SetupDraft
) -> None:
    station.pause(paused=True)
    before = ask.context.store.actions(limit=1)[0].number
    assert len(ask.did("/good/take", count=3)["added"]) == len(draft.names()) == 3
    noted = [each for each in ask.context.store.actions(limit=9) if each.number > before]
    assert [(each.kind, each.detail["count"]) for each in noted] == [("pictures_taken", 3)]
    ask.did("/good/take", count=2)
    newest = ask.context.store.actions(limit=2)
    assert [each.detail["count"] for each in newest] == [2, 3]
    for wrong in ({"count": 0}, {"count": 501}, {"every_s": -1}, {"count": "x"}):
        status, found = ask.post("/good/take", **wrong)
        assert (status, found["error"].partition(":")[0]) == (422, next(iter(wrong)))
    assert len(draft.names()) == 5


def test_where_to_look_that_did_not_change_is_not_noted(ask: Asking, draft: SetupDraft) -> None:
    ask.did("/where", setup={"roi": [RING]})
    before = ask.context.store.actions(limit=1)[0].number
    ask.did("/where", setup={"roi": [RING]})
    assert ask.context.store.actions(limit=1)[0].number == before


def test_the_disk_is_never_read_on_the_event_loop(
    ask: Asking, doing: list[str], draft: SetupDraft, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One page that reads a slow disk there would hold up all pages."""
    asked: list[str] = []

    def watched(where: Any, name: str) -> None:
        function = getattr(where, name)

        def watching(*args: Any, **kwargs: Any) -> Any:
            with pytest.raises(RuntimeError, match="no running event loop"):
                asyncio.get_running_loop()
            asked.append(name)
            return function(*args, **kwargs)

        monkeypatch.setattr(where, name, watching)

    for name in ("names", "next_name", "path", "removed", "setup"):
        watched(SetupDraft, name)
    watched(setup_camera, "read_station")
    watched(Jobs, "find")
    for path, body, _, _ in ACTIONS:
        ask.did(path, **body_of(ask, path, body))
    ask.get("/good/2.png")
    ask.get("/recipe/20260301-120000-000000")
    ask.get("/look")
    wanted = {"names", "next_name", "path", "removed", "setup", "read_station", "find"}
    assert wanted <= set(asked)


# Training and the line


def test_too_few_good_parts_are_not_trained(ask: Asking, draft: SetupDraft) -> None:
    draft.add(png(np.zeros((30, 30), np.uint8)), "0.png")
    options = {**OPTIONS, "false_reject": 0.02, "image_size": 320}
    status, found = ask.post("/train", options=options)
    assert (status, found["error"]) == (409, "good parts: 1; at least 5 are needed")
    assert ask.state["options"] == options
    for wrong in (
        {"false_reject": 2},
        {"review": 0},
        {"effort": "most"},
        {"image_size": 32},
        {"model": "x"},
    ):
        status, found = ask.post("/train", options=wrong)
        assert (status, found["error"].partition(":")[0]) == (422, next(iter(wrong)))
    assert offered_models()[:2] == ["patchcore", "auto"]


def test_models_are_offered_that_can_be_trained_here_as_they_were_measured(
    ask: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    absent = models_not_ready()
    assert "timm's weights of resnet18" in absent["reverse_distillation"]
    offered = offered_models()
    assert offered[:5] == ["patchcore", "auto", "feature_autoencoder", "kmeans", "pca"]
    assert sorted([*offered, *absent]) == sorted([*model_names(), "auto"])
    status, found = ask.post("/train", options={**OPTIONS, "model": "uninet"})
    assert (status, found["error"].partition(";")[0]) == (
        422, "model: uninet is not ready: its weights are not on this machine",
    )  # fmt: skip
    of_all, of_uninet, of_default = (
        measured_text(ask.asked.me, model, "balanced") for model in ("uflow", "uninet", "patchcore")
    )
    assert of_all.startswith(
        "Of 29 models measured on 4 sets of real parts, its mean rank is 6.8 by AUROC"
    )
    assert of_all.endswith("They were measured with one scale of 256 px.")
    assert of_default.startswith("Of 7 models measured on 3 sets") and "256 px" not in of_default
    assert of_uninet.startswith("Not among the models measured on 4 sets")
    monkeypatch.setattr(model_class("uninet"), "missing", classmethod(lambda _: None))
    assert "uninet" in offered_models()
    assert "uninet" not in models_not_ready()


def trained(ask: Asking, recipe: Recipe, **settings: Any) -> str:
    """Leave a training that is done, as its process would have."""
    folder = ask.context.folder / "jobs" / "20260301-120000-000000"
    folder.mkdir(parents=True, exist_ok=True)
    made = Recipe(
        replace(recipe.settings, **settings), scores=recipe.scores, appearance=recipe.appearance,
        program=recipe.program_bytes, references=recipe.references,
    )  # fmt: skip
    write_recipe(made, folder / "new.recipe")
    about = {**WHICH, "n_good": 40, "options": {}}
    card = {"id": folder.name, "kind": "train", "who": "mia", "at": "2026-03-01T12:00:00+00:00",
            "about": about, "pid": 1, "birth": None}  # fmt: skip
    replace_json(folder / "job.json", card)
    empty: dict[str, Any] = {
        "unreadable": [],
        "off_size": [],
        "duplicates": [],
        "suspicious": [["0 1.png", 9.0, 5.0]],
    }
    replace_json(
        folder / "status.json",
        {"state": "done", "result": {"recipe_id": made.id, "hygiene": empty}},
    )
    return made.id


def test_a_recipe_goes_on_the_line_and_back(
    ask: Asking, station: Station, recipe: Recipe, folder: Path
) -> None:
    new_id = trained(ask, recipe, product="another")
    before = open_recipe(folder / "flange.recipe").id
    job = ask.state["training"]["id"]
    assert ask.did("/line", job=job)["recipe_id"] == new_id
    assert (open_recipe(folder / "flange.recipe").id, station.views[0].recipes["flange"].id) == (
        new_id,
        new_id,
    )
    assert (ask.context.folder / "recipes" / f"{before}.recipe").is_file()
    rows = ask.state["line"]["history"]
    assert [(row["id"], row["who"], row["kept"]) for row in rows] == [
        (new_id, "mia", False),
        (before, None, True),
    ]
    assert ask.did("/line", recipe_id=before)["recipe_id"] == before
    assert station.views[0].recipes["flange"].id == before
    assert [row["id"] for row in ask.state["line"]["history"]] == [before, new_id]
    assert ask.post("/line", recipe_id="0" * 64)[0] == 409


def test_a_recipe_that_came_by_another_way_is_confirmed_by_name(
    ask: Asking, station: Station
) -> None:
    present = station.views[0].recipes["flange"].id
    assert ask.post("/confirm", recipe_id=present)[0] == 409
    other = {"recipe_id": "0" * 64, "file": "flange.recipe", "products": ["flange"]}
    station.store.add_action(ActionKind.RECIPE_ON_LINE, "leo", detail=other)
    station.released.compare()
    assert station.released.withheld("flange") is not None
    assert ask.did("/confirm", recipe_id=present)["products"] == ["flange"]
    assert station.released.withheld("flange") is None
    confirmed, found, _ = station.store.actions(limit=3)
    assert (confirmed.kind, confirmed.who, found.kind) == (
        "recipe_confirmed",
        "mia",
        "recipe_found",
    )
    assert confirmed.detail["before"] == "0" * 64


def test_a_recipe_that_fails_its_check_is_put_back(
    ask: Asking, station: Station, recipe: Recipe, folder: Path
) -> None:
    references = tuple(replace(each, score=99.0) for each in recipe.settings.references)
    trained(ask, recipe, references=references)
    before = (folder / "flange.recipe").read_bytes()
    status, found = ask.post("/line", job=ask.state["training"]["id"])
    assert status == 409
    assert "on this machine (CPU), 99 when trained" in found["error"]
    assert (folder / "flange.recipe").read_bytes() == before
    assert station.views[0].recipes["flange"].id == recipe.id
    action = ask.context.store.actions(kind="recipe_put_back")[0]
    assert (action.who, "99 when trained" in action.detail["error"]) == ("mia", True)
    assert not list(folder.glob(".flange*"))


def test_the_result_names_pictures_as_the_engineer_does(ask: Asking, recipe: Recipe) -> None:
    new_id = trained(ask, recipe)
    job = ask.state["training"]["id"]
    found = ask.result(job)
    assert (found["recipe_id"], len(found["scores"])) == (new_id, len(recipe.scores))
    assert found["hygiene"]["suspicious"] == [["1.png", 9.0, 5.0]]
    assert ask.tried() is None
    answer = ask.get(f"/recipe/{job}")
    assert "attachment" in answer.headers["content-disposition"]
    assert ask.get("/recipe/20260301-120000-999999").status_code == 404


def test_a_trial_tells_who_would_flip(ask: Asking, recipe: Recipe) -> None:
    trained(ask, recipe)
    training = ask.state["training"]["id"]
    folder = ask.context.folder / "jobs" / "20260301-120001-000000"
    folder.mkdir(exist_ok=True)
    before = {"p1": {"before": "PASS"}, "p2": {"before": "FAIL"}, "p3": {"before": "PASS"}}
    card = {"id": folder.name, "kind": "try", "who": "mia", "at": "2026-03-01T12:00:01+00:00",
            "about": {**WHICH, "training": training, "before": before}, "pid": 1, "birth": None}  # fmt: skip
    rows = [
        {"part_id": "p1", "verdict": "FAIL"},
        {"part_id": "p2", "verdict": "REVIEW"},
        {"part_id": "p3", "verdict": "PASS"},
    ]
    replace_json(folder / "job.json", card)
    replace_json(folder / "status.json", {"state": "done"})
    replace_json(folder / "parts.json", rows)
    replace_json(folder / "good.json", [["0 1.png", 7.0], ["2.png", 6.0]])
    found = ask.tried()
    assert [row["part_id"] for row in found["flips"]] == ["p1"]
    assert found["worst"] == [{"name": "1.png", "score": 7.0}, {"name": "2.png", "score": 6.0}]
    assert len(found["parts"]) == 3


def test_a_training_of_another_product_does_not_go_on_this_line(
    ask: Asking, recipe: Recipe
) -> None:
    trained(ask, recipe)
    (job,) = (
        job for job in Jobs(ask.context.folder / "jobs").newest_first() if job.kind == "train"
    )
    card = json.loads((job.folder / "job.json").read_text())
    replace_json(job.folder / "job.json", {**card, "about": {**card["about"], "product": "nut"}})
    status, found = ask.post("/line", job=job.id)
    assert (status, "another product" in found["error"]) == (400, True)


def test_a_training_is_asked_for_with_what_was_chosen(
    ask: Asking, draft: SetupDraft, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    filled(draft)
    started: list[list[str]] = []

    def start(jobs: Jobs, kind: str, *, prepare: Any, **about: Any) -> None:
        folder = tmp_path / f"job {len(started)}"
        folder.mkdir()
        started.append([str(word) for word in prepare(folder)])

    monkeypatch.setattr(Jobs, "start", start)
    jobs = Jobs(ask.context.folder / "jobs")
    for options in (
        Options(),
        Options(model="padim", effort="thorough", review=0.1, image_size=640),
    ):
        start_training(jobs, draft, options, who="mia")
    usual, chosen = (dict(pairwise(words)) for words in started)
    assert (usual["--effort"], usual["--review"]) == ("balanced", "0.05")
    assert "--image-size" not in usual
    assert (usual["--model"], chosen["--model"]) == ("patchcore", "padim")
    assert (chosen["--effort"], chosen["--review"]) == ("thorough", "0.1")
    assert chosen["--image-size"] == "640"
    assert get_args(Options.model_fields["effort"].annotation) == EFFORTS
    assert "--defects" not in usual
    picture = draft.good / draft.names()[0]
    kinds = ("scratch", "../dent", "good", "")
    bad = [(f"p{number}", picture, kind) for number, kind in enumerate(kinds, 1)]
    start_training(jobs, draft, Options(), who="mia", bad=bad)
    folder = Path(dict(pairwise(started[-1]))["--defects"])
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*.*")}
    suffix = picture.suffix
    assert files == {
        f"{name}{suffix}" for name in ("scratch/p1", "___dent/p2", "good_/p3", "defect/p4")
    }


@pytest.mark.parametrize(
    ("learnt", "expected"),
    [
        ({"effort": "thorough", "image_size_px": None}, ("thorough", None)),
        ({"effort": "fast", "image_size_px": 256}, ("fast", 256)),
        ({"image_size_px": 256}, ("balanced", None)),  # it was usual before there was an effort
        ({"image_size_px": 384}, ("balanced", 384)),
        ({}, ("balanced", None)),
    ],
)
def test_a_training_begins_with_the_effort_and_size_of_the_recipe_on_the_line(
    tmp_path: Path, recipe_file: Path, learnt: dict[str, Any], expected: tuple[str, int | None]
) -> None:
    draft = SetupDraft(tmp_path, "flange", "main")
    assert options_of(draft) == Options()
    other = tmp_path / "other.recipe"
    recipe = open_recipe(recipe_file)
    changed = Recipe(
        replace(recipe.settings, training=learnt),
        scores=recipe.scores,
        appearance=recipe.appearance,
        program=recipe.program_bytes,
        references=recipe.references,
    )
    write_recipe(changed, other)
    options = options_of(draft, other)
    assert (options.effort, options.image_size) == expected
    assert options.model == "patchcore"
    other.write_bytes(b"damaged")
    assert options_of(draft, other) == Options()


@pytest.mark.parametrize(("size", "expected"), [("auto", None), (256, None), (512, 512)])
def test_choices_made_before_there_was_an_effort_are_kept(
    tmp_path: Path, size: object, expected: int | None
) -> None:
    draft = SetupDraft(tmp_path, "flange", "main")
    noted = {"false_reject": 0.03, "image_size": size, "latency_budget_ms": 50.0, "seed": 2}
    draft.write_note(options=noted)
    assert options_of(draft) == Options(false_reject=0.03, image_size=expected, seed=2)


def test_a_result_says_its_warnings_by_key(ask: Asking, recipe: Recipe) -> None:
    trained(ask, recipe)
    job = ask.state["training"]["id"]
    old = ask.result(job)
    assert (old["warnings"], old["drawn_escapes"], old["effort"]) == ([], [], None)
    status = ask.context.folder / "jobs" / job / "status.json"
    told = json.loads(status.read_text())
    key = {"key": "variants", "values": {"smaller": 12, "larger": 28}}
    told["result"] |= {"warnings": ["two variants"], "warning_keys": [key]}
    replace_json(status, told)
    found = ask.result(job)
    assert found["warnings"] == [{"text": "two variants", **key}]
    own = recipe.settings.calibration
    assert (found["review_estimated"], tuple(found["review_ci95"])) == (
        own.review_estimated,
        own.review_ci95,
    )
