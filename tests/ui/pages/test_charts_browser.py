"""The charts page: its figures against the record, and every chart drawn in a real browser."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inspection.control_charts import p_chart
from inspection.judgement import Verdict
from inspection.labels.labels import Truth, read_labels
from inspection.store import open_to_read
from inspection.store.filters import ALL_PARTS, PartFilter
from inspection.training.curves import precision_recall, roc
from tests.reports.recorded import FIRST, STEP, recorded
from tests.ui.conftest import LEFT, PEOPLE
from ui.core.colours import colours_of, theme_of
from ui.core.pen import Pen
from ui.core.score_chart import score_chart
from ui.pages.charts import drawing, figures
from ui.words import Words

PATH = "/engineer/charts"
PARTS = 48


@pytest.fixture(scope="module")
def folder(line: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recorded(tmp_path_factory.mktemp("charted"), line, repeat=2).parent


@pytest.fixture(scope="module")
def found(folder: Path) -> figures.Figures:
    with open_to_read(str(folder / "parts.db")) as store:
        return figures.figures_of(store, ALL_PARTS, read_labels(store).parts)


def say(name: str, **values: object) -> str:
    return name


PEN = Pen(say, colours_of("dark"))


def spec(chart: Any) -> dict[str, Any]:
    return dict(json.loads(chart.to_json()))


def test_the_figures_are_those_of_the_record(folder: Path, found: figures.Figures) -> None:
    with open_to_read(str(folder / "parts.db")) as store:
        parts = store.parts(limit=100, newest_first=False)
        truths = read_labels(store).parts
    rejects = [part for part in parts if part.verdict is not Verdict.PASS]
    assert found.parts == PARTS
    assert sum(bar.count for bar in found.causes) == len(rejects)
    assert [(bar.name, bar.count) for bar in found.reasons] == [
        ("", len(rejects) - 3), ("dirt", 2), ("defect", 1),
    ]  # fmt: skip
    assert found.reasons[-1].summed == pytest.approx(1)
    assert sum(hour.parts for hour in found.hours) == PARTS
    assert sum(hour.rejects for hour in found.hours) == len(rejects)
    assert all(hour.median is None for hour in found.hours)  # two parts an hour are too few
    ng = [
        part.score
        for part in parts
        if truths.get(part.part_id) and truths[part.part_id].truth is Truth.NG
    ]
    assert sorted(found.scores[Truth.NG]) == sorted(ng)
    assert sum(map(len, found.scores.values())) == PARTS
    assert found.scored == parts[0].recipe_id


def test_medians_are_those_of_the_hour(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "LEAST_IN_HOUR", 2)
    with open_to_read(str(folder / "parts.db")) as store:
        found = figures.figures_of(store, ALL_PARTS, {})
        parts = store.parts(limit=100, newest_first=False)
    hour = next(each for each in found.hours if each.median is not None)
    scores = [
        part.score for part in parts if part.judged_at.replace(minute=0, second=0) == hour.begin
    ]
    assert hour.median == pytest.approx(np.median([each for each in scores if each is not None]))


def test_too_many_parts_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "MOST_PARTS", 10)
    with open_to_read(str(folder / "parts.db")) as store:
        with pytest.raises(figures.ChartsError, match="48 parts match, at most 10 are drawn"):
            figures.figures_of(store, ALL_PARTS, {})
        some = PartFilter(since=FIRST, until=FIRST + 4 * STEP)
        assert figures.figures_of(store, some, {}).parts == 4


def test_a_pareto_has_bars_and_line_of_one_scale(found: figures.Figures) -> None:
    names = {bar.name: bar.name or "nobody" for bar in found.reasons}
    drawn = spec(drawing.pareto_chart(found.reasons, names, PEN))
    rows = (
        drawn["layer"][0]["data"]["values"]
        if "data" in drawn["layer"][0]
        else drawn["data"]["values"]
    )
    assert [row["name"] for row in rows] == ["nobody", "dirt", "defect"]
    total = sum(bar.count for bar in found.reasons)
    assert drawn["layer"][0]["encoding"]["y"]["scale"]["domain"] == [0, total]
    assert drawn["layer"][1]["encoding"]["y"]["scale"]["domain"] == [0, 1]
    assert drawn["resolve"]["scale"]["y"] == "independent"


def test_a_control_chart_marks_what_is_outside() -> None:
    chart = p_chart([1] * 20 + [9], [20] * 21)
    begins = [f"2026-03-05T{n % 24:02}:00:00+00:00" for n in range(21)]
    text = json.dumps(spec(drawing.control_chart(begins, chart, PEN, title="share", share=True)))
    assert text.count('"outside": true') == 1
    assert text.count('"outside": false') == 20


def test_curves_and_scores_hold_what_was_counted(found: figures.Figures) -> None:
    good, bad = found.scores[Truth.OK], found.scores[Truth.NG]
    for curve in (roc(good, bad), precision_recall(good, bad)):
        text = json.dumps(spec(drawing.curve_chart(curve, PEN, x="x", y="y")))
        assert text.count('"high": ') == len(curve.x)
    text = json.dumps(spec(score_chart(found.scores, {"PASS": 5.1}, PEN)))
    rows = [each for each in json.loads(text)["layer"][0]["data"]["values"]]
    assert sum(row["parts"] for row in rows) == PARTS
    ng = sum(row["parts"] for row in rows if row["label"] == "report.label_NG")
    assert ng == len(bad)  # in the same bins as the others


def test_names_of_limits_that_lie_close_stand_below_each_other(found: figures.Figures) -> None:
    drawn = spec(score_chart(found.scores, {"FAIL": 5.2, "PASS": 5.1}, PEN))
    texts = [each for each in drawn["layer"] if each["mark"]["type"] == "text"]
    assert [each["data"]["values"][0]["name"] for each in texts] == ["PASS", "FAIL"]
    first, second = (each["encoding"]["y"]["value"] for each in texts)
    assert second - first >= 14
    at_one_value = spec(score_chart(found.scores, {"PASS": 5.1, "FAIL": 5.1}, PEN))
    assert "PASS \u00b7 FAIL" in json.dumps(at_one_value, ensure_ascii=False)


def test_the_theme_is_the_chosen_one_else_that_of_the_system() -> None:
    assert theme_of({"theme": "light", "scheme": "dark"}) == "light"
    assert theme_of({"theme": "auto", "scheme": "light"}) == "light"
    assert theme_of({"theme": "nonsense"}) == theme_of({}) == "dark"


@pytest.fixture(scope="module")
def station(make_station: Callable[..., Any], line: Any) -> Iterator[Any]:
    """A station whose record holds two days."""
    made = make_station(start=False)
    users = (made.page_folder / "users.json").read_bytes()
    recorded(made.folder, line, repeat=2)
    assert PEOPLE["mia"] == "engineer"
    assert users == (made.page_folder / "users.json").read_bytes()
    made.start_runtime()
    made.start_page()
    yield made
    made.stop()


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "ja"])
def test_every_chart_is_drawn(station: Any, open_page: Any, language: str) -> None:
    words = Words()
    page = open_page(station, PATH, user="mia", language=language, wait="#span input")
    page.wait_for_function("document.querySelector('#told textarea, #told input').value !== ''")
    for name in ("defects", "reasons", "causes", "zones"):  # none in the last week
        page.wait_for_selector(
            f"#missing-{name} :text('{words.say('charts.needs_parts', language)}')"
        )
        assert not page.is_visible(f"#plot-{name}")
    page.click("#span input")
    page.click(f"#span [role=option] >> text={words.say('choice.span_all', language)}")
    page.wait_for_function(
        "document.querySelector('#told textarea, #told input').value.includes('48')"
    )
    for name in ("defects", "reasons", "causes"):
        page.wait_for_selector(f"#plot-{name} canvas, #plot-{name} svg.marks")
    page.click(f"button[role=tab] >> text={words.say('charts.tab_control', language)}")
    page.wait_for_selector("#plot-rejects canvas:visible, #plot-rejects svg.marks:visible")
    scores = words.say("charts.needs_medians", language, of=figures.LEAST_IN_HOUR)
    page.wait_for_selector(f"#missing-medians :text('{scores}'):visible")
    page.click(f"button[role=tab] >> text={words.say('charts.tab_labelled', language)}")
    for name in ("roc", "precision", "scores"):
        page.wait_for_selector(f"#plot-{name} canvas:visible, #plot-{name} svg.marks:visible")
    told = page.input_value("#told textarea, #told input")
    with station.record() as store:
        truths = [part.truth for part in read_labels(store).parts.values()]
    assert f"{truths.count(Truth.NG)}" in told


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "ko"])
def test_yield_and_measures_are_drawn_when_looked_at(
    station: Any, open_page: Any, language: str
) -> None:
    words = Words()
    page = open_page(station, PATH, user="mia", language=language, wait="#span input")
    page.click("#span input")
    page.click(f"#span [role=option] >> text={words.say('choice.span_all', language)}")
    page.wait_for_selector("#plot-causes canvas")
    page.click(f"button[role=tab] >> text='{words.say('charts.tab_time', language)}'")
    page.wait_for_selector("#plot-yield canvas:visible")
    page.click(f"#step >> text={words.say('charts.step_hour', language)}")
    page.wait_for_selector("#steps [role=gridcell] :text-is('50.0 %'):visible")
    with station.record() as store:
        newest = store.parts(limit=1)[0].judged_at.astimezone()
    page.wait_for_selector(f"#steps [role=gridcell] :text-is('{newest:%Y-%m-%d %H:00}'):visible")
    assert words.say("report.outside_yield", language) in page.inner_text("#steps")
    page.click(f"button[role=tab] >> text='{words.say('charts.tab_measures', language)}'")
    for place in range(3):
        page.wait_for_selector(f"#plot-measure-{place} canvas:visible")
        assert page.inner_text(f"#measured-{place} .notice").startswith(
            words.say("charts.measured", language, parts=PARTS, recipe="")[:2]
        )
    page.fill("#lot input", "L<*")
    page.keyboard.press("Enter")
    page.wait_for_function(
        "document.querySelector('#measured-0 .notice').textContent.includes('32')"
    )
    assert page.input_value("#measure-0 input") == words.say("charts.score", language)
    assert "charts." not in page.inner_text("body")
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


@pytest.mark.slow
def test_a_point_leads_to_its_part(station: Any, open_page: Any) -> None:
    page = open_page(station, PATH, user="mia", wait="#span input")
    page.click("#span input")
    page.click("#span [role=option] >> text=all that is recorded")
    page.wait_for_selector("#plot-causes canvas")
    page.click("button[role=tab] >> text='Measures'")
    page.wait_for_selector("#plot-measure-0 canvas:visible")
    box = page.locator("#plot-measure-0 canvas").bounding_box()
    pointed = (
        "getComputedStyle(document.querySelector('#plot-measure-0 canvas')).cursor === 'pointer'"
    )
    for x in range(
        int(box["width"]) - 4, int(box["width"]) - 60, -4
    ):  # the newest is at the right end
        for y in range(40, int(box["height"]) - 40, 4):
            page.mouse.move(box["x"] + x, box["y"] + y)
            if page.evaluate(pointed):
                break
        else:
            continue
        break
    with page.expect_popup() as popup:
        page.mouse.down()
        page.mouse.up()
    popup.value.wait_for_selector("#fields [role=gridcell]:visible")
    assert popup.value.input_value("#number input") == f"{PARTS}"


@pytest.mark.slow
def test_the_charts_follow_the_lot(station: Any, open_page: Any) -> None:
    page = open_page(station, PATH, user="mia", wait="#span input")
    page.click("#span input")
    page.click("#span [role=option] >> text=all that is recorded")
    page.wait_for_function(
        "document.querySelector('#told textarea, #told input').value.startsWith('48 ')"
    )
    page.fill("#lot input", "L<*")
    page.keyboard.press("Enter")
    page.wait_for_function(
        "document.querySelector('#told textarea, #told input').value.startsWith('32 ')"
    )


GROUND = """() => {
  const drawn = document.querySelector("#plot-causes canvas");
  const [r, g, b] = drawn.getContext("2d").getImageData(2, drawn.height - 2, 1, 1).data;
  return [`rgb(${r}, ${g}, ${b})`, getComputedStyle(document.querySelector("#plot-causes")).backgroundColor];
}"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("chosen", "system"), [("light", "dark"), ("auto", "light"), ("auto", "dark")]
)
def test_the_charts_are_of_the_theme_of_the_page(
    station: Any, open_page: Any, chosen: str, system: str
) -> None:
    open_page.allowed += LEFT
    page = open_page(station, PATH, user="mia", wait="#span input")
    page.context.add_cookies([{"name": "theme", "value": chosen, "url": station.url}])
    page.emulate_media(color_scheme=system)
    page.reload()
    page.wait_for_selector("#span input")
    page.click("#span input")
    page.click("#span [role=option] >> text=all that is recorded")
    page.wait_for_selector("#plot-causes canvas")
    drawn, panel = page.evaluate(GROUND)
    assert drawn == panel
    light = "light" in (chosen, system) and chosen != "dark"
    assert (drawn == "rgb(255, 255, 255)") is light
