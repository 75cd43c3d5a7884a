"""The kinds of entries in the record are one list: each has words, and the audit page offers each."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from inspection.store.event_kinds import PROTECTED_BY, RECORD_KINDS, ActionKind, Author, EventKind
from ui.words import Words

ROOT = Path(__file__).parents[3]
MODULES = sorted(path for room in ("inspection", "ui") for path in (ROOT / room).rglob("*.py"))


def test_every_kind_has_words_and_no_words_are_left_over() -> None:
    words = {key.removeprefix("admin.") for key in Words().keys if key.startswith("admin.kind_")}
    assert words == {kind.words_key for kind in RECORD_KINDS}


def test_a_kind_stands_once() -> None:
    assert len(set(map(str, RECORD_KINDS))) == len(RECORD_KINDS)


def test_who_writes_a_kind_is_known() -> None:
    by_machines = {kind: kind.author for kind in RECORD_KINDS if kind.author is not Author.PERSON}
    assert by_machines == {
        EventKind.ANSWER: Author.STATION,
        EventKind.STREAM: Author.STATION,
        EventKind.PICTURE_REMOVED: Author.RETENTION,
        ActionKind.PICTURES_CLEARED: Author.STORE,
        ActionKind.PARTS_LOST: Author.STORE,
        ActionKind.RECIPE_FOUND: Author.STATION,
    }
    planned = {kind for kind in (*EventKind, *ActionKind) if kind not in RECORD_KINDS}
    assert planned == {EventKind.STUDY, EventKind.RELEASE} < set(PROTECTED_BY)


def test_a_kind_of_the_list_is_what_an_old_record_holds() -> None:
    assert EventKind("label") is EventKind.LABEL
    assert (f"{ActionKind.SIGN_IN_FAILED}", ActionKind.SIGN_IN_FAILED.words_key) == (
        "sign-in failed",
        "kind_sign_in_failed",
    )
    with pytest.raises(ValueError, match="'signed in' is not a valid ActionKind"):
        ActionKind("signed in")


def test_nobody_writes_past_the_list() -> None:
    """The types hold it but for what is sent to the station, which two functions do alone."""
    senders = set()
    for path in MODULES:
        for call in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(call, ast.Call) and getattr(call.func, "attr", "") == "do" and call.args:
                verb = call.args[0]
                if isinstance(verb, ast.Constant) and verb.value in ("action", "event"):
                    senders.add(path.relative_to(ROOT).as_posix())
    assert senders == {"ui/core/audit.py"}
