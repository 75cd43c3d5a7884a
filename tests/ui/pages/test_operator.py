"""What the operator's page may ask, over a real station at work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI
from starlette.testclient import TestClient

from cameras import decode_image
from inspection.judgement import Verdict
from inspection.station.station import Station
from inspection.station.station_file import StationFile, read_station
from inspection.store import Store, open_store
from tests.ui.conftest import having_inspected, station_folder, wait_for
from ui.core import errors as refuse
from ui.core.context import Context
from ui.live.hub import Hub
from ui.live.station_client import StationClient
from ui.pages.operator import routes as operator
from ui.security.users import Role, User, Users
from ui.words import Words

STATION = """
station = "line-1"
record = "parts.db"
deadline_ms = 5000
latch_fail = true
[[views]]
name = "main"
camera = "simulated"
[views.settings]
seed = 1
size_px = 256
defect_rate = 0.5
[[products]]
name = "flange"
recipe = "flange.recipe"
[[products]]
name = "bracket"
recipe = "flange.recipe"
"""
API = "/api/operator"
PARTS = 8


@pytest.fixture(scope="module")
def folder(line: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return station_folder(tmp_path_factory.mktemp("operator"), line, STATION)


@pytest.fixture(scope="module")
def station(folder: Path) -> Iterator[Station]:
    """A station that inspected some parts, good and bad."""
    from inspection.plant.messages import TriggerRequest

    requests = [TriggerRequest(source="test", serial=f"S{number}") for number in range(PARTS)]
    with having_inspected(folder, requests) as at_work:
        yield at_work


@pytest.fixture
def store(station: Station, folder: Path) -> Iterator[Store]:
    with open_store(folder / "parts.db", read_only=True) as opened:
        yield opened


class Asking:
    """Asks as somebody, through the routes and the refusals the page has."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.user, self.language = User("oli", Role.OPERATOR), "en"
        app = FastAPI()
        refuse.install(app)
        app.include_router(operator.routes(context))

        async def as_user(scope: Any, receive: Any, send: Any) -> None:
            await app({**scope, "user": self.user, "language": self.language}, receive, send)

        self._client = TestClient(as_user)

    def get(self, path: str) -> Any:
        answer = self._client.get(API + path)
        return answer.status_code, answer.json()

    def raw(self, path: str) -> Any:
        return self._client.get(API + path)

    def post(self, path: str, **body: Any) -> Any:
        answer = self._client.post(API + path, json=body)
        return answer.status_code, answer.json()


@contextmanager
def asking(store: Store, settings: StationFile, *, users: Any = None) -> Iterator[Asking]:
    runtime = StationClient(settings.page_folder)
    given: dict[str, Any] = dict.fromkeys(Context.__dataclass_fields__)
    given |= {"settings": settings, "store": store, "words": Words(), "runtime": runtime}
    given["users"] = users
    given["hub"] = Hub(settings, store, runtime)
    made = Asking(Context(**given))
    with made._client as client:
        yield made
        assert client.portal is not None
        client.portal.call(runtime.close)


@pytest.fixture
def settings(folder: Path) -> StationFile:
    return read_station(folder / "station.toml")


@pytest.fixture
def ask(store: Store, settings: StationFile) -> Iterator[Asking]:
    with asking(store, settings) as made:
        yield made


def rejected(store: Store) -> list[Any]:
    return [part for part in store.parts() if part.verdict is Verdict.FAIL]


def test_a_rejected_part_is_acknowledged_with_a_reason_once(ask: Asking, store: Store) -> None:
    part = rejected(store)[0]
    body = {"part_id": part.part_id, "reason": "damage", "text": "  fell down "}
    assert ask.post("/acknowledge", **body) == (200, {"ok": True, "earlier": None})
    ask.user = User("jo", Role.ENGINEER)
    assert ask.post("/acknowledge", **body) == (200, {"ok": True, "earlier": "oli"})
    (event,) = store.events(part.part_id)
    assert (event.kind, event.who) == ("acknowledge", "oli")
    assert event.detail == {"reason": "damage", "comment": "fell down"}


