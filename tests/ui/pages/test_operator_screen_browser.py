"""How the operator's page stands on a screen: what covers what, and what is large enough."""

from __future__ import annotations

import pytest

from inspection.judgement import Verdict
from tests.ui.conftest import SMALL, AtWork, Opened
from tests.ui.pages.test_operator_phone_browser import PHONE, READY, box, inspect_until

pytestmark = pytest.mark.slow


def apart(a: dict[str, float], b: dict[str, float]) -> bool:
    """Whether two boxes have no point in common."""
    return (
        a["x"] + a["width"] <= b["x"] or b["x"] + b["width"] <= a["x"]
        or a["y"] + a["height"] <= b["y"] or b["y"] + b["height"] <= a["y"]
    )  # fmt: skip


@pytest.mark.parametrize("size", [SMALL, PHONE])
def test_a_question_covers_neither_the_banner_nor_the_picture_of_its_part(
    at_work: AtWork, open_page: Opened, size: tuple[int, int]
) -> None:
    page = open_page(at_work, size=size, wait=READY)
    inspect_until(at_work, page, Verdict.FAIL)
    page.mouse.wheel(0, 400)
    page.focus("[data-act=acknowledge]")
    page.keyboard.press("a")
    page.wait_for_selector("dialog[data-ask=acknowledge]")
    dialog, banner = box(page, "dialog"), box(page, ".banner")
    assert banner["y"] >= 0
    assert apart(dialog, banner)
    assert apart(dialog, box(page, ".picture"))
    assert dialog["y"] + dialog["height"] <= size[1]
    assert not page.locator("dialog").evaluate("(each) => each.matches(':modal')")

    for _ in range(14):
        page.keyboard.press("Tab")
        page.wait_for_function("() => document.activeElement.closest('dialog') !== null")
    page.locator("[data-act=menu]").click(force=True)
    page.wait_for_function("() => document.activeElement.closest('dialog') !== null")
    page.keyboard.press("p")
    page.wait_for_timeout(200)  # longer than a key waits for a scanner
    assert page.locator("dialog").count() == 1
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog", state="detached")
    assert page.evaluate("() => document.activeElement.dataset.act") == "acknowledge"
    page.keyboard.press("m")
    page.wait_for_selector("dialog[data-ask=menu]")
