"""What the manual says of files, names and layers of the program is so."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("inspection", "ui", "cameras", "models", "tests", "benchmarks", "docs")
GUIDES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "tests/README.md")]
PAGES = [*GUIDES, *sorted((ROOT / "docs").rglob("*.md"))]
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text("utf-8")

PATH = re.compile(rf"(?<![\w./:-])((?:{'|'.join(ROOMS)})/[\w./-]*[\w/])")
"""A path from the top of the repository."""
FILE = re.compile(r"(?<![\w./])((?:\w+/)*\w+\.(?:py|js|css|toml))(?!\w)")
"""A file of a room, as a table or a drawing of that room names it."""
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
CLASS = re.compile(r"`([A-Z]+[a-z]\w*)`")
PLACEHOLDER = re.compile(r"[A-Z]{4,}")
OF_A_READER = {"inspection/station.toml"}
"""Files of whoever reads the manual."""


@cache
def _tree() -> tuple[str, ...]:
    """Every file of the rooms, `/`-separated from the top, a `/` before it."""
    files = (path for room in ROOMS for path in (ROOT / room).rglob("*") if path.is_file())
    return tuple(f"/{path.relative_to(ROOT).as_posix()}" for path in [*files, *ROOT.glob("*.toml")])


def _names(pattern: re.Pattern[str], text: str) -> set[str]:
    names = {match[1] for match in pattern.finditer(text)}
    return {name for name in names if not PLACEHOLDER.search(name)} - OF_A_READER


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_path_of_the_program_that_a_page_names_is_there(page: Path) -> None:
    text = page.read_text("utf-8").replace("\\", "")
    missing = {name for name in _names(PATH, text) if not (ROOT / name).exists()}
    if page.parent == ROOT / "tests":  # its paths begin in its own folder
        missing = {name for name in missing if not (page.parent / name).exists()}
    assert missing == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    targets = {match[1] for match in LINK.finditer(page.read_text("utf-8"))}
    here = {target for target in targets if "://" not in target and "NAME" not in target}
    assert {target for target in here if not (page.parent / target).exists()} == set()


def test_the_manual_lists_every_decision_and_page() -> None:
    index = (ROOT / "docs" / "index.md").read_text("utf-8")
    files = (path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md"))
    missing = {file for file in files if f"({file})" not in index}
    assert missing == {"index.md"}


@pytest.mark.parametrize(
    "path", sorted((ROOT / "docs" / "decisions").glob("*.md")), ids=lambda path: path.stem
)
def test_a_decision_has_its_number_and_the_title_that_the_manual_lists(path: Path) -> None:
    number, title = path.name[:4], path.read_text("utf-8").splitlines()[0].removeprefix("# ")
    assert title.startswith(f"{number} ")
    index = (ROOT / "docs" / "index.md").read_text("utf-8")
    assert f"| [{number}](decisions/{path.name}) | {title.removeprefix(f'{number} ')} |" in index


def test_every_file_and_class_of_the_architecture_is_there() -> None:
    files = _names(FILE, ARCHITECTURE)
    assert {name for name in files if not any(at.endswith(f"/{name}") for at in _tree())} == set()
    sources = "\n".join((ROOT / at[1:]).read_text("utf-8") for at in _tree() if at.endswith(".py"))
    classes = _names(CLASS, ARCHITECTURE)
    assert {name for name in classes if not re.search(rf"class {name}\b", sources)} == set()
    assert len(files) > 40
    assert len(classes) > 10


@pytest.mark.parametrize("room", ["inspection", "ui"])
def test_the_layers_drawn_are_those_that_the_checks_hold(room: str) -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    (layers,) = [each["layers"] for each in contracts if each.get("containers") == [room]]
    (drawn,) = re.findall(rf"```\n{room}\n(.*?)```", ARCHITECTURE, re.S)
    assert [line.split("#")[0].strip() for line in drawn.splitlines()] == layers
