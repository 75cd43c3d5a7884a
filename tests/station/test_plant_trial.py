"""Results marked as tests, and triggers waited for: no part comes of either."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from inspection.errors import InspectionError
from inspection.judgement import Verdict
from inspection.local_api.commands import StationCommands
from inspection.local_api.feed import Feed
from inspection.plant.messages import TriggerRequest
from tests.station.conftest import wait_until


def test_a_test_result_goes_to_one_output_only_and_to_the_line_only_when_paused(build: Any) -> None:
    with build() as built:
        commands = StationCommands(built.station, Feed())
        with pytest.raises(InspectionError, match="pause the station first"):
            commands.test_output(who="mia", output="answers", verdict="PASS")
        with pytest.raises(InspectionError, match="'telex': is not at work"):
            commands.test_output(who="mia", output="telex", verdict="PASS")
        wait_until(lambda: built.kept in built.station.deliveries._opened)
        sent = commands.test_output(who="mia", output="kept", verdict="REVIEW")
        assert built.answers.results == []
        built.station.pause(paused=True, who="mia")
        commands.test_output(who="mia", output="answers", verdict="PASS")
        (kept,), (answered,) = built.kept.results, built.answers.results
        assert kept.delivery_id == sent["delivery_id"]
        assert (kept.verdict, kept.cause.code, kept.number) == (
            Verdict.REVIEW,
            "test_result",
            None,
        )
        assert kept.trigger_id.startswith("test-")
        assert (answered.verdict, answered.reason) == (Verdict.PASS, "a test by mia, of no part")
        assert built.counted() == (0, 0, 1)
        assert built.store.head().count == 0


def test_the_next_trigger_of_a_paused_station_is_said(build: Any) -> None:
    with build() as built:
        commands = StationCommands(built.station, Feed())
        with pytest.raises(InspectionError, match="pause it before a test trigger"):
            commands.next_trigger(who="mia", timeout_s=1.0)
        built.station.pause(paused=True, who="mia")
        assert commands.next_trigger(who="mia", timeout_s=0.05) == {"trigger": None}
        request = TriggerRequest(source="scanner", serial="S-9", lot="L")
        later = threading.Timer(0.3, built.station.trigger, [request])
        later.start()
        came = commands.next_trigger(who="mia", timeout_s=10.0)
        later.join()
        assert came == {"trigger": {"source": "scanner", "serial": "S-9", "lot": "L"}}
        built.settle(1)
        assert built.store.parts(limit=1)[0].cause.code == "paused"
