"""The line that the demonstration leaves: each verdict within a minute, with serials, lots and a known recipe."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from inspection.demo import DARK_EVERY, FAINT_EVERY, LOT_SIZE, PERIOD_S, write_station
from inspection.judgement import Verdict
from inspection.store import open_store
from inspection.store.event_kinds import ActionKind

BEFORE, WITHIN = 4, 25


@pytest.mark.slow
def test_the_line_shows_every_verdict_within_a_minute(
    cli: Callable[..., Any], tmp_path: Path
) -> None:
    words = ("demo", "--no-ui", "--parts", BEFORE, "--good", "40", "--folder", "d", "--json")
    assert cli(*words).returncode == 0
    station = write_station(tmp_path / "d", seed=0)
    text = station.read_text(encoding="utf-8")
    assert WITHIN * PERIOD_S < 60
    quick = text.replace(f"period_s = {PERIOD_S}", "period_s = 0.2")
    station.write_text(quick, encoding="utf-8")
    assert quick != text
    assert cli("run", station, "--max-parts", WITHIN).returncode == 0
    with open_store(str(tmp_path / "d" / "demo.db"), read_only=True) as store:
        records = list(store.parts(newest_first=False))
        (released,) = store.actions(kind=ActionKind.RECIPE_ON_LINE)
    line = records[BEFORE:]
    assert {part.verdict for part in line} == set(Verdict)
    assert line[FAINT_EVERY - 1].verdict is Verdict.REVIEW
    dark = [place for place, part in enumerate(line) if part.verdict is Verdict.CANNOT_INSPECT]
    assert dark == list(range(DARK_EVERY - 1, WITHIN, DARK_EVERY))
    assert {line[place].cause.code for place in dark} == {"too_dark"}
    assert len({part.serial for part in records}) == len(records)
    assert all(part.serial and part.lot and part.serial.startswith(part.lot) for part in records)
    assert line[LOT_SIZE - 1].lot == line[0].lot != line[LOT_SIZE].lot
    assert released.detail["recipe_id"] == line[0].recipe_id
    assert released.detail["products"] == ["flange"]
