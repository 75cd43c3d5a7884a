"""A badge scanned at the line says who acknowledges: a code and Enter, then the reason."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from inspection.judgement import Verdict
from tests.ui.conftest import AtWork, Opened, wait_for
from ui.security.users import Users

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def station(make_station: Callable[..., AtWork]) -> AtWork:
    found = make_station(top="acknowledge_by_badge = true\nlatch_fail = true")
    Users(found.page_folder / "users.json").badges.set("oli", "4006381333931")
    return found


def test_a_scanned_badge_and_a_digit(station: AtWork, open_page: Opened) -> None:
    with station.record() as store:
        while store.counts()[Verdict.FAIL] == 0:
            station.trigger()
    open_page.allowed = ("403",)
    page = open_page(station, "/", wait="[data-act=acknowledge]:not([disabled])")
    page.keyboard.press("a")
    page.wait_for_selector("dialog[data-ask=acknowledge] [name=badge]:focus")
    # Without a badge nothing is chosen.
    page.click("dialog [data-value=dirt]")
    assert page.locator("dialog[data-ask=acknowledge]").count() == 1
    page.keyboard.type("1234567")
    page.keyboard.press("Enter")
    page.keyboard.press("3")
    page.wait_for_selector("text=This PIN or badge is not known. Nothing was noted.")
    page.keyboard.press("a")
    page.wait_for_selector("dialog[data-ask=acknowledge] [name=badge]:focus")
    page.keyboard.type("4006381333931")
    page.keyboard.press("Enter")
    page.keyboard.press("3")

    def noted() -> list[tuple[str, str]]:
        with station.record() as store:
            events = store.events_of("acknowledge")
            return [(event.who, event.detail["reason"]) for event in events]

    wait_for(lambda: noted() != [], 20)
    assert noted() == [("oli", "dirt")]
