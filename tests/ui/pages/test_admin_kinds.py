"""Every kind of entry the program writes into the record, found in its code, has words on the page."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ui.words import Words

ROOT = Path(__file__).parents[3]
MODULES = [
    path
    for room in ("inspection", "cameras", "models", "ui")
    for path in sorted((ROOT / room).rglob("*.py"))
]
WRITERS = {"add_event": 1, "add_action": 0, "event_row": 1, "action_row": 0}
"""What writes a row, and which argument is its kind; whatever hands a kind on to these is one too."""
NO_PLACE = 99
"""The place of an argument that is given by name only."""
BY_WORD = {"event", "action"}
"""A call that has one of these among its arguments asks the station to write; its `kind` is named."""


@dataclass(frozen=True, slots=True)
class Writer:
    """A function that hands a kind on; a private one is known in its own module only."""

    name: str
    place: int
    path: Path | None


@dataclass(frozen=True, slots=True)
class Given:
    """What stands where a kind is given, in which functions, from the inside out."""

    value: ast.expr
    within: tuple[ast.FunctionDef | ast.AsyncFunctionDef, ...]
    path: Path

    @property
    def where(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.value.lineno}"


@cache
def _calls(path: Path) -> list[tuple[ast.Call, tuple[ast.FunctionDef | ast.AsyncFunctionDef, ...]]]:
    found = []

    def walk(node: ast.AST, within: tuple[ast.FunctionDef | ast.AsyncFunctionDef, ...]) -> None:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            within = (node, *within)
        if isinstance(node, ast.Call):
            found.append((node, within))
        for child in ast.iter_child_nodes(node):
            walk(child, within)

    walk(ast.parse(path.read_text("utf-8")), ())
    return found


def _name(call: ast.Call) -> str:
    function = call.func
    return getattr(function, "attr", getattr(function, "id", ""))


def _kind_of(call: ast.Call, place: int | None) -> ast.expr | None:
    named = next((each.value for each in call.keywords if each.arg == "kind"), None)
    if named is None and place is not None and place < len(call.args):
        return call.args[place]
    return named


def _given(writers: set[Writer]) -> Iterator[Given]:
    for path in MODULES:
        places = {each.name: each.place for each in writers if each.path in (None, path)}
        for call, within in _calls(path):
            asks = {each.value for each in call.args if isinstance(each, ast.Constant)} & BY_WORD
            place = places.get(_name(call))
            if (asks or place is not None) and (value := _kind_of(call, place)) is not None:
                yield Given(value, within, path)


def _handed_on(given: Given) -> Writer | None:
    """Give the function whose parameter stands where a kind is given."""
    if not isinstance(given.value, ast.Name):
        return None
    for function in given.within:
        names = [each.arg for each in (*function.args.posonlyargs, *function.args.args)]
        path = given.path if function.name.startswith("_") else None
        if given.value.id in names:
            return Writer(function.name, names.index(given.value.id) - (names[0] == "self"), path)
        if given.value.id in {each.arg for each in function.args.kwonlyargs}:
            return Writer(function.name, NO_PLACE, path)
    return None


def _said(given: Given) -> str | None:
    """Give a kind that is written out, or a constant of its module; None for anything else."""
    if isinstance(given.value, ast.Constant):
        return str(given.value.value)
    if not isinstance(given.value, ast.Name):
        return None
    module = ".".join(given.path.relative_to(ROOT).with_suffix("").parts)
    value = getattr(importlib.import_module(module), given.value.id, None)
    return value if isinstance(value, str) else None


@cache
def kinds() -> dict[str, str]:
    """Give every kind that is written, with where; the test fails for one that cannot be read."""
    writers = {Writer(name, place, None) for name, place in WRITERS.items()}
    while fresh := {made for each in _given(writers) if (made := _handed_on(each))} - writers:
        writers |= fresh
    found: dict[str, str] = {}
    for given in _given(writers):
        if _handed_on(given) is None:
            kind = _said(given)
            assert kind is not None, f"{given.where}: which kind is written here cannot be read"
            found.setdefault(kind, given.where)
    return found


def test_kinds_are_found_however_they_are_written() -> None:
    assert set(kinds()) >= {
        "sign-in", "first administrator",  # handed on by private functions, twice
        "recipe_replaced", "label", "picture_removed", "pictures_cleared",  # constants of their own or another module
        "paused", "answer", "user_added", "doctor_run", "training_started", "acknowledge",
    }  # fmt: skip
    assert len(kinds()) >= 41


def test_every_kind_that_is_written_has_words_and_can_be_chosen() -> None:
    words = Words().keys
    script = (ROOT / "ui" / "static" / "admin" / "audit.js").read_text("utf-8")
    listed = re.findall(r'"([^"]+)"', script.partition("KINDS = [")[2].partition("]")[0])
    without = {
        kind: where
        for kind, where in kinds().items()
        if f"admin.kind_{re.sub('[- ]', '_', kind)}" not in words
    }
    assert without == {}
    assert sorted(listed) == sorted(kinds())
