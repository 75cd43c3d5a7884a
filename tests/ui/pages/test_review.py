"""The review page's work: who wants a look first, what people said, masks, datasets."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import json
import re
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import gradio as gr
import numpy as np
import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient
from PIL import Image

from cameras import Frame
from inspection.errors import InspectionError
from inspection.judgement import Judgement, Region, Verdict, core_mask
from inspection.judging.judge import inspect
from inspection.labels.dataset_export import DatasetDraft, DatasetError, datasets, in_test
from inspection.labels.defect_types import FIRST, Defects, DefectsError, folder_of
from inspection.labels.labels import KINDS, Labels, PartLabels, agreement
from inspection.labels.mask_proposal import from_heat, from_regions
from inspection.labels.masks import LARGEST_BYTES, MaskError, Masks, decode, encode
from inspection.labels.review_queue import Key, Queue, State
from inspection.reasons import Reason
from inspection.station.station_file import ProductSettings, StationFile, ViewSettings
from inspection.store import NewPart, PartRecord, open_store
from inspection.store.event_kinds import EventKind
from inspection.store.filters import ALL_PARTS, PartFilter, Prefix, read_filter
from inspection.store.reading.outline import events_since, numbered, outlines
from inspection.training.dataset_folder import good_files, test_files
from ui.core import errors as refuse
from ui.core.context import Context
from ui.live.hub import Hub
from ui.live.station_client import Refused, StationClient, StationGone
from ui.pages.labels.service import LabelsWork
from ui.pages.review import routes as review
from ui.pages.review.around import per_hour
from ui.pages.review.choice import FIRST as FIRST_CHOICE
from ui.pages.review.choice import Choice
from ui.pages.review.requests import Filter
from ui.security.sessions import Sessions
from ui.security.users import Role, User, Users
from ui.words import Words

test_files.__test__ = False  # type: ignore[attr-defined]  # a function of ours, not a test
API = "/api/engineer/review"
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
WIDTH, HEIGHT = 48, 32


class Bench:
    """A record with its writer, and the review page's routes for each person."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = open_store(folder / "parts.db")
        self.reader = open_store(folder / "parts.db", read_only=True)
        self.gone = False
        self.count = 0
        settings = StationFile(
            station="line-1",
            record=str(folder / "parts.db"),
            views=(ViewSettings(camera="simulated"),),
            products=(ProductSettings(name="flange", recipe=folder / "flange.recipe"),),
        )
        users = Users(settings.page_folder / "users.json")
        runtime = Direct(self)
        self.context = Context(
            station_path=folder / "station.toml",
            settings=settings,
            store=self.reader,
            runtime=runtime,
            hub=Hub(settings, self.reader, runtime),
            users=users,
            sessions=Sessions(settings.page_folder / "secret", users),
            words=Words(),
        )
        self.page_folder = settings.page_folder
        self.work = LabelsWork(self.context)
        self.app = FastAPI()
        refuse.install(self.app)
        self.app.include_router(review.routes(self.context))
        self.clients: dict[str, TestClient] = {}

    def close(self) -> None:
        self.reader.close()
        self.store.close()

    def add(self, verdict: Verdict = Verdict.PASS, **fields: Any) -> PartRecord:
        """Record a part; `score`, `zone`, `picture` and fields of NewPart may be given."""
        self.count += 1
        judged = verdict is not Verdict.CANNOT_INSPECT
        score = fields.pop("score", {Verdict.PASS: 5.0}.get(verdict, 9.0))
        zone = fields.pop("zone", None)
        region = Region(
            x_px=8, y_px=4, width_px=10, height_px=8, area_px=60.0, area_mm2=None,
            peak_score=9.0, zone=zone,
        )  # fmt: skip
        judgement = Judgement(
            verdict=verdict,
            cause=Reason("other", {"text": "because"}),
            recipe_id=fields.pop("recipe_id", "c0ffee"),
            score=score if judged else None,
            p_value=0.5 if judged else None,
            threshold=7.0 if judged else None,
            regions=(region,) if verdict in (Verdict.FAIL, Verdict.REVIEW) else (),
        )
        given: dict[str, Any] = {"station": "line-1", "product": "flange"}
        given["judged_at"] = NOW + timedelta(minutes=self.count)
        if fields.pop("picture", True):
            pixels = np.full((HEIGHT, WIDTH, 3), self.count % 256, np.uint8)
            given["image_bytes"] = cv2.imencode(".png", pixels)[1].tobytes()
        return self.store.add(NewPart(judgement=judgement, **given | fields))

    def said(self, part: PartRecord, who: str, label: str | None, **detail: Any) -> int:
        return self.store.add_event(
            part.part_id, "label", who, detail={"label": label, **detail}
        ).number

    def queue(self) -> Queue:
        queue = Queue(self.reader, "line-1")
        queue.refresh()
        return queue

    def order(self, who: str = "mia", **wanted: Any) -> list[int]:
        state = wanted.pop("state", State.TODO)
        return self.queue().page(PartFilter(**wanted), who, state=state, limit=100).numbers

    def post(self, who: str, path: str, **what: Any) -> dict[str, Any]:
        """Ask as a person; gives the answer with its status."""
        answer = self._client(who).post(f"{API}/{path}", json=what)
        return {"status": answer.status_code, **answer.json()}

    def change_types(self, types: list[str]) -> dict[str, Any]:
        """Change the types of defects as mia; gives the answer with its status."""
        return self._do(self.work.change_types(self._asked("mia"), types), "defects")

    def export(self, name: str, *, test_percent: int = 20, **which: Any) -> dict[str, Any]:
        """Make a dataset as mia; gives the answer with its status."""
        chosen = replace(read_filter(which), station="line-1")
        making = self.work.make_dataset(
            self._asked("mia"), chosen, name=name, test_percent=test_percent
        )
        return self._do(making, "counts")

    def _asked(self, who: str) -> Request:
        return Request(
            {"type": "http", "headers": [], "user": User(who, Role.ENGINEER), "language": "en"}
        )

    def _do(self, work: Any, name: str) -> dict[str, Any]:
        try:
            return {"status": 200, name: asyncio.run(work)}
        except refuse.Refuse as error:
            return {"status": error.status, "error": str(error)}
        except InspectionError as error:
            return {"status": 409, "error": str(error)}

    def get(self, who: str, path: str) -> Any:
        return self._client(who).get(f"{API}/{path}")

    def _client(self, who: str) -> TestClient:
        if who not in self.clients:
            role = Role.ADMINISTRATOR if who == "ada" else Role.ENGINEER
            self.clients[who] = TestClient(As(self.app, User(who, role)))
        return self.clients[who]


