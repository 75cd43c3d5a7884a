"""A trigger is taken once and never forgotten; a part waits in the outbox until it is taken."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from inspection.judgement import Verdict
from inspection.store import NewPart, NotedTrigger, RecordRefused, Store, migrations
from inspection.store.chain import ADDED_LATER
from inspection.store.records import part_row

MakePart = Callable[..., NewPart]
Opened = Callable[..., Store]
MORNING = datetime(2026, 3, 5, 6, tzinfo=UTC)


def _note(store: Store, trigger_id: str, **fields: Any) -> bool:
    fields = {"station": "press", "source": "plc", "at": MORNING, **fields}
    return store.note_trigger(trigger_id, **fields)


def _waiting(store: Store, station: str = "press") -> list[str]:
    return [trigger.trigger_id for trigger in store.unanswered(station)]


def test_a_trigger_is_taken_once_and_kept(opened: Opened) -> None:
    with opened() as store:
        process = {"torque_nm": 1.5, "cavity": "3\0"}
        assert _note(store, "t-1", serial="S", lot="L", product="nut", process=process)
        assert not _note(store, "t-1", source="mqtt")
        assert _note(store, "t-1", station="saw")
    with opened(read_only=True) as store:
        assert store.unanswered("press") == [
            NotedTrigger(
                trigger_id="t-1", station="press", source="plc", at=MORNING,
                serial="S", lot="L", product="nut",
                process={"torque_nm": 1.5, "cavity": "3\\x00"},
            )
        ]  # fmt: skip
        assert _waiting(store, "saw") == ["t-1"]
        assert store.verify() == []


def test_a_trigger_waits_until_it_has_its_part_in_the_order_taken(
    store: Store, make_part: MakePart
) -> None:
    for hour, trigger_id in enumerate(["b", "a", "c"]):
        _note(store, trigger_id, at=MORNING - timedelta(hours=hour))  # the clock runs backwards
    assert _waiting(store) == ["b", "a", "c"]
    store.add(make_part(station="press", trigger_id="a"))
    store.add(make_part(station="saw", trigger_id="b"))
    assert _waiting(store) == ["b", "c"]
    store.add_many([make_part(station="press", trigger_id=name) for name in "bc"])
    assert _waiting(store) == []


def test_a_trigger_has_one_part(store: Store, make_part: MakePart) -> None:
    store.add(make_part(station="press", trigger_id="t-1"))
    message = "trigger 't-1' of station 'press' has its part already"
    with pytest.raises(RecordRefused, match=message):
        store.add(make_part(station="press", trigger_id="t-1"), deliver_to=["mqtt"])
    with pytest.raises(RecordRefused, match="trigger 't-2' of station 'press' has its part"):
        store.add_many([make_part(station="press", trigger_id="t-2") for _ in range(2)])
    assert store.add(make_part(station="saw", trigger_id="t-1")).number == 2
    assert store.add_many([make_part(station="press") for _ in range(2)])[1].number == 4
    assert store.outbox_counts() == {}
    assert store.verify() == []


def test_answered_triggers_are_pruned_and_still_not_taken_again(
    store: Store, make_part: MakePart
) -> None:
    for name, hours in (("old", 0), ("open", 0), ("young", 2)):
        _note(store, name, at=MORNING + timedelta(hours=hours))
    store.add_many([make_part(station="press", trigger_id=name) for name in ("old", "young")])
    assert store.prune_triggers(MORNING + timedelta(hours=1)) == 1
    assert _waiting(store) == ["open"]
    assert not _note(store, "old")
    assert store.prune_triggers(MORNING + timedelta(hours=3)) == 1
    assert store.prune_triggers(MORNING + timedelta(hours=3)) == 0


def test_a_part_waits_for_each_output_until_it_is_delivered(
    store: Store, make_part: MakePart
) -> None:
    first = store.add(make_part(), deliver_to=("mqtt", "webhook", "mqtt"))
    rest = store.add_many([make_part() for _ in range(3)], deliver_to=["mqtt"])
    store.add(make_part())
    assert store.outbox_counts() == {"mqtt": 4, "webhook": 1}
    assert store.undelivered("mqtt") == [first, *rest]
    assert store.undelivered("mqtt", limit=2) == [first, rest[0]]
    store.mark_delivered("mqtt", [rest[1].part_id, first.part_id])
    store.mark_delivered("mqtt", [first.part_id])
    store.mark_delivered("mqtt", [])
    assert store.undelivered("mqtt") == [rest[0], rest[2]]
    assert store.undelivered("webhook") == [first]
    assert store.undelivered("plc") == []
    assert store.outbox_counts() == {"mqtt": 2, "webhook": 1}
    assert store.verify() == []


def test_many_parts_are_delivered_at_once(store: Store, make_part: MakePart) -> None:
    records = store.add_many(
        [make_part(Verdict.CANNOT_INSPECT) for _ in range(1200)], deliver_to=["mqtt"]
    )
    store.mark_delivered("mqtt", [record.part_id for record in records[:-1]])
    assert store.undelivered("mqtt") == [records[-1]]


def _row_of_version_1(*given: Any) -> dict[str, Any]:
    return {name: value for name, value in part_row(*given).items() if name not in ADDED_LATER}


def test_a_store_of_version_1_with_triggers_counted_anew_is_brought_up_to_date(
    opened: Opened, make_part: MakePart, raw: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = migrations.MIGRATIONS
    with monkeypatch.context() as old:
        old.setattr(migrations, "MIGRATIONS", released[:1])
        old.setattr("inspection.store.store.refuse_known", lambda connection, records: None)
        old.setattr("inspection.store.store.part_row", _row_of_version_1)
        with opened() as store:
            store.add_many([make_part(station="press", trigger_id="t-0") for _ in range(2)])
    with opened() as store:
        assert raw("SELECT count(*) FROM migrations") == [(len(released),)]
        assert store.verify() == []
        with pytest.raises(RecordRefused, match="trigger 't-0' of station 'press' has its part"):
            store.add(make_part(station="press", trigger_id="t-0"))
        assert not _note(store, "t-0")
        assert store.add(make_part(station="press", trigger_id="t-1")).number == 3


def test_the_database_too_refuses_a_second_part_of_a_trigger(
    store: Store, make_part: MakePart, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inspection.store.store.refuse_known", lambda connection, records: None)
    store.add(make_part(station="press", trigger_id="t-1"))
    with pytest.raises(RecordRefused, match="the database refused the row"):
        store.add(make_part(station="press", trigger_id="t-1"), deliver_to=["mqtt"])
    assert store.head().count == 1
    assert store.outbox_counts() == {}
    assert store.verify() == []
