"""Faults that meet at a bad moment: each was found by reading, and is held by a test."""

from __future__ import annotations

import sqlite3
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cameras import CameraTimeout, Frame
from cameras.simulated import Simulated
from inspection.judgement import Verdict
from inspection.station.alarms import CAMERA, NONE, RECORD, Alarms
from tests.station.conftest import wait_until


class Lock:
    """Another program that holds the record."""

    def __init__(self, path: Path) -> None:
        self._other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._other.execute("BEGIN IMMEDIATE")

    def release(self) -> None:
        self._other.execute("COMMIT")
        self._other.close()


def test_the_record_is_locked_while_pictures_come_by_themselves(build: Any, tmp_path: Path) -> None:
    path = tmp_path / "parts.db"

    class Slow(Simulated):
        def read(self, *, timeout_s: float = 5.0, trigger_id: str | None = None) -> Frame:
            time.sleep(0.2)
            return super().read(timeout_s=timeout_s, trigger_id=trigger_id)

    camera = Slow(size_px=256, defect_rate=0.0)
    with build(camera, trigger="camera", record=path, stall_s=120.0) as built:
        built.settle(2)
        lock = Lock(path)
        wait_until(lambda: built.station.error_code == RECORD, 60)
        told = len(built.answers.results)
        wait_until(
            lambda: len(built.answers.results) > told + 1
        )  # told to reject, picture by picture
        assert all(r.reject for r in built.answers.results[told:])
        lock.release()
        wait_until(lambda: built.station.error_code == NONE, 60)
        answered = built.station.snapshot()["answers"]
        built.settle(answered + 2)
        assert built.station.snapshot()["queues"]["owed"] == 0
        triggers = [record.trigger_id for record in built.store.parts(limit=500)]
        assert len(set(triggers)) == len(triggers)
        assert built.store.verify() == []


def test_a_trigger_sent_again_while_the_record_is_locked_is_owed_once(
    build: Any, tmp_path: Path
) -> None:
    path = tmp_path / "parts.db"
    with build(record=path, stall_s=120.0) as built:
        assert built.trigger(trigger_id="known")
        built.settle(1)
        lock = Lock(path)
        assert not built.trigger(trigger_id="new")
        assert built.station.error_code == RECORD
        for trigger_id in ("new", "new", "known"):
            assert not built.trigger(trigger_id=trigger_id)
        lock.release()
        wait_until(lambda: built.station.error_code == NONE, 60)
        found = sorted(record.trigger_id for record in built.store.parts())
        assert found == ["known", "new"]


TAKT_S = 0.5
"""Between parts of the line, once the cameras are being opened anew: a part sooner is rejected."""


class Queueing(Simulated):
    """A camera on a hardware line: each trigger leaves a picture, read or not; reopening empties it."""

    trigger_sources = ("Line1",)

    def __init__(self) -> None:
        super().__init__(size_px=256, defect_rate=0.0, trigger_source="Line1")
        self.waiting: list[str] = []

    def open(self) -> None:
        self.waiting.clear()
        self.seed += 1
        super().open()

    def read(self, *, timeout_s: float = 5.0, trigger_id: str | None = None) -> Frame:
        end = time.monotonic() + timeout_s
        while not self.waiting:
            if time.monotonic() > end:
                raise CameraTimeout("camera: no picture")
            time.sleep(0.005)
        frame = super().read(timeout_s=timeout_s, trigger_id=trigger_id)
        return replace(frame, camera=self.waiting.pop(0))