class As:
    """What the gate does: says who asks."""

    def __init__(self, app: FastAPI, user: User) -> None:
        self.app, self.user = app, user

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        scope.update(user=self.user, language="en")
        await self.app(scope, receive, send)


class Direct(StationClient):
    """The station's side of the wire without the wire."""

    def __init__(self, bench: Bench) -> None:
        super().__init__(bench.folder)
        self.bench = bench

    async def do(self, verb: str, **what: Any) -> dict[str, Any]:
        if self.bench.gone:
            raise StationGone("the station is not running")
        detail = what["detail"]
        if verb == "event":
            done = self.bench.store.add_event(
                what["part_id"], what["kind"], what["who"], detail=detail
            )
            return {"number": done.number}
        if verb != "action":
            raise Refused(verb)
        return {
            "number": self.bench.store.add_action(what["kind"], what["who"], detail=detail).number
        }


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.close()


# The queue


def test_the_queue_is_ordered_by_need(bench: Bench) -> None:
    near, far = bench.add(score=6.9), bench.add(score=3.0)
    nearer = bench.add(score=6.95)
    fail = bench.add(Verdict.FAIL)
    blind = bench.add(Verdict.CANNOT_INSPECT)
    bench.add(Verdict.CANNOT_INSPECT, picture=False)
    old, new = bench.add(Verdict.REVIEW), bench.add(Verdict.REVIEW)
    doubted, differ, done = bench.add(), bench.add(), bench.add(Verdict.FAIL)
    bench.store.add_event(doubted.part_id, "disagree", "oli", detail={"comment": "looks fine"})
    bench.said(differ, "jo", "OK")
    bench.said(differ, "ada", "NG")
    bench.said(done, "jo", "NG")

    expected = [differ, doubted, new, old, blind, fail, nearer, near, far]
    assert bench.order() == [part.number for part in expected]
    assert bench.order(state=State.ALL) == [part.number for part in [*expected, done]]


def test_the_filters(bench: Bench) -> None:
    a = bench.add(Verdict.FAIL, lot="A", zone="rim", product="nut", recipe_id="r1")
    b = bench.add(Verdict.REVIEW, lot="B", zone="bore", recipe_id="r2")
    c = bench.add(lot="B")
    bench.store.add_event(c.part_id, "acknowledge", "oli", detail={})
    bench.said(a, "mia", "NG")
    bench.said(b, "jo", "OK")

    def numbers(**wanted: Any) -> list[int]:
        return sorted(bench.order(**{"state": State.ALL, **wanted}))

    assert numbers() == [1, 2, 3]
    assert numbers(lot="B") == [2, 3]
    assert numbers(lot="C") == []
    assert numbers(verdict=Verdict.FAIL) == [1]
    assert numbers(zone="rim") == [1]
    assert numbers(product="flange") == [2, 3]
    assert numbers(recipe_id="r2", lot="B") == [2]
    assert numbers(since=b.judged_at) == [2, 3]
    assert numbers(until=b.judged_at) == [1]
    assert numbers(state=State.TODO) == [3]
    assert numbers(state=State.UNLABELLED) == [3]
    assert numbers(state=State.MINE) == [1]
    assert numbers(state=State.SECOND) == [2]
    assert numbers(state=State.LABELLED) == [1, 2]
    assert numbers(state=State.DISAGREEMENTS) == []
    choices = bench.queue().choices()
    assert choices["lots"] == ["B", "A"]
    assert (choices["zones"], choices["people"]) == (["bore", "rim"], ["jo", "mia"])


def test_pages_join_without_gap_or_repeat(bench: Bench) -> None:
    for i in range(25):
        bench.add([Verdict.PASS, Verdict.FAIL, Verdict.REVIEW][i % 3], score=7.5 - i % 4)
    queue, after, found = bench.queue(), None, []
    whole = queue.page(ALL_PARTS, "mia", limit=100).numbers
    while True:
        page = queue.page(ALL_PARTS, "mia", after=after, limit=4)
        assert page.total == 25
        if not page.numbers:
            break
        found += page.numbers
        after = page.keys[-1]
    assert found == whole
    assert len(set(whole)) == 25


