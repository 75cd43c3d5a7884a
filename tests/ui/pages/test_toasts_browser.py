"""What Gradio says for a moment is a row on top of a page: it stays until it was read, and covers nothing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.ui.conftest import SMALL, AtWork, Opened
from tests.ui.pages.test_operator_phone_browser import PHONE

pytestmark = pytest.mark.slow

SEEN = """() => {
    const names = 'button, a, input, textarea, table, [role=grid], .thumbnail-item, h2, h3, .notice:not(:empty)';
    return [...document.querySelectorAll(names)]
        .filter((each) => each.checkVisibility() && !each.closest('.toast-wrap'))
        .map((each) => [each, each.getBoundingClientRect()])
        .filter(([, {width, height}]) => width && height)
        .map(([each, {left, top, right, bottom}]) =>
            ({name: `${each.tagName} ${each.className}`, left, top, right, bottom}));
}"""
"""Boxes of what is pressed or read."""
TOAST = """() => {
    const {top, bottom, left, right} = document.querySelector('.toast-body').getBoundingClientRect();
    return {top, bottom, left, right};
}"""

REMEMBER = """() => {
    window.before = [...document.querySelectorAll('button, input, textarea, h2, h3')]
        .map((each) => [each, each.getBoundingClientRect()])
        .filter(([each, {top, height}]) => height && top >= 0 && each.checkVisibility());
    return window.before.length;
}"""
MOVED = """() => Math.min(...window.before.filter(([each]) => each.isConnected)
    .map(([each, {top}]) => each.getBoundingClientRect().top - top))"""
"""By how much what was whole in the window moved down, at least."""


def covered(page: Any, toast: dict[str, float], of: Any) -> list[str]:
    return [
        each["name"]
        for each in of
        if min(each["bottom"], toast["bottom"]) > max(each["top"], toast["top"]) + 1
        and min(each["right"], toast["right"]) > max(each["left"], toast["left"]) + 1
    ]


def refuse_gallery(page: Any) -> None:
    page.click("#bad")


def refuse_product(page: Any) -> None:
    page.fill("#name textarea, #name input", "flange")
    page.click("#add")


PANELS = {
    "gallery": ("#parts .thumbnail-item", refuse_gallery),
    "products": ("#cards .thumbnail-item, #cards img", refuse_product),
}


@pytest.mark.parametrize(
    ("panel", "size"),
    [(name, size) for name in PANELS for size in (SMALL, PHONE)],
)
def test_what_is_refused_is_said_in_a_row_that_covers_nothing(
    at_work: AtWork, open_page: Opened, panel: str, size: tuple[int, int]
) -> None:
    ready, refuse = PANELS[panel]
    at_work.trigger()
    page = open_page(at_work, f"/engineer/{panel}", user="mia", size=size, wait=ready)
    refuse(page)
    page.wait_for_selector(".toast-close")
    page.wait_for_timeout(500)  # it slides in
    toast = page.evaluate(TOAST)
    assert 0 <= toast["top"] < toast["bottom"] <= size[1] / 3
    assert toast["right"] - toast["left"] >= size[0] - 20
    assert page.locator(".toast-message-text").evaluate(
        "({scrollHeight, clientHeight}) => scrollHeight <= clientHeight + 1"
    )
    scrolled = page.evaluate("scrollY")
    assert covered(page, toast, page.evaluate(SEEN) if not scrolled else []) == []
    page.click(".toast-close")
    page.wait_for_selector(".toast-close", state="detached")


def test_on_a_scrolled_page_it_pushes_what_was_seen_down(
    at_work: AtWork, open_page: Opened
) -> None:
    page = open_page(at_work, "/engineer/setup", user="mia", size=(1280, 500), wait="#camera-count")
    box = "#camera-count input, #camera-count textarea"
    page.fill(box, "many")
    page.press(box, "Tab")
    page.evaluate("scrollTo(0, 120)")
    page.wait_for_timeout(300)
    assert page.evaluate("scrollY") > 50
    assert page.evaluate(REMEMBER) > 5
    page.evaluate("document.querySelector('#keep-camera').click()")
    page.wait_for_selector(".toast-close")
    page.wait_for_timeout(500)
    toast = page.evaluate(TOAST)
    assert abs(toast["top"]) <= 1
    assert page.evaluate(MOVED) == pytest.approx(toast["bottom"], abs=2)
