"""The demonstration: a drawn product line with known defects, through the real station loop."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Semaphore
from typing import Any

import numpy as np

from cameras import Frame
from cameras.simulated import Simulated, write_dataset
from inspection.durable_files import replace_file
from inspection.errors import InspectionError
from inspection.judgement import Verdict
from inspection.judging.judge import inspect
from inspection.judging.overlay import write_overlay
from inspection.local_api.endpoint_file import at_work
from inspection.plant.messages import TriggerRequest
from inspection.plant.triggers.interval import numbered
from inspection.recipe import Recipe, open_recipe
from inspection.recipe.setup_file import Setup
from inspection.station.camera_view import CameraView
from inspection.station.part import InspectedPart, Listener
from inspection.station.station import Station
from inspection.station.station_file import ProductSettings, StationFile, ViewSettings
from inspection.store import Store, open_store
from inspection.store.event_kinds import ActionKind
from inspection.training.options import TrainingOptions
from inspection.training.train import TrainingReport, train_recipe
from models import Progress, trainable

DEFECT_RATE = 0.25
FALSE_REJECT = 0.02
SIZE_PX = 512
IMAGE_SIZE_PX = 384
VIEW, PRODUCT = "main", "flange"
PERIOD_S, LOT_SIZE = 2.0, 20
DARK_EVERY, FAINT_EVERY = 11, 8
"""At which parts of the line the light fails, and at which a defect is faint enough to be REVIEW."""
SEEDS, HALVINGS = 10, 8


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoSummary:
    """What the run came to; `outcomes` counts (what the part was, verdict)."""

    folder: Path
    training: TrainingReport
    outcomes: Counter[tuple[str, str]]
    in_record: int
    latency_ms_p50: float

    @property
    def escapes(self) -> int:
        """How many defective parts passed."""
        return sum(
            n
            for (kind, verdict), n in self.outcomes.items()
            if kind != "good" and verdict == "PASS"
        )

    @property
    def overkill(self) -> int:
        """How many good parts did not pass."""
        return sum(
            n
            for (kind, verdict), n in self.outcomes.items()
            if kind == "good" and verdict != "PASS"
        )

    def as_json(self) -> dict[str, Any]:
        """Return the summary as plain data."""
        return {
            "folder": str(self.folder),
            "parts": self.outcomes.total(),
            "in_record": self.in_record,
            "escapes": self.escapes,
            "overkill": self.overkill,
            "outcomes": [
                {"part": kind, "verdict": verdict, "count": n}
                for (kind, verdict), n in sorted(self.outcomes.items())
            ],
            "latency_ms_p50": self.latency_ms_p50,
            "training": self.training.as_json(),
        }

    def text(self) -> str:
        """Say it to a person."""
        good = sum(n for (kind, _), n in self.outcomes.items() if kind == "good")
        bad = self.outcomes.total() - good
        promise = self.training.calibration
        lines = [
            f"Learnt from {self.training.n_good} good parts in {self.training.seconds:.1f} s: "
            f"at most {promise.false_reject_promised:.1%} of good parts will FAIL on average"
            + (
                f", about {promise.review_estimated:.1%} will need a look or FAIL."
                if promise.review_estimated is not None
                else "."
            ),
            f"Inspected {self.outcomes.total()} parts, {self.latency_ms_p50:.1f} ms each (median); "
            f"{self.in_record} in the record.",
            f"  {good} good parts: {good - self.overkill} passed, {self.overkill} did not (overkill): "
            f"{self.outcomes['good', 'REVIEW']} to REVIEW, {self.outcomes['good', 'FAIL']} FAIL",
            f"  {bad} defective parts: {bad - self.escapes} caught, {self.escapes} passed (escapes)",
        ]
        kinds = sorted({kind for kind, _ in self.outcomes if kind != "good"})
        for kind in kinds:
            verdicts = {v: n for (k, v), n in self.outcomes.items() if k == kind}
            lines.append(
                f"    {kind:<16} " + ", ".join(f"{n} {v}" for v, n in sorted(verdicts.items()))
            )
        return "\n".join(
            [
                *lines,
                f"Pictures of the parts that did not pass: {self.folder / 'overlays'}",
                f"Recipe: {self.folder / 'demo.recipe'}   Record: {self.folder / 'demo.db'}",
            ]
        )


def run_demo(folder: Path, *, parts: int, good: int, seed: int, progress: Progress) -> DemoSummary:
    """Draw good parts, learn a recipe from them, and inspect `parts` new ones.

    Everything is left in `folder`. Raises InspectionError when it holds something else.
    """
    trainable(TrainingOptions().model)
    _claim(folder)
    recipe_path = folder / "demo.recipe"
    training = learn_drawn(recipe_path, good=good, seed=seed, progress=progress)
    recipe = open_recipe(recipe_path)
    outcomes: Counter[tuple[str, str]] = Counter()
    times: list[float] = []
    camera = Simulated(seed=seed + 1, size_px=SIZE_PX, defect_rate=DEFECT_RATE, count=parts)
    done = Semaphore(0)

    def seen(part: InspectedPart) -> None:
        frame = part.frames[VIEW]
        verdict = part.judgement.verdict
        outcomes[camera.truth(frame.frame_id).defect or "good", verdict.value] += 1
        times.append(part.judgement.latency_ms["total"])
        if verdict is not Verdict.PASS:
            name = f"{frame.sequence:04d}"
            write_overlay(folder / "overlays", name, frame.image, part.judgement, recipe)
        progress("Inspecting", len(times), parts)
        done.release()

    view = CameraView(VIEW, camera, {PRODUCT: recipe})
    began = datetime.now().astimezone()
    with open_store(folder / "demo.db") as store, _station(folder, view, store, seen) as station:
        detail = {"recipe_id": recipe.id, "file": str(recipe_path), "products": [PRODUCT]}
        store.add_action(ActionKind.RECIPE_ON_LINE, "demo", detail=detail)
        for number in range(parts):
            lot, serial = numbered(began, number, LOT_SIZE)
            station.trigger(TriggerRequest(source="demo", lot=lot, serial=serial))
            done.acquire(timeout=60)
        station.stop()
        station.run()
        in_record = sum(store.counts().values())
    return DemoSummary(
        folder=folder,
        training=training,
        outcomes=outcomes,
        in_record=in_record,
        latency_ms_p50=sorted(times)[len(times) // 2],
    )


def write_station(folder: Path, *, seed: int) -> Path:
    """Write the station file of a line that goes on where the demonstration ended, and shows every verdict."""
    path = folder / "station.toml"
    line, faint = _review_in(open_recipe(folder / "demo.recipe"), seed)
    replace_file(
        path,
        f"""# The demonstration's line; go on with: inspection ui {path}
