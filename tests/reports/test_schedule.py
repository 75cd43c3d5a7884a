"""Reports by the clock: each span once, whatever happens between, by the real station."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from inspection.errors import InspectionError
from inspection.launch import station_at_work
from inspection.reports.schedule import NAME, ReportSchedule
from inspection.reports.spans import span_before, span_of, spans
from inspection.station.station_file import read_station
from inspection.store import open_to_read
from inspection.store.filters import PartFilter
from inspection.store.reading.summary import extent
from tests.reports.recorded import FIRST, recorded
from tests.ui.conftest import wait_for

HOUR = timedelta(hours=1)
REPORT = """
[report]
at = ["00:00", "08:00", "16:00"]
folder = "shift reports"
kinds = ["html", "pdf"]
language = "ja"
pictures = 2
"""


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The station's local time is UTC here."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def station(folder: Path, line: Any, text: str = REPORT, *, first: datetime = FIRST) -> Path:
    found = recorded(folder, line, first=first)
    found.write_text(found.read_text("utf-8") + text, "utf-8")
    return found


def known_since(folder: Path, moment: datetime) -> None:
    """As after a first start then."""
    page = folder / "parts.page"
    page.mkdir(exist_ok=True)
    content = {"format": 1, "from": moment.isoformat(), "written": []}
    (page / NAME).write_text(json.dumps(content))


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "shift reports").glob("*"))


def test_spans_are_those_of_the_wall_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    at = ("22:00", "06:00", "14:00")
    now = datetime(2026, 3, 5, 15, 30, tzinfo=UTC)
    assert span_of(at, now) == (now.replace(hour=14, minute=0), now.replace(hour=22, minute=0))
    assert span_before(at, now) == (now.replace(hour=6, minute=0), now.replace(hour=14, minute=0))
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    # On 29 March 2026 the clocks go forward at 2:00: the night shift has seven hours.
    found = spans(at, datetime(2026, 3, 28, 20, tzinfo=UTC), datetime(2026, 3, 29, 14, tzinfo=UTC))
    assert [round((b - a) / HOUR) for a, b in found] == [7, 8]
    assert found[0][0].astimezone().hour == 22
    assert span_of(["07:00"], now)[1] - span_of(["07:00"], now)[0] == timedelta(days=1)


def test_each_span_that_is_over_is_written_once(line: Any, tmp_path: Path) -> None:
    settings = read_station(station(tmp_path, line))
    known_since(tmp_path, FIRST)
    now = FIRST + 11 * HOUR  # 17:00: two spans are over, the parts began at 06:00
    done = ReportSchedule(settings).look(now)
    expected = [
        f"line-1-20260305-{a}-20260305-{b}.{kind}"
        for a, b in (("0000", "0800"), ("0800", "1600"))
        for kind in ("html", "pdf")
    ]
    assert files(tmp_path) == expected
    assert sorted(path.name for path in done) == expected
    text = (tmp_path / "shift reports" / expected[2]).read_text("utf-8")
    asked = {"since": FIRST + 2 * HOUR, "until": FIRST + 10 * HOUR}
    with open_to_read(settings.record) as store:
        parts = extent(store, PartFilter(**asked)).parts
    assert parts == 11
    assert f"{parts} 個（番号 4 ～ 14）" in text
    assert text.count("<figure>") == 2
    assert ReportSchedule(settings).look(now) == []
    (tmp_path / "shift reports" / expected[0]).unlink()  # somebody took it away
    assert ReportSchedule(settings).look(now + 10 * timedelta(seconds=60)) == []
    assert len(files(tmp_path)) == 3


def test_a_station_that_ended_before_it_noted_a_report_finds_it(line: Any, tmp_path: Path) -> None:
    settings = read_station(station(tmp_path, line))
    known_since(tmp_path, FIRST + 3 * HOUR)
    now = FIRST + 11 * HOUR
    assert len(ReportSchedule(settings).look(now)) == 2
    before = {
        name: (tmp_path / "shift reports" / name).stat().st_mtime_ns for name in files(tmp_path)
    }
    known_since(tmp_path, FIRST + 3 * HOUR)  # the note was lost
    (tmp_path / "shift reports" / files(tmp_path)[1]).unlink()  # and one of two files, too
    assert [path.suffix for path in ReportSchedule(settings).look(now)] == [".pdf"]
    html = files(tmp_path)[0]
    assert (tmp_path / "shift reports" / html).stat().st_mtime_ns == before[html]


def test_nothing_is_written_of_the_time_before_the_first_start_or_of_no_parts(
    line: Any, tmp_path: Path
) -> None:
    settings = read_station(station(tmp_path, line))
    (tmp_path / "parts.page").mkdir()
    schedule = ReportSchedule(settings)
    assert schedule.look(FIRST + 11 * HOUR) == []
    assert files(tmp_path) == []
    assert len(schedule.look(FIRST + 25 * HOUR)) == 2  # 16:00 to 24:00; the night shift had no part
    assert schedule.look(FIRST + 40 * HOUR) == []
    ledger = json.loads((tmp_path / "parts.page" / NAME).read_text())
    assert len(ledger["written"]) == 3


def test_the_end_of_a_span_is_waited_for(line: Any, tmp_path: Path) -> None:
    settings = read_station(station(tmp_path, line))
    known_since(tmp_path, FIRST + 3 * HOUR)
    end = FIRST + 10 * HOUR
    assert ReportSchedule(settings).look(end + timedelta(seconds=30)) == []
    assert len(ReportSchedule(settings).look(end + timedelta(seconds=90))) == 2


def test_a_report_that_cannot_be_written_is_tried_again(line: Any, tmp_path: Path) -> None:
    settings = read_station(station(tmp_path, line))
    known_since(tmp_path, FIRST + 3 * HOUR)
    (tmp_path / "shift reports").write_text("in the way")
    with pytest.raises(InspectionError, match="shift reports"):
        ReportSchedule(settings).look(FIRST + 11 * HOUR)
    (tmp_path / "shift reports").unlink()
    assert len(ReportSchedule(settings).look(FIRST + 11 * HOUR)) == 2
    (tmp_path / "parts.page" / NAME).write_text("{}")
    with pytest.raises(InspectionError, match=r"reports.json: damaged .*; remove it"):
        ReportSchedule(settings).look(FIRST + 12 * HOUR)


def test_a_station_at_work_writes_them(line: Any, tmp_path: Path) -> None:
    begun = datetime.now(UTC) - 20 * HOUR
    over = datetime.now(UTC) - 1 * HOUR
    text = REPORT.replace('["00:00", "08:00", "16:00"]', f'["{over:%H:%M}"]')
    path = station(tmp_path, line, text, first=begun)
    known_since(tmp_path, begun - HOUR)
    with station_at_work(read_station(path)) as at_work:
        wait_for(lambda: len(files(tmp_path)) == 2, 60)
        assert at_work.snapshot()["state"] == "Ready"
    written = {
        name: (tmp_path / "shift reports" / name).stat().st_mtime_ns for name in files(tmp_path)
    }
    ledger = tmp_path / "parts.page" / NAME
    wait_for(lambda: json.loads(ledger.read_text())["written"], 20)
    with station_at_work(read_station(path)):
        time.sleep(1.0)
    now = {name: (tmp_path / "shift reports" / name).stat().st_mtime_ns for name in files(tmp_path)}
    assert now == written
