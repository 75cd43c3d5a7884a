"""Starting trainings and trials of a draft, and what the page shows of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field

from inspection.durable_files import copy_file
from inspection.errors import InspectionError, SetupError
from inspection.jobs import TRAIN, TRY, Job, Jobs, copy_pictures
from inspection.recipe import open_recipe
from inspection.training.defects import MEMBERS_AUROC, WITHOUT_KIND
from inspection.training.good_pictures import MIN_GOOD
from inspection.training.leaderboard import by_rank
from inspection.training.needs import needs_of
from inspection.training.options import AUTO, TrainingOptions
from models import model_class, model_names
from ui.core.trials import GOOD, trainings_of, trial_of
from ui.pages.setup.draft import SetupDraft

USUAL = TrainingOptions().model


def offered_models() -> list[str]:
    """The models that can be trained here: the usual one, AUTO, then as the leaderboard has them."""
    absent = models_not_ready()
    ready = [name for name in model_names() if name != USUAL and name not in absent]
    return [USUAL, AUTO, *sorted(ready, key=by_rank)]


def models_not_ready() -> dict[str, str]:
    """The models that cannot be trained here, each with what is missing."""
    found = {name: model_class(name).missing() for name in model_names()}
    return {name: missing for name, missing in found.items() if missing is not None}


def _offered(name: str) -> str:
    if name in (USUAL, AUTO):
        return name
    if name not in model_names():
        raise ValueError(f"{name[:40]!r} is none of {', '.join(offered_models())}")
    if (missing := model_class(name).missing()) is not None:
        raise ValueError(f"{name} is not ready: {missing}")
    return name


class Options(BaseModel):
    """What an engineer chooses before training; without `image_size` the effort says it."""

    false_reject: Annotated[float, Field(gt=0, lt=1)] = 0.01
    review: Annotated[float, Field(gt=0, lt=1)] = 0.05
    model: Annotated[str, AfterValidator(_offered)] = USUAL
    effort: Literal["fast", "balanced", "thorough"] = "balanced"
    image_size: Annotated[int, Field(ge=64, le=2048)] | None = None
    seed: Annotated[int, Field(ge=0)] = 0
    labelled_bad: bool = True
    """Whether parts labelled NG say how many would pass, and propose a limit."""


BadPictures = Sequence[tuple[str, Path, str]]
"""Part id, picture and type of defect of each."""
BAD = "bad"
"""Folder of a job: bad parts, a folder for each kind."""
OLD_USUAL = ("auto", 256)
"""Sizes that nobody had to choose by hand while there was no effort."""


def options_of(draft: SetupDraft, on_line: Path | None = None) -> Options:
    """What was chosen last, else what is usual, with the effort and size of the recipe on the line."""
    try:
        return Options.model_validate(_noted(draft) or _learnt_with(on_line))
    except ValueError:
        return Options()


def _noted(draft: SetupDraft) -> dict[str, Any] | None:
    options: dict[str, Any] | None = draft.note.get("options")
    if options and "latency_budget_ms" in options and options.get("image_size") in OLD_USUAL:
        return {**options, "image_size": None}  # chosen before there was an effort
    return options


def _learnt_with(recipe: Path | None) -> dict[str, Any]:
    if recipe is None or not recipe.is_file():
        return {}
    return _choices(recipe, recipe.stat().st_mtime_ns)


@lru_cache(maxsize=16)
def _choices(recipe: Path, changed_ns: int) -> dict[str, Any]:
    try:
        settings = open_recipe(recipe).settings
    except InspectionError:
        return {}
    training = settings.training
    size_px = training.get("image_size_px")
    if "effort" in training:
        model = {} if MEMBERS_AUROC in training else {"model": settings.model["name"]}
        return {"effort": training["effort"], "image_size": size_px, **model}
    return {"image_size": None if size_px in OLD_USUAL else size_px}


def planned_training(draft: SetupDraft, options: Options) -> dict[str, Any]:
    """Say what a training of a draft would be. Raises InspectionError where it cannot be."""
    n_good = len(draft.names())
    least = needs_of(TrainingOptions(model=options.model)).least_pictures
    if n_good < least:
        by = f" by the model {options.model}" if least > MIN_GOOD else ""
        raise SetupError(f"good parts: {n_good}; at least {least} are needed{by}")
    draft.setup()  # a damaged set-up is told now, not by a failed job
    return {
        "product": draft.product,
        "view": draft.view,
        "n_good": n_good,
        "options": options.model_dump(),
    }


def start_training(
    jobs: Jobs, draft: SetupDraft, options: Options, *, who: str, bad: BadPictures = ()
) -> Job:
    """Train a recipe from a draft as it is now, with pictures of bad parts and the kinds of their defects.

    Raises InspectionError.
    """
    about = planned_training(draft, options)
    taught = draft.taught()

    def prepare(folder: Path) -> Sequence[object]:
        copy_pictures(taught, folder / GOOD)
        words: list[object] = [
            "train", folder / GOOD, "--recipe", folder / "new.recipe", "--json",
            "--status", folder / "status.json", "--false-reject", options.false_reject,
            "--review", options.review, "--effort", options.effort, "--seed", options.seed,
            "--model", options.model,
        ]  # fmt: skip
        if bad:
            for kind, pictures in _by_kind(bad).items():
                (folder / BAD).mkdir(exist_ok=True)
                copy_pictures(pictures, folder / BAD / kind)
            words += ["--defects", folder / BAD]
        if options.image_size is not None:
            words += ["--image-size", options.image_size]
        if draft.setup_path.exists():
            copy_file(draft.setup_path, folder / "setup.toml")
            words += ["--setup", folder / "setup.toml"]
        return words

    return jobs.start(TRAIN, who=who, about=about, prepare=prepare)


def _by_kind(bad: BadPictures) -> dict[str, dict[str, Path]]:
    """Pictures by name, in folders that any type of defect can name."""
    found: dict[str, dict[str, Path]] = {}
    for part_id, path, defect in bad:
        kind = "".join(each if each.isalnum() else "_" for each in defect) or WITHOUT_KIND
        kind = f"{kind}_" if kind == "good" else kind
        found.setdefault(kind, {})[f"{part_id}{path.suffix}"] = path
    return found


def latest_training(jobs: Jobs, product: str, view: str) -> Job | None:
    """The newest training of a product and view."""
    return next(iter(trainings_of(jobs, product, view)), None)


def job_message(job: Job) -> dict[str, Any]:
    """Say how a job is."""
    names = ("id", "kind", "who", "at", "state", "stage", "step", "done", "of", "seconds", "error")
    about = {name: job.about[name] for name in ("product", "view")}
    more = {name: job.about[name] for name in ("n_good", "options") if name in job.about}
    made = {"recipe_id": job.result["recipe_id"]} if job.result else {}
    return {name: getattr(job, name) for name in names} | about | more | made


def jobs_message(jobs: Jobs, product: str, view: str) -> dict[str, Any]:
    """Say how the jobs are: the draft's training, its trial, and the one at work."""
    training = latest_training(jobs, product, view)
    trial = trial_of(jobs, training) if training else None
    running = jobs.running(TRAIN, TRY)
    return {
        "training": training and job_message(training),
        "trial": trial and job_message(trial),
        "running": running and job_message(running),
    }
