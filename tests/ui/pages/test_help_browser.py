"""`?` tells the keys of a page, its version, and the way to the manual."""

from __future__ import annotations

from importlib.metadata import version

import pytest

from tests.ui.conftest import AtWork, Opened

pytestmark = pytest.mark.slow
PAGES = {
    "/": ("oli", ".banner[data-verdict]"),
    "/engineer/review": ("mia", "button kbd"),
    "/engineer/products": ("mia", ".bar"),
}


@pytest.mark.parametrize("path", PAGES)
def test_the_question_mark_tells_the_keys_and_the_version(
    at_work: AtWork, open_page: Opened, path: str
) -> None:
    user, ready = PAGES[path]
    page = open_page(at_work, path, user=user, wait=ready)
    page.wait_for_timeout(500)
    page.keyboard.press("?")
    page.wait_for_selector("dialog.help")
    text = page.inner_text("dialog.help")
    assert f"inspection {version('inspection')}, Apache 2.0 licence" in text
    assert page.get_attribute("dialog.help a", "href") == "/manual"
    rows = page.locator("dialog.help tr").all_inner_texts()
    if path == "/":
        assert "A\tAcknowledge" in rows
    elif path == "/engineer/review":
        assert any(row.startswith("O\t") for row in rows)
    else:
        assert "no keys of its own" in text
        page.keyboard.press("Escape")
        page.click("button.help")
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog.help", state="detached")
