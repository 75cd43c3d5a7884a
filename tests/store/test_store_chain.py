"""Whatever is changed past the store shows, and the database itself refuses to change."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from inspection.judgement import Verdict
from inspection.store import ChainHead, NewPart, Store, open_store
from inspection.store.chain import canonical, linked
from inspection.store.schema import events, parts

MakePart = Callable[..., NewPart]
REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def chained(store: Store, make_part: MakePart) -> Store:
    """Nine parts, and an event on each of the first three."""
    store.add_many([make_part(Verdict.FAIL if i % 2 else Verdict.PASS, lot="L") for i in range(9)])
    for record in store.parts(newest_first=False, limit=3):
        store.add_event(record.part_id, "operator", "anna", detail={"note": "seen"})
    assert store.verify() == []
    return store


CHANGED = "changed; its hash does not match its fields"


@pytest.mark.parametrize(
    ("statement", "findings"),
    [
        ("UPDATE parts SET verdict = 'PASS' WHERE number = 4", [f"part 4: {CHANGED}"]),
        ("UPDATE parts SET score = score + 1e-12 WHERE number = 1", [f"part 1: {CHANGED}"]),
        ("UPDATE parts SET serial = 'x' WHERE number = 9", [f"part 9: {CHANGED}"]),
        ("UPDATE events SET who = 'eve' WHERE number = 2", [f"event 2: {CHANGED}"]),
        ("DELETE FROM parts WHERE number = 5", ["part 5: missing; it was removed"]),
        ("DELETE FROM parts WHERE number IN (5, 6)", ["parts 5 to 6: missing; they were removed"]),
        ("DELETE FROM parts WHERE number = 9", ["part 9: missing; it was removed from the end"]),
        ("DELETE FROM parts WHERE number > 7", ["parts 8 to 9: missing; they were removed from the end"]),
        ("DELETE FROM events", ["events 1 to 3: missing; they were removed from the end"]),
        ("DELETE FROM chain WHERE name = 'events'", ["the end of the chain of events is missing; it was removed"]),
        (
            "UPDATE parts SET number = 0 WHERE number = 9",
            [
                "part 0: out of place, number 1 was expected; it was inserted",
                f"part 0: {CHANGED}",
                "part 1: does not follow the part before it; one of the two was changed, or the chain rewritten",
                "part 9: missing; it was removed from the end",
            ],
        ),
    ],
)  # fmt: skip
def test_tampering_is_found(
    chained: Store, tamper: Any, statement: str, findings: list[str]
) -> None:
    tamper(statement)
    assert chained.verify(pictures=False) == findings


def copied(number: int, last: Any, **changed: Any) -> tuple[str, dict[str, Any]]:
    """Make the INSERT of a row that is well formed and follows the row `last`."""
    row = {
        name: value
        for name, value in last.items()
        if name not in ("number", "previous_hash", "hash")
    }
    row |= {"part_id": "00000000-0000-4000-8000-000000000000", **changed}
    (link,), _ = linked([row], ChainHead(number - 1, last["hash"]))
    values = ", ".join("NULL" if value is None else f"'{value}'" for value in link.values())
    return f"INSERT INTO parts ({', '.join(link)}) VALUES ({values})", link


def rows(raw: Any) -> list[dict[str, Any]]:
    names = [column.name for column in parts.c]
    found = raw(f"SELECT {', '.join(names)} FROM parts ORDER BY number")
    return [dict(zip(names, row, strict=True)) for row in found]


def test_a_row_inserted_at_the_end_is_found_even_with_right_hashes(
    chained: Store, raw: Any, tamper: Any
) -> None:
    insert, _ = copied(10, rows(raw)[-1])
    tamper(insert)
    assert chained.verify(pictures=False) == ["parts after 9: inserted; the chain ends with part 9"]


def test_a_replaced_last_row_is_found(chained: Store, raw: Any, tamper: Any) -> None:
    *_, before, last = rows(raw)
    insert, _ = copied(9, before, verdict="PASS", image=last["image"])
    tamper("DELETE FROM parts WHERE number = 9", insert)
    assert chained.verify(pictures=False) == [
        "part 9: is not the one the chain ends with; it was replaced"
    ]


def test_a_changed_row_with_a_right_hash_breaks_the_next(
    chained: Store, raw: Any, tamper: Any
) -> None:
    all_rows = rows(raw)
    insert, _ = copied(5, all_rows[3], verdict="PASS")
    tamper("DELETE FROM parts WHERE number = 5", insert)
    assert chained.verify(pictures=False) == [
        "part 6: does not follow the part before it; one of the two was changed, or the chain rewritten"
    ]


def test_a_chain_rewritten_to_its_end_is_found_by_a_noted_head_only(
    chained: Store, raw: Any, tamper: Any
) -> None:
    noted = chained.head()
    assert noted.count == 9
    assert chained.verify(noted=noted) == []
    insert, forged = copied(9, rows(raw)[7], verdict="PASS", image=None)
    tamper(
        "DELETE FROM parts WHERE number = 9",
        insert,
        f"UPDATE chain SET hash = '{forged['hash']}' WHERE name = 'parts'",
    )
    assert chained.verify(pictures=False) == []
    assert chained.verify(pictures=False, noted=noted) == [
        f"part 9: is not the one noted (hash {noted.hash}); the record up to it was rewritten"
    ]


def test_the_database_refuses_to_change_what_is_recorded(chained: Store, raw: Any) -> None:
    for statement in (
        "UPDATE parts SET verdict = 'PASS'",
        "DELETE FROM parts",
        "DELETE FROM parts WHERE number = 9",
        "UPDATE events SET who = 'eve'",
        "DELETE FROM events",
        "DELETE FROM chain",
        "UPDATE chain SET count = 8 WHERE name = 'parts'",
        "UPDATE chain SET hash = 'x' WHERE name = 'parts'",
    ):
        refused = (sqlite3.IntegrityError, psycopg.errors.RaiseException)
        with pytest.raises(refused, match="the record is append-only"):
            raw(statement)
    assert chained.counts()[Verdict.FAIL] == 4
    assert chained.verify() == []


def test_sqlite_refuses_insert_or_replace(tmp_path: Path, make_part: MakePart) -> None:
    path = tmp_path / "parts.db"
    with open_store(path) as store:
        part = store.add(make_part())
        store.add_event(part.part_id, "operator", "anna")
        for table in ("parts", "events"):
            raw = sqlite3.connect(path)
            with pytest.raises(sqlite3.IntegrityError, match="the record is append-only"):
                raw.execute(f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}")
            raw.close()
        assert store.verify() == []


def test_postgresql_refuses_truncate(server_url: str, images: Path, make_part: MakePart) -> None:
    with open_store(server_url, images=images) as store:
        store.add(make_part())
        with psycopg.connect(server_url.replace("+psycopg", "")) as raw:
            for table in ("parts", "events", "chain"):
                with pytest.raises(psycopg.Error, match="the record is append-only"):
                    raw.execute(f"TRUNCATE {table} CASCADE")
                raw.rollback()
        assert store.verify() == []


def test_every_column_but_the_hash_is_under_the_hash(chained: Store, tamper: Any, raw: Any) -> None:
    tamper("SELECT 1")  # the guards stay away
    for table, names in (("parts", parts.c), ("events", events.c)):
        for name in (
            column.name for column in names if column.name not in ("number", "hash", "part_id")
        ):
            raw_value = raw(f"SELECT {name} FROM {table} WHERE number = 2")[0][0]
            new = "77" if raw_value is None or not isinstance(raw_value, str) else "'77'"
            old = "NULL" if raw_value is None else repr(raw_value)
            raw(f"UPDATE {table} SET {name} = {new} WHERE number = 2")
            found = chained.verify(pictures=False)
            raw(f"UPDATE {table} SET {name} = {old} WHERE number = 2")
            assert f"{table[:-1]} 2: changed; its hash does not match its fields" in found, name
    assert chained.verify() == []


def test_canonical_json_is_one_text_for_one_value() -> None:
    value = {"b": (1, 2.5), "a": {"nan": float("nan"), "inf": float("-inf")}, "ä": None}
    assert canonical(value) == r'{"a":{"inf":"-Infinity","nan":"NaN"},"b":[1,2.5],"\u00e4":null}'


def test_the_manual_page_reads_and_checks_a_store(tmp_path: Path, make_part: MakePart) -> None:
    with open_store(tmp_path / "parts.db") as store:
        store.add_many([make_part(Verdict.FAIL), make_part(), make_part(Verdict.CANNOT_INSPECT)])
        head = store.head()
    page = (REPOSITORY / "docs" / "records.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    printed = [
        subprocess.run(
            [sys.executable, "-c", block], cwd=tmp_path, capture_output=True, text=True, timeout=60,
            env={"PYTHONPATH": str(REPOSITORY)}, check=True,
        ).stdout
        for block in blocks
    ]  # fmt: skip
    assert len(printed) == 3
    assert printed[0] == "[]\n"
    assert printed[1] == f"3 {head.hash}\n"
    assert "CANNOT_INSPECT    1" in printed[2]
