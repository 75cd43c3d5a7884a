"""Every trigger gets exactly one verdict, stored before it is told."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cameras import CameraLost, CameraTimeout, Frame
from cameras.simulated import Simulated
from inspection.errors import InspectionError
from inspection.judgement import Verdict
from inspection.outside import Refused
from inspection.station.pipeline import StationStopped
from inspection.store import open_store
from inspection.store.filters import PartFilter
from tests.station.conftest import wait_until


class Troubled(Simulated):
    """The simulated line with a fault at one picture."""

    def __init__(self, at: int, fault: Any, **settings: Any) -> None:
        super().__init__(size_px=256, defect_rate=0.0, **settings)
        self.at, self.fault, self.reads, self.opened = at, fault, 0, 0

    def open(self) -> None:
        self.opened += 1
        self.seed += 1  # or it would draw the very same part again, as a frozen camera does
        super().open()

    def read(self, *, timeout_s: float = 5.0, trigger_id: str | None = None) -> Frame:
        self.reads += 1
        frame = super().read(timeout_s=timeout_s, trigger_id=trigger_id)
        return self.fault(frame, timeout_s) if self.reads == self.at else frame


def lost(frame: Frame, timeout_s: float) -> Frame:
    raise CameraLost("camera simulated: unplugged")


def late(frame: Frame, timeout_s: float) -> Frame:
    raise CameraTimeout(f"camera simulated: no picture in {timeout_s:.1f} s")


def stuck(frame: Frame, timeout_s: float) -> Frame:
    time.sleep(timeout_s + 0.5)  # a driver that does not keep its promise
    return frame


def incomplete(frame: Frame, timeout_s: float) -> Frame:
    return replace(frame, status="incomplete")


def test_good_parts_pass_and_each_is_recorded_before_it_is_told(build: Any) -> None:
    with build() as built:
        for number in range(5):
            assert built.trigger(serial=f"s{number}", lot="L1")
            built.settle(number + 1)
        assert built.counted() == (5, 5, 5)
        for number, result in enumerate(built.answers.results):
            record = built.store.part(result.delivery_id)
            assert (record.serial, record.lot, record.trigger_id) == (
                f"s{number}",
                "L1",
                result.trigger_id,
            )
            assert (result.verdict, result.number) == (record.verdict, record.number)
            assert Path(result.image).is_file()
        assert built.station.state == "Ready"
        assert [p.record.part_id for p in built.parts] == [
            r.delivery_id for r in built.answers.results
        ]
        assert built.store.verify() == []


def test_defective_parts_do_not_pass(build: Any) -> None:
    camera = Simulated(size_px=256, defect_rate=1.0, defects=("missing_feature",))
    with build(camera) as built:
        for number in range(4):
            assert built.trigger()
            built.settle(number + 1)
        assert {r.verdict for r in built.answers.results} <= {Verdict.FAIL, Verdict.REVIEW}
        assert all(r.reject for r in built.answers.results)


def never_fails(recipe: Any) -> Any:
    """The same recipe with its FAIL limit out of reach: what does not pass is REVIEW."""
    settings = recipe.settings
    calibration = replace(settings.calibration, fail_threshold=1e9)
    changed = recipe.with_settings(replace(settings, calibration=calibration))
    assert changed.program  # compiled before a part waits for it
    return changed


@pytest.mark.parametrize("review", ["reject", "pass"])
def test_the_line_is_told_of_a_review_part_what_the_station_file_says(
    review: str, build: Any, recipe: Any
) -> None:
    camera = Simulated(size_px=256, defect_rate=1.0, defects=("missing_feature",))
    recipes = {"flange": never_fails(recipe)}
    with build(camera, recipes=recipes, review=review, deadline_ms=60_000.0) as built:
        built.trigger()
        built.settle(1)
        wait_until(lambda: len(built.kept.results) == 1)
        for result in (*built.answers.results, *built.kept.results, built.parts[0].told):
            assert result.verdict is Verdict.REVIEW
            assert (result.reject, result.code) == ((False, 1) if review == "pass" else (True, 2))
            sent = result.as_json()
            assert (sent["verdict"], sent["reject"]) == ("REVIEW", review == "reject")
            assert "review" not in sent
        assert built.store.parts()[0].verdict is Verdict.REVIEW


def test_a_review_part_the_line_passes_is_rejected_when_it_comes_late(
    build: Any, recipe: Any
) -> None:
    camera = Simulated(size_px=256, defect_rate=1.0, defects=("missing_feature",))
    recipes = {"flange": never_fails(recipe)}
    with build(camera, recipes=recipes, review="pass", deadline_ms=60_000.0) as built:
        add = built.store.add

        def slow(*words: Any, **fields: Any) -> Any:
            (part,) = built.station.parts.all()
            part.deadline = time.monotonic()  # the commit crosses the deadline
            return add(*words, **fields)

        built.store.add = slow
        built.trigger()
        built.settle(1)
        (result,) = built.answers.results
        assert (result.verdict, result.reject, result.code) == (Verdict.CANNOT_INSPECT, True, 3)
        (record,) = built.store.parts()
        assert record.verdict is Verdict.REVIEW
        assert [event.kind for event in built.store.events(record.part_id)] == ["answer"]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (lost, "no picture: camera simulated: unplugged"),
        (late, "no picture in time: camera simulated: no picture in"),
        (incomplete, "incomplete picture"),
    ],
)
def test_a_part_without_a_sound_picture_is_rejected_and_the_next_is_judged(
    fault: Any, reason: str, build: Any
) -> None:
    camera = Troubled(2, fault)
    with build(camera) as built:
        for number in range(4):
            assert built.trigger()
            built.settle(number + 1)
        verdicts = [r.verdict for r in built.answers.results]
        assert verdicts[1] is Verdict.CANNOT_INSPECT
        assert built.answers.results[1].reason.startswith(reason)
        assert Verdict.CANNOT_INSPECT not in [verdicts[i] for i in (0, 2, 3)]
        assert built.counted() == (4, 4, 4)
        assert built.station.error_code == 0


def test_a_lost_camera_is_an_error_until_it_is_back_though_nobody_triggers(build: Any) -> None:
    camera = Troubled(1, lost)
    with build(camera) as built:
        assert built.trigger()
        built.settle(1)
        wait_until(lambda: built.station.state == "Ready", 10)
        assert "Error" in built.answers.states
        assert camera.opened == 2


def test_after_a_picture_that_came_too_late_the_camera_is_opened_anew(build: Any) -> None:
    camera = Troubled(1, late)
    with build(camera) as built:
        for number in range(2):
            built.trigger()
            built.settle(number + 1)
        assert camera.opened == 2


def test_a_late_part_is_rejected_in_time_though_the_camera_still_hangs(build: Any) -> None:
    with build(Troubled(1, stuck), deadline_ms=300.0) as built:
        assert built.trigger()
        wait_until(lambda: len(built.answers.results) == 1, 5)
        result = built.answers.results[0]
        assert (result.verdict, result.reject) == (Verdict.CANNOT_INSPECT, True)
        assert result.reason == "late: no verdict within the 300 ms allowed"
        built.settle(1)
        time.sleep(1.0)  # the picture arrives after all
        assert built.counted() == (1, 1, 1)


def test_more_parts_than_may_wait_are_rejected_at_once_and_none_is_lost(build: Any) -> None:
    with build(queue=1) as built:
        taken = [built.trigger() for _ in range(12)]
        assert all(taken)
        built.settle(12)
        assert built.counted() == (12, 12, 12)
        reasons = {r.reason for r in built.answers.results if r.verdict is Verdict.CANNOT_INSPECT}
        assert reasons == {"station busy: 1 parts are waiting"}
        assert any(r.verdict is Verdict.PASS for r in built.answers.results)


def test_the_same_trigger_is_taken_once(build: Any) -> None:
    with build() as built:
        assert built.trigger(trigger_id="t1")
        assert not built.trigger(trigger_id="t1")
        built.settle(1)
        assert built.counted() == (1, 1, 1)


def test_two_views_must_both_pass_and_one_record_shows_both(build: Any) -> None:
    good = Simulated(size_px=256, defect_rate=0.0)
    bad = Simulated(size_px=256, defect_rate=1.0, defects=("missing_feature",), seed=3)
    with build(good, bad) as built:
        assert built.trigger()
        built.settle(1)
        (result,) = built.answers.results
        assert result.reject
        assert result.reason.startswith("view1: ")
        assert all(region.x_px >= 256 for region in result.regions)
        from cameras import read_image

        assert read_image(Path(result.image)).shape == (256, 512, 3)
        assert built.counted() == (1, 1, 1)


def test_a_change_of_product_holds_from_the_next_trigger_on(
    build: Any, recipe: Any, with_setup: Any
) -> None:
    other = with_setup(product="bracket")
    recipes = {"flange": recipe, "bracket": other}
    with build(products=("flange", "bracket"), recipes=recipes) as built:
        built.trigger()
        built.station.change_product("bracket")
        built.trigger()
        built.settle(2)
        assert [r.product for r in built.answers.results] == ["flange", "bracket"]
        with pytest.raises(
            InspectionError, match="product 'nut': no recipe for it; allowed: flange, bracket"
        ):
            built.station.change_product("nut")


def test_a_required_output_that_fails_stops_the_line(build: Any) -> None:
    with build(required=True) as built:
        built.answers.failing = True
        built.trigger()
        with pytest.raises(StationStopped, match="answers: told to fail"):
            built.station.run()
        assert built.station.state == "Error"
        assert not built.trigger()


def test_an_output_that_fails_but_is_not_required_is_shown(build: Any) -> None:
    with build() as built:
        built.answers.failing = True
        built.trigger()
        built.settle(1)
        assert built.station.snapshot()["outputs"] == {"answers": "answers: told to fail"}
        built.answers.failing = False
        built.trigger()
        built.settle(2)
        assert built.station.snapshot()["outputs"] == {}


def test_kept_results_wait_and_arrive_once_in_order(build: Any) -> None:
    with build() as built:
        built.kept.failing = True
        for number in range(3):
            built.trigger()
            built.settle(number + 1)
        wait_until(lambda: built.station.snapshot()["outbox"] == {"kept": 3})
        assert built.kept.results == []
        built.kept.failing = False
        wait_until(lambda: len(built.kept.results) == 3)
        wait_until(lambda: built.station.snapshot()["outbox"] == {"kept": 0})
        sent = [r.delivery_id for r in built.kept.results]
        assert sent == [r.delivery_id for r in built.answers.results]


def test_what_was_triggered_before_a_crash_is_recorded_as_rejected(
    build: Any, tmp_path: Path
) -> None:
    from datetime import UTC, datetime

    path = tmp_path / "parts.db"
    with open_store(path) as store:
        assert store.note_trigger(
            "t9", station="test", source="plc", at=datetime.now(UTC), serial="s9",
            process={"cavity": "2"},
        )  # fmt: skip
    with build(record=path) as built:
        (record,) = built.store.parts()
        assert (record.trigger_id, record.serial) == ("t9", "s9")
        assert record.process == {"cavity": "2"}
        assert record.verdict is Verdict.CANNOT_INSPECT
        assert record.reason == "the station was restarted before this part was judged"
        wait_until(lambda: [r.trigger_id for r in built.kept.results] == ["t9"])
        assert built.answers.results == []  # nobody waits for it any more


def test_run_ends_when_its_parts_are_done_or_when_asked(build: Any) -> None:
    with build(max_parts=2) as built:
        assert built.trigger()
        assert built.trigger()
        assert not built.trigger()
        built.station.run()
        assert built.counted() == (2, 2, 2)
    with build() as built:
        threading.Timer(0.2, built.station.stop).start()
        built.station.run()
        assert not built.trigger()


def test_the_end_of_the_pictures_stops_the_station_with_an_error(build: Any) -> None:
    with build(Simulated(size_px=256, count=1)) as built:
        built.trigger()
        built.settle(1)
        built.trigger()
        with pytest.raises(StationStopped, match="all 1 parts are made"):
            built.station.run()
        wait_until(lambda: built.counted() == (2, 2, 2))


def test_each_picture_is_a_part_where_the_camera_triggers(build: Any) -> None:
    with build(Simulated(size_px=256, count=6, defect_rate=0.0), trigger="camera") as built:
        with pytest.raises(StationStopped, match="all 6 parts are made"):
            built.station.run()
        wait_until(lambda: sum(built.store.counts().values()) == 6)
        assert built.counted() == (6, 6, 6)


def test_pictures_the_camera_lost_are_parts_that_were_not_inspected(build: Any) -> None:
    camera = Troubled(2, lambda frame, _: replace(frame, missed_before=2), count=3)
    with build(camera, trigger="camera") as built:
        with pytest.raises(StationStopped):
            built.station.run()
        wait_until(lambda: sum(built.store.counts().values()) == 5)
        reasons = [
            record.reason
            for record in built.store.parts(PartFilter(verdict=Verdict.CANNOT_INSPECT))
        ]
        assert reasons == ["the camera lost this part's picture"] * 2


def test_a_fault_of_the_program_rejects_the_part_and_inspecting_goes_on(
    build: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from inspection.station import camera_view as views

    judge = views.inspect

    def broken(*_: Any, **__: Any) -> Any:
        monkeypatch.setattr(views, "inspect", judge)
        raise RuntimeError("boom")

    monkeypatch.setattr(views, "inspect", broken)
    with build() as built:
        for number in range(2):
            built.trigger()
            built.settle(number + 1)
        assert [r.verdict for r in built.answers.results] == [Verdict.CANNOT_INSPECT, Verdict.PASS]
        assert built.answers.results[0].reason == "unexpected RuntimeError: boom"


def test_a_listener_that_fails_harms_nobody(build: Any) -> None:
    with build() as built:
        built.station.pipeline.listeners = (lambda part: 1 / 0, *built.station.pipeline.listeners)
        built.trigger()
        built.settle(1)
        assert len(built.parts) == 1
        assert built.station.state == "Ready"


class Labelled(Simulated):
    """The simulated line with a DataMatrix on each part."""

    def read(self, *, timeout_s: float = 5.0, trigger_id: str | None = None) -> Frame:
        import numpy as np
        import zxingcpp

        frame = super().read(timeout_s=timeout_s, trigger_id=trigger_id)
        kind = zxingcpp.barcode_format_from_str("DataMatrix")
        code = zxingcpp.create_barcode(f"L7-S{frame.sequence}", kind)
        small = np.pad(
            np.asarray(zxingcpp.write_barcode_to_image(code, scale=4)), 8, constant_values=255
        )
        image = frame.image.copy()
        image[: small.shape[0], : small.shape[1]] = small[..., None]
        return replace(frame, image=image)


def test_the_serial_is_read_in_the_picture_unless_the_trigger_tells_it(build: Any) -> None:
    from inspection.station.station_file import IdentitySettings

    identity = IdentitySettings(pattern="(?P<lot>L[0-9]+)-(?P<serial>S[0-9]+)")
    with build(Labelled(size_px=256, defect_rate=0.0), identity=identity) as built:
        built.trigger()
        built.settle(1)
        built.trigger(serial="told", lot="L1")
        built.settle(2)
        found = [(r.serial, r.lot) for r in built.store.parts(newest_first=False)]
        assert found == [("S0", "L7"), ("told", "L1")]


def test_a_trigger_that_died_stops_the_station(build: Any) -> None:
    class Dead:
        name = "dead"

        def check(self) -> None:
            raise InspectionError("trigger dead: its thread ended")

        def close(self) -> None:
            self.check()

    with build() as built:
        built.station.pipeline.triggers = {"dead": (dead := Dead())}
        built.station.pipeline._opened.append(dead)  # type: ignore[arg-type]
        with pytest.raises(StationStopped, match="trigger dead: its thread ended"):
            built.station.run()


def test_parts_that_wait_for_the_record_are_written_together_and_told_in_order(build: Any) -> None:
    with build(queue=20, deadline_ms=20_000.0) as built:
        add, add_many, together = built.store.add, built.store.add_many, []

        def slow(*words: Any, **fields: Any) -> Any:
            time.sleep(0.8)  # the disk takes its time: the next parts gather
            return add(*words, **fields)

        def many(rows: Any, **fields: Any) -> Any:
            together.append(len(rows))
            return add_many(rows, **fields)

        built.store.add, built.store.add_many = slow, many
        for number in range(8):
            assert built.trigger(serial=str(number))
        built.settle(8)
        assert max(together) >= 2
        assert [result.serial for result in built.answers.results] == [str(n) for n in range(8)]
        assert built.counted() == (8, 8, 8)
        wait_until(lambda: len(built.kept.results) == 8)


def test_one_part_the_record_refuses_does_not_hold_up_those_beside_it(build: Any) -> None:
    from inspection.store import StoreUnavailable

    with build(queue=20, deadline_ms=20_000.0) as built:
        add, add_many = built.store.add, built.store.add_many

        def slow(*words: Any, **fields: Any) -> Any:
            time.sleep(0.5)
            return add(*words, **fields)

        def one_only(rows: Any, **fields: Any) -> Any:
            if len(rows) > 1:
                raise StoreUnavailable("store: told to fail")
            return add_many(rows, **fields)

        built.store.add, built.store.add_many = slow, one_only
        for _ in range(5):
            assert built.trigger()
        built.settle(5)
        assert built.counted() == (5, 5, 5)
        assert built.station.error_code == 0


def test_a_trigger_taken_before_is_known_with_its_part(build: Any) -> None:
    with build() as built:
        assert built.station.taken_before("T1") is None
        assert built.trigger(trigger_id="T1")
        assert built.station.taken_before("T1") is not None
        built.settle(1)
        assert not built.trigger(trigger_id="T1")
        known = built.station.taken_before("T1")
        assert (known.number, known.sentence) == (
            1, "trigger_id 'T1' is already taken; its part is number 1",
        )  # fmt: skip


def test_a_text_longer_than_any_of_its_kind_is_refused(build: Any) -> None:
    with build() as built:
        with pytest.raises(Refused, match="serial: 1001 characters"):
            built.trigger(serial="x" * 1001)
        assert built.trigger(serial="x" * 1000)
        built.settle(1)
        assert built.counted() == (1, 1, 1)


def test_only_a_trigger_that_is_open_is_asked_for_its_health(build: Any) -> None:
    """Opening may take its time; the watchdog looks fifty times a second meanwhile."""

    class Slow:
        name = "slow"
        opened = False

        def open(self, station: Any) -> None:
            time.sleep(0.3)
            self.opened = True

        def check(self) -> None:
            assert self.opened, "asked before it was open"

        def close(self) -> None: ...

    with build() as built:
        built.station.pipeline._opened.clear()
        built.station.pipeline.triggers = {"slow": Slow()}
        built.station.pipeline.open(built.station)
        time.sleep(0.2)
        assert built.station.pipeline.failure is None
