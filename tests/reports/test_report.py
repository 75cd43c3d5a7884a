"""Reports of a real record: figures, words in three languages, and files that stand alone."""

from __future__ import annotations

import base64
import json
import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from pypdf import PdfReader

from inspection.errors import InspectionError
from inspection.intervals import exact_interval
from inspection.judgement import Judgement, Verdict
from inspection.labels.labels import Truth
from inspection.reasons import Reason
from inspection.reports import Report, report_of, write_report
from inspection.reports.html_file import as_html
from inspection.reports.letters import JAPANESE, KOREAN, PLAIN, font_of, marked_up
from inspection.reports.sections import Pareto, Table, Text, sections_of
from inspection.station.station_file import read_station
from inspection.store import NewPart, Store, open_store, open_to_read
from inspection.store.filters import ALL_PARTS, PartFilter
from inspection.words import LANGUAGES, Words
from tests.reports.recorded import FIRST, STEP, recorded

PARTS = 24
JAPANESE_LETTERS, KOREAN_LETTERS = r"[\u3040-\u30ff\u4e00-\u9fff]", r"[\uac00-\ud7a3]"


@pytest.fixture(scope="module")
def station(line: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recorded(tmp_path_factory.mktemp("reported"), line)


@pytest.fixture(scope="module")
def report(station: Path) -> Report:
    return made(station)


def made(station: Path, asked: PartFilter = ALL_PARTS, **more: Any) -> Report:
    settings = read_station(station)
    with open_to_read(settings.record) as store:
        return report_of(store, asked, settings, **more)


def parts_of(station: Path) -> list[Any]:
    with open_to_read(str(station.with_name("parts.db"))) as store:
        return store.parts(limit=100, newest_first=False)


def test_the_figures_are_those_of_the_record(report: Report, station: Path) -> None:
    parts = parts_of(station)
    rejects = [part for part in parts if part.verdict is not Verdict.PASS]
    assert (report.parts, report.rejects) == (PARTS, len(rejects))
    assert report.verdicts[Verdict.PASS] == PARTS - len(rejects)
    assert report.yield_share == pytest.approx(1 - len(rejects) / PARTS)
    assert sum(report.causes.values()) == len(rejects)
    assert report.causes["at_fault"] == sum(part.cause.code == "at_fault" for part in parts)
    assert dict(report.reasons) == {"dirt": 2, "defect": 1, "": len(rejects) - 3}
    ng = parts[1::2]
    passed = sum(part.verdict is Verdict.PASS for part in ng)
    # The operator's doubt came after the label of its part: nobody knows now what it is.
    disputed = rejects[0].number % 2 == 0
    assert report.truths[Truth.DISPUTED] == 1
    assert report.truths[Truth.NG] == len(ng) - disputed
    assert (report.escapes.count, report.escapes.of) == (passed, len(ng) - disputed)
    assert report.escapes.ci95 == exact_interval(passed, len(ng) - disputed)
    assert report.overkill.of == report.truths[Truth.OK] == 6 - (not disputed)
    assert sum(report.defects.values()) == report.truths[Truth.NG]
    assert sum(parts for _, parts, _ in report.periods) == PARTS
    assert sum(passed for *_, passed in report.periods) == PARTS - len(rejects)
    (used,) = report.recipes
    assert used.released is not None
    assert (used.released[0], used.parts, used.recipe_id) == ("mia", PARTS, parts[0].recipe_id)
    brightness = next(each for each in report.health if each.name == "brightness")
    values = [part.health["brightness"] for part in parts]
    assert (brightness.low, brightness.high) == (min(values), max(values))
    assert brightness.median == pytest.approx(np.median(values))
    assert used.recipe is not None
    assert brightness.most == used.recipe.settings.limits.high["brightness"]
    assert report.faults is None


def test_any_choice_of_parts(station: Path) -> None:
    parts = parts_of(station)
    lot = made(station, PartFilter(lot="로트-2"))
    assert [lot.parts, list(lot.lots)] == [PARTS // 3, ["로트-2"]]
    until = FIRST + 4 * STEP
    early = made(station, PartFilter(since=FIRST + STEP, until=until))
    assert (early.first.number, early.last.number, early.parts) == (2, 4, 3)
    assert made(station, PartFilter(recipe_id=parts[0].recipe_id)).parts == PARTS
    with pytest.raises(InspectionError, match="no part matches; ask for another time, lot"):
        made(station, PartFilter(product="nut"))


def test_another_station_of_the_same_record_is_not_reported(station: Path) -> None:
    settings = read_station(station)
    with open_to_read(settings.record) as store, pytest.raises(InspectionError, match="no part"):
        report_of(store, ALL_PARTS, replace(settings, station="line-2"))


def test_pictures_show_the_latest_rejects_with_their_places(report: Report, station: Path) -> None:
    rejects = [part.number for part in parts_of(station) if part.verdict is not Verdict.PASS]
    assert [each.record.number for each in report.pictures] == rejects[::-1][:24]
    assert [each.record.number for each in made(station, pictures=2).pictures] == rejects[::-1][:2]
    assert list(made(station, pictures=0).pictures) == []
    picture = report.pictures[0]
    assert picture.jpeg is not None
    image = cv2.imdecode(np.frombuffer(picture.jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert image.shape[1::-1] == picture.size_px
    region = next(each for each in picture.record.regions if not each.accepted)
    scale = image.shape[1] / 256
    x, y = round(scale * (region.x_px + region.width_px / 2)), round(scale * region.y_px)
    edge = image[max(0, y - 1) : y + 2, x].astype(int)
    assert (np.abs(edge - [0, 94, 213]).max(axis=1) < 60).any()  # BGR of a FAIL


def test_the_record_is_verified_when_asked(line: Any, tmp_path: Path) -> None:
    import sqlite3

    station = recorded(tmp_path, line)
    assert made(station, verify=True).faults == ()
    with sqlite3.connect(tmp_path / "parts.db") as database:
        database.execute("DROP TRIGGER IF EXISTS parts_no_update")
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
            database.execute(f"DROP TRIGGER {name}")
        database.execute("UPDATE parts SET lot = 'L9' WHERE number = 3")
    found = made(station, verify=True)
    assert found.faults is not None
    assert found.faults[0].startswith("part 3: changed")
    facts = dict(sections_of(found, "en", Words()).facts)
    assert facts["Record"].startswith("DOES NOT HOLD: faults 1, the first: part 3: changed")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_words_are_those_of_the_language(report: Report, language: str) -> None:
    words = Words()
    sheets = sections_of(report, language, words)
    paretos = [each for each in sheets.sections if isinstance(each, Pareto)]
    causes, operators = paretos
    assert causes.bars[0].name == words.say("report.cause_at_fault", language)
    assert causes.bars[-1].summed == pytest.approx(1)
    assert {bar.name for bar in operators.bars} == {
        words.say("acknowledged.dirt", language), words.say("acknowledged.defect", language),
        words.say("report.not_acknowledged", language),
    }  # fmt: skip
    tables = {each.title: each for each in sheets.sections if isinstance(each, Table)}
    verdicts = tables[words.say("report.verdicts", language)]
    assert verdicts.rows[0][0] == words.say("report.verdict_PASS", language)
    assert verdicts.rows[0][1] == f"{report.verdicts[Verdict.PASS]}"


def test_the_page_of_html_needs_nothing_else_and_prints(report: Report, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    write_report(report, file, language="ko")
    text = file.read_text("utf-8")
    assert '<html lang="ko">' in text
    assert "L&lt;1&gt;" in text
    assert "L<1>" not in text  # a lot's name is data
    assert re.findall(r'(?:src|href)="(?!data:|#)', text) == []
    assert "@media print" in text
    assert "@page{size:A4" in text
    assert text.count("<svg") == 2  # causes and operators
    assert "HeiseiKakuGo" not in text
    pictures = re.findall(r"data:image/jpeg;base64,([\w+/=]+)", text)
    assert len(pictures) == len(report.pictures)
    assert base64.b64decode(pictures[0]) == report.pictures[0].jpeg


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pdf_prints_all_three_languages(report: Report, language: str, tmp_path: Path) -> None:
    file = tmp_path / "report.pdf"
    write_report(report, file, language=language)
    reader = PdfReader(BytesIO(file.read_bytes()))
    text = "\n".join(page.extract_text() for page in reader.pages)
    words, plain = Words(), re.sub(r"\s", "", text)
    for key in ("title", "causes", "operators", "recipes", "health", "pictures", "escapes"):
        assert re.sub(r"\s", "", words.say(f"report.{key}", language)) in plain, key
    assert "로트-2" in text  # a lot is in its own language
    assert report.recipes[0].recipe_id[:12] in plain
    assert f"{100 * report.yield_share:.1f} %" in text
    foot = words.say("report.page", language, page=1, pages=len(reader.pages))
    assert re.sub(r"\s", "", foot) in re.sub(r"\s", "", reader.pages[0].extract_text())
    shown = sum(len(page.images) for page in reader.pages)
    assert shown == len(report.pictures)


def test_each_letter_is_in_a_font_that_has_it() -> None:
    assert font_of("Yield 98 % – é µ ≤") == PLAIN
    assert font_of("良品率") == JAPANESE
    assert font_of("수율 98 %") == KOREAN
    assert marked_up("lot 로트 <1>") == (
        f'<font name="{PLAIN}">lot </font><font name="{KOREAN}">로트</font>'
        f'<font name="{PLAIN}"> &lt;1&gt;</font>'
    )


def test_an_unknown_kind_of_file_or_language_is_refused(report: Report, tmp_path: Path) -> None:
    with pytest.raises(InspectionError, match=r"unknown kind of file '.doc'; .* .html or .pdf"):
        write_report(report, tmp_path / "report.doc", language="en")
    with pytest.raises(InspectionError, match="language 'de'; allowed: en, ja, ko"):
        write_report(report, tmp_path / "report.pdf", language="de")
    assert list(tmp_path.iterdir()) == []


def test_the_command(
    station: Path, cli_in: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    out = tmp_path / "lot.pdf"
    words = ("report", station, "--lot", "L<1>", "--from", "2026-03-05T06:45", "--out", out)
    done = cli_in(tmp_path, *words, "--language", "ja", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert (told["parts"], told["faults"], told["file"]) == (PARTS * 2 // 3, None, str(out))
    assert "検査レポート" in PdfReader(out).pages[0].extract_text()
    wrong = cli_in(tmp_path, "report", station, "--from", "noon", "--out", out)
    assert wrong.returncode == 2
    assert "--from" in wrong.stderr
    none = cli_in(tmp_path, "report", station, "--lot", "L9", "--out", tmp_path / "no.html")
    assert (none.returncode, none.stderr) == (
        1, "inspection: report: no part matches; ask for another time, lot, product or recipe\n",
    )  # fmt: skip
    assert not (tmp_path / "no.html").exists()


def test_a_picture_that_is_gone_is_said(line: Any, tmp_path: Path) -> None:
    station = recorded(tmp_path, line)
    with open_to_read(str(tmp_path / "parts.db")) as store:
        _remove_last_reject(store)
    found = made(station, pictures=1)
    assert found.pictures[0].jpeg is None
    for suffix in ("html", "pdf"):
        write_report(found, tmp_path / f"r.{suffix}", language="en")
    assert "<p>no picture</p>" in (tmp_path / "r.html").read_text("utf-8")


def _remove_last_reject(store: Store) -> None:
    part = next(each for each in store.parts(limit=100) if each.verdict is not Verdict.PASS)
    path = store.image_path(part)
    assert path is not None
    path.unlink()


def test_shares_are_in_percent_and_rates_say_that_reviewed_parts_are_no_sample(
    report: Report,
) -> None:
    words = Words()
    for language in LANGUAGES:
        sheets = sections_of(report, language, words)
        tables = [each for each in sheets.sections if isinstance(each, Table)]
        name = words.say("report.health_saturated_share", language)
        (row,) = [row for table in tables for row in table.rows if row[0] == name]
        assert all(cell.endswith(" %") for cell in row[1:5]), row
        rates = [each for each in tables if each.title == words.say("report.rates", language)]
        after = sheets.sections[sheets.sections.index(rates[0]) + 1]
        assert after == Text(words.say("report.rates_caveat", language))
        (pareto,) = [each for each in sheets.sections if isinstance(each, Pareto)][:1]
        assert pareto.table.rows[-1][-1] == "100.0 %"


def test_parts_there_was_no_recipe_for_stand_apart(line: Any, tmp_path: Path) -> None:
    station = recorded(tmp_path, line)
    before = made(station)
    none = Judgement(
        verdict=Verdict.CANNOT_INSPECT, recipe_id="",
        cause=Reason("no_recipe_yet", {"product": "new"}),
    )  # fmt: skip
    with open_store(str(station.with_name("parts.db"))) as store:
        store.add_many([NewPart(judgement=none, station="line-1", lot="new") for _ in range(4)])
    report = made(station)
    assert (report.parts, report.outside_yield, report.judged) == (PARTS + 4, 4, PARTS)
    assert (report.yield_share, report.rejects) == (before.yield_share, before.rejects)
    assert (report.verdicts, report.causes) == (before.verdicts, before.causes)
    assert [parts for _, parts, _ in report.periods] == [parts for _, parts, _ in before.periods]
    html = as_html(sections_of(report, "en", Words()))
    assert "4, not in the yield" in html
    only = made(station, PartFilter(lot="new"))
    assert (only.judged, only.yield_share, only.rejects) == (0, 0.0, 0)
    assert "0 of 0 passed" in as_html(sections_of(only, "en", Words()))
