"""A bench that cannot flatter: models on the same pictures, by name, with intervals and as n falls.

`contenders` says who takes part, `runs` what a run is asked and finds, `ours` and `rivals` teach and
measure, `templates` finds what each picture is compared with, `drawn` draws defects in, `kept` keeps
what was measured, `bootstrap` and `summary` say how sure a figure is, `tables` and `page` show it.
"""

from __future__ import annotations

import tempfile
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from shutil import copyfile
from typing import Any

import numpy as np

from inspection.errors import InspectionError, expected
from inspection.training.bench.contenders import contender
from inspection.training.bench.drawn import DrawnPicture, draw_defects
from inspection.training.bench.kept import KeptOutcomes, contents
from inspection.training.bench.ours import WARM_UP
from inspection.training.bench.runs import BenchSettings, Failure, Outcome, Task
from inspection.training.bench.templates import TEMPLATE, build_again, compared, is_template
from inspection.training.dataset_folder import good_files, test_files
from inspection.training.good_pictures import MIN_GOOD
from models import Progress

__all__ = ["BenchSettings", "Failure", "Outcome", "Plan", "bench"]

ALL_GOOD = None
DRAWN_EACH = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is compared: every contender on every dataset, number of good pictures and seed.

    `counts` are numbers of good pictures, None for all; `drawn_each` is how many pictures of each kind
    and size of drawn-in defects are judged; `keep` is a folder of what was measured before. Raises
    InspectionError for what cannot be.
    """

    datasets: tuple[Path, ...]
    contenders: tuple[str, ...]
    counts: tuple[int | None, ...] = (ALL_GOOD,)
    seeds: tuple[int, ...] = (0,)
    drawn_each: int = DRAWN_EACH
    settings: BenchSettings = field(default_factory=BenchSettings)
    keep: Path | None = None

    def __post_init__(self) -> None:
        if len({each.resolve() for each in self.datasets}) < len(self.datasets):
            raise InspectionError("bench: the same dataset is given twice; give each once")
        for name in self.contenders:
            contender(name)
        for dataset in self.datasets:
            _check(dataset)
            if not self.contenders_of(dataset):
                raise InspectionError(
                    f"dataset {dataset}: bench was asked for {TEMPLATE} alone, and no defective test picture has one; "
                    "NAME_temp is that of NAME_test, ask for other --models too"
                )
            if not self.counts_of(dataset):
                least = min(count for count in self.counts if count is not None)
                raise InspectionError(
                    f"dataset {dataset}: bench was asked for {least} good pictures and more, and "
                    f"there are {len(good_files(dataset))}; ask for fewer, or for all"
                )
        for count in self.counts:
            if count is not None and count < MIN_GOOD:
                raise InspectionError(
                    f"bench: at least {MIN_GOOD} good pictures are needed, got --n {count}"
                )

    def name_of(self, dataset: Path) -> str:
        """The folder's name, or its path where another dataset has the same name."""
        paths = [each.resolve() for each in self.datasets]
        name = dataset.resolve().name
        return name if sum(path.name == name for path in paths) == 1 else str(dataset)

    def contenders_of(self, dataset: Path) -> list[str]:
        """Who takes part on this dataset: TEMPLATE where it has some."""
        compares = TEMPLATE in self.contenders and bool(compared(dataset))
        return [name for name in self.contenders if name != TEMPLATE or compares]

    def counts_of(self, dataset: Path) -> list[int]:
        """The numbers of good pictures that this dataset has, the smallest first."""
        there = len(good_files(dataset))
        asked = {there if count is None else count for count in self.counts}
        return sorted(count for count in asked if count <= there)


