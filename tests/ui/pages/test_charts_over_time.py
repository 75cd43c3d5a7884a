"""Yield in steps and measures of parts, over a real record whose every score is known."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inspection.judgement import Verdict
from inspection.reasons import OUTSIDE_YIELD, Reason
from inspection.recipe import Recipe
from inspection.store import Store, open_store
from inspection.store.filters import ALL_PARTS, PartFilter
from inspection.store.reading.verdict_counts import VerdictCounts
from tests.ui.filled_record import ABOVE, BEGAN, CANNOT, GOOD, OLD, filled, part
from ui.core.colours import colours_of
from ui.core.panel import Cell
from ui.core.pen import Pen
from ui.core.wording import Wording
from ui.pages.charts.drawing_over_time import axis_of, measure_chart, share_of, yield_chart
from ui.pages.charts.figures import figures_of
from ui.pages.charts.over_time import (
    Step,
    TooManySteps,
    drifting_median,
    edges_of,
    limits_of,
    measured,
    measures,
    steps_of,
)
from ui.pages.products.cards import NO_PICTURE, Card
from ui.words import Words

SHIFTS = ("06:00", "14:00", "22:00")
PEN = Pen(lambda name, **values: name, colours_of("light"))
NO_RECIPE = Reason("no_recipe", {"product": "new", "allowed": "flange"})


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "parts.db") as store:
        filled(store)
        yield store


def steps(store: Store, step: str, **which: Any) -> list[Step]:
    return list(steps_of(store, PartFilter(**which), step, SHIFTS))


def test_yield_by_hour_counts_every_part(writer: Store) -> None:
    found = steps(writer, "hour")
    assert found[0].begin == datetime(2026, 3, 5, 5, tzinfo=UTC)
    assert [each.counts.parts for each in found] == [30, 60, 60, 60, 40]
    assert found[-1].counts.verdicts == {
        Verdict.PASS: 0, Verdict.REVIEW: 10, Verdict.FAIL: 20, Verdict.CANNOT_INSPECT: 10,
    }  # fmt: skip
    assert [share_of(each) for each in found] == [
        "100.0 %",
        "100.0 %",
        "100.0 %",
        "83.3 %",
        "0.0 %",
    ]


def test_yield_by_shift_and_day(writer: Store) -> None:
    for step in ("shift", "day"):
        assert sum(each.counts.verdicts[Verdict.PASS] for each in steps(writer, step)) == GOOD
    assert sum(each.counts.parts for each in steps(writer, "day", lot="L1")) == 100
    assert steps(writer, "day", lot="none such") == []


def test_a_part_that_was_not_to_be_inspected_is_counted_apart(writer: Store) -> None:
    before = steps(writer, "day")[0].counts
    for number, code in enumerate(sorted(OUTSIDE_YIELD)):
        values = {"product": "new", "allowed": "flange"}
        cause = Reason(code, values)
        writer.add(
            part(
                Verdict.CANNOT_INSPECT,
                None,
                260 + number,
                cause=cause,
                recipe_id="",
                threshold=None,
            )
        )
    now = steps(writer, "day")[0].counts
    assert now.outside_yield == len(OUTSIDE_YIELD) == 4
    assert (now.verdicts, now.yield_share) == (before.verdicts, before.yield_share)
    assert now.parts == before.parts + 4
    figures = figures_of(writer, ALL_PARTS, {})
    assert (figures.parts, figures.outside_yield) == (250, 4)
    assert {bar.name for bar in figures.causes}.isdisjoint(OUTSIDE_YIELD)
    assert sum(hour.rejects for hour in figures.hours) == ABOVE + CANNOT


def test_where_nothing_could_be_judged_there_is_no_yield() -> None:
    counts = VerdictCounts.of([("CANNOT_INSPECT", "no_recipe_yet", 7)])
    assert (counts.parts, counts.judged, counts.yield_share) == (7, 0, None)
    assert share_of(Step(BEGAN, BEGAN, counts)) == "–"


def test_edges_hold_the_first_and_the_last_part() -> None:
    first, last = BEGAN, BEGAN + timedelta(days=2)
    for step in ("hour", "shift", "day"):
        edges = list(edges_of(first, last, step, SHIFTS))
        assert edges[0] <= first < edges[1]
        assert edges[-2] <= last < edges[-1]
        assert edges == sorted(set(edges))


def test_too_many_steps_are_refused(writer: Store) -> None:
    writer.add(part(Verdict.PASS, 0.1, 60 * 24 * 40))
    with pytest.raises(TooManySteps, match="at most 500"):
        steps(writer, "hour")


def test_rejects_by_zone(writer: Store) -> None:
    zones = {bar.name: bar.count for bar in figures_of(writer, ALL_PARTS, {}).zones}
    assert zones == {"": 30, "rim": 10}


def test_measures_and_their_points(writer: Store) -> None:
    assert measures(writer, ALL_PARTS) == [
        "score", "health.brightness", "latency.total", "latency.judge",
    ]  # fmt: skip
    found = measured(writer, ALL_PARTS, "score", limit=10_000)
    assert (len(found.value), found.without, found.others) == (GOOD + ABOVE, CANNOT, 0)
    assert list(found.number) == list(range(1, 241))
    assert len(found.median) == 240
    bright = measured(writer, ALL_PARTS, "health.brightness", limit=7)
    assert sorted(bright.value) == [100, 101, 102, 103, 104, 105, 106]
    assert bright.median[3] == 103
    assert datetime.fromisoformat(found.at[0]) == BEGAN
    for nothing in ("health.none", "latency.none"):
        assert len(measured(writer, ALL_PARTS, nothing, limit=9).value) == 0


def test_a_measure_is_of_the_recipe_that_judged_most(writer: Store) -> None:
    writer.add_many([part(Verdict.PASS, 50.0, 300 + n, recipe_id="new") for n in range(9)])
    found = measured(writer, ALL_PARTS, "score", limit=10_000)
    assert (found.recipe_id, found.others, found.value.max()) == (OLD, 9, pytest.approx(3.0))
    latest = measured(writer, ALL_PARTS, "score", limit=9)
    assert (latest.recipe_id, set(latest.value)) == ("new", {50.0})


def test_each_measure_has_its_limits(recipe: Recipe) -> None:
    own = recipe.settings.calibration
    assert limits_of("score", recipe, 500.0) == {"PASS": own.threshold, "FAIL": own.fail_threshold}
    assert set(limits_of("health.brightness", recipe, 500.0)) == {"least", "most"}
    assert limits_of("latency.total", None, 500.0) == {"deadline": 500.0}
    assert limits_of("score", None, 500.0) == limits_of("latency.judge", recipe, 500.0) == {}


def test_median_drifts_with_the_values_and_ignores_one_spike() -> None:
    values = np.concatenate([np.full(100, 5.0), np.full(100, 9.0)])
    values[50] = 1000.0
    found = drifting_median(values)
    assert (found[0], found[50], found[-1], len(found)) == (5.0, 5.0, 9.0, 200)
    assert list(drifting_median(np.array([3.0, 1.0, 2.0]))) == [2.0, 2.0, 2.0]
    assert len(drifting_median(np.zeros(0))) == 0


def test_the_charts_hold_every_part_and_the_way_to_it(writer: Store) -> None:
    drawn = json.loads(yield_chart(steps(writer, "hour"), PEN).to_json())
    rows = drawn["layer"][0]["data"]["values"]
    assert sum(row["parts"] for row in rows) == 250
    assert [row["share"] for row in drawn["layer"][1]["data"]["values"]][3:] == ["83.3 %", "0.0 %"]
    found = measured(writer, ALL_PARTS, "score", limit=10_000)
    points = json.loads(measure_chart(found, {"PASS 1": 1.0}, PEN, name="score", link="/p#"))
    values = points["datasets"]["parts"]
    assert points["layer"][0]["data"] == {"name": "parts"}
    assert [row["link"] for row in values[:2]] == ["/p#1", "/p#2"]
    assert len(values) == 240


def test_a_limit_far_out_does_not_stretch_the_axis() -> None:
    values = np.array([1.0, 2.0])
    assert axis_of(values, [2.5]) == pytest.approx((0.91, 2.59))
    assert axis_of(values, [500.0]) == axis_of(values, [])
    assert axis_of(np.array([5.0, 5.0]), []) == pytest.approx((4.7, 5.3))


def test_a_products_yield_is_of_the_parts_it_had_a_recipe_for() -> None:
    given: dict[str, Any] = {
        "name": "nut",
        "archived": False,
        "picture": NO_PICTURE,
        "recipe_id": "ab" * 8,
    }
    card = Card(
        **given, threshold=1.0, parts=10, outside_yield=6, passed=3, escapes=0, labelled_ng=0
    )
    assert card.row(Wording(Words(), "en"))[4:6] == [
        Cell(10, "10 (6 not inspected: no recipe, or paused)"),
        Cell(0.75, "75.0 %"),
    ]
    none = Card(
        **given, threshold=1.0, parts=6, outside_yield=6, passed=0, escapes=0, labelled_ng=0
    )
    assert none.row(Wording(Words(), "en"))[5] == Cell(None, "–")
