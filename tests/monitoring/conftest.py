"""Streams of parts with a known event, as tables and as real records."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inspection.judgement import Judgement, Verdict
from inspection.reasons import Reason
from inspection.spreadsheet import csv_text
from inspection.store import NewPart, open_store

BEGIN = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
PERIOD = timedelta(seconds=2)


def good_numbers(n: int, seed: int) -> Any:
    """Score, brightness and sharpness (n, 3) of good parts."""
    return np.array([1.5, 120.0, 12.0]) + np.array([0.1, 2.0, 0.5]) * np.random.default_rng(
        seed
    ).standard_normal((n, 3))


@pytest.fixture
def table(tmp_path: Path) -> Callable[..., Path]:
    """Write a table of parts; further columns may be given."""

    def write(values: Any, name: str = "parts.csv", **columns: list[Any]) -> Path:
        head = ["number", "judged_at", "score", "brightness", "sharpness", *columns]
        rows = [
            [i + 1, (BEGIN + i * PERIOD).isoformat(), *map(float, row), *(each[i] for each in columns.values())]
            for i, row in enumerate(values)
        ]  # fmt: skip
        path = tmp_path / name
        path.write_text(csv_text([head, *rows]), "utf-8", newline="")
        return path

    return write


@pytest.fixture
def record(tmp_path: Path) -> Callable[..., Path]:
    """Write a record of parts as a station would; part `i` shows the picture `pictures[i]`."""

    def write(values: Any, *, pictures: list[int] | None = None, name: str = "parts.db") -> Path:
        path = tmp_path / name
        with open_store(path) as store:
            store.add_many([
                part(row, i, i if pictures is None else pictures[i]) for i, row in enumerate(values)
            ])  # fmt: skip
        return path

    return write


def part(
    numbers: Any,
    place: int,
    picture: int,
    *,
    recipe: str = "c0ffee",
    station: str | None = None,
    process: Mapping[str, float | str] | None = None,
) -> NewPart:
    score, brightness, sharpness = map(float, numbers)
    return NewPart(
        judgement=Judgement(
            verdict=Verdict.PASS,
            cause=Reason("nothing_unusual", {"score": score, "limit": 3.0}),
            recipe_id=recipe,
            score=score,
            p_value=0.5,
            threshold=3.0,
            regions=(),
            health={"brightness": brightness, "sharpness": sharpness},
            latency_ms={"total": 9.0},
        ),
        product="nut",
        station=station,
        process=process or {},
        image_bytes=f"picture {picture}".encode(),
        judged_at=BEGIN + place * PERIOD,
    )