def test_the_queue_takes_what_is_new_only(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    first = bench.add(Verdict.REVIEW)
    queue = bench.queue()
    asked: list[int] = []
    monkeypatch.setattr(
        "inspection.labels.review_queue.outlines",
        lambda store, **what: asked.append(what["after_number"]) or outlines(store, **what),
    )
    second = bench.add(Verdict.REVIEW)
    bench.said(first, "mia", "OK")
    queue.refresh()
    assert asked == [1, 2]
    assert queue.page(ALL_PARTS, "mia").numbers == [second.number]


def test_choices_that_nobody_touched_are_those_the_page_begins_with(bench: Bench) -> None:
    async def wanted_by(event: gr.Request, *values: Any) -> dict[str, Any]:
        with gr.Blocks(analytics_enabled=False):  # it wants a loop at work
            choice = Choice(bench.context, review.review_of(bench.context), gr.I18n(en={}))
        return await choice.wanted(event, *values)

    def wanted(*values: Any) -> dict[str, Any]:
        return asyncio.run(wanted_by(gr.Request(bench._asked("mia")), *values))

    begun = wanted("todo", "all", None, None, None, "", "", "", "")
    assert list(begun.items()) == list(FIRST_CHOICE.items())  # or the page would begin twice
    since = datetime(2026, 3, 5, 6, tzinfo=UTC)
    chosen = wanted("all", "own", since, None, "L*", "nut", "", "FAIL", "rim")
    assert json.loads(json.dumps(chosen)) == chosen
    asked = Filter.model_validate(chosen)
    assert (asked.state, asked.of(bench.context.settings)) == (
        State.ALL,
        PartFilter(
            station="line-1", lot=Prefix("L"), product="nut", zone="rim", since=since,
            verdict=Verdict.FAIL,
        ),
    )  # fmt: skip
    operator = Request(
        {"type": "http", "headers": [], "user": User("oli", Role.OPERATOR), "language": "en"}
    )
    with pytest.raises(gr.Error, match="oli"):
        asyncio.run(wanted_by(gr.Request(operator), *[None] * 9))


def test_parts_of_another_station_and_removed_pictures_are_not_shown(bench: Bench) -> None:
    bench.add(Verdict.REVIEW, station="line-2")
    removed = bench.add(Verdict.REVIEW)
    with bench.store.writing("test") as connection:
        connection.exec_driver_sql(f"INSERT INTO removals VALUES ({removed.number}, 1)")
    kept = bench.add(Verdict.REVIEW)
    assert bench.order() == [kept.number]


def test_outlines_and_events_are_read_in_pieces(bench: Bench) -> None:
    parts = [bench.add(Verdict.FAIL, zone="rim") for _ in range(5)]
    events = [bench.said(part, "mia", "OK") for part in parts]
    page = outlines(bench.reader, station="line-1", after_number=1, limit=2)
    assert [(each.number, each.zones, each.has_image) for each in page] == [
        (2, ("rim",), True),
        (3, ("rim",), True),
    ]
    assert page[0].judged_at_s == parts[1].judged_at.timestamp()
    some = events_since(bench.reader, KINDS, after_number=events[0], limit=3)
    assert [event.number for event in some] == events[1:4]
    assert [part.number for part in numbered(bench.reader, [4, 9, 2])] == [4, 2]


# What people said


def _labels(bench: Bench, part: PartRecord) -> PartLabels:
    labels = Labels()
    labels.take(events_since(bench.reader, KINDS, after_number=0))
    return labels.of(part.part_id)


def test_the_latest_of_each_person_counts_and_two_may_differ(bench: Bench) -> None:
    part = bench.add()
    bench.said(part, "mia", "OK")
    bench.said(part, "mia", "NG", defect="dent")
    assert _labels(bench, part).outcome.label == "NG"  # type: ignore[union-attr]
    bench.said(part, "jo", "OK")
    labels = _labels(bench, part)
    assert labels.parties == {"mia", "jo"}
    assert labels.outcome is None
    bench.said(part, "ada", "OK", decides=True)
    labels = _labels(bench, part)
    assert labels.parties == frozenset()
    assert (labels.outcome.who, labels.outcome.label) == ("ada", "OK")  # type: ignore[union-attr]
    bench.said(part, "ada", None, undoes=4)
    assert _labels(bench, part).parties == {"mia", "jo"}


@pytest.mark.parametrize(
    ("one", "other", "differ"),
    [
        (("NG", "dent"), ("NG", "dent"), False),
        (("NG", "dent"), ("NG", None), False),
        (("NG", "dent"), ("NG", "crack"), True),
        (("OK", None), ("NG", None), True),
    ],
)
def test_what_is_a_difference(bench: Bench, one: Any, other: Any, differ: bool) -> None:
    part = bench.add()
    for who, (label, defect) in (("mia", one), ("jo", other)):
        bench.said(part, who, label, defect=defect)
    assert bool(_labels(bench, part).parties) is differ


def test_a_doubt_lasts_until_somebody_labels(bench: Bench) -> None:
    part = bench.add()
    bench.said(part, "mia", "OK")
    bench.store.add_event(part.part_id, "disagree", "oli", detail={})
    assert _labels(bench, part).doubted
    bench.said(part, "mia", "OK")
    assert not _labels(bench, part).doubted


def test_labels_that_are_not_ours_count_as_not_said(bench: Bench) -> None:
    part = bench.add()
    bench.store.add_event(part.part_id, "label", "x", detail={"label": ["NG"], "defect": 7})
    labels = _labels(bench, part)
    assert (labels.latest, labels.outcome) == ({}, None)


def test_kappa_against_known_numbers() -> None:
    # J. Cohen's statistic, the textbook table 20/5/10/15: observed 0.70, by chance 0.50, kappa 0.40.
    table = {("OK", "OK"): 20, ("OK", "NG"): 5, ("NG", "OK"): 10, ("NG", "NG"): 15}
    found = agreement("a", "b", table)
    assert (found.parts, found.agreed) == (50, 0.7)
    assert found.kappa == pytest.approx(0.4)
    # 45/15/25/15: observed 0.60, by chance 0.54.
    low = agreement(
        "a", "b", {("OK", "OK"): 45, ("OK", "NG"): 15, ("NG", "OK"): 25, ("NG", "NG"): 15}
    )
    assert low.kappa == pytest.approx(0.06 / 0.46)
    assert agreement("a", "b", {("OK", "OK"): 9}).kappa is None
    assert agreement("a", "b", {("OK", "NG"): 2, ("NG", "OK"): 2}).kappa == pytest.approx(-1.0)


def test_agreement_is_of_first_labels_not_taken_back(bench: Bench) -> None:
    changed, slip, decided = bench.add(), bench.add(), bench.add()
    bench.said(changed, "mia", "OK")
    bench.said(changed, "jo", "NG")
    bench.said(changed, "jo", "OK")  # gave in after seeing the other's
    wrong = bench.said(slip, "mia", "NG")
    bench.said(slip, "mia", None, undoes=wrong)
    bench.said(slip, "mia", "OK")
    bench.said(slip, "jo", "OK")
    bench.said(decided, "mia", "OK")
    bench.said(decided, "jo", "NG")
    bench.said(decided, "ada", "NG", decides=True)
    pairs = bench.work.agreement()
    assert [(list(pair.people), pair.parts, pair.agreed) for pair in pairs] == [
        (["jo", "mia"], 3, pytest.approx(1 / 3))
    ]


# Through the routes


def test_a_label_is_recorded_with_who_and_what(bench: Bench) -> None:
    part = bench.add(Verdict.FAIL)
    answer = bench.post("mia", "label", part_id=part.part_id, label="NG", defect="scratch")
    assert answer["status"] == 200
    (event,) = bench.store.events(part.part_id)
    assert (event.kind, event.who) == ("label", "mia")
    assert event.detail == {
        "label": "NG", "defect": "scratch", "mask": None, "sha256": None, "decides": False
    }  # fmt: skip
    assert answer["part"]["mine"]["number"] == event.number
    assert bench.post("mia", "queue")["parts"] == []


@pytest.mark.parametrize(
    ("what", "status", "text"),
    [
        ({"label": "MAYBE"}, 422, ""),
        ({"label": "OK", "defect": "scratch"}, 400, "neither"),
        ({"label": "NG", "defect": "../../etc"}, 400, "not in the list"),
        ({"label": "OK", "decides": True}, 409, "nothing for mia to decide"),
        ({"label": "NG", "mask": "!!!!"}, 400, "base64"),
        ({"label": "NG", "mask": "aGVsbG8="}, 409, "is not a PNG"),
    ],
)
def test_labels_that_are_refused(bench: Bench, what: Any, status: int, text: str) -> None:
    part = bench.add()
    answer = bench.post("mia", "label", part_id=part.part_id, **what)
    assert answer["status"] == status, answer
    assert text in answer.get("error", "")
    assert bench.store.events(part.part_id) == []


def test_a_part_that_is_not_there_is_refused(bench: Bench) -> None:
    assert bench.post("mia", "label", part_id="../x", label="OK")["status"] == 404
    assert bench.post("mia", "part", part_id="../x")["status"] == 404


def test_without_the_station_nothing_counts_as_saved(bench: Bench) -> None:
    part = bench.add(Verdict.REVIEW)
    bench.gone = True
    answer = bench.post("mia", "label", part_id=part.part_id, label="OK")
    assert answer["status"] == 503
    assert answer["error"] == bench.context.words.say("review.no_station", "en")
    assert [each["part_id"] for each in bench.post("mia", "queue")["parts"]] == [part.part_id]
    assert bench.change_types(["burr"])["status"] == 503
    assert "defect-2" in (page := bench.get("mia", "screen").json()["html"])
    assert [name for name in FIRST if f'data-defect="{name}"' not in page] == []


def test_undo_gives_back_what_was_said_before(bench: Bench) -> None:
    part = bench.add()
    first = bench.post("mia", "label", part_id=part.part_id, label="NG", defect="dent")["part"][
        "mine"
    ]
    second = bench.post("mia", "label", part_id=part.part_id, label="OK")["part"]["mine"]
    assert bench.post("mia", "undo", part_id=part.part_id, number=first["number"])["status"] == 409
    assert bench.post("jo", "undo", part_id=part.part_id, number=second["number"])["status"] == 409
    back = bench.post("mia", "undo", part_id=part.part_id, number=second["number"])
    assert (back["part"]["mine"]["label"], back["part"]["mine"]["defect"]) == ("NG", "dent")
    again = back["part"]["mine"]["number"]
    assert bench.post("mia", "undo", part_id=part.part_id, number=again)["status"] == 409

    other = bench.add(Verdict.REVIEW)
    only = bench.post("mia", "label", part_id=other.part_id, label="OK")["part"]["mine"]
    gone = bench.post("mia", "undo", part_id=other.part_id, number=only["number"])
    assert gone["part"]["mine"] is None
    assert bench.store.events(other.part_id)[-1].detail == {"label": None, "undoes": only["number"]}
    assert other.number in bench.order()


def test_a_session_counts_what_was_labelled_since_signing_in_and_names_the_last(
    bench: Bench,
) -> None:
    parts = [bench.add(Verdict.REVIEW) for _ in range(3)]
    bench.said(parts[0], "jo", "OK")
    given = [
        bench.post("mia", "label", part_id=part.part_id, label="NG") for part in (*parts, parts[0])
    ]
    numbers = [answer["part"]["mine"]["number"] for answer in given]
    assert [_labelled(answer) for answer in given] == [1, 2, 3, 4]
    assert given[-1]["last"] == {"part_id": parts[0].part_id, "number": numbers[3]}
    back = bench.post("mia", "undo", **given[-1]["last"])
    # What was said before counts again, and cannot be taken back by the same key.
    assert (_labelled(back), back["last"]["number"]) == (3, numbers[2])
    back = bench.post("mia", "undo", **back["last"])
    assert (_labelled(back), back["last"]["number"]) == (2, numbers[1])
    assert bench.post("jo", "queue")["last"]["part_id"] == parts[0].part_id
    assert bench.post("kim", "queue")["last"] is None
    labels = bench.queue().labels
    at = [label.at for _, label in labels.session("mia", NOW)]
    assert len(at) == 2
    assert len(labels.session("mia", at[1])) == 1
    assert labels.session("mia", at[1] + timedelta(seconds=1)) == []


def _labelled(answer: dict[str, Any]) -> int:
    found = re.search(r'data-labelled="(\d+)"', answer["html_session"])
    assert found is not None
    return int(found[1])


def test_labels_per_hour_are_those_of_the_last_quarter() -> None:
    def rate(*seconds_ago: int) -> int | None:
        return per_hour([NOW - timedelta(seconds=each) for each in seconds_ago], NOW)

    assert rate() is rate(50) is rate(50, 10) is None
    assert rate(360, 240, 120, 0) == 30
    assert rate(4000, 360, 0) == 10


def test_what_waits_is_counted_anew_with_each_label(bench: Bench) -> None:
    parts = [bench.add(Verdict.FAIL), bench.add(Verdict.FAIL), bench.add()]
    assert 'data-group="fail" data-n="2"' in bench.post("mia", "queue")["html_counts"]
    answer = bench.post(
        "mia", "label", part_id=parts[0].part_id, label="NG", filter={"verdict": "FAIL"}
    )
    assert 'data-group="fail" data-n="1"' in answer["html_counts"]
    assert 'data-group="pass"' not in answer["html_counts"]


def test_what_is_sooner_than_the_next_part_is_found(bench: Bench) -> None:
    waiting = [bench.add(score=score) for score in (6.9, 6.9, 3.0)]
    parts = bench.post("mia", "queue")["parts"]
    assert [part["number"] for part in parts] == [2, 1, 3]
    first, second = parts[0]["key"], parts[1]["key"]
    assert bench.post("mia", "queue", before=first)["parts"] == []
    fail = bench.add(Verdict.FAIL)
    found = bench.post("mia", "queue", before=second)["parts"]
    assert [part["number"] for part in found] == [fail.number, waiting[1].number]


def test_what_people_and_codes_say_is_shown_as_text(bench: Bench) -> None:
    evil = "<img src=x onerror=alert(1)>"
    part = bench.add(Verdict.FAIL, serial=evil, lot=evil, zone=evil)
    bench.store.add_event(part.part_id, "disagree", evil, detail={"comment": evil})
    bench.said(part, evil, "NG", defect=evil)
    bench.said(part, "mia", "OK")
    (shown,) = bench.post("mia", "queue", filter={"state": "all"})["parts"]
    for html in (shown["html_about"], shown["html_line"]):
        assert "<img" not in html
        assert "&lt;img src=x onerror=alert(1)&gt;" in html
    assert "Your label decides" not in shown["html_about"]
    assert (
        "Your label decides"
        in bench.post("kim", "part", part_id=part.part_id)["part"]["html_about"]
    )


def test_a_label_of_another_is_hidden_until_the_own_is_given(bench: Bench) -> None:
    part = bench.add(Verdict.FAIL)
    mask = _upload(np.full((HEIGHT, WIDTH), 255, np.uint8))
    given = bench.post("jo", "label", part_id=part.part_id, label="NG", defect="dent", mask=mask)
    number = given["part"]["mine"]["number"]
    before = bench.post("mia", "part", part_id=part.part_id)["part"]
    assert (before["others"], before["hidden"], before["mine"]) == ([], 1, None)
    assert "dent" not in json.dumps(before)
    assert bench.get("mia", f"mask/{part.part_id}/{number}").status_code == 404
    after = bench.post("mia", "label", part_id=part.part_id, label="NG")["part"]
    assert [(each["who"], each["defect"]) for each in after["others"]] == [("jo", "dent")]
    assert bench.get("mia", f"mask/{part.part_id}/{number}").status_code == 200


def test_two_differ_and_a_third_decides(bench: Bench) -> None:
    part = bench.add()
    bench.post("mia", "label", part_id=part.part_id, label="OK")
    bench.post("jo", "label", part_id=part.part_id, label="NG", defect="dent")
    refused = bench.post("mia", "label", part_id=part.part_id, label="OK", decides=True)
    assert refused["status"] == 409
    (shown,) = bench.post("kim", "queue", filter={"state": "disagreements"})["parts"]
    assert {each["who"]: each["label"] for each in shown["others"]} == {"mia": "OK", "jo": "NG"}
    assert (shown["differ"], shown["may_decide"], shown["key"][0]) == (True, True, 0)
    assert bench.order("mia") == []  # they said what they had to say
    settled = bench.post(
        "kim", "label", part_id=part.part_id, label="NG", defect="dent", decides=True
    )
    assert (settled["part"]["differ"], settled["part"]["decided"]) == (False, True)
    assert bench.post("kim", "queue", filter={"state": "disagreements"})["parts"] == []
    assert bench.store.events(part.part_id)[-1].detail["decides"] is True


def test_an_administrator_may_decide_though_a_party(bench: Bench) -> None:
    part = bench.add()
    bench.said(part, "ada", "OK")
    bench.said(part, "mia", "NG")
    assert bench.post("mia", "part", part_id=part.part_id)["part"]["may_decide"] is False
    answer = bench.post("ada", "label", part_id=part.part_id, label="NG", decides=True)
    assert answer["part"]["decided"] is True


# Masks


def _upload(alpha: np.ndarray[Any, Any]) -> str:
    """Encode as a browser's canvas does: RGBA, painted where it is opaque."""
    rgba = np.zeros((*alpha.shape, 4), np.uint8)
    rgba[..., 3] = alpha
    return base64.b64encode(cv2.imencode(".png", rgba)[1].tobytes()).decode()


def test_a_mask_is_kept_as_painted(bench: Bench) -> None:
    part = bench.add(Verdict.FAIL)
    alpha = np.zeros((HEIGHT, WIDTH), np.uint8)
    alpha[3:9, 5:20] = 255
    alpha[9, 5:20], alpha[10, 5:20] = 128, 127  # where a browser blurs the edge
    answer = bench.post("mia", "label", part_id=part.part_id, label="NG", mask=_upload(alpha))
    detail = bench.store.events(part.part_id)[0].detail
    assert detail["mask"] == f"{part.part_id}_1.png"
    data = (bench.page_folder / "labels" / detail["mask"]).read_bytes()
    assert hashlib.sha256(data).hexdigest() == detail["sha256"]
    with Image.open(io.BytesIO(data)) as image:
        assert (image.mode, image.size) == ("L", (WIDTH, HEIGHT))
    found = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(found, np.where(alpha >= 128, 255, 0))
    shown = bench.get("mia", f"mask/{part.part_id}/{answer['part']['mine']['number']}")
    assert (shown.content, shown.headers["content-type"]) == (data, "image/png")


def _png(width: int, height: int, depth: int, kind: int, rows: bytes) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
    return start + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def test_masks_of_one_bit_and_eight_bits_are_read() -> None:
    one = _png(9, 2, 1, 0, b"\0\xff\x80" + b"\0\x00\x00")
    assert decode(one, (9, 2)).tolist() == [[255] * 9, [0] * 9]
    grey = cv2.imencode(".png", np.array([[0, 127, 128, 255]], np.uint8))[1].tobytes()
    assert decode(grey, (4, 1)).tolist() == [[0, 0, 255, 255]]


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "is not a PNG"),
        (b"\xff\xd8\xff\xe0" + b"x" * 64, "is not a PNG"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>" + b" " * 64, "is not a PNG"),
        (encode(np.zeros((32, 47), np.uint8)), "is 47 x 32 px, the picture is 48 x 32 px"),
        (_png(2**31 - 1, 2**31 - 1, 8, 0, b""), "the picture is 48 x 32 px"),
        (_png(48, 32, 8, 0, b"\0" * 20), "cannot be read"),
        (_png(48, 32, 8, 2, (b"\0" + b"\xff" * 144) * 32), "has the pixel format RGB"),
        (encode(np.zeros((32, 48), np.uint8))[:50], "cannot be read"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * LARGEST_BYTES, f"at most {LARGEST_BYTES}"),
    ],
    ids=["empty", "jpeg", "svg", "size", "bomb", "short rows", "colour", "cut", "large"],
)
def test_masks_that_are_refused(data: bytes, text: str) -> None:
    with pytest.raises(MaskError, match=text):
        decode(data, (WIDTH, HEIGHT))


