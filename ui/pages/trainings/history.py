"""What is known of each training of a product: by whom, of what, its promise, and what it lets pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from inspection.durable_files import replace_json
from inspection.errors import InspectionError
from inspection.intervals import exact_interval
from inspection.jobs import Job, Jobs
from inspection.jobs.status_file import read_json
from inspection.labels.confusion import Share, compared
from inspection.labels.labels import Labels
from inspection.recipe import open_recipe
from ui.core.context import Context
from ui.core.deploy import on_line
from ui.core.trials import trainings_of, trial_of, tried_parts

NOTE = "note.json"
"""Beside a training: the name and note a person gave it."""
LONGEST_NAME, LONGEST_NOTE = 60, 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """A training that is kept, with what its trial came to; `escapes` and `overkill` None: not tried."""

    job: Job
    name: str
    note: str
    recipe_id: str | None
    model: str
    effort: str
    on_line: bool
    escapes: Share | None
    overkill: Share | None
    auroc: float | None
    trial: Job | None

    def result(self, name: str) -> Any:
        """A figure of the training; None where it is not done."""
        return None if self.job.result is None else self.job.result.get(name)


def trainings(context: Context, product: str, view: str, said: Labels) -> list[Training]:
    """The trainings of a product's view, the newest first."""
    jobs = context.jobs
    try:
        now = on_line(context, product, view)["recipe_id"]
    except InspectionError:
        now = None
    return [_training(jobs, job, now, said) for job in trainings_of(jobs, product, view)]


def note(job: Job, *, name: str, text: str) -> None:
    """Keep what a person calls a training. Raises OSError."""
    content = {"name": name.strip()[:LONGEST_NAME], "note": text.strip()[:LONGEST_NOTE]}
    replace_json(job.folder / NOTE, content, private=True)


def _training(jobs: Jobs, job: Job, now: str | None, said: Labels) -> Training:
    kept = read_json(job.folder / NOTE) or {}
    options: Mapping[str, Any] = job.about.get("options", {})
    recipe_id = None if job.result is None else str(job.result["recipe_id"])
    trial = trial_of(jobs, job)
    escapes, overkill = _mistakes(job, trial, said)
    defects = (job.result or {}).get("defects") or {}
    return Training(
        job=job,
        name=str(kept.get("name", "")),
        note=str(kept.get("note", "")),
        recipe_id=recipe_id,
        model="" if recipe_id is None else _model(str(job.recipe), recipe_id),
        effort=str(options.get("effort", "")),
        on_line=recipe_id is not None and recipe_id == now,
        escapes=escapes,
        overkill=overkill,
        auroc=defects.get("image_auroc"),
        trial=trial,
    )


def _mistakes(job: Job, trial: Job | None, said: Labels) -> tuple[Share | None, Share | None]:
    """Of the trial where there is one that is done; else escapes among the parts the training took along."""
    if trial is not None and trial.result is not None:
        found = compared(tried_parts(trial, said)).recipe
        return found.escapes, found.overkill
    defects = (job.result or {}).get("defects")
    if not defects:
        return None, None
    count, of = int(defects["escapes"]), int(defects["n"])
    return Share(count=count, of=of, ci95=exact_interval(count, of) if of else None), None


@lru_cache(maxsize=64)
def _model(path: str, recipe_id: str) -> str:
    """The model of a recipe; a training's recipe never changes."""
    try:
        settings = open_recipe(Path(path)).settings
    except (InspectionError, OSError):
        return ""
    return f"{settings.model['name']} · {settings.model.get('backbone', '')}".strip(" ·")
