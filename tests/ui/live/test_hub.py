"""What pages are told: counters of the shift from the record, then every part once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from inspection.judgement import Judgement, Verdict
from inspection.local_api.messages import record_message
from inspection.reasons import Reason
from inspection.station.station_file import ProductSettings, StationFile, ViewSettings
from inspection.store import NewPart, Store, StoreUnavailable, open_store
from ui.live.hub import DRIFT_LIMIT, DRIFT_OF, STRIP, Hub, shift_start
from ui.live.station_client import StationGone

READY = {"type": "status", "state": "Ready", "error": "", "outputs": {}}
SHIFTS = ("06:00", "14:00", "22:00")


def test_a_shift_began_at_the_last_of_its_times() -> None:
    zone = datetime.now().astimezone().tzinfo
    at = datetime(2026, 11, 22, 13, 59, tzinfo=zone)
    assert shift_start(SHIFTS, at).astimezone(zone) == at.replace(hour=6, minute=0)
    early = at.replace(hour=5)
    began = shift_start(SHIFTS, early).astimezone(zone)
    assert began == (early - timedelta(days=1)).replace(hour=22, minute=0)


class Told:
    """Stands where the station's stream is: what it would tell, in order."""

    def __init__(self, messages: list[dict[str, Any]]) -> None:
        self.messages = messages

    async def events(self) -> AsyncIterator[dict[str, Any]]:
        for message in self.messages:
            yield message
        raise StationGone("the station does not answer")


@pytest.fixture
def hub(tmp_path: Path) -> Any:
    """A hub over a real record."""

    def make(messages: list[dict[str, Any]], **fields: Any) -> Hub:
        settings = StationFile(
            station="test",
            record=str(tmp_path / "parts.db"),
            views=(ViewSettings(camera="simulated"),),
            products=(ProductSettings(name="flange", recipe=Path("x.recipe")),),
            shifts=("00:00",),
            **fields,
        )
        store = open_store(settings.record, read_only=True)
        return Hub(settings, store, Told(messages))  # type: ignore[arg-type]

    return make


@pytest.fixture
def record(tmp_path: Path) -> Any:
    store = open_store(tmp_path / "parts.db")
    yield store
    store.close()


def recorded(
    store: Store,
    verdict: Verdict,
    *,
    p_value: float = 0.5,
    cause: Reason | None = None,
    **fields: Any,
) -> dict[str, Any]:
    judged = verdict is not Verdict.CANNOT_INSPECT
    numbers = {"score": 1.0, "p_value": p_value, "threshold": 2.0} if judged else {}
    judgement = Judgement(
        verdict=verdict, cause=cause or Reason("other", {"text": ""}), recipe_id="r", **numbers
    )
    picture = b"picture" if judged else None
    part = NewPart(judgement=judgement, station="test", image_bytes=picture, **fields)
    return record_message(store.add(part))


def heard(hub: Hub, until: Callable[[], bool]) -> None:
    async def listen() -> None:
        task = asyncio.create_task(hub.run())
        for _ in range(200):
            if until():
                break
            await asyncio.sleep(0.01)
        task.cancel()

    asyncio.run(listen())
    hub.store.close()
    assert until()


def test_counters_come_from_the_record_and_each_part_counts_once(hub: Any, record: Store) -> None:
    early = [recorded(record, Verdict.PASS) for _ in range(3)]
    late = recorded(record, Verdict.FAIL)
    made = hub([early[0], late])  # told once more: they are counted already
    heard(made, lambda: made.shift.total() == 4)
    assert made.shift == {"PASS": 3, "FAIL": 1}
    figures = made.snapshot()["shift"]
    assert (figures["inspected"], figures["rejected"]) == (4, 1)
    assert figures["first_pass_yield"] == 0.75


