"""Tables in CSV: a scanned text is no formula, and a number stays a number."""

from __future__ import annotations

import csv
import io

import pytest

from inspection.spreadsheet import FORMULA_STARTS, csv_text


@pytest.mark.parametrize("start", FORMULA_STARTS)
def test_a_text_that_begins_like_a_formula_is_written_as_text(start: str) -> None:
    (row,) = csv.reader(io.StringIO(csv_text([[f"{start}1+1", "safe"]]), newline=""))
    assert row == [f"'{start}1+1", "safe"]


def test_numbers_blanks_and_signs_within_a_text_stay() -> None:
    assert csv_text([[-2.5, None, "a=b", 3, ""]]) == "-2.5,,a=b,3,\r\n"


def test_separator_and_end_of_line_can_be_chosen() -> None:
    assert csv_text([["a;b", "c"]], separator=";", line_end="\n") == '"a;b";c\n'