def test_an_empty_mask_is_refused(bench: Bench) -> None:
    part = bench.add(Verdict.FAIL)
    mask = _upload(np.zeros((HEIGHT, WIDTH), np.uint8))
    answer = bench.post("mia", "label", part_id=part.part_id, label="NG", mask=mask)
    assert (answer["status"], answer["error"]) == (400, "mask: nothing is painted in it")


def test_a_mask_is_never_written_over_or_twice(tmp_path: Path) -> None:
    masks, part_id = Masks(tmp_path), "123e4567-e89b-42d3-a456-426614174000"
    one, two = np.full((4, 4), 255, np.uint8), np.eye(4, dtype=np.uint8) * 255
    first, sha256 = masks.keep(part_id, one, number=1)
    assert masks.keep(part_id, one, number=1) == (first, sha256)
    assert masks.keep(part_id, two, number=1)[0] == f"{part_id}_2.png"
    assert masks.read(first, sha256) == encode(one)
    assert sorted(path.name for path in masks.folder.iterdir()) == [
        f"{part_id}_1.png", f"{part_id}_2.png"
    ]  # fmt: skip


def test_masks_are_read_from_their_folder_only(tmp_path: Path) -> None:
    masks = Masks(tmp_path)
    masks.folder.mkdir()
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    sha256 = hashlib.sha256(b"secret").hexdigest()
    link = masks.folder / "123e4567-e89b-42d3-a456-426614174000_1.png"
    link.symlink_to(secret)
    for name in ("../secret", str(secret), "..\\secret", "", "a.png", f"{link.name}\n", link.name):
        with pytest.raises(MaskError):
            masks.read(name, sha256)
    with pytest.raises(MaskError, match="no name of a mask"):
        masks.keep("../../x", np.zeros((2, 2), np.uint8), number=1)


