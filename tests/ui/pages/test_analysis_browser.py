"""The analysis page in a real browser, over a record whose every score is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inspection.recipe import open_recipe, write_recipe
from inspection.recipe.setup_file import Zone
from inspection.store import open_store
from inspection.training.defects import propose
from inspection.training.options import Costs
from tests.ui.judged_record import ABOVE, CANNOT, GOOD, SCORES, judged, judged_part
from ui.core.wording import Wording
from ui.pages.analysis.axis import Axis
from ui.pages.analysis.histogram import BINS, Counts, Limit, plot
from ui.words import Words

pytestmark = pytest.mark.slow

FULL_HD, SMALL = (1920, 1080), (1280, 800)
PATH = "/engineer/analysis"
READY = ".threshold[data-ready]"


@pytest.fixture(scope="module")
def station(make_station: Callable[..., Any], recipe_file: Path) -> Iterator[Any]:
    """A station with a record of 185 parts; no part is triggered any more."""
    found = judged(make_station(start=False), recipe_file)
    found.start_runtime()
    found.start_page()
    yield found
    found.stop()


WATCH_BUTTON = """() => { const button = document.querySelector("#yes-asking");
  window.said = [];
  const look = () => { const now = button.textContent.trim(); if (now !== window.said.at(-1)) window.said.push(now); };
  new MutationObserver(look).observe(button, {childList: true, characterData: true, subtree: true}); }"""


def choose(page: Any, field: str, text: str) -> None:
    page.click(f"#{field} input")
    page.click(f"#{field} [role=option] >> text={text}")


def says(name: str, text: str) -> str:
    """The selector of a notice that says something."""
    return f"#{name} .notice:has-text('{text}')"


def numbers(page: Any) -> tuple[int, int, int, int]:
    """Read what the page says of now: PASS, reject, cannot be known, CANNOT INSPECT."""
    found = (page.inner_text(f".after-{name}") for name in ("pass", "reject", "unknown", "cannot"))
    pass_, reject, unknown, cannot = map(int, found)
    return pass_, reject, unknown, cannot


def expected(page: Any, station: Any) -> tuple[int, int, int, int]:
    """Judge the known scores by the threshold the page says it is at."""
    at = float(page.get_attribute(".threshold", "data-threshold"))
    passed = int((station.limit * SCORES <= at).sum())
    return passed, len(SCORES) - passed, 0, CANNOT


def test_slider_judges_again_by_keyboard_and_mouse(station: Any, open_page: Any) -> None:
    page = open_page(station, PATH, user="mia", wait=READY)
    assert page.get_attribute(".threshold", "data-ready") == "185"
    assert numbers(page) == (GOOD, ABOVE, 0, CANNOT)
    page.focus("input.slider")
    for key, times in (("ArrowLeft", 5), ("PageDown", 2), ("Home", 1), ("End", 1), ("PageUp", 3)):
        for _ in range(times):
            page.keyboard.press(key)
        assert numbers(page) == expected(page, station)
    assert float(page.get_attribute(".threshold", "data-threshold")) > 0
    box = page.locator("input.slider").bounding_box()
    page.mouse.click(box["x"] + 0.3 * box["width"], box["y"] + box["height"] / 2)
    assert numbers(page) == expected(page, station)
    at = float(page.get_attribute(".threshold", "data-threshold"))
    flips = int(((station.limit * SCORES > at) & (SCORES <= 1)).sum())
    assert 0 < flips < GOOD
    assert page.get_attribute(".threshold", "data-flips") == str(flips)
    assert str(flips) in page.inner_text(".to-reject")
    page.click(".reset")
    assert numbers(page) == (GOOD, ABOVE, 0, CANNOT)
    page.fill("input.exact", repr(2.0 * station.limit))
    page.keyboard.press("Enter")
    assert numbers(page) == expected(page, station)
    assert int(page.get_attribute(".threshold", "data-flips")) > 10
    # A choice made while the list of the last move is still to come is not lost.
    page.evaluate("delete document.querySelector('.threshold').dataset.ready")
    choose(page, "latest", "20,000")
    page.wait_for_selector(READY)
    assert numbers(page) == (GOOD, ABOVE, 0, CANNOT)


# Kind, whether stored as PASS, score, and what becomes of it at 0.3, 0.9, the recipe's 1.0, and 1.5:
# PASS, reject, unknown or CANNOT INSPECT.
KNOWN = [
    ("SCORE", 1, 0.4, "RPPP"),
    ("MAY_ALLOW", 1, 0.4, "UPPP"),
    ("ALLOWED", 1, 1.4, "UUPP"),
    ("SCORE", 0, 1.4, "RRRP"),
    ("REFUSED", 0, 1.4, "RRRP"),
    ("SEVERAL", 0, 1.4, "RRRU"),
    ("CANNOT", 0, 0.0, "CCCC"),
]


def test_what_can_be_known_at_another_threshold(station: Any, open_page: Any) -> None:
    page = open_page(station, PATH, user="mia", wait=READY)
    ask = """async ([kind, passed, score]) => {
      const {KIND, outcomeOf} = await import("/static/analysis/judge.js");
      return [0.3, 0.9, 1.0, 1.5].map((at) => "PRUC"[outcomeOf(KIND[kind], score, passed, 1.0, at)]).join("");
    }"""
    for kind, passed, score, wanted in KNOWN:
        assert page.evaluate(ask, [kind, passed, score]) == wanted, kind
    between = """async () => {
      const {KIND, outcomeOf} = await import("/static/analysis/judge.js");
      return ["SCORE", "ALLOWED", "REFUSED", "SEVERAL"].map(
        (kind) => "PRUC"[outcomeOf(KIND[kind], 1.4, kind === "ALLOWED" ? 1 : 0, 1.0, 1.2)]).join("");
    }"""
    assert page.evaluate(between) == "RUUR"


def test_promise_and_intervals_follow_the_threshold(
    station: Any, open_page: Any, recipe: Any
) -> None:
    from scipy.stats import binomtest

    page = open_page(station, PATH, user="mia", wait=READY)
    own = recipe.settings.calibration
    assert f"{100 * own.false_reject_promised:.3g} %" in page.inner_text(".own-fail")
    assert f"{100 * own.review_estimated:.3g} %" in page.inner_text(".own-pass")
    page.fill("input.exact", repr(own.fail_threshold))
    page.keyboard.press("Enter")
    assert f"{100 * own.false_reject_promised:.3g} %" in page.inner_text(".promise")
    high = binomtest(0, 10).proportion_ci(0.95, method="exact").high
    assert f"{100 * high:.3g} %" in page.inner_text(".escapes")
    assert "0 of 10" in page.inner_text(".escapes")
    assert "0 of 21" in page.inner_text(".overkill")
    # Above all but the highest 5 scores: 5 of the 10 parts labelled NG pass.
    page.fill("input.exact", repr(float((SCORES[-6] + 0.001) * station.limit)))
    page.keyboard.press("Enter")
    low, high = binomtest(5, 10).proportion_ci(0.95, method="exact")
    text = page.inner_text(".escapes")
    assert "5 of 10" in text
    assert f"{100 * low:.3g} %" in text
    assert f"{100 * high:.3g} %" in text


def test_a_flipping_part_leads_to_all_that_is_known_of_it(station: Any, open_page: Any) -> None:
    page = open_page(station, PATH, user="mia", wait=READY)
    page.fill("input.exact", repr(float((SCORES[140] + 0.001) * station.limit)))
    page.keyboard.press("Enter")
    page.wait_for_selector(".cards[data-shown='9']")
    cards = page.locator(".cards .card")
    shown = [int(cards.nth(i).get_attribute("data-number")) for i in range(9)]
    assert shown == list(range(150, 141, -1))
    page.wait_for_function("document.querySelector('.card img').naturalWidth > 0")
    with page.expect_popup() as popup:
        cards.first.click()
    popup.value.wait_for_selector("#fields :text('S0149'):visible")
    assert popup.value.input_value("#number input") == "150"


# Labels

LABELS = """() => [...document.querySelectorAll(".histogram [class$=-label]")].flatMap((each) => {
  const {left, right, top, width} = each.getBoundingClientRect();
  return width ? [[each.textContent, left, right, top]] : [];
})"""
HIGH_PX = 13
"""Of the letters of a label."""


def overlapping(page: Any) -> list[tuple[str, str]]:
    """Give each two labels that lie on each other."""
    labels = page.evaluate(LABELS)
    return [
        (one[0], other[0])
        for place, one in enumerate(labels)
        for other in labels[:place]
        if abs(one[3] - other[3]) < HIGH_PX and one[1] < other[2] and other[1] < one[2]
    ]


def shown(page: Any) -> int:
    return len(page.evaluate(LABELS))


@pytest.mark.parametrize("language", ["en", "ja", "ko"])
@pytest.mark.parametrize("width", [1920, 1280, 700])
def test_no_label_of_a_chart_lies_on_another(
    station: Any, open_page: Any, language: str, width: int
) -> None:
    page = open_page(
        station, PATH, user="mia", language=language, size=(width, 800), wait=f"{READY} .mark-label"
    )
    assert (overlapping(page), shown(page) >= 6) == ([], True)
    for box in ("log_score", "log_count"):
        page.locator(f".threshold .check input.{box}").check()
        page.wait_for_selector(".threshold .tick-label")
        assert (overlapping(page), shown(page) >= 6) == ([], True)


CLOSE = """([html, width]) => {
  const box = document.querySelector(".chart-box");
  box.style.cssText = `width: ${width}px; height: 200px`;
  box.querySelector(".chart-body").innerHTML = html;
  const {left, right} = box.getBoundingClientRect();
  return [...box.querySelectorAll(".mark-label")].map((each) => {
    const at = each.getBoundingClientRect();
    return [at.top, at.left >= left && at.right <= right];
  });
}"""


def test_labels_of_close_lines_stand_below_each_other(station: Any, open_page: Any) -> None:
    page = open_page(station, PATH, user="mia", wait=READY)
    counts = Counts(np.full(BINS, 1000), np.full(BINS, 2))
    for first, second in ((0.05, 0.06), (0.5, 0.505), (0.7, 0.8), (0.97, 0.99), (0.99, 0.99)):
        limits = [Limit("own", at, f"at {at} of the whole") for at in (first, second)]
        for width, small in ((900, 1.0), (300, 1.0), (300, 1e-7)):
            near = [replace(each, value=small * each.value) for each in limits]
            html = plot(counts, Axis(0, small), near, Wording(Words(), "en"), log_counts=False)
            labels = page.evaluate(CLOSE, [html, width])
            assert [within for _, within in labels] == [True, True], (first, second, width)
            assert labels[1][0] - labels[0][0] == 17
            assert overlapping(page) == [], (first, second, width)


# Several recipes

OLD = "0123456789abcdef" * 4


@pytest.fixture(scope="module")
def two_recipes(make_station: Callable[..., Any], recipe_file: Path) -> Iterator[Any]:
    """A station that judged 40 parts of lot L0 by a recipe that is gone, then 10 of L1 by its present one."""
    found = make_station(start=False)
    recipe = open_recipe(recipe_file)
    limit = recipe.settings.calibration.threshold
    with open_store(found.folder / "parts.db") as store:
        old = [replace(judged_part(n, 5.0, 6.0, OLD), lot="L0") for n in range(40)]
        now = [replace(judged_part(n + 40, limit, limit, recipe.id), lot="L1") for n in range(10)]
        store.add_many([*old, *now])
    found.recipe_id = recipe.id
    found.start_runtime()
    found.start_page()
    yield found
    found.stop()


def test_all_recipes_means_the_last_used_and_the_page_says_so(
    two_recipes: Any, open_page: Any
) -> None:
    page = open_page(two_recipes, PATH, user="mia", wait=READY)
    said = (
        f"No recipe is chosen: only recipe {two_recipes.recipe_id[:8]}, the one used last, is shown, "
        "as scores of different recipes are not on one scale."
    )
    assert page.get_attribute(".threshold", "data-ready") == "10"
    assert page.inner_text("#only") == said
    page.fill("#lot input", "L0")
    page.keyboard.press("Enter")
    page.wait_for_selector(".threshold .empty:not([hidden])")
    assert page.inner_text("#only") == said
    choose(page, "recipe", OLD[:8])
    page.wait_for_selector(".threshold[data-ready='40']")
    assert not page.locator("#only").is_visible()
    assert "5" in page.inner_text(".at .dim")


def test_where_there_is_one_recipe_nothing_need_be_said(station: Any, open_page: Any) -> None:
    page = open_page(station, PATH, user="mia", wait=READY)
    assert not page.locator("#only").is_visible()


@pytest.mark.parametrize("language", ["en", "ja", "ko"])
@pytest.mark.parametrize("size", [FULL_HD, SMALL], ids=["full_hd", "small"])
def test_it_fits_in_each_language_and_says_limit(
    station: Any, open_page: Any, language: str, size: tuple[int, int]
) -> None:
    words = {"en": "Limit", "ja": "限界", "ko": "한계"}
    page = open_page(station, PATH, user="mia", language=language, size=size, wait=READY)
    assert page.inner_text(".exact-label") == words[language]
    text = page.inner_text(".panel-page")
    assert [word for word in ("hreshold", "しきい値", "임계값", "analysis.") if word in text] == []
    high, wide = page.evaluate(
        "[document.documentElement.scrollHeight - innerHeight, document.documentElement.scrollWidth - innerWidth]"
    )
    assert (high, wide) == (0, 0)
    for part in (".threshold-work", ".limits", ".cards"):
        box = page.locator(part).bounding_box()
        assert box["x"] + box["width"] <= size[0], part
        assert box["y"] + box["height"] <= size[1], part


def test_an_operator_gets_neither_page_nor_answers(station: Any) -> None:
    with station.client("oli") as client:
        assert client.get(PATH, follow_redirects=False).status_code in (302, 303, 403)
        assert client.get("/api/engineer/analysis/thumb/x").status_code == 403
        answer = client.post("/api/engineer/analysis/stored", json={"lot": "L0"})
        assert answer.status_code == 403
        for path in ("config", "gradio_api/queue/join"):
            assert client.post(f"{PATH}/{path}", json={}).status_code in (302, 303, 403), path


def test_the_limit_found_goes_on_the_line_in_the_persons_name_and_back(
    make_station: Callable[..., Any], recipe_file: Path, open_page: Any
) -> None:
    station = judged(make_station(top='recipes = "released"', start=False), recipe_file)
    file = station.folder / "flange.recipe"
    before = open_recipe(file)
    own = before.settings.calibration
    station.start_runtime()
    station.start_page()
    station.trigger()
    with station.record() as store:
        assert store.parts(limit=1)[0].cause.code == "recipe_never_released"
    page = open_page(station, PATH, user="mia", wait=READY)
    assert before.id[:8] in page.inner_text("#line-now")
    assert not page.is_visible("#back")
    wanted = float((SCORES[-6] + 0.001) * station.limit)
    page.fill("input.exact", repr(wanted))
    page.keyboard.press("Enter")
    page.click("#apply")
    page.wait_for_selector("#asking:visible")
    figures = page.inner_text("#figures")
    assert "5 of 10" in figures
    assert "0 of 21" in figures
    share = (1 + int((before.scores > max(wanted, own.fail_threshold)).sum())) / (
        len(before.scores) + 1
    )
    assert f"{100 * share:.3g} %" in figures
    page.evaluate(WATCH_BUTTON)
    page.click("#yes-asking")
    page.wait_for_selector("#asking", state="hidden")
    assert page.evaluate("window.said[0]") == "Working…"  # at once, not when it is done
    page.wait_for_selector("#back:visible")
    applied = open_recipe(file)
    assert applied.id != before.id
    page.wait_for_selector(says("told", applied.id[:8]))
    page.wait_for_selector(says("line-now", applied.id[:8]))
    page.wait_for_selector(".mark-label:has-text('on the line now')")
    at = float(page.get_attribute(".threshold", "data-threshold"))
    assert at == pytest.approx(wanted)  # the slider stands where the line is now
    limits = applied.settings.calibration
    assert limits.threshold == pytest.approx(wanted)
    assert limits.fail_threshold == max(limits.threshold, own.fail_threshold)
    assert limits.false_reject_promised == pytest.approx(share)
    chosen = applied.settings.training["pass_limit"]
    assert (chosen["by"], chosen["from_recipe"]) == ("mia", before.id)
    station.trigger()  # judged: it was a release, noted as one
    with station.record() as store:
        last = store.parts(limit=1)[0]
        assert (last.recipe_id, last.threshold) == (applied.id, limits.threshold)
        (noted,) = store.actions(kind="limit_applied")
        (released,) = store.actions(kind="recipe_on_line")
    assert (noted.who, released.who) == ("mia", "mia")
    assert released.detail["recipe_id"] == applied.id
    assert noted.detail["escapes"] == "5 of 10"
    assert (noted.detail["limit_before"], noted.detail["limit"]) == (
        own.threshold,
        limits.threshold,
    )
    page.click("#back")
    page.wait_for_selector(says("told", f"{before.id[:8]} is on the line again"))
    page.wait_for_selector(says("line-now", before.id[:8]))
    assert open_recipe(file).id == before.id
    with station.record() as store:
        assert len(store.actions(kind="recipe_on_line")) == 2
    # The next person's name stands beside the one who released what was changed.
    page = open_page(station, PATH, user="jo", wait=READY)
    choose(page, "recipe", before.id[:8])
    page.wait_for_selector(".threshold[data-ready='185']")
    page.wait_for_selector("#apply:enabled")
    page.fill("input.exact", repr(0.9 * station.limit))
    page.keyboard.press("Enter")
    page.click("#apply")
    page.click("#yes-asking")
    page.wait_for_selector("#asking", state="hidden")
    page.wait_for_selector("#back:visible")
    with station.record() as store:
        noted = store.actions(kind="limit_applied")[0]
    assert (noted.who, noted.detail["released_by"]) == ("jo", "mia")


def give(page: Any, value: str) -> None:
    """Type the largest area of the first zone."""
    page.dblclick("#zone-limits [role=gridcell] >> nth=1")
    page.keyboard.press("Control+A")
    page.keyboard.type(value)
    page.keyboard.press("Enter")


def test_the_limits_of_zones_go_on_the_line_and_back(
    make_station: Callable[..., Any], open_page: Any
) -> None:
    station = make_station(start=False)
    file = station.folder / "flange.recipe"
    plain = open_recipe(file)
    zone = Zone(name="rim", polygon=((0.0, 0.0), (200.0, 0.0), (200.0, 200.0), (0.0, 200.0)))
    setup = replace(plain.settings.setup, zones=(zone,))
    write_recipe(plain.with_settings(replace(plain.settings, setup=setup)), file)
    judged(station, file, zone="rim")
    before = open_recipe(file)
    station.start_runtime()
    station.start_page()
    page = open_page(station, PATH, user="mia", wait=READY)
    page.click("#zones")
    assert page.inner_text("#zone-limits [role=gridcell] >> nth=0").strip() == "rim"
    give(page, "-3")
    page.click("#yes-zoning")
    page.wait_for_selector(
        ".toast-wrap :text('greater than 0'), .toast-body :text('greater than 0')"
    )
    assert not page.is_visible("#asking")
    page.click(".toast-close")
    give(page, "1000")
    page.click("#yes-zoning")
    page.wait_for_selector("#asking:visible")
    escapes, overkill, *_ = page.inner_text("#figures").splitlines()
    assert "10 of 10" in escapes  # every NG part is smaller than that
    assert "0 of 10" in escapes.partition("now:")[2]
    assert "0 of 21" in overkill.partition("now:")[2]
    page.click("#yes-asking")
    page.wait_for_selector("#asking", state="hidden")
    page.wait_for_selector("#back:visible")
    applied = open_recipe(file)
    assert applied.id != before.id
    assert applied.settings.setup.zones[0].max_area_px == 1000
    assert applied.settings.training["zone_limits"]["by"] == "mia"
    with station.record() as store:
        (noted,) = store.actions(kind="limit_applied")
        (released,) = store.actions(kind="recipe_on_line")
    assert (noted.who, released.who, released.detail["recipe_id"]) == ("mia", "mia", applied.id)
    assert (noted.detail["escapes"], noted.detail["zones"][0]["max_area_px"]) == ("10 of 10", 1000)
    page.click("#back")
    page.wait_for_selector(says("line-now", before.id[:8]))
    page.wait_for_selector("#zones:enabled")
    assert open_recipe(file).id == before.id


def test_a_limit_is_proposed_by_what_errors_cost(station: Any, open_page: Any) -> None:
    page = open_page(station, PATH, user="mia", wait=READY)
    recipe = open_recipe(station.folder / "flange.recipe")
    page.click("#propose")
    page.fill("#cost-escape input", "1000")
    page.fill("#cost-defect_rate input", "0.5")
    page.click("#yes-proposal")
    page.wait_for_selector("#proposal", state="hidden")
    page.wait_for_selector(says("told", "Proposed"))
    bad = SCORES[-10:] * station.limit
    costs = Costs(escape=1000, overkill=1, defect_rate=0.5)
    highest = max(recipe.settings.calibration.fail_threshold, float(recipe.scores[-1]))
    expected = propose(recipe.scores, bad, costs=costs, highest=highest)
    at = float(page.get_attribute(".threshold", "data-threshold"))
    assert at == pytest.approx(expected.threshold)
    # Nothing is on the line by that.
    assert recipe.id[:8] in page.inner_text("#line-now")
