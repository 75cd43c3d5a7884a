"""What the manual says of each model is what the model says of itself."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from inspection.training.leaderboard import (
    EVERY_MODEL,
    ONE_SCALE,
    TWO_SCALES,
    Leaderboard,
    Standing,
)
from models import Needs, model_class, model_names

TABLE = (Path(__file__).parents[2] / "docs" / "models.md").read_text("utf-8")
ROW = re.compile(r"^\| `(\w+)` \| ([^|]+) \| good pictures only[^|]*\| [^|]+ \| ([^|]+) \|$", re.M)


def cost(needs: Needs) -> str:
    if needs.minutes is None or needs.memory_mb is None:
        return "not measured"
    return f"{needs.minutes_text} min, {needs.memory_mb:,} MB"


def test_every_model_has_its_row_with_what_it_needs() -> None:
    rows = {name: (family, told) for name, family, told in ROW.findall(TABLE)}
    kinds = {name: model_class(name) for name in model_names()}
    assert rows == {name: (kind.family, cost(kind.needs)) for name, kind in kinds.items()}
    assert "| `--template` | template |" in TABLE


BENCHMARKS = (Path(__file__).parents[2] / "docs" / "benchmarks.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("board", "columns", "told"),
    [
        (EVERY_MODEL, (-4, -2), "critical difference of 29 models on four sets is 22.5 ranks"),
        (ONE_SCALE, (-4, -2), "critical difference of six models on six sets is 3.1 ranks"),
        (TWO_SCALES, (-3, -2), "critical difference of seven models on three sets is 5.2 ranks"),
    ],
)
def test_the_advice_before_a_training_is_what_was_measured(
    board: Leaderboard, columns: tuple[int, int], told: str
) -> None:
    after = BENCHMARKS.index("### Models against each other")
    tables = re.findall(r"^\| model \|.*\n\|[-|]+\n((?:\|.*\n)+)", BENCHMARKS[after:], re.M)
    (rows,) = [table for table in tables if table.count("\n") == len(board.standings)]
    standings = {}
    for line in rows.splitlines():
        cells = line.split("|")
        name = re.search(r"`(\w+)`", cells[1])
        assert name is not None
        by_auroc, by_escapes = (
            float(cells[column].split()[0]) for column in (columns[0], columns[1])
        )
        standings[name[1]] = Standing(by_auroc, by_escapes)
    assert board.standings == standings
    assert told in BENCHMARKS[after:]
    assert told.endswith(f"is {board.critical_difference} ranks")