@pytest.mark.parametrize("none", [Reason("no_recipe_yet", {"product": "new"}), Reason("paused")])
def test_what_was_not_to_be_inspected_counts_neither_as_inspected_nor_as_rejected(
    none: Reason, hub: Any, record: Store
) -> None:
    recorded(record, Verdict.CANNOT_INSPECT, cause=none)
    early = [recorded(record, Verdict.PASS) for _ in range(3)]
    made = hub([early[0], recorded(record, Verdict.FAIL)])
    heard(made, lambda: made.shift.total() == 4)
    asyncio.run(made._hear(recorded(record, Verdict.CANNOT_INSPECT, cause=none)))
    figures = made.snapshot()["shift"]
    assert (figures["inspected"], figures["rejected"], figures["outside_yield"]) == (4, 1, 2)
    assert (figures["first_pass_yield"], len(made.trend)) == (0.75, 4)


def test_a_part_that_came_while_nobody_listened_is_counted_and_shown(
    hub: Any, record: Store
) -> None:
    made = hub([READY])
    recorded(record, Verdict.PASS)
    heard(made, lambda: made.shift.total() == 1)
    assert [part["verdict"] for part in made.snapshot()["strip"]] == ["PASS"]


def test_a_pass_the_line_was_told_to_reject_is_shown_and_counted_as_told(
    hub: Any, record: Store
) -> None:
    good, late = (recorded(record, Verdict.PASS) for _ in range(2))
    record.add_event(late["part_id"], "answer", "station", detail={"reject": "recorded late"})
    made = hub([])
    heard(made, lambda: made.shift.total() == 2)
    assert made.shift == {"PASS": 1, "CANNOT_INSPECT": 1}
    shown = [(part["verdict"], part["reason"]) for part in made.snapshot()["strip"]]
    assert shown == [("PASS", good["reason"]), ("CANNOT_INSPECT", "recorded late")]


def test_a_failed_part_waits_for_a_person_and_not_after_they_came(hub: Any, record: Store) -> None:
    now = datetime.now(UTC)
    old = recorded(record, Verdict.FAIL, judged_at=now - timedelta(days=2))
    forgotten = recorded(record, Verdict.FAIL, judged_at=now - timedelta(days=8))
    first, second = (recorded(record, Verdict.FAIL) for _ in range(2))
    record.add_event(first["part_id"], "acknowledge", "oli", detail={"reason": "scratch"})
    made = hub([], latch_fail=True)
    heard(made, lambda: made.shift.total() >= 2)
    assert list(made.waiting) == [old["part_id"], second["part_id"]]
    assert forgotten["part_id"] not in made.waiting


def test_drift_is_too_many_passed_parts_that_look_unusual(hub: Any, record: Store) -> None:
    for number in range(DRIFT_OF):
        recorded(record, Verdict.PASS, p_value=0.05 if number < DRIFT_LIMIT else 0.5)
    made = hub([])
    heard(made, lambda: made.shift.total() == DRIFT_OF)
    assert made.snapshot()["drift"] == {"low": DRIFT_LIMIT, "of": DRIFT_OF, "limit": DRIFT_LIMIT}
    assert len(made.snapshot()["strip"]) == STRIP


def test_when_the_station_is_silent_pages_are_told(hub: Any, record: Store) -> None:
    made = hub([READY])
    mine: asyncio.Queue[Any] = asyncio.Queue()
    made._pages.add(mine)
    messages: list[str] = []

    def gone() -> bool:
        while not mine.empty():
            messages.append(mine.get_nowait()["type"])
        return "gone" in messages

    heard(made, gone)
    assert messages[:2] == ["snapshot", "gone"]
    assert made.snapshot()["status"] is None


def test_a_record_out_of_reach_is_tried_again_and_shows_no_old_verdict(
    hub: Any, record: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded(record, Verdict.PASS)
    made = hub([READY])
    counts, failing = made.store.counts, [True, True]

    def fail_twice(*asked: Any) -> Any:
        if failing:
            failing.pop()
            raise StoreUnavailable("store parts.db: is locked")
        assert made.status is None
        return counts(*asked)

    monkeypatch.setattr(made.store, "counts", fail_twice)
    monkeypatch.setattr("ui.live.hub.AGAIN_S", 0.01)
    heard(made, lambda: made.shift.total() == 1)


def test_times_are_in_utc() -> None:
    assert shift_start(SHIFTS, datetime.now().astimezone()).tzinfo is UTC
