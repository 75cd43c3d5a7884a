"""The reports page in a real browser: chosen, made, opened and noted in the record."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from inspection.jobs.jobs import process_identity
from tests.station.conftest import wait_until
from ui.words import Words

pytestmark = pytest.mark.slow

PATH = "/engineer/reports"
TOLD = "document.querySelector('#told textarea, #told input').value"
KEPT = "#kept :text('line-1-shift.html'):visible"


@pytest.fixture(scope="module")
def station(make_station: Callable[..., Any]) -> Iterator[Any]:
    """A station with two lots."""
    found = make_station(rest='[report]\nfolder = "by the clock"\n')
    found.trigger(3, lot="L7")
    found.trigger(2, lot="L8")
    found.shown = found.folder / "by the clock"
    found.shown.mkdir()
    (found.shown / "line-1-shift.html").write_text("<!doctype html><h1>Shift</h1>")
    yield found
    found.stop()


def choose(page: Any, field: str, text: str) -> None:
    page.click(f"#{field} input")
    page.click(f"#{field} [role=option] >> text={text}")


def test_a_report_is_made_and_opened(station: Any, open_page: Any) -> None:
    page = open_page(station, PATH, user="mia", wait=KEPT)
    page.wait_for_selector("#kept :text('the station, on schedule'):visible")
    page.click("#make")
    page.wait_for_selector("#told textarea, #told input", timeout=60_000)
    page.wait_for_function(
        "document.querySelector('#told textarea, #told input').value.startsWith('5 parts, ')"
    )
    with page.expect_popup() as popup:
        page.click("#open")
    popup.value.wait_for_selector("h1")
    assert popup.value.inner_text("h1") == "Inspection report · line-1"
    assert "numbers 1 to 5" in popup.value.inner_text(".facts")
    made = re.search(r"name=([^&]+)", popup.value.url)
    assert made is not None
    assert made[1].endswith(".html")
    popup.value.close()
    page.fill("#lot input", "L7")
    page.keyboard.press("Enter")
    choose(page, "span", "all that is recorded")
    choose(page, "language", "日本語")
    page.click("#kind >> text=PDF")
    page.click("#make")
    page.wait_for_function(
        "document.querySelector('#told textarea, #told input').value.startsWith('3 parts, ')",
        timeout=60_000,
    )
    name = page.input_value("#chosen input")
    assert name.endswith(".pdf")
    page.wait_for_selector("#kept :text-is('mia'):visible")
    assert page.is_enabled("#make")
    with station.client("mia") as client:
        answer = client.get("/api/engineer/reports/file", params={"name": name})
    assert answer.headers["content-type"] == "application/pdf"
    text = PdfReader(BytesIO(answer.content)).pages[0].extract_text()
    assert "検査レポート" in text
    assert "L7" in text
    with station.record() as store:
        actions = store.actions(limit=20)
    kinds = [each.kind for each in actions]
    assert kinds.count("report_made") == 2
    assert kinds.count("report_fetched") >= 2  # a browser may ask for a page again
    newest = next(each for each in actions if each.kind == "report_made")
    assert (newest.who, newest.detail["asked"]) == ("mia", {"lot": "L7"})
    assert newest.detail["file"] == name


def test_nothing_is_made_of_no_parts_and_it_is_said(station: Any, open_page: Any) -> None:
    page = open_page(station, PATH, user="mia", wait=KEPT)
    page.fill("#lot input", "none such")
    page.keyboard.press("Enter")
    page.click("#make")
    page.wait_for_selector("text=no part matches; ask for another time", timeout=60_000)


def test_parts_are_taken_away_as_a_file_and_the_record_is_verified(
    station: Any, open_page: Any
) -> None:
    page = open_page(station, PATH, user="mia", wait=KEPT)
    choose(page, "span", "all that is recorded")
    page.fill("#lot input", "L7")
    page.keyboard.press("Enter")
    page.click("#tab-files-button, button[role=tab] >> text=Files for other programs")
    page.click("#make-file")
    page.wait_for_selector("#fetch:not([disabled])", timeout=60_000)
    page.wait_for_selector("#file-made :text(': 3 parts, 0 pictures')")
    with page.expect_download() as download:
        page.click("#fetch")
    with Path(download.value.path()).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(int(row["number"]), row["lot"]) for row in rows] == [(1, "L7"), (2, "L7"), (3, "L7")]
    assert download.value.suggested_filename.startswith("parts-line-1-L7-")
    page.click("button[role=tab] >> text=Is the record as it was written?")
    page.click("#verify-start")
    page.wait_for_selector("#verified :text('✓ As it was written')", timeout=60_000)
    with station.record() as store:
        assert store.head().hash in page.inner_text("#verified")
        kinds = [each.kind for each in store.actions(limit=5)]
    assert {"parts_exported", "record_verified"} <= set(kinds)


def test_a_time_of_ones_own(station: Any, open_page: Any) -> None:
    page = open_page(station, PATH, user="mia", wait=KEPT)
    assert not page.is_visible("#since")
    choose(page, "span", "a time of my own")
    page.wait_for_selector("#since input:visible")
    page.fill("#since input", "2020-01-01 00:00:00")
    page.fill("#until input", "2020-01-02 00:00:00")
    page.keyboard.press("Enter")
    page.click("#make")
    page.wait_for_selector("text=no part matches; ask for another time", timeout=60_000)


@pytest.mark.parametrize("language", ["ja", "ko"])
def test_the_page_speaks_the_language(station: Any, open_page: Any, language: str) -> None:
    words = Words()
    page = open_page(station, PATH, user="mia", language=language, wait=KEPT)
    assert page.inner_text("#make").strip() == words.say("reports.make", language)
    assert words.say("reports.by_clock", language) in page.inner_text("#kept")
    assert page.input_value("#span input") == words.say("choice.span_shift", language)


def test_only_reports_are_given_out_and_only_to_engineers(station: Any) -> None:
    with station.client("mia") as client:
        for name in ("../users.json", "users.json", "/etc/passwd", ""):
            answer = client.get("/api/engineer/reports/file", params={"name": name})
            assert answer.status_code == 404, name
        good = client.get("/api/engineer/reports/file", params={"name": "line-1-shift.html"})
        assert good.status_code == 200
    with station.client("oli") as client:
        answer = client.get("/api/engineer/reports/file", params={"name": "line-1-shift.html"})
        assert answer.status_code == 403
        assert client.get(PATH).status_code in (303, 403)


def test_while_one_is_made_its_step_is_said_and_no_click_is_lost(
    station: Any, open_page: Any
) -> None:
    page = open_page(station, PATH, user="mia", wait=KEPT)
    job = station.page_folder / "jobs" / "20260101-000000-000000"
    job.mkdir(parents=True)
    card = {
        "id": job.name, "kind": "report", "who": "oli", "at": "2026-01-01T00:00:00+00:00",
        "about": {}, "pid": os.getpid(), "birth": process_identity(os.getpid()),
    }  # fmt: skip
    (job / "job.json").write_text(json.dumps(card))
    status = {"state": "running", "stage": "Reading", "done": 1, "of": 5}
    (job / "status.json").write_text(json.dumps(status))
    page.click("#make")
    page.wait_for_function(f"{TOLD}.startsWith('One is being made already, by oli')")
    shutil.rmtree(job)
    page.evaluate(f"""() => {{ window.seen = []; setInterval(() => window.seen.push(
        [{TOLD}, document.querySelector('#make').disabled]), 20); }}""")
    page.click("#make")
    page.wait_for_function(f"/^[0-9]+ parts, /.test({TOLD})", timeout=60_000)
    page.wait_for_selector("#make:enabled")
    waited = [told for told, disabled in page.evaluate("window.seen") if disabled]
    assert any("Starting" in told or re.match(r"[1-5] / 5 · ", told) for told in waited), waited


def test_a_report_is_made_although_its_reader_leaves(station: Any, open_page: Any) -> None:
    page = open_page(station, PATH, user="mia", wait=KEPT)
    reports = station.page_folder / "reports"
    before = set(reports.glob("*.html"))
    page.click("#make")
    page.wait_for_function(f"{TOLD} !== ''")
    page.close()
    wait_until(lambda: set(reports.glob("*.html")) > before, timeout_s=60.0)
