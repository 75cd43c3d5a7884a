"""The operator's page on a phone: one column, nothing clipped, and a word that covers nothing."""

from __future__ import annotations

from typing import Any

import pytest

from inspection.judgement import Verdict
from tests.ui.conftest import FULL_HD, AtWork, Opened
from ui.words import Words

pytestmark = pytest.mark.slow

WORDS = Words()
PHONE = (390, 844)
READY = ".banner[data-verdict]:not([data-verdict=NO_SIGNAL])"
WIDER = """() => [document.scrollingElement, ...document.querySelectorAll('.operator, .screen, .banner, .frame, ' +
    '.banner .word, .banner .todo, .banner .why, .banner .which, ' +
    '.counter, .trouble, button.act .label, dialog')]
    .filter((each) => each.scrollWidth > each.clientWidth && getComputedStyle(each).display !== 'inline')
    .map((each) => `${each.className}: ${each.scrollWidth} > ${each.clientWidth}`)"""
COVERED = """(toast) => {
    const a = toast.getBoundingClientRect();
    return [...document.querySelectorAll('.banner, .troubles, .picture, .zoom, .counters, .strip, .trend, .act')]
        .filter((each) => {
            const b = each.getBoundingClientRect();
            return b.width && b.height && Math.min(a.right, b.right) > Math.max(a.left, b.left) &&
                Math.min(a.bottom, b.bottom) > Math.max(a.top, b.top);
        }).map((each) => each.className);
}"""


def inspect_until(station: AtWork, page: Any, wanted: Verdict) -> Any:
    """Inspect parts until one has this verdict and the page shows it; give its record."""
    for _ in range(40):
        station.trigger()
        with station.record() as store:
            (part,) = store.parts(limit=1)
        if part.verdict is wanted:
            page.wait_for_selector(f".banner[data-verdict={wanted}][data-seq='{part.number}']")
            return part
    raise AssertionError(f"no {wanted} among 40 parts")


def box(page: Any, selector: str) -> dict[str, float]:
    return dict(page.locator(selector).bounding_box())


@pytest.mark.parametrize("language", ["en", "ja", "ko"])
def test_a_phone_shows_all_in_one_column_and_acknowledges(
    at_work: AtWork, open_page: Opened, language: str
) -> None:
    page = open_page(at_work, user="oli", size=PHONE, language=language, wait=READY)
    at_work.do("pause", who="test")
    at_work.trigger()
    page.wait_for_selector(".banner[data-verdict=CANNOT_INSPECT]")
    page.wait_for_selector(".trouble[data-trouble=paused]")
    word = WORDS.say("operator.verdict_CANNOT_INSPECT", language)
    assert page.inner_text(".banner .word") == word
    assert page.evaluate(WIDER) == []
    at_work.do("resume", who="test")

    bad = inspect_until(at_work, page, Verdict.FAIL)
    page.wait_for_selector(f".picture[data-part='{bad.number}']")
    page.wait_for_selector(".trouble[data-trouble=paused]", state="detached")
    assert page.evaluate(WIDER) == []
    sign, banner = box(page, ".banner .sign"), box(page, ".banner")
    picture, counters = box(page, ".picture"), box(page, ".counters")
    button = box(page, "[data-act=acknowledge]")
    assert min(sign["width"], sign["height"]) >= 48
    assert picture["height"] >= 0.4 * PHONE[1] - 1
    assert banner["y"] < picture["y"] < counters["y"] < button["y"]
    assert button["y"] + button["height"] <= PHONE[1]
    assert button["width"] >= 0.9 * PHONE[0]
    assert page.locator(".strip").is_hidden()

    page.click("[data-act=acknowledge]")
    page.wait_for_selector("dialog[data-ask=acknowledge]")
    assert page.evaluate(WIDER) == []
    page.click("dialog [data-value=damage]")
    toast = page.wait_for_selector(".toast")
    assert toast.inner_text() == WORDS.say("operator.acknowledged", language, n=bad.number)
    assert toast.evaluate(COVERED) == []
    with at_work.record() as store:
        (event,) = store.events(bad.part_id)
    assert (event.kind, event.who, event.detail["reason"]) == ("acknowledge", "oli", "damage")


def test_the_word_for_a_moment_covers_nothing_on_a_large_screen(
    at_work: AtWork, open_page: Opened
) -> None:
    page = open_page(at_work, user="oli", size=FULL_HD, wait=READY)
    inspect_until(at_work, page, Verdict.FAIL)
    before = box(page, "[data-act=acknowledge]")
    page.keyboard.press("a")
    page.wait_for_selector("dialog[data-ask=acknowledge]")
    page.keyboard.press("2")
    toast = page.wait_for_selector(".toast")
    assert toast.evaluate(COVERED) == []
    assert box(page, "[data-act=acknowledge]") == before
