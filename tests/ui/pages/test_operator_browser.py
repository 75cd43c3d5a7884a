"""The operator's page in a real browser, over real stations: what it shows and what its keys do."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from cameras import Frame
from cameras.simulated import draw_part
from inspection.judgement import Verdict
from inspection.judging.judge import inspect
from inspection.reasons import accepted_or_at_fault
from inspection.recipe import open_recipe
from inspection.store import NewPart, encode_picture, open_store
from inspection.store.filters import PartFilter
from inspection.store.reading.summary import counts_of
from tests.monitoring.conftest import good_numbers
from tests.monitoring.conftest import part as stream_part
from tests.ui.conftest import FULL_HD, SERVER_GONE, SMALL, AtWork, Opened, free_port, wait_for
from tests.ui.pages.test_operator_phone_browser import box
from tests.ui.pages.test_operator_screen_browser import LEAST_FIGURE_PX, OVERLAPPING, apart
from ui.words import Words

pytestmark = pytest.mark.slow

WORDS = Words()
READY = ".banner[data-verdict]:not([data-verdict=NO_SIGNAL])"
BUTTONS = ("acknowledge", "disagree", "trigger", "pause", "heat", "outlines", "sound", "menu")


def say(key: str, language: str = "en", **values: object) -> str:
    return WORDS.say(f"operator.{key}", language, **values)


@pytest.fixture(scope="module")
def troubled(make_station: Callable[..., AtWork], recipe_file: Path) -> Iterator[AtWork]:
    """A station that latches, in trouble of three kinds, whose last part of the record is a REVIEW."""
    found = make_station(
        top='latch_fail = true\nshifts = ["00:00"]',
        view="defects = ['missing_feature']",
        rest=f'[outputs.webhook]\nurl = "http://127.0.0.1:{free_port()}/"\n'
        "[retention]\nfree_gb = 1e6",
        start=False,
    )
    _drifted_record(found.folder / "parts.db", recipe_file)
    found.start_runtime()
    found.start_page()
    yield found
    found.stop()


@pytest.fixture
def unlike(make_station: Callable[..., AtWork], recipe_file: Path) -> Iterator[AtWork]:
    """A station that watches the stream, whose record begins with parts unlike those it sees."""
    found = make_station(
        rest='[monitor]\ngood = 100\nmethods = ["cusum"]\ncolumns = ["score", "brightness"]',
        start=False,
    )
    recipe = open_recipe(recipe_file).id
    with open_store(found.folder / "parts.db") as store:
        store.add_many(
            [
                stream_part(row, i, i, recipe=recipe, station="line-1")
                for i, row in enumerate(good_numbers(100, 1))
            ]
        )
    found.start_runtime()
    found.start_page()
    yield found
    found.stop()


def _drifted_record(path: Path, recipe_file: Path) -> None:
    """Record good parts that all look a little unusual, and one part for a person to look at."""
    recipe = open_recipe(recipe_file)

    def judged(seed: int, defect: str | None) -> tuple[Any, Frame]:
        image = draw_part(seed, defect=defect, size_px=256).image
        frame = Frame(image=image, camera="main", sequence=seed, captured_at=datetime.now(UTC))
        return inspect(frame, recipe), frame

    good, frame = judged(5, None)
    bad, faulty = judged(6, "missing_feature")
    assert (good.verdict, bad.verdict) == (Verdict.PASS, Verdict.FAIL)
    cause = accepted_or_at_fault("REVIEW", bad.regions, bad.threshold or 0.0)
    unusual, review = (
        replace(good, p_value=0.05),
        replace(bad, verdict=Verdict.REVIEW, cause=cause),
    )
    picture = encode_picture(frame)
    about: dict[str, Any] = {"station": "line-1", "product": "flange"}
    parts = [NewPart(judgement=unusual, image_bytes=picture, **about) for _ in range(60)]
    with open_store(path) as store:
        store.add_many([*parts, NewPart(judgement=review, frame=faulty, serial="R-1", **about)])


def until(page: Any, script: str, arg: Any = None, timeout: float = 15_000) -> None:
    page.wait_for_function(script, arg=arg, timeout=timeout)


def verdict(page: Any, wanted: str, timeout: float = 15_000) -> None:
    script = "v => document.querySelector('.banner').dataset.verdict === v"
    until(page, script, wanted, timeout)


def newest(page: Any, number: int) -> None:
    script = "n => document.querySelector('.tile:last-child')?.dataset.seq === String(n)"
    until(page, script, number)


def banner(page: Any) -> dict[str, Any]:
    """Give what a person sees of the banner."""
    script = """() => {
        const banner = document.querySelector('.banner'), frame = banner.querySelector('.frame');
        const text = (name) => banner.querySelector(name).textContent;
        return {word: text('.word'), todo: text('.todo'), why: text('.why'), badge: text('.badge'),
            number: text('.number'), detail: text('.detail'), seq: banner.dataset.seq,
            sign: banner.querySelector('use').getAttribute('href'),
            colour: getComputedStyle(frame).backgroundColor + getComputedStyle(banner).backgroundColor,
            border: getComputedStyle(frame).borderTopStyle, hatch: getComputedStyle(banner).backgroundImage};
    }"""
    return dict(page.evaluate(script))


def part_of(station: AtWork, wanted: Verdict) -> Any:
    """Inspect parts until one has this verdict; give its record."""
    for _ in range(40):
        station.trigger()
        with station.record() as store:
            (part,) = store.parts(limit=1)
        if part.verdict is wanted:
            return part
    raise AssertionError(f"no {wanted} among 40 parts")


def events(station: AtWork, part: Any) -> list[tuple[str, str, dict[str, Any]]]:
    with station.record() as store:
        return [(each.kind, each.who, dict(each.detail)) for each in store.events(part.part_id)]


def troubles(page: Any) -> list[str]:
    script = "() => [...document.querySelectorAll('.trouble')].map((line) => line.dataset.trouble)"
    return list(page.evaluate(script))


def trouble(page: Any, name: str, *, there: bool = True, timeout: float = 15_000) -> None:
    script = (
        "([name, there]) => !!document.querySelector(`.trouble[data-trouble=${name}]`) === there"
    )
    until(page, script, [name, there], timeout)


# The four verdicts


def test_pass_fail_and_cannot_inspect_as_they_come(at_work: AtWork, open_page: Opened) -> None:
    page = open_page(at_work, wait=READY)
    assert banner(page)["word"] == "WAITING"
    assert page.title() == "WAITING · line-1"
    good = part_of(at_work, Verdict.PASS)
    newest(page, good.number)
    seen = banner(page)
    assert (seen["word"], seen["sign"], seen["seq"]) == ("PASS", "#sign-PASS", str(good.number))
    numbers = {"score": f"{good.score:#.3g}", "limit": f"{good.threshold:#.3g}"}
    assert seen["why"] == WORDS.say("reasons.nothing_unusual", "en", **numbers)
    script = """() => import("/static/shared/reasons.js").then(({apart}) => [
        apart({score: 4.3471, limit: 4.3453}), apart({score: 2, limit: 2}), apart({score: 101.2, limit: 101.4}),
    ])"""
    written = [tuple(each.values()) for each in page.evaluate(script)]
    assert written == [("4.347", "4.345"), ("2.00", "2.00"), ("101.2", "101.4")]
    assert (seen["todo"], seen["colour"]) == ("Pass the part on", _colours("#009e73"))
    until(page, "n => document.querySelector('.picture').dataset.part === String(n)", good.number)
    assert page.locator(".outlines polygon.FAIL").count() == 0
    assert page.locator(".heat").is_hidden()

    bad = part_of(at_work, Verdict.FAIL)
    newest(page, bad.number)
    seen = banner(page)
    assert (seen["word"], seen["sign"], seen["seq"]) == ("FAIL", "#sign-FAIL", str(bad.number))
    assert re.match(r"(1 place|\d+ places) at fault.* mm²\. Score \S+, limit \S+\.$", seen["why"])
    assert (seen["todo"], "repeating-linear-gradient" in seen["hatch"]) == (
        "Put the part in the red box", True,
    )  # fmt: skip
    until(page, "n => document.querySelector('.picture').dataset.part === String(n)", bad.number)
    assert page.locator(".outlines polygon.line.FAIL").count() >= 1
    page.locator(".heat").wait_for(state="visible")
    page.wait_for_selector(".zoom[data-verdict=FAIL]")
    assert f"Worst place of part {bad.number}" in page.inner_text(".crop.worst figcaption")
    beside = "t => document.querySelector('.crop.good figcaption').textContent === t"
    until(page, beside, say("good_reference"))
    assert _painted(page, ".crop.worst canvas")
    assert _painted(page, ".crop.good canvas")

    at_work.do("pause", who="test")
    at_work.trigger()
    verdict(page, "CANNOT_INSPECT")
    seen = banner(page)
    assert (seen["word"], seen["sign"]) == ("CANNOT INSPECT", "#sign-CANNOT_INSPECT")
    assert (seen["why"], seen["border"]) == ("Inspecting is paused.", "double")
    until(page, "t => document.querySelector('.stage .empty').textContent === t", say("no_picture"))
    trouble(page, "paused")
    assert page.inner_text("[data-figure=rejected]") == "1"  # a pause is no reject
    page.click("[data-act=acknowledge]")
    given = page.locator("dialog [data-value]").evaluate_all(
        "(all) => all.map((each) => each.dataset.value)"
    )
    assert given[:2] == ["no_part", "camera_dirty"]
    page.keyboard.press("Escape")
    at_work.do("resume", who="test")
    trouble(page, "paused", there=False)


def _colours(frame_behind: str) -> str:
    red, green, blue = (int(frame_behind[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba(0, 0, 0, 0)rgb({red}, {green}, {blue})"


def _painted(page: Any, canvas: str) -> bool:
    """Whether there is a picture on a canvas."""
    script = """(canvas) => {
        const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        return new Set(data).size > 20;
    }"""
    return bool(page.locator(canvas).evaluate(script))


def test_review_is_told_apart_and_says_whom_to_call(troubled: AtWork, open_page: Opened) -> None:
    page = open_page(troubled, wait=READY)
    verdict(page, "REVIEW")
    seen = banner(page)
    assert (seen["word"], seen["sign"], seen["border"]) == ("REVIEW", "#sign-REVIEW", "dashed")
    assert seen["todo"] == say("do_review")
    assert "is above the PASS limit" in seen["why"]
    assert page.inner_text("[data-fact=serial]") == "R-1"
    page.locator(".heat").wait_for(state="visible")
    assert page.locator(".outlines polygon.line.REVIEW").count() >= 1


# Troubles


def test_an_unusual_stream_of_parts_is_told_with_what_to_do(
    unlike: AtWork, open_page: Opened
) -> None:
    page = open_page(unlike, wait=READY)
    for _ in range(4):
        unlike.trigger()
    trouble(page, "stream", timeout=60_000)
    text = page.inner_text(".troubles")
    assert "PARTS CHANGE" in text
    assert WORDS.say("troubles.act_stream", "en") in text
    assert "cusum: brightness is" in text or "cusum: score is" in text


def test_output_disk_and_drift_are_told_with_what_to_do(
    troubled: AtWork, open_page: Opened
) -> None:
    page = open_page(troubled, wait=READY)
    troubled.trigger()  # something to deliver
    trouble(page, "output")
    assert troubles(page)[:3] == ["output", "disk", "drift"]
    text = page.inner_text(".troubles")
    assert "OUTPUT SILENT: webhook" in text
    assert "Check PLC, cable and network. Results waiting: 1" in text
    assert "DISK NEARLY FULL" in text
    assert "Below 1,000,000 GB" in text
    assert "60 of 6" in text


@pytest.mark.parametrize("language", ["en", "ja", "ko"])
def test_of_more_than_three_troubles_the_rest_is_a_touch_away_and_counters_stay_large(
    troubled: AtWork, open_page: Opened, language: str
) -> None:
    page = open_page(troubled, wait=READY, size=SMALL, language=language)
    trouble(page, "disk")
    if "output" not in troubles(page):
        troubled.trigger()  # something to deliver
        trouble(page, "output")
    troubled.do("pause", who="test")
    try:
        page.wait_for_selector(".troubles .more")
        shown = troubles(page)
        assert page.inner_text(".more") == say("more_troubles", language, n=2)
        assert box(page, ".more")["height"] >= 40
        sizes = page.locator(".counter b").evaluate_all(
            "(all) => all.map((each) => parseFloat(getComputedStyle(each).fontSize))"
        )
        assert min(sizes) >= LEAST_FIGURE_PX, sizes
        overlapping = page.evaluate(OVERLAPPING)
        assert [each for each in overlapping if each != "trouble: act"] == []  # its own words
        page.click(".more")
        page.wait_for_selector("dialog[data-ask=troubles]")
        everything = page.locator("dialog .trouble").evaluate_all(
            "(all) => all.map((each) => each.dataset.trouble)"
        )
        assert (everything[:2], set(everything)) == (shown, {"paused", "output", "disk", "drift"})
        assert apart(box(page, "dialog"), box(page, ".banner"))
        troubled.do("resume", who="test")
        page.wait_for_selector("dialog .trouble[data-trouble=paused]", state="detached")
        page.keyboard.press("Escape")
        page.wait_for_selector("dialog", state="detached")
        assert page.locator(".more").count() == 0
        assert len(troubles(page)) == 3
    finally:
        troubled.do("resume", who="test")


@pytest.fixture(scope="module")
def watched(make_station: Callable[..., AtWork]) -> Iterator[AtWork]:
    """A station whose camera watches a folder, and whose queue holds one part."""
    found = make_station(top="queue = 1", start=False)
    pictures = found.folder / "pictures"
    pictures.mkdir()
    text = found.station.read_text()
    text = re.sub(r'camera = "simulated"', 'camera = "folder"', text)
    settings = f'[views.settings]\npath = "{pictures}"\nwatch = true\nstable_s = 0.1\n'
    text = re.sub(r"\[views.settings\].*?(?=\[\[products)", settings, text, flags=re.DOTALL)
    found.station.write_text(text.replace("deadline_ms = 5000", "deadline_ms = 1500"))
    found.start_runtime()
    found.start_page()
    yield found
    found.stop()


def test_a_lost_camera_is_told_and_its_return_too(watched: AtWork, open_page: Opened) -> None:
    page = open_page(watched, wait=READY)
    pictures = watched.folder / "pictures"
    away = pictures.rename(watched.folder / "away")
    watched.trigger()
    trouble(page, "camera_lost")
    assert "CAMERA LOST: main" in page.inner_text(".troubles")
    assert "Check the camera's cable and power" in page.inner_text(".troubles")
    verdict(page, "CANNOT_INSPECT")
    assert banner(page)["why"] == WORDS.say("reasons.no_picture", "en")
    assert banner(page)["todo"] == say("do_camera")
    away.rename(pictures)
    trouble(page, "camera_lost", there=False, timeout=40_000)


def test_a_record_out_of_reach_is_told(watched: AtWork, open_page: Opened) -> None:
    page = open_page(watched, wait=READY)
    other = sqlite3.connect(watched.folder / "parts.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(AssertionError, match="not triggered"):
            watched.do("trigger", who="test")
        trouble(page, "record")
        assert "RECORD OUT OF REACH" in page.inner_text(".troubles")
    finally:
        other.execute("ROLLBACK")
        other.close()
    trouble(page, "record", there=False, timeout=40_000)


def test_a_busy_station_is_told(watched: AtWork, open_page: Opened) -> None:
    page = open_page(watched, wait=READY)
    for _ in range(
        5
    ):  # no picture comes: one waits for it, one in the queue, the rest are too many
        watched.do("trigger", who="test")
    trouble(page, "busy")
    assert "Slow the line down" in page.inner_text(".troubles")
    trouble(page, "busy", there=False, timeout=30_000)


# Sizes and languages


@pytest.mark.parametrize("size", [FULL_HD, SMALL])
@pytest.mark.parametrize("language", ["en", "ja", "ko"])
def test_nothing_is_cut_off_at_any_size_in_any_language(
    at_work: AtWork, troubled: AtWork, open_page: Opened, size: tuple[int, int], language: str
) -> None:
    page = open_page(troubled, size=size, language=language, wait=READY)
    trouble(page, "drift")
    assert _cut(page) == []
    page.keyboard.press("m")
    page.wait_for_selector("dialog[data-ask=menu]")
    assert _cut(page) == []
    _leave(page)

    page = open_page(at_work, size=size, language=language, wait=READY)
    for wanted in (Verdict.PASS, Verdict.FAIL):
        newest(page, part_of(at_work, wanted).number)
        verdict(page, wanted.value)
        assert banner(page)["word"] == say(f"verdict_{wanted.value}", language)
        assert _cut(page) == []
    page.keyboard.press("a")
    page.wait_for_selector("dialog[data-ask=acknowledge]")
    assert _cut(page) == []
    _leave(page)
    page.keyboard.press("ArrowLeft")
    page.wait_for_selector(".picture.frozen")
    assert _cut(page) == []
    at_work.do("pause", who="test")
    at_work.trigger()
    verdict(page, "CANNOT_INSPECT")
    trouble(page, "paused")
    assert banner(page)["word"] == say("verdict_CANNOT_INSPECT", language)
    assert banner(page)["why"] == WORDS.say("reasons.paused", language)
    assert _cut(page) == []
    at_work.do("resume", who="test")
    assert page.evaluate("() => document.fonts.status") == "loaded"


def _leave(page: Any) -> None:
    """Close a question by the key for it."""
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog", state="detached")


def _cut(page: Any) -> list[str]:
    """List texts that do not fit where they stand, buttons too small for a glove, and scrolling."""
    script = """() => {
        const found = [], room = 1, shown = (each) => each.offsetParent !== null || each.closest('dialog');
        const root = document.documentElement;
        if (root.scrollWidth > innerWidth || root.scrollHeight > innerHeight) found.push('the page scrolls');
        const screen = document.querySelector('.screen');
        // Letters of a line may stand a little higher than the line: that is not cut.
        const over = (each, room, letters = 0) => each.scrollWidth > each.clientWidth + room ||
            each.scrollHeight > each.clientHeight + room + letters * parseFloat(getComputedStyle(each).fontSize);
        if (over(screen, 0)) found.push('the screen scrolls');
        const holds = (outer, inner, name) => {
            const a = outer.getBoundingClientRect(), b = inner.getBoundingClientRect();
            const out = [a.left - b.left, b.right - a.right, a.top - b.top, b.bottom - a.bottom];
            if (Math.max(...out) > room)
                found.push(`${name}: ${inner.textContent}`);
        };
        const text = (each) => {
            const range = document.createRange(), box = each.getBoundingClientRect();
            range.selectNodeContents(each);
            const {left, right} = range.getBoundingClientRect();
            const as = {left, right, top: box.top, bottom: box.bottom};
            return {textContent: each.textContent, getBoundingClientRect: () => as};
        };
        const frame = document.querySelector('.banner .frame'), words = document.querySelector('.banner .words');
        for (const name of ['word', 'todo', 'why', 'badge', 'number', 'at']) {
            const each = document.querySelector(`.banner .${name}`);
            if (each.textContent && shown(each)) holds(frame, text(each), `banner ${name}`);
        }
        for (const name of ['word', 'todo', 'why'])
            holds(words, text(words.querySelector(`.${name}`)), `banner ${name}`);
        const pressed = '.operator button, .operator a.choice, .operator input[type=text]';
        for (const each of document.querySelectorAll(pressed)) {
            if (!shown(each)) continue;
            const box = each.getBoundingClientRect();
            if (box.height < 64) found.push(`${Math.round(box.height)} px high: ${each.textContent}`);
            for (const inner of each.children)
                if (inner.tagName === 'SPAN' && inner.textContent) holds(each, text(inner), 'button');
            holds({getBoundingClientRect: () => new DOMRect(0, 0, innerWidth, innerHeight)}, each, 'outside');
        }
        for (const line of document.querySelectorAll('.trouble > div'))
            holds(line.parentElement, text(line.querySelector('.act')), 'trouble');
        const small = '.counter, .crop figcaption, .trend .told, .facts dt, .facts dd';
        for (const each of document.querySelectorAll(small))
            if (each.textContent && over(each, room, 0.4))
                found.push(`cut: ${each.textContent}`);
        const facts = document.querySelector('.facts'), rows = [...facts.querySelectorAll('dl > div')];
        holds(facts, rows.filter((row) => row.offsetParent !== null).at(-1), 'facts');
        return found;
    }"""
    return list(page.evaluate(script))


# Buttons and keys


def test_everything_by_keyboard_alone(at_work: AtWork, open_page: Opened) -> None:
    page = open_page(at_work, user="oli", wait=READY)
    bad = part_of(at_work, Verdict.FAIL)
    newest(page, bad.number)
    page.keyboard.press("a")
    page.wait_for_selector("dialog[data-ask=acknowledge]")
    page.keyboard.press("2")
    page.get_by_text(say("acknowledged", n=bad.number)).wait_for()
    assert events(at_work, bad) == [
        ("acknowledge", "oli", {"reason": "damage", "comment": ""}),
    ]
    page.keyboard.press("d")
    page.wait_for_selector("dialog[data-ask=disagree]")
    page.keyboard.press("Enter")
    page.get_by_text(say("sent_to_review", n=bad.number)).wait_for()
    assert events(at_work, bad)[1] == ("disagree", "oli", {"comment": ""})

    page.keyboard.press("t")
    newest(page, bad.number + 1)
    page.keyboard.press("p")
    page.wait_for_selector("dialog[data-ask=pause]")
    page.keyboard.press("Enter")
    trouble(page, "paused")
    assert page.locator("[data-act=trigger]").is_disabled()
    page.keyboard.press("p")
    trouble(page, "paused", there=False)
    with at_work.record() as store:
        kinds = [(action.kind, action.who) for action in store.actions(limit=2)]
    assert kinds == [("resumed", "oli"), ("paused", "oli")]

    page.keyboard.press("ArrowLeft")
    page.wait_for_selector(".picture.frozen")
    assert f"Looking at part {bad.number}" in page.inner_text(".picture .title")
    until(
        page,
        "t => document.querySelector('.picture .note').textContent.startsWith(t)",
        "oli disagreed at",
    )
    page.keyboard.press("l")
    page.wait_for_selector(".picture:not(.frozen)")
    page.keyboard.press("o")
    until(page, "() => document.querySelector('.outlines').style.visibility === 'hidden'")
    page.keyboard.press("o")
    page.keyboard.press("m")
    page.wait_for_selector("dialog[data-ask=menu]")
    _leave(page)


def test_every_button_shows_its_key(at_work: AtWork, open_page: Opened) -> None:
    page = open_page(at_work, wait=READY)
    keys = {name: page.inner_text(f"[data-act={name}] kbd") for name in BUTTONS}
    assert keys == {
        "acknowledge": "A", "disagree": "D", "trigger": "T", "pause": "P", "heat": "H",
        "outlines": "O", "sound": "S", "menu": "M",
    }  # fmt: skip


def test_a_part_is_acknowledged_with_words_of_its_own(at_work: AtWork, open_page: Opened) -> None:
    page = open_page(at_work, wait=READY)
    bad = part_of(at_work, Verdict.FAIL)
    newest(page, bad.number)
    page.click("[data-act=acknowledge]")
    page.fill("dialog input", "1 chip of 2 mm, at the hole")  # digits are text there, not choices
    page.click("dialog [data-value=dirt]")
    page.get_by_text(say("acknowledged", n=bad.number)).wait_for()
    assert events(at_work, bad) == [
        ("acknowledge", "operator", {"reason": "dirt", "comment": "1 chip of 2 mm, at the hole"}),
    ]
    tile = page.locator(f".tile[data-part='{bad.part_id}'].done")
    tile.wait_for()
    assert tile.locator(".why").inner_text() == WORDS.say("acknowledged.dirt", "en")
    tile.click()
    page.wait_for_selector("[data-act=acknowledge]:disabled")
    page.reload()
    tile.wait_for()  # told by the record to a page that comes later
    assert tile.locator(".why").inner_text() == WORDS.say("acknowledged.dirt", "en")


def test_a_question_keeps_its_part_in_the_picture(at_work: AtWork, open_page: Opened) -> None:
    page = open_page(at_work, wait=READY)
    bad = part_of(at_work, Verdict.FAIL)
    newest(page, bad.number)
    page.click("[data-act=acknowledge]")
    page.wait_for_selector("dialog[data-ask=acknowledge]")
    good = part_of(at_work, Verdict.PASS)
    newest(page, good.number)
    assert (banner(page)["word"], banner(page)["seq"]) == ("PASS", str(good.number))
    assert f"Looking at part {bad.number}: FAIL" in page.inner_text(".picture .title")
    page.keyboard.press("Escape")
    page.wait_for_selector(".picture:not(.frozen)")
    until(page, "n => document.querySelector('.picture').dataset.part === String(n)", good.number)


def test_a_scanner_that_types_presses_no_button(at_work: AtWork, open_page: Opened) -> None:
    page = open_page(at_work, wait=READY)
    with at_work.record() as store:
        before = store.head().count
    page.keyboard.type("TPMAD-0042")
    page.keyboard.press("o")
    until(page, "() => document.querySelector('.outlines').style.visibility === 'hidden'")
    assert page.locator("dialog").count() == 0
    with at_work.record() as store:
        assert store.head().count == before


def test_names_are_shown_as_text(at_work: AtWork, open_page: Opened) -> None:
    page = open_page(at_work, wait=READY)
    serial, lot = "<img src=x onerror=alert(1)>", "<b>7</b>"
    at_work.trigger(serial=serial, lot=lot)
    until(page, "t => document.querySelector('[data-fact=serial]').textContent === t", serial)
    assert page.locator("[data-fact=lot]").text_content() == lot
    assert page.locator(".facts img, .facts dd b").count() == 0


def test_the_product_is_locked_for_operators_and_changed_by_engineers(
    troubled: AtWork, at_work: AtWork, open_page: Opened
) -> None:
    page = open_page(at_work, user="oli", wait=READY)
    page.keyboard.press("m")
    assert page.locator("dialog [data-value=product]").is_disabled()
    assert page.locator("dialog a[href^='/engineer']").count() == 0
    page = open_page(at_work, user="mia", wait=READY)
    page.keyboard.press("m")
    page.click("dialog [data-value=product]")
    page.wait_for_selector("dialog[data-ask=product]")
    assert page.locator("dialog [data-value=flange]").is_disabled()  # it is on the line already
    _leave(page)
    page.keyboard.press("m")
    assert page.get_attribute("dialog a[href^='/engineer']", "href") == "/engineer/review"


def test_heat_and_its_strength_are_remembered_in_this_browser(
    at_work: AtWork, open_page: Opened
) -> None:
    page = open_page(at_work, wait=READY)
    newest(page, part_of(at_work, Verdict.FAIL).number)
    page.locator(".heat").wait_for(state="visible")
    page.locator(".opacity input").fill("85")
    assert page.locator(".heat").evaluate("(each) => each.style.opacity") == "0.85"
    page.keyboard.press("h")
    page.locator(".heat").wait_for(state="hidden")
    page.reload()
    page.wait_for_selector("[data-act=heat][aria-pressed=false]")
    assert page.locator(".heat").is_hidden()
    page.keyboard.press("h")
    page.locator(".heat").wait_for(state="visible")
    assert page.locator(".heat").evaluate("(each) => each.style.opacity") == "0.85"


def test_a_sound_for_each_fail_once_it_is_turned_on(at_work: AtWork, open_page: Opened) -> None:
    page = open_page(at_work, wait=READY)
    page.evaluate("""() => {
        window.tones = 0;
        const start = OscillatorNode.prototype.start;
        AudioScheduledSourceNode.prototype.start = function (...at) {
            window.tones += 1;
            return start.apply(this, at);
        };
    }""")
    newest(page, part_of(at_work, Verdict.FAIL).number)
    assert page.inner_text("[data-act=sound] .label") == "Sound off"
    assert page.evaluate("() => window.tones") == 0
    page.keyboard.press("s")
    until(
        page, "() => document.querySelector('[data-act=sound] .label').textContent === 'Sound on'"
    )
    before = page.evaluate("() => window.tones")
    newest(page, part_of(at_work, Verdict.FAIL).number)
    assert page.evaluate("() => window.tones") >= before + 3
    page.reload()
    page.wait_for_selector("[data-act=sound][aria-pressed=true]")


# Latching, freezing, several browsers


def test_a_fail_stays_until_it_is_acknowledged_one_after_the_other(
    troubled: AtWork, open_page: Opened
) -> None:
    page = open_page(troubled, wait=READY)
    other = open_page(troubled, wait=READY)
    first = part_of(troubled, Verdict.FAIL)
    second = part_of(troubled, Verdict.FAIL)
    good = part_of(troubled, Verdict.PASS)
    newest(page, good.number)
    seen = banner(page)
    assert (seen["word"], seen["seq"]) == ("FAIL", str(first.number))
    assert seen["badge"] == say("waits_many", n=2)
    assert seen["todo"] == say("do_acknowledge", n=first.number)
    assert page.locator(".tile.waits").count() == 2
    until(page, "n => document.querySelector('.picture').dataset.part === String(n)", first.number)
    _acknowledge_by_key(page)
    until(page, "n => document.querySelector('.banner').dataset.seq === String(n)", second.number)
    assert banner(page)["badge"] == say("waits_one")
    until(other, "n => document.querySelector('.banner').dataset.seq === String(n)", second.number)
    _acknowledge_by_key(other)
    verdict(other, "PASS")
    verdict(page, "PASS")
    assert banner(page)["seq"] == str(good.number)
    assert events(troubled, first) == [
        ("acknowledge", "operator", {"reason": "defect", "comment": ""}),
    ]


def _acknowledge_by_key(page: Any) -> None:
    page.keyboard.press("a")
    page.wait_for_selector("dialog[data-ask=acknowledge]")
    page.keyboard.press("1")
    page.wait_for_selector("dialog", state="detached")


def test_the_picture_is_frozen_and_never_the_banner(at_work: AtWork, open_page: Opened) -> None:
    page = open_page(at_work, wait=READY)
    bad = part_of(at_work, Verdict.FAIL)
    newest(page, bad.number)
    page.click(f".tile[data-seq='{bad.number}'] button")
    page.wait_for_selector(".picture.frozen")
    good = part_of(at_work, Verdict.PASS)
    newest(page, good.number)
    assert (banner(page)["word"], banner(page)["seq"]) == ("PASS", str(good.number))
    assert page.inner_text("[data-fact=number]") == str(bad.number)
    assert f"Looking at part {bad.number}: FAIL" in page.inner_text(".picture .title")
    assert page.locator(".picture").get_attribute("data-part") == str(bad.number)
    page.click(".picture .live")
    until(page, "n => document.querySelector('.picture').dataset.part === String(n)", good.number)
    assert page.inner_text("[data-fact=number]") == str(good.number)


def test_two_browsers_are_told_every_part_once_and_in_order(
    at_work: AtWork, open_page: Opened
) -> None:
    pages = [open_page(at_work, wait=READY), open_page(at_work, size=SMALL, wait=READY)]
    with at_work.record() as store:
        first = store.head().count + 1
    for _ in range(30):
        at_work.do("trigger", who="test")
        wait_for(lambda: True, 1)
    wait_for(lambda: _count(at_work) >= first + 29, 60)
    for page in pages:
        newest(page, first + 29)
        shown = page.evaluate("() => window.inspection.shown")
        assert [number for number, _, _ in shown] == list(range(first, first + 30))
        assert all(at >= decided - 5 for _, decided, at in shown)
        tiles = page.locator(".tile")
        assert [tiles.nth(i).get_attribute("data-seq") for i in (0, 11)] == [
            str(first + 18), str(first + 29),
        ]  # fmt: skip
        with at_work.record() as store:
            counts = counts_of(store, PartFilter())
        inspected, passed = counts.judged, counts.verdicts[Verdict.PASS]
        assert page.inner_text("[data-figure=inspected]") == str(inspected)
        assert page.inner_text("[data-figure=rejected]") == str(inspected - passed)
        share = np.floor(1000 * passed / inspected) / 10
        assert page.inner_text("[data-figure=yield]") == f"{share:.1f} %"


def _count(station: AtWork) -> int:
    with station.record() as store:
        return store.head().count


# Colour-blind, and no signal


@pytest.mark.parametrize("deficiency", ["achromatopsia", "protanopia", "deuteranopia"])
def test_fail_and_pass_differ_for_whoever_sees_no_colour(
    at_work: AtWork, open_page: Opened, deficiency: str
) -> None:
    page = open_page(at_work, wait=READY)
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setEmulatedVisionDeficiency", {"type": deficiency})
    spread = {}
    for wanted in (Verdict.PASS, Verdict.FAIL):
        newest(page, part_of(at_work, wanted).number)
        verdict(page, wanted.value)
        shot = page.locator(".banner").screenshot()
        grey = cv2.imdecode(np.frombuffer(shot, np.uint8), cv2.IMREAD_GRAYSCALE)
        spread[wanted] = float(grey[2:14, 40:-40].std())  # the edge: hatched or plain
    assert spread[Verdict.PASS] < 2
    assert spread[Verdict.FAIL] > 50


def test_a_page_that_lost_its_server_or_station_says_so_and_recovers(
    make_station: Callable[..., AtWork], open_page: Opened
) -> None:
    open_page.allowed = SERVER_GONE
    station = make_station(users=False)
    page = open_page(station, wait=READY)
    page.evaluate("() => { window.same = true; }")
    good = part_of(station, Verdict.PASS)
    verdict(page, "PASS")
    page.wait_for_selector(f".picture[data-part='{good.number}'] .layer.on")

    station.kill_page()
    verdict(page, "NO_SIGNAL", 2000)
    seen = banner(page)
    assert (seen["word"], seen["todo"]) == ("NO SIGNAL", say("do_gone_server"))
    assert seen["seq"] == ""
    assert page.locator(".layer.on").evaluate_all(
        "(all) => all.map((each) => getComputedStyle(each).visibility)"
    ) == ["hidden"]
    assert page.locator("[data-act=trigger]").is_disabled()
    station.start_page()
    verdict(page, "PASS", 20_000)
    assert banner(page)["seq"] == str(good.number)
    page.locator(".layer.on").wait_for(state="visible")
    assert page.locator(".stage .empty").text_content() == ""

    assert station.page is not None
    os.kill(station.page.pid, signal.SIGSTOP)  # it holds the line, and says nothing
    verdict(page, "NO_SIGNAL", 2500)
    os.kill(station.page.pid, signal.SIGCONT)
    verdict(page, "PASS", 10_000)

    station.kill_runtime()
    verdict(page, "NO_SIGNAL", 2000)
    assert banner(page)["why"] == say("why_gone_station")
    (station.page_folder / "runtime.json").unlink()
    station.start_runtime()
    verdict(page, "PASS", 20_000)
    bad = part_of(station, Verdict.FAIL)
    newest(page, bad.number)
    assert page.evaluate("() => window.same") is True  # never reloaded


def test_one_tab_goes_from_one_station_of_a_host_to_another(
    make_station: Any, chromium: Any
) -> None:
    """Their scripts are the same text: the browser must not load those of the first for the second."""
    context = chromium.new_context()
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    for station in (make_station(), make_station()):
        page.goto(station.url)
        page.wait_for_selector(READY, timeout=20_000)
    context.close()
    assert [text for text in said if "Content Security Policy" in text] == []