def test_a_part_never_gets_the_picture_of_another_and_the_line_recovers(build: Any) -> None:
    camera = Queueing()
    with build(camera, deadline_ms=5000.0, queue=1) as built:

        def part(name: str) -> None:
            camera.waiting.append(name)  # the line fires the camera and the trigger alike
            assert built.trigger(serial=name)

        part("a")
        built.settle(1)
        for number in range(6):
            part(f"burst{number}")  # more than may wait: some are rejected unread
        built.settle(7)
        for number in range(3):
            wait_until(lambda: not built.station.cameras._behind.is_set())
            time.sleep(TAKT_S)
            part(f"after{number}")
            built.settle(8 + number)
        judged = {}
        for done in built.parts:
            if done.judgement.verdict is not Verdict.CANNOT_INSPECT:
                judged[done.request.serial] = done.frames["view0"].camera
        assert all(serial == picture for serial, picture in judged.items())
        assert {"a", "after2"} <= set(judged)
        assert built.counted() == (10, 10, 10)


def test_what_the_line_was_told_to_reject_is_no_pass_for_the_broker(
    build: Any, tmp_path: Path
) -> None:
    with build(deadline_ms=300.0) as built:
        add = built.store.add

        def slow(*words: Any, **fields: Any) -> Any:
            time.sleep(0.6)  # the disk takes its time
            return add(*words, **fields)

        built.store.add = slow
        assert built.trigger()
        built.settle(1)
        wait_until(lambda: len(built.kept.results) == 1)
        (line,), (broker,) = built.answers.results, built.kept.results
        assert line.verdict is broker.verdict is Verdict.CANNOT_INSPECT
        assert line.delivery_id == broker.delivery_id


def test_asked_to_stop_while_a_trigger_is_being_taken(build: Any) -> None:
    with build() as built:
        note = built.store.note_trigger

        def slow(*words: Any, **fields: Any) -> Any:
            built.station.stop()
            time.sleep(0.5)
            return note(*words, **fields)

        built.store.note_trigger = slow
        taken: list[bool] = []
        thread = threading.Thread(target=lambda: taken.append(built.trigger()))
        thread.start()
        built.station.pipeline.stopping.wait(5)
        built.station.run()
        thread.join()
        assert taken == [True]
        assert built.counted() == (1, 1, 1)


def test_one_trouble_does_not_hide_another() -> None:
    news: list[int] = []
    trouble = Alarms(lambda: news.append(trouble.code))
    trouble.set(CAMERA, "unplugged")
    trouble.set(RECORD, "locked")
    assert (trouble.code, trouble.text) == (RECORD, "locked")
    trouble.set(RECORD, "still locked")
    trouble.clear(RECORD)
    assert (trouble.code, trouble.text) == (CAMERA, "unplugged")
    trouble.clear(CAMERA)
    assert news == [CAMERA, RECORD, CAMERA, NONE]


def test_a_picture_that_cannot_be_encoded_stops_the_station_and_passes_nothing(
    build: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import inspection.store as store_module
    from inspection.station.pipeline import StationStopped

    def broken(_: Frame) -> bytes:
        raise MemoryError("no memory")

    monkeypatch.setattr(store_module, "encode_picture", broken)
    with build() as built:
        built.trigger()
        with pytest.raises(StationStopped, match="no memory"):
            built.station.run()
        assert Verdict.PASS not in {result.verdict for result in built.answers.results}


def test_the_station_is_ready_again_after_only_a_note_was_late(build: Any) -> None:
    from inspection.store import StoreBusy

    with build(deadline_ms=300.0) as built:
        add, add_event, failed = built.store.add, built.store.add_event, []

        def slow(*words: Any, **fields: Any) -> Any:
            record = add(*words, **fields)
            time.sleep(0.6)  # stored as a PASS, and then the deadline is over
            return record

        def busy_once(*words: Any, **fields: Any) -> Any:
            if not failed:
                failed.append(True)
                raise StoreBusy("store: told to fail")
            return add_event(*words, **fields)

        built.store.add, built.store.add_event = slow, busy_once
        assert built.trigger()
        built.settle(1)
        wait_until(lambda: built.station.state == "Ready")
        (record,) = built.store.parts()
        assert record.verdict is Verdict.PASS
        assert built.answers.results[0].reject
        (event,) = built.store.events(record.part_id)
        assert event.kind == "answer"
