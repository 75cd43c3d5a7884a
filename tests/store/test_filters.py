"""One filter: every way to read the record lets the same parts through, on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from inspection.cli.records import app
from inspection.judgement import Judgement, Region, Verdict
from inspection.labels.review_queue import Queue, State
from inspection.reasons import Reason
from inspection.store import NewPart, Store
from inspection.store.filters import (
    ALL_PARTS,
    FilterError,
    PartFilter,
    Prefix,
    part_filter_from_json,
    read_filter,
)
from inspection.store.reading.export import all_parts
from inspection.store.reading.summary import all_of, columns_of, extent, page_of

NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)
SINGLE = "00000000-0000-4000-8000-000000000002"


def said(text: str) -> Reason:
    return Reason("other", {"text": text})


def region(zone: str | None, *, accepted: bool) -> Region:
    return Region(
        x_px=0, y_px=0, width_px=2, height_px=2, area_px=4.0, area_mm2=None, peak_score=3.0,
        zone=zone, label=None, accepted=accepted,
    )  # fmt: skip


@pytest.fixture
def filled(store: Store, make_part: Callable[..., NewPart]) -> Store:
    """Parts 1 to 4 of one station and 5 of another."""
    rows: list[dict[str, Any]] = [
        {"lot": "L1", "serial": "S10", "product": "nut"},
        {"lot": "L12", "serial": "S11", "product": "bolt", "recipe_id": "abc1"},
        {"lot": "L2*", "serial": "T1", "verdict": Verdict.FAIL, "cause": said("too wide at the rim"),
         "regions": (region("rim", accepted=False), region("hub", accepted=True))},
        {"lot": "L2b", "recipe_id": "abd", "verdict": Verdict.FAIL,
         "regions": (region("hub", accepted=False), region(None, accepted=False))},
        {"lot": "L1", "serial": "S10", "product": "nut", "station": "st"},
    ]  # fmt: skip
    for n, row in enumerate(rows):
        judged = {
            "verdict": Verdict.PASS,
            "cause": said("as usual"),
            "recipe_id": "xyz",
            "regions": (),
        }
        judged |= {name: row.pop(name) for name in judged.keys() & row.keys()}
        judgement = Judgement(**judged, score=1.0, p_value=0.5, threshold=2.0)
        store.add(
            make_part(
                judgement=judgement, judged_at=NOON + timedelta(minutes=n),
                part_id=f"00000000-0000-4000-8000-{n + 1:012}", **{"station": "st*1", **row},
            )
        )  # fmt: skip
    return store


@pytest.mark.parametrize(
    ("part_filter", "numbers"),
    [
        (PartFilter(), [1, 2, 3, 4]),
        (PartFilter(lot="L1"), [1]),
        (PartFilter(lot=Prefix("L1")), [1, 2]),
        (PartFilter(lot="L2*"), [3]),  # a name that ends so, as the report of one lot asks for it
        (PartFilter(lot=Prefix("")), [1, 2, 3, 4]),
        (PartFilter(lot=Prefix("M")), []),
        (PartFilter(serial="S11"), [2]),
        (PartFilter(serial=Prefix("S1")), [1, 2]),
        (PartFilter(product="bolt"), [2]),
        (PartFilter(product=Prefix("n")), [1]),
        (PartFilter(recipe_id=Prefix("ab")), [2, 4]),
        (PartFilter(reason="too wide at the rim"), [3]),
        (PartFilter(reason=Prefix("as ")), [1, 2, 4]),
        (PartFilter(zone="rim"), [3]),
        (PartFilter(zone="hub"), [4]),  # in part 3 it is accepted
        (PartFilter(zone="' OR 1=1 --"), []),
        (PartFilter(verdict=Verdict.FAIL), [3, 4]),
        (PartFilter(since=NOON + timedelta(minutes=2)), [3, 4]),
        (PartFilter(until=NOON + timedelta(minutes=2)), [1, 2]),
        (PartFilter(number=2), [2]),
        (PartFilter(part_id=SINGLE), [2]),
        (PartFilter(verdict=Verdict.FAIL, lot=Prefix("L2"), reason=Prefix("as")), [4]),
    ],
    ids=str,
)
def test_every_reader_lets_the_same_parts_through(
    filled: Store, part_filter: PartFilter, numbers: list[int]
) -> None:
    asked = replace(part_filter, station="st*1")
    assert sorted(part.number for part in filled.parts(asked)) == numbers
    assert sum(filled.counts(asked).values()) == len(numbers)
    assert [part.number for part in all_parts(filled, asked)] == numbers
    assert [part.number for part in all_of(filled, asked)] == numbers
    assert [part.number for part in page_of(filled, asked, limit=9)] == numbers[::-1]
    assert [number for (number,) in columns_of(filled, asked, ("number",), limit=9)] == numbers[
        ::-1
    ]
    assert extent(filled, asked).parts == len(numbers)
    queue = Queue(filled, "st*1")
    queue.refresh()
    for which in (part_filter, asked):
        page = queue.page(which, "mia", state=State.ALL)
        assert sorted(page.numbers) == numbers
    assert part_filter_from_json(asked.as_json()) == asked


def test_a_queue_shows_no_parts_of_another_station(filled: Store) -> None:
    queue = Queue(filled, "st*1")
    queue.refresh()
    assert queue.page(PartFilter(station="st"), "mia", state=State.ALL).numbers == []


def test_what_people_type_is_read_in_one_way() -> None:
    moment = datetime(2026, 3, 5, 6, tzinfo=UTC)
    assert read_filter({"lot": " L7* ", "serial": "", "recipe": "ab", "number": "7"}) == PartFilter(
        lot=Prefix("L7"), recipe_id="ab", number=7
    )
    assert read_filter({"since": "2026-03-05T06:00", "verdict": "FAIL", "zone": "a*"}) == (
        PartFilter(since=moment, verdict=Verdict.FAIL, zone="a*")
    )
    assert read_filter({}) == ALL_PARTS


@pytest.mark.parametrize(
    ("asked", "field", "message"),
    [
        ({"verdict": "GOOD"}, "verdict", "must be one of PASS, FAIL, REVIEW, CANNOT_INSPECT"),
        ({"until": "noon"}, "until", "must be a time such as 2026-03-05T06:00, got 'noon'"),
        ({"number": "x"}, "number", "must be a part's number, got 'x'"),
        ({"colour": "red"}, "colour", "unknown 'colour'; known are lot, "),
    ],
)
def test_what_cannot_be_read_names_its_field(
    asked: dict[str, str], field: str, message: str
) -> None:
    with pytest.raises(FilterError) as error:
        read_filter(asked)
    assert error.value.field == field
    assert message in str(error.value)


def test_the_commands_take_every_field() -> None:
    names = {"recipe" if each.name == "recipe_id" else each.name for each in fields(PartFilter)}
    taken = {
        command.callback.__name__: set(command.callback.__annotations__)
        for command in app.registered_commands
        if command.callback is not None
    }
    assert names - taken["list_"] == names - taken["export"] == set()
