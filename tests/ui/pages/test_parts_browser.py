"""The parts page in a real browser: found, looked at, left and linked to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from inspection.store.filters import PartFilter
from tests.ui.judged_record import judged
from ui.words import Words

pytestmark = pytest.mark.slow

PATH = "/engineer/parts"
SHOWN = "#fields [role=gridcell]:visible"


@pytest.fixture(scope="module")
def station(make_station: Callable[..., Any], recipe_file: Path) -> Iterator[Any]:
    """A station with a record of 185 parts; one more is triggered last of all."""
    found = judged(make_station(start=False), recipe_file)
    found.start_runtime()
    found.start_page()
    yield found
    found.stop()


def shows(page: Any, number: int) -> None:
    """Wait until all that is known of a part is there."""
    serial = f"S{number - 1:04d}"
    page.wait_for_selector(f"#fields [role=gridcell] :text-is('{serial}'):visible")
    assert page.input_value("#number input") == str(number)
    assert page.evaluate("location.hash") == f"#part={number}"


def row(number: int) -> str:
    return f"#found [role=gridcell] :text-is('{number}'):visible"


def test_search_by_keyboard_and_pages(station: Any, open_page: Any) -> None:
    page = open_page(station, PATH, user="mia", wait=row(185))
    shows(page, 185)
    page.click("#older")
    page.wait_for_selector(row(135))
    page.click("#newer")
    page.wait_for_selector(row(185))
    page.focus("#serial textarea, #serial input")
    page.keyboard.type("S00*")
    page.keyboard.press("Enter")
    page.wait_for_selector(row(100))
    assert page.inner_text("#told .notice") == "100 – 51"
    page.fill("#serial textarea, #serial input", "S0123")
    page.keyboard.press("Enter")
    page.wait_for_selector(row(124))
    page.click(row(124))
    shows(page, 124)
    page.wait_for_selector("#found [role=gridcell][style*='var(--line)'] :text-is('124')")
    page.fill("#serial textarea, #serial input", "none such")
    page.click("#find")
    page.wait_for_selector("#told :text('No part matches this choice.')")


def test_a_column_is_sorted_by_value_and_a_row_still_leads_to_its_part(
    station: Any, open_page: Any
) -> None:
    page = open_page(station, PATH, user="mia", wait=row(185))

    def column(place: int) -> list[str]:
        texts: list[str] = page.locator(
            f"#found [role=gridcell][data-col='{place}']"
        ).all_inner_texts()
        return [text.strip() for text in texts]

    head = "#found [role=columnheader][data-heading='4']:visible"
    page.hover(head)
    page.click(f"{head} .cell-menu-button")
    page.click("[role=menu] button >> nth=1")
    page.wait_for_function(
        "document.querySelector('#found [role=gridcell][data-col=\"0\"]').innerText.trim() !== '185'"
    )
    scores = [float(text) for text in column(4) if text != "–"]
    assert (scores, len(scores) > 40) == (sorted(scores, reverse=True), True)
    assert min(scores) < 9 < 10 < max(scores)
    number = column(0)[10]
    page.click(row(int(number)))
    shows(page, int(number))
    page.wait_for_selector(f"#found [role=gridcell][style*='var(--line)'] :text-is('{number}')")
    assert [float(text) for text in column(4) if text != "–"] == scores


def test_a_part_with_picture_heat_outlines_and_its_original(station: Any, open_page: Any) -> None:
    page = open_page(station, f"{PATH}#part=150", user="mia", wait=SHOWN)
    shows(page, 150)
    assert page.locator("#look polygon").count() == 0
    page.wait_for_selector("#events :text('jo'):visible")
    page.wait_for_function("document.querySelector('#look img').naturalWidth === 160")
    with station.record() as store:
        record = store.parts(PartFilter(serial="S0149"))[0]
        path = store.image_path(record)
        assert path is not None
        picture = path.read_bytes()
    assert record.hash in page.inner_text("#fields")
    with page.expect_download() as download:
        page.click("#original")
    assert Path(download.value.path()).read_bytes() == picture
    assert download.value.suggested_filename == f"{record.part_id}.png"
    page.click("#after")
    shows(page, 151)
    page.wait_for_selector("#look polygon.FAIL, #look polygon.REVIEW", state="attached")
    page.click("#outlines input")
    page.wait_for_function("document.querySelectorAll('#look polygon').length === 0")
    page.click("#before")
    shows(page, 150)
    page.fill("#number input", "999")
    page.wait_for_selector("#problem :text('Part 999 is not in the record.')")
    assert not page.is_visible("#fields")


def test_the_part_that_is_shown_is_labelled(station: Any, open_page: Any) -> None:
    page = open_page(station, f"{PATH}#part=140", user="mia", wait=SHOWN)
    shows(page, 140)
    page.click("#kind input")
    page.click("#kind [role=option]:has-text('dent')")
    page.click("#label_ng")
    page.wait_for_selector("#events :text('dent'):visible")
    with station.record() as store:
        part_id = store.parts(PartFilter(serial="S0139"))[0].part_id
        (event,) = store.events(part_id)
        assert (event.kind, event.who) == ("label", "mia")
        assert (event.detail["label"], event.detail["defect"]) == ("NG", "dent")


@pytest.mark.parametrize("language", ["en", "ja", "ko"])
@pytest.mark.parametrize("size", [(1920, 1080), (1280, 800)], ids=["full_hd", "small"])
def test_it_speaks_the_language_and_is_not_wider_than_the_screen(
    station: Any, open_page: Any, language: str, size: tuple[int, int]
) -> None:
    words = Words()
    page = open_page(station, PATH, user="mia", language=language, size=size, wait=SHOWN)
    assert words.say("parts.reason", language) in page.inner_text("#found")
    assert words.say("parts.hash", language) in page.inner_text("#fields")
    assert words.say("report.verdict_CANNOT_INSPECT", language) in page.inner_text("#verdict-of")
    assert "parts." not in page.inner_text("body")
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert page.evaluate("document.querySelector('.bar').offsetHeight") < 70


def test_an_operator_is_not_let_in(station: Any) -> None:
    with station.client("oli") as client:
        assert client.get(PATH, follow_redirects=False).status_code in (302, 303, 403)


def test_the_heat_of_a_part_is_laid_over_its_picture(station: Any, open_page: Any) -> None:
    station.trigger()
    page = open_page(station, PATH, user="mia", wait="#look img")
    page.click("#heat input")
    page.wait_for_function("document.querySelector('#look img.heat')?.naturalWidth === 256")
