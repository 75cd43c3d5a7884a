"""`kill -9` at random moments: every trigger has one record, nothing is lost, nothing comes twice."""

from __future__ import annotations

import csv
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[2]
START = "from inspection.cli import main; main()"
KILLS = int(os.environ.get("INSPECTION_TEST_KILLS", "100"))

STATION = """
station = "killed"
record = "parts.db"
[[views]]
camera = "simulated"
settings = {{ seed = 3, size_px = 256, defect_rate = 0.3 }}
[[products]]
name = "flange"
recipe = "{recipe}"
[outputs.csv_file]
folder = "results"
[triggers.interval]
period_s = 0.02
"""


def start(folder: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", START, "run", "station.toml", *words],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.mark.slow
def test_killed_at_random_moments(line: Any, tmp_path: Path, capsys: Any) -> None:
    from sqlalchemy import create_engine, text

    from inspection.store import open_store

    text_ = STATION.format(recipe=line.recipe_path)
    (tmp_path / "station.toml").write_text(text_, encoding="utf-8")
    rng = random.Random(0)
    for _ in range(KILLS):
        process = start(tmp_path)
        assert process.stderr is not None
        assert "Ready" in process.stderr.readline()
        time.sleep(rng.uniform(0.0, 0.4))
        process.send_signal(signal.SIGKILL)
        process.communicate()
    done = start(tmp_path, "--max-parts", "5")
    _, errors = done.communicate(timeout=120)
    assert done.returncode == 0, errors

    with open_store(tmp_path / "parts.db") as store:
        assert store.verify() == []
        cleared = sum(len(note.detail["pictures"]) for note in store.actions(limit=10_000))
        named = {part.image for part in store.parts(limit=100_000) if part.image}
        images = tmp_path / "parts.images"
        files = {str(path.relative_to(images)) for path in images.rglob("*") if path.is_file()}
        assert files == named  # also those younger than a minute, of which verify says nothing yet
        assert store.unanswered("killed") == []
        counts = store.counts()
        waiting = {record.part_id for record in store.undelivered("csv_file", limit=10_000)}
    engine = create_engine(f"sqlite:///{tmp_path / 'parts.db'}")
    with engine.connect() as connection:
        triggers = connection.scalar(text("SELECT count(*) FROM triggers"))
        parts = connection.scalar(text("SELECT count(*) FROM parts"))
        different = connection.scalar(text("SELECT count(DISTINCT trigger_id) FROM parts"))
        ids = set(connection.scalars(text("SELECT part_id FROM parts")))
        restarted = connection.scalar(
            text("SELECT count(*) FROM parts WHERE reason LIKE 'the station was restarted%'")
        )
    engine.dispose()
    delivered = []
    for path in (tmp_path / "results").glob("*.csv"):
        with path.open(newline="", encoding="utf-8") as file:
            delivered += [row["delivery_id"] for row in csv.DictReader(file)]
    with capsys.disabled():
        print(
            f"\n{KILLS} kills: {triggers} triggers, {parts} records ({restarted} of parts a kill "
            f"interrupted), {len(delivered)} results delivered, {len(waiting)} still waiting, "
            f"{cleared} pictures without a row cleared"
        )
    assert triggers == parts == different
    assert restarted
    assert len(set(delivered)) == len(delivered)
    assert set(delivered) | waiting == ids
    assert set(delivered) & waiting == set()
    assert sum(counts.values()) == parts