def test_what_is_acknowledged_no_longer_waits(ask: Asking, store: Store) -> None:
    first, second = rejected(store)[-2:]
    hub = ask.context.hub
    hub.waiting = {part.part_id: {"part_id": part.part_id} for part in (first, second)}
    ask.post("/acknowledge", part_id=first.part_id, reason="defect")
    figures = hub.snapshot()
    assert [part["part_id"] for part in figures["waiting"]] == [second.part_id]
    assert figures["waiting_count"] == 1


def test_only_a_rejected_part_is_acknowledged_and_only_for_a_reason_of_the_list(
    ask: Asking, store: Store
) -> None:
    good = next(part for part in store.parts() if part.verdict is Verdict.PASS)
    status, told = ask.post("/acknowledge", part_id=good.part_id, reason="defect")
    assert status == 400
    assert told["error"] == f"part {good.part_id}: only a rejected part is acknowledged"
    status, told = ask.post("/acknowledge", part_id="no-part", reason="defect")
    assert (status, told["error"]) == (404, "part 'no-part': is not in the record")
    assert ask.post("/acknowledge", part_id=good.part_id, reason="bored")[0] == 422
    long = "x" * 201
    assert ask.post("/disagree", part_id=good.part_id, text=long)[0] == 422
    assert store.events(good.part_id) == []


def test_disagreeing_is_an_event_of_the_part(ask: Asking, store: Store) -> None:
    part = next(part for part in store.parts() if part.verdict is Verdict.PASS)
    assert ask.post("/disagree", part_id=part.part_id, text="scratch at the edge")[0] == 200
    (event,) = store.events(part.part_id)
    assert (event.kind, event.who, event.detail) == (
        "disagree", "oli", {"comment": "scratch at the edge"},
    )  # fmt: skip
    assert ask.post("/disagree", part_id=part.part_id, text="scratch at the edge")[0] == 200
    assert store.events(part.part_id) == [event]
    told = ask.get(f"/part/{part.part_id}")[1]
    assert told["part"]["number"] == part.number
    assert [(e["kind"], e["who"]) for e in told["events"]] == [("disagree", "oli")]


def test_pausing_triggering_and_going_on(ask: Asking, station: Station, store: Store) -> None:
    assert ask.post("/pause")[0] == 200
    assert station.paused
    assert ask.post("/resume")[0] == 200
    assert not station.paused
    before = store.head().count
    status, told = ask.post("/trigger", serial="S-77")
    assert status == 200
    wait_for(lambda: store.head().count > before, 20)
    (part,) = store.parts(limit=1)
    assert (part.trigger_id, part.serial, part.source) == (told["trigger_id"], "S-77", "page: oli")
    kinds = [(action.kind, action.who) for action in store.actions(limit=2)]
    assert kinds == [("resumed", "oli"), ("paused", "oli")]


def test_a_station_its_camera_triggers_is_not_triggered_by_hand(
    store: Store, settings: StationFile
) -> None:
    with asking(store, replace(settings, trigger="camera")) as other:
        other.language = "ko"
        status, told = other.post("/trigger")
    assert status == 409
    assert told["error"] == Words().say("operator.camera_triggers", "ko")


def test_the_product_is_changed_by_engineers_unless_the_station_file_says_otherwise(
    ask: Asking, station: Station, store: Store, settings: StationFile
) -> None:
    words = Words()
    assert ask.post("/product", product="bracket") == (
        403, {"ok": False, "error": words.say("operator.not_allowed", "en")},
    )  # fmt: skip
    assert ask.get("/about")[1]["may"]["product"] is False
    assert station.product == "flange"
    ask.user = User("mia", Role.ENGINEER)
    assert ask.post("/product", product="bracket")[0] == 200
    assert station.product == "bracket"
    status, told = ask.post("/product", product="gear")
    assert status == 409
    assert told["error"] == "product 'gear': no recipe for it; allowed: flange, bracket"
    with asking(store, replace(settings, operator_may_change_product=True)) as freer:
        assert freer.get("/about")[1]["may"]["product"] is True
        assert freer.post("/product", product="flange")[0] == 200
    assert station.product == "flange"