def test_a_changed_mask_is_not_given_out(tmp_path: Path) -> None:
    masks, part_id = Masks(tmp_path), "123e4567-e89b-42d3-a456-426614174000"
    name, sha256 = masks.keep(part_id, np.full((4, 4), 255, np.uint8), number=1)
    (masks.folder / name).chmod(0o600)
    (masks.folder / name).write_bytes(encode(np.zeros((4, 4), np.uint8)))
    with pytest.raises(MaskError, match="was changed"):
        masks.read(name, sha256)


def test_without_its_recipe_the_proposal_is_the_outlined_region(bench: Bench) -> None:
    part, good = bench.add(Verdict.FAIL), bench.add()
    answer = bench.get("mia", f"proposal/{part.part_id}")
    mask = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_UNCHANGED)
    assert mask.shape == (HEIGHT, WIDTH)
    assert set(np.unique(mask)) == {0, 255}
    rows, columns = np.nonzero(mask)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (4, 12, 8, 18)
    assert bench.get("mia", f"proposal/{good.part_id}").status_code == 204
    assert from_regions((), (4, 4)) is None


def test_the_proposal_is_the_core_of_the_heat(line: Any, recipe: Any, spotted: Any) -> None:
    image = spotted(line.good(), 80, 110, radius_px=8)
    frame = Frame(image=image, camera="c", sequence=0, captured_at=datetime.now(UTC))
    found = inspect(frame, recipe)
    proposed = from_heat(image, found)
    assert proposed is not None
    spot = cv2.circle(np.zeros(image.shape[:2], np.uint8), (80, 110), 8, 255, -1) > 0
    assert (proposed[spot] > 0).mean() > 0.7
    np.testing.assert_array_equal(proposed > 0, core_mask(found.regions, image.shape))
    boxes = sum(each.width_px * each.height_px for each in found.regions)
    assert (proposed > 0).sum() < 0.8 * boxes  # the boxes are those of the cores themselves


