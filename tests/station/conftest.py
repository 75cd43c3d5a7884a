"""A real station: simulated camera, learnt recipe, record on disk, and outputs that keep count."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from cameras import Camera
from cameras.simulated import Simulated
from inspection.plant.messages import InspectionResult, StationInterface, TriggerRequest
from inspection.plant.outputs.base import Output, OutputError
from inspection.station.camera_view import CameraView
from inspection.station.part import InspectedPart
from inspection.station.station import Station
from inspection.station.station_file import ProductSettings, StationFile, ViewSettings
from inspection.store import open_store


class Answers(Output):
    """An output that remembers what it was told, and may be told to fail."""

    name = "answers"

    def __init__(self, *, queued: bool = False, required: bool = False) -> None:
        self.queued, self.required = queued, required
        self.results: list[InspectionResult] = []
        self.states: list[str] = []
        self.events: list[Mapping[str, Any]] = []
        self.failing = False

    def open(self, line: StationInterface) -> None:
        self.line = line

    def send(self, result: InspectionResult) -> None:
        if self.failing:
            raise OutputError("answers: told to fail")
        self.results.append(result)

    def state_changed(self, line: StationInterface) -> None:
        self.states.append(line.state)

    def event_raised(self, event: Mapping[str, Any]) -> None:
        self.events.append(event)

    def close(self) -> None:
        pass


@dataclass
class Built:
    """A station with what it was built from."""

    station: Station
    store: Any
    answers: Answers
    kept: Answers
    parts: list[InspectedPart] = field(default_factory=list)

    def trigger(self, **fields: Any) -> bool:
        return self.station.trigger(TriggerRequest(source="test", **fields))

    def settle(self, count: int, timeout_s: float = 20.0) -> None:
        """Wait until so many parts are answered."""
        wait_until(lambda: self.station.snapshot()["answers"] >= count, timeout_s)

    def counted(self) -> tuple[int, int, int]:
        """Give triggers taken, parts in the record, verdicts told to the line."""
        triggers = self.station.snapshot()["triggers"]
        return triggers, sum(self.store.counts().values()), len(self.answers.results)


def wait_until(happened: Callable[[], bool], timeout_s: float = 20.0) -> None:
    end = time.monotonic() + timeout_s
    while not happened():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


@pytest.fixture
def build(recipe: Any, tmp_path: Path) -> Any:
    """Build a station and open it; settings and cameras may be given."""

    @contextmanager
    def make(
        *cameras: Camera,
        record: Path | str | None = None,
        images: Path | None = None,
        max_parts: int | None = None,
        required: bool = False,
        kept_output: Output | None = None,
        recipes: Any = None,
        products: tuple[str, ...] = ("flange",),
        product_tables: tuple[ProductSettings, ...] = (),
        **fields: Any,
    ) -> Any:
        used = list(cameras) or [Simulated(size_px=256, defect_rate=0.0)]
        names = [f"view{number}" for number in range(len(used))]
        path = record or tmp_path / "parts.db"
        settings = StationFile(
            station="test",
            record=str(path),
            views=tuple(ViewSettings(name=name, camera="simulated") for name in names),
            products=product_tables
            or tuple(ProductSettings(name=name, recipe=Path("x.recipe")) for name in products),
            **{"deadline_ms": 5000.0} | fields,
        )
        by_product = recipes or dict.fromkeys(products, recipe)
        views = [CameraView(n, camera, by_product) for n, camera in zip(names, used, strict=True)]
        answers, kept = Answers(required=required), Answers(queued=True)
        parts: list[InspectedPart] = []
        with open_store(path, images=images) as store:
            station = Station(
                settings, views=views, store=store, outputs={"answers": answers, "kept": kept_output or kept},
                triggers={}, listeners=(parts.append,),
                max_parts=max_parts,
            )  # fmt: skip
            built = Built(station, store, answers, kept, parts)
            with station:
                yield built

    return make
