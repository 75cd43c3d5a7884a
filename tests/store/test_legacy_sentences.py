"""Records of before codes: they verify, open and are shown in every language."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from inspection.judgement import Verdict
from inspection.reasons import Reason
from inspection.store import NewPart, Store, open_store, records, reject_detail
from inspection.store.chain import row_hash
from inspection.store.legacy_sentences import cannot_inspect_reason
from inspection.store.reading.export import flat
from inspection.store.records import recorded_cause
from inspection.store.schema import parts
from tests.store.records_before_codes import OLD_SENTENCES, ROWS, write_old_store

MakePart = Callable[..., NewPart]


@pytest.fixture
def old_store(tmp_path: Path) -> Path:
    path = tmp_path / "parts.db"
    write_old_store(path)
    return path


def test_a_store_of_before_opens_verifies_and_grows(old_store: Path, make_part: MakePart) -> None:
    with open_store(old_store) as store:
        assert store.verify(pictures=False) == []
        store.add(make_part(Verdict.CANNOT_INSPECT, frame=None))
        assert store.verify(pictures=False) == []
        assert [part.hash for part in store.parts(newest_first=False)][:4] == [
            row["hash"] for row in ROWS
        ]


def test_what_was_recorded_before_has_its_code_and_its_sentence(old_store: Path) -> None:
    with open_store(old_store) as store:
        passed, failed, dark, odd = store.parts(newest_first=False)
    assert passed.cause == Reason("nothing_unusual", {"score": 1.5, "limit": 2.5})
    assert failed.cause == Reason(
        "at_fault",
        {"count": 1, "size": 0.4, "unit": "mm²", "score": 3.5, "limit": 2.5, "zone": "rim"},
    )
    assert dark.cause == Reason("too_dark", {"value": 3.1, "limit": 12}, view="top")
    assert odd.cause == Reason("other", {"text": "the moon is full"})
    for part, row in zip((passed, failed, dark, odd), ROWS, strict=True):
        assert part.reason == part.cause.sentence == row["reason"]
        assert flat(part)["reason"] == row["reason"]


@pytest.mark.parametrize("column", ["reason_code", "reason_values", "process"])
def test_a_code_put_into_a_row_of_before_or_taken_out_of_one_shows(
    column: str, store: Store, make_part: MakePart
) -> None:
    later = dict.fromkeys(("reason_code", "reason_values", "process"))
    assert row_hash(ROWS[0] | later) == ROWS[0]["hash"]
    assert row_hash(ROWS[0] | {column: "paused"}) != ROWS[0]["hash"]
    added = store.add(make_part(Verdict.CANNOT_INSPECT, process={"torque_nm": 1.5}))
    with store.reading("read the row") as connection:
        row = dict(connection.execute(select(parts)).mappings().one())
    assert row_hash(row) == added.hash
    assert row_hash(row | {column: None}) != added.hash


def test_a_code_comes_back_from_the_record_with_its_values(
    store: Store, make_part: MakePart
) -> None:
    part = make_part(Verdict.CANNOT_INSPECT)
    cause = Reason("broken_picture", {"status": "corrupt", "camera": "a\0b"}, view="top")
    store.add(replace(part, judgement=replace(part.judgement, cause=cause)))
    (read,) = store.parts()
    assert (read.cause.code, read.cause.view) == ("broken_picture", "top")
    assert dict(read.cause.values) == {"status": "corrupt", "camera": "a\\x00b"}
    assert read.reason == "top: corrupt picture from camera a\\x00b" == read.cause.sentence


def test_a_code_of_a_newer_program_is_read_by_its_sentence(old_store: Path) -> None:
    row = ROWS[2] | {"reason_code": "of tomorrow", "reason_values": "{}"}
    assert recorded_cause(row).code == "too_dark"


def test_what_the_line_was_told_comes_back_of_before_and_of_today(
    store: Store, make_part: MakePart
) -> None:
    part_id = store.add(make_part(Verdict.PASS)).part_id
    sentence = "recorded 12 ms after the deadline: the line was told to reject"
    reason = Reason("late_record", {"value": 12})
    for detail in ({"reject": sentence}, reject_detail(reason), {"other": 1}):
        store.add_event(part_id, "answer", "station", detail=detail)
    before, today, other = store.events(part_id)
    assert before.line_reject == today.line_reject == reason
    assert today.detail["reject"] == sentence
    assert other.line_reject is None


@pytest.mark.parametrize(("sentence", "code", "values"), OLD_SENTENCES)
@pytest.mark.parametrize("view", [None, "top", "top view"])
def test_a_sentence_of_before_is_found_again(
    sentence: str, code: str, values: dict[str, Any], view: str | None
) -> None:
    text = sentence if view is None else f"{view}: {sentence}"
    if view is not None and code in ("end_of_pictures", "own_fault"):
        pytest.skip("the station gave these without a view")
    reason = cannot_inspect_reason(text)
    assert (reason.code, dict(reason.values), reason.view) == (code, values, view)
    assert reason.sentence == text
    assert Reason(code, values).code == code


def test_a_sentence_nobody_knows_is_kept_as_it_is() -> None:
    assert cannot_inspect_reason("the moon is full") == Reason(
        "other", {"text": "the moon is full"}
    )


def test_no_new_row_is_read_by_its_sentence(
    store: Store, make_part: MakePart, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: Any) -> Reason:
        raise AssertionError("a sentence was read")

    monkeypatch.setattr(records, "cannot_inspect_reason", never)
    monkeypatch.setattr(records, "judged_reason", never)
    new: list[NewPart] = [make_part(Verdict.PASS), make_part(Verdict.CANNOT_INSPECT)]
    store.add_many(new)
    assert {part.cause.code for part in store.parts()} == {"other"}
