"""From good pictures to weights of a backbone that knows them: transfer learning without labels."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

import models
from inspection.durable_files import replace_file
from inspection.errors import TrainingError
from inspection.recipe import check_place
from inspection.recipe.setup_file import Setup
from inspection.training.dataset_folder import good_files
from inspection.training.good_pictures import read_pictures
from inspection.training.options import FAST, TrainingOptions
from models import Progress

LAST, ALL = "last", "all"
LAYERS = (LAST, ALL)

LEAST_GOOD = 10
"""Different good pictures; of fewer a network learns each by heart."""

MOST_BYTES = 256 * 2**20
"""Of canvases kept while teaching; of more pictures the first so many are used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptReport:
    """What came of adapting: how alike two views of a picture kept apart look, up to 1, before and after."""

    n_good: int
    steps: int
    seconds: float
    alike_before: float
    alike_after: float
    bytes: int


def adapt(
    dataset: Path,
    weights_path: Path,
    *,
    options: TrainingOptions,
    setup: Setup,
    layers: str,
    steps: int,
    progress: Progress = lambda what, done, of: None,
) -> AdaptReport:
    """Teach the backbone on good pictures and write its weights, for `--weights` of a training.

    Raises TrainingError, ModelError, RecipeError or OSError with one line; then no file is written
    or changed.
    """
    check_place(weights_path, what="weights")
    started = time.perf_counter()
    files = good_files(dataset)
    coarse = replace(options, effort=FAST)
    pictures = read_pictures(files, options=coarse, setup=setup, progress=progress)
    distinct = pictures.distinct()
    if len(distinct) < LEAST_GOOD:
        raise TrainingError(
            f"{len(distinct)} different good pictures: adapting a backbone needs at least {LEAST_GOOD}"
        )
    room = max(LEAST_GOOD, MOST_BYTES // pictures.framing.canvas.nbytes)
    canvases = np.stack([pictures[int(i)].canvas for i in distinct[:room]])
    data, before, after = models.adapted_weights(
        canvases,
        backbone=options.backbone,
        weights=options.weights,
        only_last=layers == LAST,
        steps=steps,
        seed=options.seed,
        progress=lambda done, of: progress("Adapting the backbone", done, of),
    )
    replace_file(weights_path, data, sync=True)
    return AdaptReport(
        n_good=len(canvases),
        steps=steps,
        seconds=time.perf_counter() - started,
        alike_before=before,
        alike_after=after,
        bytes=len(data),
    )
