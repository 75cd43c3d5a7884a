"""The rooms of the page's scripts: a page's know their own folder and shared/, in one direction."""

from __future__ import annotations

import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

STATIC = Path(__file__).parents[2] / "ui" / "static"
SCRIPTS = sorted(STATIC.rglob("*.js"))
IMPORT = re.compile(r'^import (?:\{([^}]*)\}|\* as (\w+)) from "/static/([^"]+)";$', re.MULTILINE)
EXPORT = re.compile(r"^export .*?[;{(>]", re.MULTILINE)


MOST_LINES, LONGEST_LINE = 3000, 200
"""What Gradio, HTML of the server or the browser itself shows needs no script written by hand."""


def _name(path: Path) -> str:
    return path.relative_to(STATIC).as_posix()


def _imports(path: Path) -> list[tuple[str, list[str]]]:
    """Each file imported, with the names taken from it; none for `* as`."""
    found = IMPORT.findall(path.read_text("utf-8"))
    return [
        (source, [n.strip() for n in names.split(",")] if names else [])
        for names, _, source in found
    ]


def test_the_scripts_stay_few() -> None:
    lines = {_name(path): path.read_text("utf-8").splitlines() for path in SCRIPTS}
    assert sum(map(len, lines.values())) < MOST_LINES
    longest = {name: max(map(len, each)) for name, each in lines.items()}
    assert {name: n for name, n in longest.items() if n > LONGEST_LINE} == {}


@pytest.mark.parametrize("path", SCRIPTS, ids=_name)
def test_a_script_imports_only_shared_scripts_and_those_of_its_own_page(path: Path) -> None:
    text = path.read_text("utf-8")
    assert len(IMPORT.findall(text)) == len(re.findall(r"\bimport\b *[{*(\"']", text))
    allowed = {"shared", path.parent.name}
    assert [source for source, _ in _imports(path) if source.split("/")[0] not in allowed] == []


@pytest.mark.parametrize("path", SCRIPTS, ids=_name)
def test_what_a_script_imports_is_there_and_is_used(path: Path) -> None:
    text = path.read_text("utf-8")
    for source, names in _imports(path):
        exported = " ".join(EXPORT.findall((STATIC / source).read_text("utf-8")))
        assert [name for name in names if not re.search(rf"\b{name}\b", exported)] == [], source
    taken = [name for _, names in _imports(path) for name in names]
    taken += [whole for _, whole, _ in IMPORT.findall(text) if whole]
    used = re.findall(r"\w+", re.sub(r"^import .*|//.*", "", text, flags=re.MULTILINE))
    assert [name for name in taken if name not in used] == []


FROM_PYTHON = re.compile(
    r'/static/([\w/]+\.js)"\)\s*\.then\(\(\{+(\w+)\}+\)'
    r'|import \{+(\w+)\}+ from "/static/([\w/]+\.js)"'
)
"""Names that pages of Python take from a script: by import(…).then(({name}) or a module of their own."""


def test_what_pages_of_python_import_is_there() -> None:
    taken = {
        (source or other, name or again)
        for path in STATIC.parent.rglob("*.py")
        for source, name, again, other in FROM_PYTHON.findall(path.read_text("utf-8"))
    }
    assert ("shared/forms.js", "copy") in taken
    for source, name in taken:
        exported = " ".join(EXPORT.findall((STATIC / source).read_text("utf-8")))
        assert re.search(rf"\b{name}\b", exported), f"{source} exports no {name}"


def test_no_scripts_import_each_other_in_a_circle() -> None:
    graph = {_name(path): {source for source, _ in _imports(path)} for path in SCRIPTS}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


@pytest.mark.parametrize("path", SCRIPTS, ids=_name)
def test_moments_are_written_by_the_shared_script_alone(path: Path) -> None:
    own = re.findall(
        r"DateTimeFormat|toLocale(?:Date|Time)String|new Date\([^()]*\)\.toLocaleString",
        path.read_text("utf-8"),
    )
    assert (own == []) is (_name(path) != "shared/format.js")
