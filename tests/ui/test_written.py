"""Shares, thousands and moments are written by one hand: pages format none of them themselves."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from inspection.intervals import exact_interval
from inspection.written import percent
from ui.core.wording import Wording
from ui.words import LANGUAGES, Words

PAGES = Path(__file__).parents[2] / "ui" / "pages"
BY_HAND = re.compile(
    r"\{[^{}\n]*:[^{}\n]*\} ?%[^\"';]*\"|\{[^{}\n]*:,[^{}\n]*\}|:\.\d%\}|strftime\("
)
"""A share in percent for people (in CSS no blank stands before the sign), thousands, a moment."""
ALLOWED = {
    ("analysis/sentences.py", '{100 * value:.3g} %"'),  # as the slider beside it, in the browser
    ("reports/files_tab.py", "strftime("),  # in the name of a file
    ("review/about.py", "{round(100 * record.score / record.threshold):,}"),
}


def test_a_page_writes_no_share_no_thousands_and_no_moment_by_hand() -> None:
    found = {
        (path.relative_to(PAGES).as_posix(), each)
        for path in PAGES.rglob("*.py")
        for each in BY_HAND.findall(path.read_text("utf-8"))
        if not re.search(r"\}%", each)
    }
    assert found == ALLOWED


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0.0 %"), (0.0005, "0.05 %"), (0.00994, "0.99 %"), (0.01, "1.0 %"), (1, "100.0 %")],
)
def test_a_share_has_one_decimal_and_two_below_a_percent(share: float, text: str) -> None:
    assert percent(share) == text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_count_of_many_is_written_alike_in_every_language(language: str) -> None:
    wording = Wording(Words(), language)
    found = wording.of(1200, 4800, exact_interval(1200, 4800))
    assert found == "1,200 / 4,800 (24–26 %)"
    assert wording.percent(None) == "–"
