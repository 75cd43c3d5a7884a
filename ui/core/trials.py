"""Trainings of a product and the trials of their recipes: jobs that several pages start and read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from inspection.durable_files import replace_json
from inspection.jobs import TRAIN, TRY, Job, Jobs, copy_pictures
from inspection.jobs import trial as trial_files
from inspection.labels import part_selection
from inspection.labels.confusion import labelled
from inspection.labels.labels import Labels
from inspection.store import PartRecord
from ui.core.context import Context
from ui.core.errors import Refuse

GOOD, PARTS = "good", "parts"
"""Folders of a job: the good parts a recipe was learnt from, and recorded parts it is tried on."""
TRY_ON, TRY_ON_NG = 50, 100
"""How many of the newest parts a recipe is tried on, and at most how many earlier ones labelled NG."""


def trainings_of(jobs: Jobs, product: str, view: str) -> list[Job]:
    """The trainings of a product and view that are kept, the newest first."""
    return _of(jobs, TRAIN, product, view)


def trained(jobs: Jobs, job_id: str) -> Job:
    """A training that is done. Raises Refuse."""
    job = jobs.find(job_id)
    if job is None or job.kind != TRAIN or job.result is None:
        raise Refuse(f"training {job_id[:40]!r}: there is none that is done", status=404)
    return job


def trial_of(jobs: Jobs, training: Job) -> Job | None:
    """The newest trial of a training's recipe."""
    for job in _of(jobs, TRY, training.about["product"], training.about["view"]):
        if job.about["training"] == training.id:
            return job
    return None


def parts_to_try(context: Context, training: Job) -> list[tuple[PartRecord, Path]]:
    """Recorded parts to try a training's recipe on; none where several cameras share a picture."""
    if len(context.settings.views) > 1:
        return []
    return part_selection.to_try(
        context.store,
        station=context.settings.station,
        product=training.about["product"],
        newest=TRY_ON,
        earlier_ng=TRY_ON_NG,
    )


def start_trial(
    jobs: Jobs, training: Job, parts: Sequence[tuple[PartRecord, Path]], *, who: str
) -> Job:
    """Judge recorded parts by a training's recipe, and find the worst of its good parts. Raises InspectionError."""

    def prepare(folder: Path) -> Sequence[object]:
        copy_pictures(
            {f"{record.part_id}{path.suffix}": path for record, path in parts}, folder / PARTS
        )
        request = {"recipe": str(training.recipe), "good": str(training.folder / GOOD)}
        replace_json(folder / trial_files.REQUEST, request)
        return [folder]

    before = {
        record.part_id: {
            "before": record.verdict.value,
            "score_before": record.score,
            "serial": record.serial,
            "lot": record.lot,
            "judged_at": record.judged_at.isoformat(),
        }
        for record, _ in parts
    }
    about = {
        "product": training.about["product"],
        "view": training.about["view"],
        "training": training.id,
        "before": before,
    }
    return jobs.start(TRY, who=who, about=about, prepare=prepare)


def tried_parts(trial: Job, said: Labels) -> list[dict[str, Any]]:
    """The parts a recipe judged, in the order they were asked for, with what people say of each."""
    judged = {row["part_id"]: row for row in read_list(trial.folder / trial_files.PARTS)}
    before: Mapping[str, Any] = trial.about["before"]
    return [
        labelled({**judged[part_id], **then}, said.of(part_id))
        for part_id, then in before.items()
        if part_id in judged
    ]


def read_list(path: Path) -> list[Any]:
    """What a trial left in a file; nothing where it is not so far."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return []
    return found if isinstance(found, list) else []


def _of(jobs: Jobs, kind: str, product: str, view: str) -> list[Job]:
    return [
        job
        for job in jobs.newest_first(kind)
        if (job.about["product"], job.about["view"]) == (product, view)
    ]
