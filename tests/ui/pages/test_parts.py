"""What the parts page finds and tells, over a real record whose every score is known."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import gradio as gr
import pytest

from inspection.judgement import Verdict
from inspection.station.station_file import read_station
from inspection.store import Store, open_store
from inspection.store.filters import PartFilter
from tests.ui.filled_record import BEGAN, CANNOT, STATION, filled, part, region
from ui.core.context import Context
from ui.core.part_choice import FIELDS, PartChoice
from ui.core.wording import Wording
from ui.pages.parts.handlers import ASKED, Handlers, _fields
from ui.security.users import Role, User
from ui.words import Words


class Page:
    """The handlers of the page, asked as an engineer's browser asks them."""

    def __init__(self, context: Context, role: Role = Role.ENGINEER) -> None:
        choice = object.__new__(PartChoice)  # its components are not needed
        choice.context = context
        self.do = Handlers(context, choice)
        scope = {"user": User("mia", role), "language": "en"}
        self.event: Any = SimpleNamespace(request=SimpleNamespace(scope=scope, cookies={}))

    def list(self, which: str = "newest", *first: Any, **asked: Any) -> list[Any]:
        given = [asked.get(name) for name in ASKED]
        given[ASKED.index("span")] = asked.get("span", "all")
        table, *others = asyncio.run(getattr(self.do, which)(self.event, *first, *given))
        return [table["value"], *others]

    def numbers(self, **asked: Any) -> list[int]:
        return [int(row[0]) for row in self.list(**asked)[0]["data"]]

    def show(self, number: int | None, *, heat: bool = False, outlines: bool = True) -> list[Any]:
        found = list(asyncio.run(self.do.show(number, heat, outlines, self.event)))
        return [*found[:4], *(each.get("value") for each in found[4:])]


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Store]:
    (tmp_path / "station.toml").write_text(STATION)
    with open_store(tmp_path / "parts.db") as store:
        filled(store)
        yield store


@pytest.fixture
def context(writer: Store, tmp_path: Path) -> Context:
    settings = read_station(tmp_path / "station.toml")
    given: dict[str, Any] = dict.fromkeys(Context.__dataclass_fields__)
    return Context(**given | {"settings": settings, "store": writer, "words": Words()})


@pytest.fixture
def page(context: Context) -> Page:
    return Page(context)


def test_search_pages_through_all_and_back(page: Page) -> None:
    def told(found: list[Any]) -> tuple[list[int], bool, bool]:
        table, _, _, newer, older, _ = found
        return [int(row[0]) for row in table["data"]], older["interactive"], newer["interactive"]

    first = page.list()
    assert told(first) == (list(range(250, 200, -1)), True, False)
    second = page.list("older", first[2])
    assert told(second) == (list(range(200, 150, -1)), True, True)
    assert told(page.list("newer", second[2])) == (list(range(250, 200, -1)), True, False)
    last = page.list("older", (101, 51))
    assert told(last) == (list(range(50, 0, -1)), False, True)


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        ({"serial": "S0007"}, 1),
        ({"serial": "S000*"}, 10),
        ({"serial": "s0007"}, 0),
        ({"lot": "L2", "verdict": "FAIL"}, 20),
        ({"verdict": "CANNOT_INSPECT"}, CANNOT),
        ({"product": "flange", "serial": " S0016 "}, 1),
        ({"product": "other"}, 0),
        ({"span": "own", "since": BEGAN + timedelta(minutes=245)}, 5),
        ({"part_id": "' OR 1=1 --"}, 0),
        ({"serial": "  "}, 50),
    ],
)
def test_search_by(page: Page, wanted: dict[str, Any], count: int) -> None:
    assert len(page.numbers(**wanted)) == count


@pytest.mark.parametrize("wanted", [{"verdict": "MAYBE"}, {"span": "own", "since": "at six"}])
def test_what_is_no_question_is_one_line(page: Page, wanted: dict[str, Any]) -> None:
    with pytest.raises(gr.Error) as refused:
        page.list(**wanted)
    assert "\n" not in refused.value.message


def test_one_part_with_all_its_fields_and_events(writer: Store, page: Page) -> None:
    record = writer.parts(PartFilter(serial="S0230"))[0]
    writer.add_event(record.part_id, "label", "mia", detail={"label": "NG", "defect": "dent"})
    verdict, problem, look, original, events, regions, fields = page.show(record.number)
    assert (verdict[:6], problem) == ("■ FAIL", "")
    assert original["link"] == f"/pictures/{record.part_id}/full"
    assert (look["part_id"], look["width"], look["height"]) == (record.part_id, 400, 300)
    assert look["regions"] == [{"points": "10,20 40,20 40,60 10,60", "kind": "FAIL", "line": 2}]
    told = dict(fields["data"])
    assert told["Hash of this part"] == record.hash
    assert told["Score"] == f"{record.score:.4g}"
    assert told["PASS limit"] == "1"
    assert told["Brightness (grey level)"] == "106"
    assert told["From trigger to answer"] == "22 ms"
    assert regions["data"][0][-1] == "at fault"
    ((_, who, kind, detail),) = events["data"]
    assert (who, kind, "defect: dent" in detail) == ("mia", "Part labelled", True)
    assert page.show(record.number, outlines=False)[2]["regions"] == []