def bench(plan: Plan, *, progress: Progress) -> list[Outcome | Failure]:
    """Teach and measure each contender, each in a process of its own; one that fails does not end it.

    Contenders of the same dataset, number and seed learn the same pictures, and more pictures hold
    the fewer of the same seed. All judge the same ones, those with defects drawn in included; what is
    compared with templates judges those that have one. An outcome that was kept is not measured again.
    """
    runs = [
        (dataset, n_good, seed, name)
        for dataset in plan.datasets
        for n_good in plan.counts_of(dataset)
        for seed in plan.seeds
        for name in plan.contenders_of(dataset)
    ]
    work = [3 * n_good + len(test_files(dataset)) for dataset, n_good, _, _ in runs]
    found: list[Outcome | Failure] = []
    kept = None if plan.keep is None else KeptOutcomes(plan.keep)
    whole = {dataset: contents(dataset) for dataset in plan.datasets if kept is not None}
    with tempfile.TemporaryDirectory() as folder:
        drawn: dict[Path, tuple[DrawnPicture, ...]] = {}
        for number, (dataset, n_good, seed, name) in enumerate(runs):
            progress("Benchmark", sum(work[:number]), sum(work))
            asked = _asked(plan, dataset, n_good, seed, name) | {"contents": whole.get(dataset)}
            if kept is not None and (known := kept.read(asked)) is not None:
                found.append(known)
                continue
            if dataset not in drawn:
                drawn[dataset] = _drawn(dataset, Path(folder, str(len(drawn))), plan, progress)
            task = Task(
                dataset=plan.name_of(dataset),
                contender=name,
                n_good=n_good,
                seed=seed,
                folder=_chosen(
                    dataset, n_good, seed, Path(folder, f"run{number}"), compares=name == TEMPLATE
                ),
                drawn=() if name == TEMPLATE else drawn[dataset],
                settings=plan.settings,
                template=dataset.resolve() if name == TEMPLATE else None,
            )
            found.append(_run(task, progress))
            if kept is not None and isinstance(found[-1], Outcome):
                kept.write(asked, found[-1])
    progress("Benchmark", sum(work), sum(work))
    return found


def _asked(plan: Plan, dataset: Path, n_good: int, seed: int, name: str) -> dict[str, Any]:
    """All that an outcome hangs on, but the dataset's contents."""
    return {
        "dataset": plan.name_of(dataset),
        "contender": name,
        "n_good": n_good,
        "seed": seed,
        "drawn_each": plan.drawn_each,
        "settings": asdict(plan.settings),
    }


def _run(task: Task, progress: Progress) -> Outcome | Failure:
    def tell(what: str, done: int, of: int) -> None:
        progress(f"{task.name}: {what}", done, of)

    try:
        return contender(task.contender)(task, tell)
    except Exception as error:  # the others go on
        if not expected(error):
            raise
        return Failure(
            dataset=task.dataset,
            contender=task.contender,
            n_good=task.n_good,
            seed=task.seed,
            error=str(error),
        )


def _check(dataset: Path) -> None:
    items = test_files(dataset)
    defective = sum(item.defective for item in items)
    if not 0 < defective < len(items) or len(items) <= WARM_UP:
        raise InspectionError(
            f"dataset {dataset}: bench needs test/good and test/DEFECT folders with more than "
            f"{WARM_UP} pictures, got {len(items) - defective} good and {defective} defective"
        )


def _drawn(dataset: Path, folder: Path, plan: Plan, progress: Progress) -> tuple[DrawnPicture, ...]:
    folder.mkdir()
    good = [item.path for item in test_files(dataset) if not item.defective]
    return draw_defects(good, folder, each=plan.drawn_each, seed=0, progress=progress)


def _chosen(dataset: Path, n_good: int, seed: int, folder: Path, *, compares: bool) -> Path:
    """Make a dataset of so many of the good pictures, and all test pictures.

    `compares` leaves those that have a template; a good one that is a template is built again.
    """
    files = good_files(dataset)
    order = np.random.default_rng(seed).permutation(len(files))
    (folder / "train" / "good").mkdir(parents=True)
    for index in sorted(order[:n_good]):
        _link(files[index], folder / "train" / "good" / files[index].name)
    for item in compared(dataset) if compares else test_files(dataset):
        target = folder / "test" / item.kind / item.path.name
        if compares and is_template(item.path):
            build_again(item.path, target)
        else:
            _link(item.path, target)
        if item.mask is not None:
            _link(item.mask, folder / "ground_truth" / item.kind / item.mask.name)
    return folder


def _link(source: Path, target: Path) -> None:
    """Point to a file, or copy it where the system has no links."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with suppress(OSError):
        target.symlink_to(source.resolve())
        return
    copyfile(source, target)
