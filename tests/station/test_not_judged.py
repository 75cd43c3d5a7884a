"""Parts that could not be inspected: counted, told as a trouble, and found by doctor."""

from __future__ import annotations

from typing import Any

from cameras.simulated import Simulated
from inspection.doctor import _latest
from inspection.station.troubles import not_judged
from tests.station.conftest import wait_until


def make(built: Any, parts: int) -> None:
    """Trigger parts, each after the one before was answered."""
    for n in range(1, parts + 1):
        assert built.trigger()
        wait_until(lambda n=n: built.station.snapshot()["answers"] == n)  # type: ignore[misc]


def test_a_station_that_cannot_inspect_says_so_with_the_commonest_reason(build: Any) -> None:
    dark = Simulated(size_px=256, defect_rate=0.0, cache=4, dark_every=2)
    with build(dark) as built:
        make(built, 24)
        recent = built.station.snapshot()["not_judged"]
        assert (recent["of"], recent["reasons"][0]["code"]) == (24, "too_dark")
        assert recent["reasons"][0]["n"] == 12
        (trouble,) = not_judged(recent)
        assert (trouble.name, trouble.values) == ("not_judged", {"n": 12, "of": 24})
        assert trouble.detail.startswith("too dark: brightness ")
        (finding,) = _latest(built.station.settings)
        assert finding.mark == "PROBLEM"
        assert finding.text.startswith("NOT INSPECTED: 12 of the last 24 parts, such as: too dark")


def test_parts_that_come_too_late_are_a_computer_that_is_too_slow(build: Any) -> None:
    with build(deadline_ms=1.0) as built:
        make(built, 20)
        names = [each.name for each in not_judged(built.station.snapshot()["not_judged"])]
        assert names == ["too_slow"]


def test_a_station_at_work_is_well(build: Any) -> None:
    with build() as built:
        make(built, 20)
        assert list(not_judged(built.station.snapshot()["not_judged"])) == []
        (finding,) = _latest(built.station.settings)
        assert (finding.mark, finding.text) == ("ok", "of 20, 0 could not be inspected")
