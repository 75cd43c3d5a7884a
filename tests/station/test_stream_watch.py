"""A station watches the stream of its parts: what it shows is recorded, told and an alarm, and it goes on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inspection.errors import SetupError
from inspection.monitoring.settings import MonitorSettings
from inspection.station.alarms import NONE, STREAM, Alarms
from inspection.station.station_file import read_station
from inspection.station.stream_watch import StreamWatch
from inspection.store import Store, open_store
from inspection.store.event_kinds import EventKind
from tests.monitoring.conftest import good_numbers, part
from tests.station.conftest import wait_until

COLUMNS = ("score", "brightness", "sharpness")
SETTINGS = MonitorSettings(good=100, columns=COLUMNS, methods=("cusum", "repeats"))


@pytest.fixture
def store(tmp_path: Path) -> Any:
    with open_store(tmp_path / "parts.db") as store:
        yield store


def add(store: Store, values: Any, *, recipe: str = "c0ffee", station: str = "test") -> None:
    first = store.head().count
    store.add_many(
        [part(row, first + i, first + i, recipe=recipe, station=station) for i, row in enumerate(values)]
    )  # fmt: skip


def watching(store: Store, told: list[Any], settings: MonitorSettings = SETTINGS) -> StreamWatch:
    watch = StreamWatch(
        settings, store, Alarms(lambda: None), station="test", shifts=("06:00",), told=told.append
    )
    watch.begin()
    return watch


def test_what_the_stream_shows_is_an_event_of_its_part_and_an_alarm_while_it_lasts(
    store: Store,
) -> None:
    told: list[Mapping[str, Any]] = []
    watch = watching(store, told)
    values = good_numbers(300, 1)
    values[150:180, 1] -= 6.0
    add(store, values[:170])
    watch.look()
    (found,) = told
    (event,) = store.events_of(EventKind.STREAM)
    assert (event.who, event.detail["column"], event.detail["direction"]) == (
        "station",
        "brightness",
        "low",
    )
    assert 150 < event.detail["raised"] < 165
    numbered = store.part(event.part_id)
    assert numbered is not None
    assert numbered.number == event.detail["raised"]
    assert found == {**event.detail, "station": "test", "part_id": event.part_id}
    assert (watch.alarms.code, watch.alarms.text) == (STREAM, watch.snapshot()["raised"][0])
    add(store, values[170:])
    watch.look()
    assert watch.alarms.code == NONE
    assert watch.snapshot() == {
        "learnt": 100,
        "good": 100,
        "watching": True,
        "raised": [],
        "problem": "",
    }


def test_parts_that_come_together_raise_what_they_would_one_by_one(tmp_path: Path) -> None:
    values = good_numbers(260, 1)
    values[110:130, 1] -= 6.0
    values[220:240, 2] += 6.0
    found = []
    for at_once in (1, 260):
        with open_store(tmp_path / f"{at_once}.db") as store:
            told: list[Any] = []
            watch = watching(store, told)
            for start in range(0, len(values), at_once):
                add(store, values[start : start + at_once])
                watch.look()
            told_of = [(each["method"], each["column"], each["raised"]) for each in told]
            at = {each["part_id"]: each["raised"] for each in told}
            parts = [store.part(each) for each in at]
            assert [each and each.number for each in parts] == list(at.values())
            found.append(sorted(told_of))
    assert found[0] == found[1]
    assert len(found[0]) >= 2


def test_a_restart_learns_from_the_same_parts_and_raises_nothing_twice(store: Store) -> None:
    values = good_numbers(200, 1)
    values[150:, 1] -= 6.0
    add(store, values[:180])
    told: list[Any] = []
    again = watching(store, told)
    add(store, values[180:])
    again.look()
    assert told == []  # it was raised before the restart, and lasts
    assert again.alarms.code == STREAM
    assert again.snapshot()["watching"]


def test_each_recipe_is_a_stream_of_its_own_and_other_stations_are_none(store: Store) -> None:
    told: list[Any] = []
    watch = watching(store, told)
    add(store, good_numbers(120, 1))
    add(store, good_numbers(60, 2) + 50.0, recipe="other")
    add(store, good_numbers(60, 3) - 50.0, station="elsewhere")
    watch.look()
    assert told == []
    assert watch.snapshot()["learnt"] == 60
    assert not watch.snapshot()["watching"]


def test_parts_that_teach_nothing_are_told_and_the_next_ones_tried(store: Store) -> None:
    told: list[Any] = []
    watch = watching(store, told)
    same = np.tile(good_numbers(1, 1), (100, 1))
    add(store, same)
    watch.look()
    assert "column score: constant" in watch.snapshot()["problem"]
    add(store, good_numbers(150, 2))
    watch.look()
    assert (watch.snapshot()["watching"], watch.snapshot()["problem"]) == (True, "")


def test_a_fault_of_the_watch_ends_nothing(store: Store) -> None:
    watch = watching(store, [])
    add(store, good_numbers(1, 1))
    watch.settings = MonitorSettings(good=100, learn=Path("/nowhere/good.csv"))
    over = threading.Event()
    thread = threading.Thread(target=watch.run, args=(over,))
    thread.start()
    try:
        wait_until(lambda: watch.snapshot()["problem"] != "")
        assert thread.is_alive()
        assert watch.snapshot()["problem"] == "table /nowhere/good.csv: no such file"
    finally:
        over.set()
        thread.join(5.0)


def test_a_station_raises_it_and_goes_on(
    build: Callable[..., Any], recipe: Any, tmp_path: Path
) -> None:
    """Its record begins with parts unlike those its camera shows."""
    path = tmp_path / "parts.db"
    with open_store(path) as store:
        add(store, good_numbers(100, 1), recipe=recipe.id)
    with build(record=path, monitor=SETTINGS, deadline_ms=60_000.0) as built:
        states = built.answers.states
        for count in range(1, 6):
            assert built.trigger()
            built.settle(count, 120.0)
        wait_until(lambda: built.station.error_code == STREAM)
        assert built.station.state == "Ready"
        assert built.trigger()
        built.settle(6, 120.0)
        assert states[-1] == "Ready"
        assert built.station.snapshot()["stream"]["raised"]
        event, *_ = built.store.events_of(EventKind.STREAM)
        assert built.answers.events[0]["part_id"] == event.part_id
    assert built.answers.results[-1].number == 106


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('methods = ["hmm"]', "monitor: Value error, methods: no method 'hmm'; allowed: all, charts"),
        ('methods = ["gru"]\ngood = 100', "monitor.methods: gru: 100 good parts, at least 300 are needed"),
        ("good = 10", "monitor.good: "),
        ("limit = 3", "monitor.limit: "),
    ],
)  # fmt: skip
def test_a_station_file_that_asks_for_what_cannot_be_is_refused(
    tmp_path: Path, table: str, said: str
) -> None:
    path = tmp_path / "station.toml"
    path.write_text(
        'station = "s"\nrecord = "parts.db"\n[[views]]\ncamera = "simulated"\n'
        f'[[products]]\nname = "nut"\nrecipe = "nut.recipe"\n[monitor]\n{table}\n',
        "utf-8",
    )
    with pytest.raises(SetupError) as caught:
        read_station(path)
    assert said in str(caught.value)


def test_the_record_to_learn_from_lies_beside_the_station_file(tmp_path: Path) -> None:
    path = tmp_path / "station.toml"
    path.write_text(
        'station = "s"\nrecord = "parts.db"\n[[views]]\ncamera = "simulated"\n'
        '[[products]]\nname = "nut"\nrecipe = "nut.recipe"\n[monitor]\nlearn = "good.csv"\ncycle = 4\n',
        "utf-8",
    )
    monitor = read_station(path).monitor
    assert monitor == MonitorSettings(learn=tmp_path / "good.csv", cycle=4)
