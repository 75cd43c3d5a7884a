"""Files beside the database deleted, pages of it damaged, a medium nobody can write to."""

from __future__ import annotations

import logging
import os
import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from inspection.store import NewPart, StoreError, open_store
from inspection.store.event_kinds import ActionKind

MakePart = Callable[..., NewPart]
REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def path(tmp_path: Path, make_part: MakePart) -> Path:
    """A record of 40 parts, closed."""
    path = tmp_path / "record" / "parts.db"
    with open_store(path) as store:
        store.add_many([make_part(lot=f"L{number}") for number in range(40)])
    return path


def test_a_deleted_lock_file_lets_no_second_writer_in(path: Path) -> None:
    with open_store(path) as store:
        store.place.lock_file.unlink()
        script = f"from inspection.store import open_store; open_store({str(path)!r}, wait_s=0.2)"
        done = subprocess.run(
            [sys.executable, "-c", script],
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=False,
        )
        assert "is being written by another process (its lock file was deleted)" in done.stderr
        assert store.verify() == []
    with open_store(path, wait_s=0.2):
        pass


def test_parts_lost_with_a_deleted_log_are_told_and_recorded(
    tmp_path: Path, make_part: MakePart, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "parts.db"
    killed = tmp_path / "killed"
    killed.mkdir()
    with open_store(path) as store:
        store.add_many([make_part() for _ in range(7)])
        store._remembered.flush()
        for name in ("parts.db", "parts.db.head"):  # as a kill leaves them, without parts.db-wal
            shutil.copy(tmp_path / name, killed / name)
    with caplog.at_level(logging.WARNING), open_store(killed / "parts.db") as store:
        (action,) = store.actions(kind=ActionKind.PARTS_LOST)
        assert dict(action.detail) == {"noted": 7, "found": 0}
        assert action.who == "store"
    assert "holds 0 parts, not the 7 noted beside it" in caplog.text
    with open_store(killed / "parts.db") as store:  # told once
        assert len(store.actions(kind=ActionKind.PARTS_LOST)) == 1
    with open_store(path) as store:
        assert store.actions(kind=ActionKind.PARTS_LOST) == []


def test_damaged_pages_are_found_at_the_start_or_by_verify(path: Path) -> None:
    whole, recorded = path.read_bytes(), _rows(path)
    page = int.from_bytes(whole[16:18], "big")
    chance = random.Random(6)
    refused = found = clean = 0
    for number in range(60):
        data = bytearray(whole)
        at = page * (1 + number % (len(data) // page - 1))
        for _ in range(40):
            data[at + chance.randrange(page)] = chance.randrange(256)
        path.write_bytes(data)
        try:
            with open_store(path, wait_s=0.1) as store:
                findings = store.verify(pictures=False)
        except StoreError:
            refused += 1
            continue
        if findings:
            found += 1
            continue
        clean += 1  # what was hit is no row and no index
        assert _rows(path) == recorded
    print(f"{refused} refused at the start, {found} found by verify, {clean} with every row whole")
    assert refused >= 20
    path.write_bytes(whole)
    with open_store(path) as store:
        assert store.verify() == []


def _rows(path: Path) -> list[Any]:
    with closing(sqlite3.connect(path)) as raw:
        tables = ("parts", "events", "actions", "chain")
        return [raw.execute(f"SELECT * FROM {name} ORDER BY 1").fetchall() for name in tables]


READER = """
import os, sys
from inspection.store import open_store
if os.getuid() == 0:
    os.setgid(65534); os.setuid(65534)
with open_store(sys.argv[1], read_only=True) as store:
    print(store.verify(), sum(store.counts().values()))
"""


@pytest.mark.skipif(os.name == "nt", reason="rights of POSIX")
def test_a_record_on_a_medium_nobody_can_write_to_is_verified(path: Path, tmp_path: Path) -> None:
    folder = path.parent
    above = list(path.parents)[
        : list(path.parents).index(Path("/tmp")) if Path("/tmp") in path.parents else 3
    ]
    for each in above:
        each.chmod(0o755)
    for each in folder.rglob("*"):
        each.chmod(0o555 if each.is_dir() else 0o444)
    folder.chmod(0o555)
    try:
        done = subprocess.run(
            [sys.executable, "-c", READER, str(path)], cwd=REPOSITORY, capture_output=True, text=True,
            check=False, env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        )  # fmt: skip
    finally:
        folder.chmod(0o755)
    assert done.stdout == "[] 40\n", done.stderr
