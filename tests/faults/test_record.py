"""The record is locked, damaged or full while parts come: rejected in time, and recorded later."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from inspection.judgement import Verdict
from inspection.store.filters import PartFilter
from tests.station.conftest import wait_until


def test_the_record_is_locked_by_another_program(build: Any, tmp_path: Path) -> None:
    path = tmp_path / "parts.db"
    with build(record=path, deadline_ms=500.0, stall_s=120.0) as built:
        assert built.trigger()
        built.settle(1)
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        taken = [built.trigger() for _ in range(3)]
        assert taken == [False] * 3  # not durable, so not taken: the link tells the PLC to reject
        assert (built.station.state, built.station.error_code) == ("Error", 2)
        other.execute("COMMIT")
        other.close()
        wait_until(lambda: built.station.state == "Ready", 60)
        wait_until(lambda: sum(built.store.counts().values()) == 4)
        refused = built.store.parts(PartFilter(verdict=Verdict.CANNOT_INSPECT))
        assert [r.reason for r in refused] == ["refused: the record was out of reach"] * 3
        assert built.trigger()
        built.settle(2)
        assert built.store.verify() == []
        assert built.store.unanswered("test") == []


def test_the_record_locks_up_between_trigger_and_verdict(build: Any, tmp_path: Path) -> None:
    path = tmp_path / "parts.db"
    with build(record=path, deadline_ms=400.0, stall_s=120.0) as built:
        other = sqlite3.connect(path, isolation_level=None)
        note = built.store.note_trigger

        def then_lock(*words: Any, **fields: Any) -> bool:
            new = note(*words, **fields)
            other.execute("BEGIN IMMEDIATE")
            return bool(new)

        built.store.note_trigger = then_lock
        assert built.trigger()
        wait_until(lambda: len(built.answers.results) == 1)
        result = built.answers.results[0]
        assert (result.verdict, result.number) == (Verdict.CANNOT_INSPECT, None)
        assert result.reason == "late: not recorded within the 400 ms allowed"
        other.execute("COMMIT")
        other.close()
        built.settle(1, timeout_s=60)
        (record,) = built.store.parts()
        assert record.part_id == result.delivery_id
        assert len(built.answers.results) == 1
        if record.verdict is Verdict.PASS:  # judged well, told to reject: the record says so
            (event,) = built.store.events(record.part_id)
            assert (event.kind, event.who) == ("answer", "station")