# Types of defects


def test_types_of_defects_are_changed_and_noted(bench: Bench) -> None:
    answer = bench.change_types([" burr ", "キズ", "pin hole"])
    assert answer["defects"] == ("burr", "キズ", "pin hole")
    keys = re.findall(r'data-defect="([^"]*)"', bench.get("jo", "screen").json()["html"])
    assert keys == ["burr", "キズ", "pin hole"]
    (action,) = bench.store.actions()
    assert (action.kind, action.who) == ("defects_changed", "mia")
    part = bench.add()
    assert (
        bench.post("mia", "label", part_id=part.part_id, label="NG", defect="キズ")["status"] == 200
    )


def test_the_queue_is_never_waited_for_on_the_event_loop(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever reads a long record holds the queue's lock; other pages must not stand still."""
    part = bench.add()
    refresh, asked = Queue.refresh, []

    def watching(queue: Queue) -> Any:
        with pytest.raises(RuntimeError, match="no running event loop"):
            asyncio.get_running_loop()
        asked.append(queue)
        return refresh(queue)

    monkeypatch.setattr(Queue, "refresh", watching)
    assert bench.post("mia", "queue")["status"] == 200
    assert bench.post("mia", "part", part_id=part.part_id)["status"] == 200
    assert bench.post("mia", "label", part_id=part.part_id, label="OK")["status"] == 200
    assert len(asked) == 4


def test_types_that_cannot_be(bench: Bench) -> None:
    numbers = [str(n) for n in range(10)]
    for types in ([], ["a"] * 2, ["a", "A"], numbers, ["../x"], ["good"], ["a/b"], [".."], ["x" * 41],
                  [""], ["a\nb"], ["pin hole", "pin_hole"]):  # fmt: skip
        assert bench.change_types(types)["status"] == 409, types
    assert Defects(bench.page_folder).list() == FIRST
    assert bench.store.actions() == []


def test_a_damaged_list_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "defects.json").write_text('{"format": 9, "types": ["a"]}')
    with pytest.raises(DefectsError, match="format 9"):
        Defects(tmp_path).list()


