"""Parts whose numbers, times and pictures are nonsense: the watch of the stream lives, and finds what comes after."""

from __future__ import annotations

import json
import math
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from inspection.judgement import Verdict
from inspection.monitoring.settings import MonitorSettings
from inspection.station.alarms import Alarms
from inspection.station.stream_watch import StreamWatch
from inspection.store import NewPart, open_store
from inspection.store.event_kinds import EventKind
from tests.attack.conftest import LONG
from tests.attack.test_faults import PICTURES, Faulty
from tests.monitoring.conftest import good_numbers, part
from tests.station.conftest import build, wait_until

__all__ = ["build"]
pytestmark = pytest.mark.slow
PARTS = 10_000 if LONG else 300
NUMBERS = (0.0, -0.0, 5e-324, 1e-300, 1e300, -1e300, 1.7e308, -1.7e308, math.inf, -math.inf)
TIMES = (
    datetime(1, 1, 1, tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC), datetime(2026, 3, 5, tzinfo=UTC),
    datetime(2026, 3, 29, 1, 30, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, tzinfo=UTC),
)  # fmt: skip
NAMES = ("brightness", "sharpness", "", "a" * 300, "\u202e", "score", "cycle_time_s")


def _nonsense(chance: random.Random, place: int) -> NewPart:
    def number(*more: float) -> float:
        return chance.choice((*NUMBERS, *more, chance.gauss(0, 1), chance.gauss(0, 1e6)))

    made = part((1.5, 120.0, 12.0), place, chance.randrange(4))
    verdict = chance.choice(tuple(Verdict))
    nothing = verdict is Verdict.CANNOT_INSPECT and chance.random() < 0.5
    judged = replace(
        made.judgement,
        verdict=verdict,
        score=None if nothing else number(),
        p_value=None if nothing else number(),
        threshold=None if nothing else number(),
        health={
            name: number(math.nan) for name in chance.sample(NAMES, chance.randrange(len(NAMES)))
        },
        latency_ms={"total": number(math.nan)},
    )
    at = chance.choice((*TIMES, made.judged_at + timedelta(days=chance.uniform(-1e5, 1e5))))
    image = None if nothing else chance.choice((b"", made.image_bytes))
    return replace(made, judgement=judged, judged_at=at, image_bytes=image)


@pytest.mark.parametrize("methods", [("charts",), ("linear", "matrix_profile", "periodic")])
def test_parts_of_nonsense(tmp_path: Path, figures: Any, methods: tuple[str, ...]) -> None:
    chance, told = random.Random(60), list[Any]()
    settings = MonitorSettings(
        good=500, columns=("score", "brightness", "sharpness"), methods=methods
    )
    with open_store(tmp_path / "parts.db") as store:
        watch = StreamWatch(
            settings,
            store,
            Alarms(lambda: None),
            station="test",
            shifts=("06:00",),
            told=told.append,
        )
        watch.begin()
        store.add_many(
            [replace(part(row, i, i), station="test") for i, row in enumerate(good_numbers(500, 1))]
        )
        watch.look()
        assert watch.snapshot()["watching"]
        refused = 0
        for place in range(500, 500 + PARTS, 100):
            some = [_nonsense(chance, place + i) for i in range(100)]
            for each in some:
                try:
                    store.add(replace(each, station="test"))
                except ValueError:  # the record's own door
                    refused += 1
            watch.look()
        assert watch.snapshot()["problem"] == ""
        for event in store.events_of(EventKind.STREAM):
            assert "\n" not in event.detail["text"]
            json.dumps(dict(event.detail), allow_nan=False)
        before = len(told)
        values = good_numbers(600, 2)
        values[300:, 1] -= 8.0
        store.add_many([
            replace(part(row, 20_000 + i, 20_000 + i), station="test") for i, row in enumerate(values)
        ])  # fmt: skip
        watch.look()
        assert "brightness" in {each["column"] for each in told[before:]}
        assert store.verify() == []
    figures(
        f"stream, {'/'.join(methods)}: {PARTS} parts of nonsense ({refused} refused), {before} raised"
    )


def test_a_station_with_a_mad_camera_watches_on(build: Any) -> None:
    """Now and then it gives what is no picture of a part, or raises."""
    camera, chance, changes = Faulty(), random.Random(61), list(PICTURES.values())
    camera.change = lambda image: image if chance.random() < 0.7 else chance.choice(changes)(image)
    with build(camera, monitor=MonitorSettings(good=50), stall_s=60.0) as built:
        for _ in range(300):
            before = built.station.snapshot()["answers"]
            wait_until(built.trigger)
            wait_until(lambda n=before: built.station.snapshot()["answers"] > n)
        wait_until(lambda: built.station.snapshot()["stream"]["learnt"] == 50)
        assert built.station.snapshot()["stream"]["problem"] == ""
        assert built.store.verify() == []