station = "demo"
record = "demo.db"
deadline_ms = 10000

[[views]]
name = "{VIEW}"
camera = "simulated"
[views.settings]
seed = {line}
size_px = {SIZE_PX}
defect_rate = {DEFECT_RATE}
dark_every = {DARK_EVERY}  # the light fails: CANNOT_INSPECT
faint_every = {FAINT_EVERY}
faint = {faint}  # a defect that the recipe is in doubt of: REVIEW

[[products]]
name = "{PRODUCT}"
recipe = "demo.recipe"

[triggers.interval]
period_s = {PERIOD_S}
lot_size = {LOT_SIZE}
""".encode(),
    )
    return path


def _review_in(recipe: Recipe, seed: int) -> tuple[int, float]:
    """Seed of the line, and how faint its faint defects are, so that the first of them is REVIEW."""
    for line in range(seed + 2, seed + 2 + SEEDS):
        low, high = 0.0, 1.0
        for _ in range(HALVINGS):
            faint = (low + high) / 2
            verdict = _first_faint(recipe, line, faint)
            if verdict is Verdict.REVIEW:
                return line, faint
            low, high = (faint, high) if verdict is Verdict.PASS else (low, faint)
    return line, faint


def _first_faint(recipe: Recipe, seed: int, faint: float) -> Verdict:
    """The verdict of the first part of a line that has a faint defect."""
    camera = Simulated(seed=seed, size_px=SIZE_PX, faint_every=FAINT_EVERY, faint=faint)
    image = camera.truth(FAINT_EVERY - 1).image
    frame = Frame(image=image, camera=VIEW, sequence=0, captured_at=datetime.now(UTC))
    return inspect(frame, recipe).verdict


def _station(folder: Path, view: CameraView, store: Store, seen: Listener) -> Station:
    settings = StationFile(
        station="demo",
        record=str(folder / "demo.db"),
        views=(ViewSettings(camera="simulated"),),
        products=(ProductSettings(name=PRODUCT, recipe=folder / "demo.recipe"),),
        deadline_ms=10_000,
    )
    return Station(settings, views=[view], store=store, outputs={}, triggers={}, listeners=(seen,))


def _around_the_part() -> tuple[tuple[float, float], ...]:
    """Draw a ring around the flange, as an engineer would: the table is not inspected."""
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    ring = SIZE_PX * (0.5 + 0.46 * np.column_stack([np.cos(angles), np.sin(angles)]))
    return tuple((float(x), float(y)) for x, y in ring)


def _claim(folder: Path) -> None:
    """Start from an empty folder; one that an earlier demo made is emptied."""
    mark = folder / ".inspection-demo"
    if folder.exists() and any(folder.iterdir()):
        if not mark.exists():
            raise InspectionError(
                f"demo folder {folder}: holds something else; give another with --folder"
            )
        if (station := at_work((folder / "demo.db").with_suffix(".page"))) is not None:
            raise InspectionError(
                f"demo folder {folder}: its station is at work (process {station['pid']}); stop it "
                "first with Ctrl-C where it was started, or give another with --folder"
            )
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    mark.touch()


def learn_drawn(path: Path, *, good: int, seed: int, progress: Progress) -> TrainingReport:
    """Learn a recipe of the drawn flange from `good` drawn parts."""
    with tempfile.TemporaryDirectory() as temporary:
        dataset = Path(temporary, "parts")
        progress("Drawing good parts", 0, 1)
        write_dataset(
            dataset, n_good=good, n_test_good=0, n_defective_per_kind=0, size_px=SIZE_PX, seed=seed
        )
        progress("Drawing good parts", 1, 1)
        options = TrainingOptions(image_size_px=IMAGE_SIZE_PX, false_reject=FALSE_REJECT, seed=seed)
        setup = Setup(product=PRODUCT, roi=(_around_the_part(),))
        return train_recipe(dataset, path, options=options, setup=setup, progress=progress)


def learn_missing(settings: StationFile, progress: Progress) -> list[Path]:
    """Learn, from drawn parts, recipes that are not there and may be (`learn_drawn`); give them."""
    from inspection.demo import learn_drawn

    learnt = []
    for product in settings.products:
        for view in settings.views:
            path = product.recipe_of(view.name)
            if path.exists() or product.learn_drawn is None:
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            learn_drawn(path, good=product.learn_drawn, seed=0, progress=progress)
            learnt.append(path)
    return learnt