def test_every_first_type_has_a_text() -> None:
    assert {f"review.defect_{name}" for name in FIRST} <= Words().keys
    assert folder_of("Pin  hole") == "pin_hole"


# Datasets


@pytest.fixture
def labelled(bench: Bench) -> Bench:
    """Ten OK, two scratches (one with a mask), one NG of no type, one difference, one lost picture."""
    for _ in range(10):
        bench.said(bench.add(), "mia", "OK")
    alpha = np.zeros((HEIGHT, WIDTH), np.uint8)
    alpha[2:5, 2:5] = 255
    for mask in (_upload(alpha), None):
        part = bench.add(Verdict.FAIL)
        bench.post("mia", "label", part_id=part.part_id, label="NG", defect="scratch", mask=mask)
    bench.said(bench.add(Verdict.FAIL), "mia", "NG", defect="../../evil")
    differ = bench.add()
    bench.said(differ, "mia", "OK")
    bench.said(differ, "jo", "NG")
    lost = bench.add()
    bench.said(lost, "mia", "OK")
    path = bench.store.image_path(lost)
    assert path is not None
    path.unlink()
    bench.add()
    return bench


def test_a_part_to_be_ignored_is_in_no_dataset(bench: Bench) -> None:
    parts = [bench.add() for _ in range(3)]
    for part in parts:
        bench.said(part, "mia", "OK")
    ignore = {"label": None, "ignore": True}
    bench.store.add_event(parts[0].part_id, EventKind.LABEL, "jo", detail=ignore)
    counts = bench.export("second", test_percent=0)["counts"]
    assert (counts["train_good"], counts["left_out"]) == (2, {"ignored": 1})