def test_what_the_camera_told_has_names_and_no_null(writer: Store) -> None:
    capture: dict[str, Any] = {
        "exposure_time_us": 2000.0,
        "gain_db": None,
        "missed_before": 0,
        "chamber": [1, 2],
    }
    capture["template_sha256"] = "ab12"
    more: Any = {"process": {"torque_nm": 1.5, "cavity": "3"}, "health": {"embedding_2": -0.5}}
    record = replace(writer.parts(PartFilter(number=1))[0], capture=capture, **more)
    told = dict(_fields(record, Wording(Words(), "en")))
    assert told["From the line: torque_nm"] == "1.5"
    assert told["From the line: cavity"] == "3"
    assert told["Look, direction 2"] == "-0.5"
    assert (told["Exposure (µs)"], told["Gain (dB)"]) == ("2000", "–")
    assert told["Template's file (SHA-256)"] == "ab12"
    assert (told["Pictures missed before it"], told["chamber"]) == ("0", "[1, 2]")


def test_the_row_of_the_part_that_is_shown_is_marked(page: Page) -> None:
    listed, *_, rows = page.list()
    found = page.do.mark(249, rows, page.event)
    assert found["data"] == listed["data"]
    assert found["metadata"]["display_value"] == listed["metadata"]["display_value"]
    assert [any(row) for row in found["metadata"]["styling"][:3]] == [False, True, False]
    assert not any(any(row) for row in page.do.mark(None, rows, page.event)["metadata"]["styling"])


def test_the_part_that_is_shown_is_labelled_by_the_rules_of_review(
    writer: Store, context: Context, page: Page
) -> None:
    done: list[dict[str, Any]] = []

    async def do(command: str, **about: Any) -> None:
        assert command == "event"
        done.append(about)
        writer.add_event(about["part_id"], about["kind"], about["who"], detail=about["detail"])

    def label(said: str | None, defect: str | None, number: int | None, page: Page = page) -> Any:
        return asyncio.run(page.do.label(said, defect, number, False, True, page.event))

    page.do.context = replace(context, runtime=cast("Any", SimpleNamespace(do=do)))
    record = writer.parts(PartFilter(number=240))[0]
    shown = label("NG", page.do.defects.list()[0], 240)
    assert ("mia", "Part labelled") in {(row[1], row[2]) for row in shown[4]["value"]["data"]}
    label("OK", page.do.defects.list()[0], 240)  # a type chosen for bad parts is left alone
    label(None, None, 240)
    assert {(each["part_id"], each["who"]) for each in done} == {(record.part_id, "mia")}
    assert [(each["detail"]["label"], each["detail"]["defect"]) for each in done] == [
        ("NG", page.do.defects.list()[0]),
        ("OK", None),
        (None, None),
    ]
    operator = Page(page.do.context, Role.OPERATOR)
    for said, defect, number, who in (
        ("NG", "no such type", 240, page), ("OK", None, 10**9, page), ("FINE", None, 240, page),
        ("OK", None, None, page), ("OK", None, 240, operator),
    ):  # fmt: skip
        with pytest.raises(gr.Error) as refused:
            label(said, defect, number, who)
        assert "\n" not in refused.value.message
    assert len(done) == 3


def test_what_is_not_in_the_record_is_one_line(page: Page) -> None:
    for number in (0, 251, 10**14):
        verdict, problem, look, original, *_ = page.show(number)
        assert (verdict, look, original["interactive"]) == ("", {}, False)
        assert problem == f"Part {number} is not in the record."
    assert page.show(None)[1] == ""


def test_a_part_without_its_picture_is_told_all_the_same(writer: Store, page: Page) -> None:
    cannot = writer.parts(PartFilter(verdict="CANNOT_INSPECT"), limit=1)[0]
    broken = writer.parts(PartFilter(verdict="PASS"), limit=1)[0]
    path = writer.image_path(broken)
    assert path is not None
    path.write_bytes(b"no picture")
    for record in (cannot, broken):
        _, problem, look, original, _, _, fields = page.show(record.number)
        assert (look, original["interactive"]) == ({}, False)
        assert problem.startswith("This part has no picture")
        assert dict(fields["data"])["Hash of this part"] == record.hash


def test_a_score_without_end_and_an_allowed_place_are_told(writer: Store, page: Page) -> None:
    places = (region(9.0), region(2.0, zone="rim", accepted=True))
    done = writer.add(part(Verdict.FAIL, float("inf"), 900, regions=places))
    _, _, look, _, _, regions, fields = page.show(done.number)
    assert dict(fields["data"])["Score"] == "∞"
    listed = page.list()[0]
    assert listed["metadata"]["display_value"][0][4] == "∞"
    assert listed["data"][0][4] == max(row[4] for row in listed["data"] if row[4] is not None)
    assert [each["kind"] for each in look["regions"]] == ["FAIL", "accepted"]
    assert [row[1] for row in regions["data"]] == ["no zone", "rim"]


def test_the_address_names_the_part_else_it_is_the_newest(page: Page) -> None:
    def first(address: str) -> int | None:
        return asyncio.run(page.do.first(address, page.event))

    assert [first(each) for each in ("part=12", "", "part=x", "part=1&part=2")] == [12, 250, 250, 250]  # fmt: skip


def test_an_operator_is_told_nothing(context: Context) -> None:
    page = Page(context, Role.OPERATOR)
    for ask in (page.list, lambda: page.show(1)):
        with pytest.raises(gr.Error, match="engineer"):
            ask()


def test_what_is_asked_has_the_choice_first() -> None:
    assert ASKED[: len(FIELDS)] == FIELDS
