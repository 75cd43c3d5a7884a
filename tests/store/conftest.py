"""Real stores for the tests: a SQLite file, and a PostgreSQL server where one is given."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cameras.base import Frame
from inspection.judgement import Judgement, Region, Verdict
from inspection.reasons import Reason
from inspection.store import NewPart, Store, open_store

REPOSITORY = Path(__file__).parents[2]
SERVER = os.environ.get("INSPECTION_TEST_POSTGRES", "")
CAPTURED_AT = datetime(2026, 3, 5, 12, 34, 56, 1, tzinfo=UTC)
needs_server = pytest.mark.skipif(
    not SERVER,
    reason="NOT TESTED on PostgreSQL: INSPECTION_TEST_POSTGRES is not set (see .ci/postgres.sh)",
)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    return tmp_path / "parts.images"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=needs_server)])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A store that does not exist yet: a file, or a schema of its own on the server."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'parts.db'}"
    else:
        yield from _schema()


@pytest.fixture
def server_url() -> Iterator[str]:
    """A schema of its own on the server."""
    if not SERVER:
        pytest.skip(needs_server.kwargs["reason"])
    yield from _schema()


@pytest.fixture
def opened(store_url: str, images: Path) -> Callable[..., Store]:
    """Open the store of this test, with the options given."""
    return lambda **options: open_store(store_url, images=images, **options)


@pytest.fixture
def store(opened: Callable[..., Store]) -> Iterator[Store]:
    with opened() as store:
        yield store


@pytest.fixture
def make_part() -> Callable[..., NewPart]:
    """Make a part with a picture of noise; judgement fields and NewPart fields may be given."""
    noise = np.random.default_rng(7)

    def make(verdict: Verdict = Verdict.PASS, *, size: int = 24, **fields: Any) -> NewPart:
        judged = verdict is not Verdict.CANNOT_INSPECT
        fields.setdefault("judgement", judgement(verdict, judged=judged))
        if judged and "image_bytes" not in fields:
            image = noise.integers(0, 256, (size, size, 3), dtype=np.uint8)
            fields.setdefault("frame", frame(image))
        return NewPart(**fields)

    return make


def judgement(verdict: Verdict, *, judged: bool = True) -> Judgement:
    region = Region(
        x_px=3, y_px=4, width_px=5, height_px=6, area_px=21.5, area_mm2=0.1 + 0.2,
        peak_score=9.87654321, zone="rim", label="scratch",
    )  # fmt: skip
    return Judgement(
        verdict=verdict,
        cause=Reason(
            "other", {"text": "the rim is scratched" if judged else "the file is damaged"}
        ),
        recipe_id="c0ffee",
        score=1 / 3 if judged else None,
        p_value=0.015625 if judged else None,
        threshold=2.5 if judged else None,
        regions=(region,) if verdict is Verdict.FAIL else (),
        health={"sharpness": 17.25, "mean": 0.1},
        latency_ms={"score": 8.8, "total": 12.1},
    )


def frame(image: np.ndarray[Any, np.dtype[np.uint8]]) -> Frame:
    return Frame(
        image=image, camera="top", session="monday", sequence=41, frame_id=2**40, missed_before=1,
        captured_at=CAPTURED_AT, trigger_id="t-1", device_timestamp_ns=2**62,
        exposure_time_us=1500.5, gain_db=0.0,
    )  # fmt: skip


@pytest.fixture
def raw(store_url: str) -> Callable[..., list[Any]]:
    """Run statements on the database past the store, in one transaction; give the last one's rows."""
    return lambda *statements: run_raw(store_url, *statements)


@pytest.fixture
def tamper(store_url: str) -> Callable[..., list[Any]]:
    """Run statements with the guards taken away first, as one with full rights could."""
    return lambda *statements: run_raw(store_url, *_without_guards(store_url), *statements)


def run_raw(url: str, *statements: str) -> list[Any]:
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection, connection:
            return [connection.execute(each).fetchall() for each in statements][-1]
    psycopg = pytest.importorskip("psycopg")
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        done = [connection.execute(each) for each in statements][-1]
        return list(done.fetchall()) if done.description else []


def _without_guards(url: str) -> list[str]:
    if not url.startswith("sqlite"):
        return [f"ALTER TABLE {name} DISABLE TRIGGER USER" for name in ("parts", "events", "chain")]
    names = run_raw(url, "SELECT name FROM sqlite_master WHERE type = 'trigger'")
    return [f"DROP TRIGGER {name}" for (name,) in names]


def _schema() -> Iterator[str]:
    name = f"test_{uuid.uuid4().hex}"
    run_raw(SERVER, f"CREATE SCHEMA {name}")
    yield f"{SERVER}?options=-csearch_path%3D{name}"
    run_raw(SERVER, f"DROP SCHEMA {name} CASCADE")


@pytest.fixture
def writing(store_url: str, images: Path) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """Start a process that opens the store and adds parts until it is killed."""
    started: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        script = REPOSITORY / "tests" / "store" / "write_until_killed.py"
        process = subprocess.Popen(
            [sys.executable, str(script), store_url, str(images)],
            stdout=subprocess.PIPE, text=True, cwd=REPOSITORY,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        )  # fmt: skip
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate(timeout=10)