def test_a_dataset_in_the_mvtec_layout(labelled: Bench) -> None:
    bench = labelled
    answer = bench.export("first", test_percent=30)
    assert answer["status"] == 200, answer
    good = [part for part in bench.store.parts(limit=99) if part.number <= 10]
    kept = sum(in_test(part.part_id, 30) for part in good)
    counts = answer["counts"]
    assert counts["train_good"] == 10 - kept
    assert {k: v for k, v in counts["test"].items() if k != "good"} == {"scratch": 2, "defect": 1}
    assert counts["test"].get("good", 0) == kept
    assert (counts["masks"], counts["left_out"]) == (1, {"disagreement": 1, "no_picture": 1})
    folder = bench.page_folder / "datasets" / "first"
    assert len(good_files(folder)) == 10 - kept
    found = {each.path.name: each for each in test_files(folder) if each.defective}
    assert sorted(found) == ["00000011.png", "00000012.png", "00000013.png"]
    mask = found["00000011.png"].mask
    assert mask == folder / "ground_truth" / "scratch" / "00000011_mask.png"
    assert int((cv2.imread(str(mask), cv2.IMREAD_UNCHANGED) == 255).sum()) == 9
    assert found["00000012.png"].mask is None
    part = bench.store.parts(limit=99)[-11]
    original = bench.store.image_path(part)
    assert original is not None
    copy = folder / "test" / "scratch" / f"{part.number:08d}.png"
    assert copy.read_bytes() == original.read_bytes()
    assert not (bench.page_folder / "evil").exists()
    assert [path.name for path in folder.parent.iterdir()] == ["first"]
    (action,) = bench.store.actions()
    assert (action.kind, action.who, action.detail["name"]) == ("dataset_made", "mia", "first")
    (told,) = bench.work.kept()
    assert (told["name"], told["counts"]) == ("first", counts)


def test_a_dataset_takes_what_the_filter_lets_through(labelled: Bench) -> None:
    answer = labelled.export("fails", verdict="FAIL")
    assert answer["counts"]["test"] == {"scratch": 2, "defect": 1}
    assert answer["counts"]["train_good"] == 0
    none = labelled.export("none", lot="x")
    assert (none["status"], "no labelled part" in none["error"]) == (409, True)
    assert [each["name"] for each in datasets(labelled.page_folder / "datasets")] == ["fails"]


def test_names_of_datasets_that_cannot_be(labelled: Bench) -> None:
    before = sorted(labelled.folder.rglob("*"))
    for name in ("", ".", "..", "../x", "a/b", "a\\b", "/tmp/x", ".hidden", "a b", "x" * 41, "é", "a\n",
                 "CON", "-a"):  # fmt: skip
        answer = labelled.export(name)
        assert (answer["status"], "a name has" in answer["error"]) == (409, True), name
    assert sorted(labelled.folder.rglob("*")) == before


def test_a_dataset_is_never_half_there(labelled: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = labelled.page_folder / "datasets"
    labelled.gone = True
    assert labelled.export("a")["status"] == 503
    assert list(folder.iterdir()) == []
    labelled.gone = False
    monkeypatch.setattr("inspection.labels.dataset_export._write", _full_after(5))
    answer = labelled.export("a")
    assert (answer["status"], "No space left" in answer["error"]) == (409, True)
    assert list(folder.iterdir()) == []
    assert labelled.store.actions() == []


def _full_after(files: int) -> Callable[[Path, bytes], None]:
    left = iter(range(files))

    def write(path: Path, data: bytes) -> None:
        if next(left, None) is None:
            raise OSError(28, "No space left on device")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    return write


def test_a_name_is_given_once(labelled: Bench) -> None:
    assert labelled.export("a")["status"] == 200
    again = labelled.export("a")
    assert (again["status"], "is there already" in again["error"]) == (409, True)
    draft = DatasetDraft(labelled.page_folder / "datasets", "b")
    draft.aside.mkdir()
    (draft.target / "x").mkdir(parents=True)
    with pytest.raises(DatasetError, match="is there already"):
        draft.place()
    assert not draft.aside.exists()


def test_the_share_for_testing_is_kept_and_steady() -> None:
    ids = [f"part {n}" for n in range(2000)]
    share = sum(in_test(each, 20) for each in ids) / len(ids)
    assert 0.17 < share < 0.23
    assert not any(in_test(each, 0) for each in ids)


def test_a_key_is_a_place_in_the_queue() -> None:
    key: Key = (4, -0.98, 12)
    assert json.loads(json.dumps(key)) == list(key)
