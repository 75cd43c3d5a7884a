"""CSV rows and picture folders: whole or not there, once a delivery."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from inspection.judgement import Verdict
from inspection.plant.outputs import OutputError, OutputUnavailable
from inspection.plant.outputs.csv_file import COLUMNS, CsvFile
from inspection.plant.outputs.image_folder import ImageFolder

FILE = "press_4-2026-03-04.csv"


@pytest.fixture
def rows(tmp_path: Path, plant: Any) -> Any:
    with CsvFile(folder=tmp_path) as output:
        output.open(plant)
        yield output


def _rows(tmp_path: Path, name: str = FILE) -> list[dict[str, str]]:
    with (tmp_path / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_row_says_all(rows: CsvFile, tmp_path: Path, make: Any) -> None:
    rows.send(make(7))
    rows.send(make(8, verdict=Verdict.PASS, score=None, lot=None, regions=()))
    first, second = _rows(tmp_path)
    assert tuple(first) == COLUMNS
    assert (first["delivery_id"], first["verdict"], first["score"]) == ("part-7", "FAIL", "2.5")
    assert (first["reason"], first["regions"], first["reject"]) == (
        "a dent, at the rim",
        "1",
        "True",
    )
    assert first["judged_at"] == "2026-03-04T05:06:07+00:00"
    assert (second["verdict"], second["score"], second["lot"]) == ("PASS", "", "")


def test_delivery_is_written_once(rows: CsvFile, tmp_path: Path, make: Any, plant: Any) -> None:
    for number in (1, 2, 1, 2, 11):
        rows.send(make(number))
    with CsvFile(folder=tmp_path) as again:
        again.open(plant)
        again.send(make(2))
    assert [row["delivery_id"] for row in _rows(tmp_path)] == ["part-1", "part-2", "part-11"]


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_torn_row_is_cut_off_and_written_again(
    rows: CsvFile, tmp_path: Path, make: Any, cut: int
) -> None:
    rows.send(make(1))
    rows.send(make(2))
    path = tmp_path / FILE
    path.write_bytes(path.read_bytes()[:-cut])
    rows.send(make(2))
    rows.send(make(3))
    assert [row["delivery_id"] for row in _rows(tmp_path)] == ["part-1", "part-2", "part-3"]


def test_torn_header_is_written_again(rows: CsvFile, tmp_path: Path, make: Any) -> None:
    (tmp_path / FILE).write_text("delivery_id,num")
    rows.send(make(1))
    assert [row["delivery_id"] for row in _rows(tmp_path)] == ["part-1"]


def test_one_file_a_day(rows: CsvFile, tmp_path: Path, make: Any) -> None:
    for day in (4, 5):
        rows.send(make(day, judged_at=datetime(2026, 3, day, 23, 59, tzinfo=UTC)))
    assert sorted(path.name for path in tmp_path.iterdir()) == [FILE, FILE.replace("04", "05")]
    assert [row["number"] for row in _rows(tmp_path, FILE.replace("04", "05"))] == ["5"]


def test_scanned_text_is_no_formula_and_no_second_row(
    rows: CsvFile, tmp_path: Path, make: Any
) -> None:
    rows.send(make(1, serial='=HYPERLINK("x")', lot="a\nb", score=-2.0))
    (row,) = _rows(tmp_path)
    assert (row["serial"], row["lot"], row["score"]) == ('\'=HYPERLINK("x")', "a b", "-2.0")


def test_separator(tmp_path: Path, plant: Any, make: Any) -> None:
    with CsvFile(folder=tmp_path, separator=";") as output:
        output.open(plant)
        for _ in range(2):
            output.send(make(1))
    lines = (tmp_path / FILE).read_text().splitlines()
    assert lines[0] == ";".join(COLUMNS)
    assert len(lines) == 2
    with pytest.raises(OutputUnavailable, match="separator 'x'"):
        CsvFile(folder=tmp_path, separator="x").open(plant)


def test_disk_that_refuses_is_one_line(rows: CsvFile, tmp_path: Path, make: Any) -> None:
    (tmp_path / FILE).mkdir()
    with pytest.raises(OutputError) as caught:
        rows.send(make())
    assert str(caught.value).startswith("output csv_file: ")
    assert "\n" not in str(caught.value)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "archive" / "0007.png"
    path.parent.mkdir()
    path.write_bytes(b"picture")
    return path


def test_rejects_with_their_result(tmp_path: Path, plant: Any, make: Any, picture: Path) -> None:
    with ImageFolder(folder=tmp_path / "out") as output:
        output.open(plant)
        output.send(make(7, image=str(picture), serial="A/../17"))
        output.send(make(8, image=str(picture), verdict=Verdict.PASS))
        output.send(make(9, verdict=Verdict.CANNOT_INSPECT, serial=None))
    files = sorted(p.relative_to(tmp_path / "out").as_posix() for p in _files(tmp_path / "out"))
    assert files == [
        "2026-03-04/CANNOT_INSPECT/00000009_part-9.json",
        "2026-03-04/FAIL/00000007_A____17_part-7.json",
        "2026-03-04/FAIL/00000007_A____17_part-7.png",
    ]
    place = tmp_path / "out" / "2026-03-04" / "FAIL"
    assert (place / "00000007_A____17_part-7.png").read_bytes() == b"picture"
    described = json.loads((place / "00000007_A____17_part-7.json").read_text())
    assert (described["image"], described["serial"]) == ("00000007_A____17_part-7.png", "A/../17")


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_same_picture_again_changes_nothing(
    tmp_path: Path, plant: Any, make: Any, picture: Path
) -> None:
    with ImageFolder(folder=tmp_path / "out", which="all") as output:
        output.open(plant)
        output.send(make(1, image=str(picture), verdict=Verdict.PASS))
        before = {path: path.stat().st_mtime_ns for path in _files(tmp_path / "out")}
        picture.unlink()
        output.send(make(1, image=str(picture), verdict=Verdict.PASS))
    assert {path: path.stat().st_mtime_ns for path in _files(tmp_path / "out")} == before
    assert len(before) == 2


def test_picture_that_is_gone_is_an_error_and_leaves_no_result(
    tmp_path: Path, plant: Any, make: Any
) -> None:
    with ImageFolder(folder=tmp_path / "out") as output:
        output.open(plant)
        with pytest.raises(OutputError) as caught:
            output.send(make(1, image=str(tmp_path / "gone.png")))
    assert "gone.png" in str(caught.value)
    assert _files(tmp_path / "out") == []


def test_unknown_choice_is_refused(tmp_path: Path, plant: Any) -> None:
    with pytest.raises(OutputUnavailable, match="which = 'some'; allowed: 'rejected', 'all'"):
        ImageFolder(folder=tmp_path, which="some").open(plant)  # type: ignore[arg-type]
