"""The panel that CONTRIBUTING.md shows is typed as it stands, and works in a browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.ui.conftest import AtWork

pytestmark = pytest.mark.slow

GUIDE = Path(__file__).parents[2] / "CONTRIBUTING.md"
WORDS = """
[page]
en = "Tally"
ja = "Tally"
ko = "Tally"
[count]
en = "Parts recorded"
ja = "Parts recorded"
ko = "Parts recorded"
[note]
en = "Note"
ja = "Note"
ko = "Note"
[leave]
en = "Leave it"
ja = "Leave it"
ko = "Leave it"
"""
RUN = """
import sys
from pathlib import Path
import ui.pages, ui.words
from inspection import words
more = Path(sys.argv.pop(1))
ui.pages.__path__.append(str(more / "pages"))
ui.words.FOLDERS = (*ui.words.FOLDERS, more / "words")
from ui.__main__ import app
app()
"""


def shown_panel() -> str:
    """The file of step 1; its kind of action is one that there is, as step 2 asks for a new one."""
    section = GUIDE.read_text("utf-8").partition("## Add a panel")[2].partition("\n## ")[0]
    (block,) = re.findall(r"^   ```python\n(.*?)^   ```", section, re.DOTALL | re.MULTILINE)
    text = re.sub(r"^   ", "", block, flags=re.MULTILINE)
    assert len(text.splitlines()) <= 60
    return text.replace("NAME.", "tally.").replace('"NAME"', '"tally"').replace("/NAME", "/tally")


def test_the_panel_of_the_guide_counts_parts_and_leaves_a_note(
    make_station: Callable[..., AtWork], open_page: Any, tmp_path: Path
) -> None:
    package = tmp_path / "pages" / "tally"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text('"""Counts parts."""\n', "utf-8")
    text = shown_panel().replace("NOTE_LEFT", "OPTIONS_CHOSEN")
    (package / "routes.py").write_text(text, "utf-8")
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "tally.toml").write_text(WORDS, "utf-8")
    station = make_station(start=False)
    station.start_runtime()
    station.trigger(2)
    station.start_page("-c", RUN, tmp_path)
    page = open_page(station, "/engineer/tally", user="mia", wait="#leave")
    page.wait_for_function("document.querySelector('#count input').value === '2'")
    page.fill("#note textarea, #note input", "the lamp was changed")
    page.click("#leave")
    page.wait_for_function(
        "document.querySelector('#note textarea, #note input').value === ''", timeout=20_000
    )
    with station.record() as store:
        (left,) = store.actions(who="mia", kind="options_chosen")
    assert left.detail["comment"] == "the lamp was changed"