def test_about_tells_products_permissions_and_patterns(ask: Asking) -> None:
    about = ask.get("/about")[1]
    assert about["products"] == ["flange", "bracket"]
    assert (about["trigger"], about["latch_fail"]) == ("plant", True)
    assert about["may"] == {
        "acknowledge": True, "disagree": True, "trigger": True, "pause": True, "resume": True,
        "product": False,
    }  # fmt: skip


@pytest.fixture
def badged(store: Store, settings: StationFile, tmp_path: Path) -> Iterator[Asking]:
    """A station that asks for a PIN or badge."""
    users = Users(tmp_path / "users.json", hasher=PasswordHasher(1, 8, 1))
    users.add_first("ada", "correct horse battery")
    users.add("kim", "correct horse battery", Role.OPERATOR)
    users.badges.set("kim", "714 902")
    wanted = replace(settings, acknowledge_by_badge=True)
    with asking(store, wanted, users=users) as made:
        yield made


def test_a_badge_says_who_acknowledges_whoever_is_signed_in(badged: Asking, store: Store) -> None:
    assert badged.get("/about")[1]["badge"] is True
    part = next(part for part in store.parts(newest_first=False) if part.verdict is Verdict.FAIL)
    told = badged.post("/acknowledge", part_id=part.part_id, reason="dirt", badge="714 903")
    assert told == (
        403, {"ok": False, "error": "This PIN or badge is not known. Nothing was noted."}
    )  # fmt: skip
    assert badged.post("/disagree", part_id=part.part_id)[0] == 403
    before = len(store.events(part.part_id))
    told = badged.post("/disagree", part_id=part.part_id, text="no", badge="714 902")
    assert told == (200, {"ok": True})
    event = store.events(part.part_id)[before]
    assert (event.kind, event.who) == ("disagree", "kim")
    assert "714" not in str(event.detail)


def test_guessing_a_badge_is_slowed(badged: Asking, store: Store) -> None:
    (part,) = store.parts(limit=1)
    for _ in range(5):
        assert badged.post("/disagree", part_id=part.part_id, badge="1" * 9)[0] == 403
    status, told = badged.post("/disagree", part_id=part.part_id, badge="714 902")
    assert (status, told["error"][:24]) == (429, "Too many failed attempts")


def test_since_when_a_recipe_is_on_the_line(ask: Asking, station: Station, folder: Path) -> None:
    recipe_id = station.snapshot()["recipes"]["main"]
    assert ask.get(f"/recipe/{recipe_id}") == (200, {})
    station.store.add_action("recipe_on_line", "mia", detail={"recipe_id": recipe_id})
    told = ask.get(f"/recipe/{recipe_id}")[1]
    assert told["who"] == "mia"
    assert told["since"].startswith("20")


def test_the_good_part_to_compare_with_is_told_with_its_picture(
    ask: Asking, station: Station, store: Store
) -> None:
    parts = store.parts(newest_first=False)
    bad = [p for p in parts if p.verdict is Verdict.FAIL][-1]
    passed = next(p for p in parts if p.verdict is Verdict.PASS)
    path = f"/reference/{bad.recipe_id}"
    reference = {"kind": "reference", "number": None, "picture": API + path, "to_part": None}
    assert ask.get(f"/good/{bad.part_id}") == (200, reference)
    picture = ask.raw(path)
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/jpeg")
    assert decode_image(picture.content, "reference").shape == (256, 256, 3)
    assert ask.raw("/reference/no-recipe").status_code == 404
    station.store.add_event(passed.part_id, "label", "jo", detail={"label": "OK"})
    told = ask.get(f"/good/{bad.part_id}")[1]
    assert (told["kind"], told["number"]) == ("labelled", passed.number)
    assert told["picture"] == f"/pictures/{passed.part_id}/screen"
    assert ask.get("/good/no-part")[0] == 404
