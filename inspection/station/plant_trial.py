"""Outputs and triggers tried without a part: a result marked as a test, and the next trigger that comes.

The functions of plain data run in a process of their own (`own_process`): what is tried is not in the
station file yet, and may hang.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

from inspection.judgement import Verdict
from inspection.plant.messages import InspectionResult, StationState, Taken, TriggerRequest
from inspection.plant.outputs import output_class
from inspection.plant.triggers import trigger_class
from inspection.reasons import Reason
from inspection.station.build import make_component
from inspection.station.station_file import StationFile, read_station

Kind = Literal["outputs", "triggers"]


class TriggerWatch:
    """Lets somebody wait for the next trigger; whoever brings it is not held up."""

    def __init__(self) -> None:
        self._came = threading.Condition()
        self._latest: TriggerRequest | None = None

    def see(self, request: TriggerRequest) -> None:
        """Note a trigger that came."""
        with self._came:
            self._latest = request
            self._came.notify_all()

    def next(self, timeout_s: float) -> TriggerRequest | None:
        """The next trigger that comes, None when none does in time."""
        with self._came:
            before = self._latest
            self._came.wait_for(lambda: self._latest is not before, timeout_s)
            return None if self._latest is before else self._latest


class TrialStation:
    """What a tried output or trigger takes for the station: it takes no trigger, and notes each that comes."""

    error_code = 0

    def __init__(self, settings: StationFile, state: StationState) -> None:
        self.station = f"{settings.station}-test"
        self.products, self.product = settings.product_names, settings.first_product
        self.state: StationState = state
        self.watch = TriggerWatch()

    def trigger(self, request: TriggerRequest) -> bool:
        """Note it; it makes no part."""
        self.watch.see(request)
        return False

    def taken_before(self, trigger_id: str) -> Taken | None:
        """None was."""

    def change_product(self, product: str) -> None:
        """Nothing is judged."""


def trial_result(station: str, verdict: Verdict, who: str) -> InspectionResult:
    """A result of no part: its reason is `test_result`, its ids begin with "test-", it has no number."""
    return InspectionResult(
        delivery_id=f"test-{uuid4()}",
        trigger_id=f"test-{uuid4()}",
        station=station,
        verdict=verdict,
        cause=Reason("test_result", {"who": who}),
        judged_at=datetime.now(UTC),
    )


def send_test(
    path: str, name: str, settings: Mapping[str, Any], verdict: str, who: str
) -> dict[str, Any]:
    """Open an output with these settings, send a test result, close it. Raises SetupError, OutputError."""
    station = read_station(Path(path))
    output = _made("outputs", name, settings, station)
    result = trial_result(station.station, Verdict(verdict), who)
    with closing(output):
        output.open(TrialStation(station, "Initialized"))
        output.send(result)
    return {"delivery_id": result.delivery_id}


def wait_for_trigger(
    path: str, kind: Kind, name: str, settings: Mapping[str, Any], timeout_s: float
) -> dict[str, Any]:
    """Open an output or trigger with these settings and wait; `trigger` is what came, None for nothing.

    Raises SetupError, OutputError, TriggerUnavailable.
    """
    station = read_station(Path(path))
    component = _made(kind, name, settings, station)
    trial = TrialStation(station, "Ready")
    with closing(component):
        component.open(trial)
        return {"trigger": as_message(trial.watch.next(timeout_s))}


def as_message(request: TriggerRequest | None) -> dict[str, Any] | None:
    """A trigger as plain data."""
    if request is None:
        return None
    known = {"serial": request.serial, "lot": request.lot, "product": request.product}
    return {"source": request.source} | {key: value for key, value in known.items() if value}


def _made(kind: Kind, name: str, settings: Mapping[str, Any], station: StationFile) -> Any:
    found: Any = output_class(name) if kind == "outputs" else trigger_class(name)
    return make_component(found, dict(settings), f"{kind}.{name}", station.home)
