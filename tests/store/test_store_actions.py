"""What people did: chained like the parts, and only added to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from inspection.store import Store


def test_actions_are_listed_newest_first_by_kind_and_by_who(store: Store) -> None:
    store.add_action("signed_in", "mia", detail={"role": "engineer"})
    store.add_action("paused", "mia")
    last = store.add_action("signed_in", "jo")
    assert [found.who for found in store.actions(kind="signed_in")] == ["jo", "mia"]
    assert [found.kind for found in store.actions(who="mia")] == ["paused", "signed_in"]
    assert [found.number for found in store.actions(before_number=last.number, limit=1)] == [2]
    assert store.actions(kind="signed_in")[1].detail == {"role": "engineer"}
    assert store.verify() == []


def test_an_action_cannot_be_changed_or_removed(store: Store, raw: Callable[..., Any]) -> None:
    store.add_action("signed_in", "mia")
    for statement in ("UPDATE actions SET who = 'nobody'", "DELETE FROM actions"):
        with pytest.raises(Exception, match="append-only"):
            raw(statement)
    assert store.actions()[0].who == "mia"


def test_verify_finds_an_action_taken_away_behind_its_back(
    store: Store, raw: Callable[..., Any]
) -> None:
    for who in ("mia", "jo", "kim"):
        store.add_action("signed_in", who)
    if store.place.file is None:
        raw("ALTER TABLE actions DISABLE TRIGGER USER")
    else:
        raw("DROP TRIGGER actions_no_delete")
    raw("DELETE FROM actions WHERE number = 2")
    assert store.verify() == ["action 2: missing; it was removed"]
