"""Trying a recipe before it goes on the line: on recorded parts, and once more on its good parts.

Runs as a process of its own (`inspection.jobs`) on a folder with `request.json` and `parts/`, and
leaves `parts.json`, `good.json` and `heat/NAME.png` of the worst good parts there.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import models
from cameras import list_images
from inspection.durable_files import replace_json
from inspection.jobs.status_file import DONE, StatusFile
from inspection.judging.encode import encoded_png
from inspection.judging.judge import load_recipe
from inspection.judging.overlay import heat
from inspection.judging.picture_files import judge_files
from inspection.recipe import Recipe
from inspection.training.good_pictures import GoodPictures, Progress, read_good

WORST = 12
REQUEST, PARTS, GOOD, HEAT = "request.json", "parts.json", "good.json", "heat"


@dataclass(frozen=True, slots=True, eq=False)
class GoodScore:
    """A good part's score by a model that has not seen it, and where it came from (h, w)."""

    path: Path
    score: float
    values: NDArray[np.float32]


def main() -> None:
    """Do the trial of the folder named on the command line."""
    folder = Path(sys.argv[1])
    with StatusFile(folder / "status.json") as told:
        run(folder, progress=told)
        told.end(DONE, result={})


def run(folder: Path, *, progress: Progress) -> None:
    """Judge the recorded parts, then find the worst of the good parts. Raises InspectionError."""
    request = json.loads((folder / REQUEST).read_text("utf-8"))
    recipe = load_recipe(Path(request["recipe"]))
    parts = list_images(folder / "parts") if (folder / "parts").is_dir() else []
    files = list_images(Path(request["good"]))
    learnt = {_sha256(path.read_bytes()) for path in files}
    replace_json(folder / PARTS, list(judged(parts, recipe, learnt, progress)))
    pictures = read_good(files, recipe.framing, progress=progress)
    found = sorted(held_out(pictures, recipe, progress), key=lambda each: -each.score)
    (folder / HEAT).mkdir(exist_ok=True)
    for good in found[:WORST]:
        (folder / HEAT / f"{good.path.name}.png").write_bytes(
            heat_png(good.path, good.values, recipe)
        )
    replace_json(folder / GOOD, [[good.path.name, good.score] for good in found])


def judged(
    parts: list[Path], recipe: Recipe, learnt: Set[str], progress: Progress
) -> Iterator[dict[str, Any]]:
    """Judge recorded parts, named by their file; `learnt` are the SHA-256 of the good pictures."""
    for number, found in enumerate(judge_files(parts, recipe)):
        progress("Judging", number + 1, len(parts))
        verdict = found.judgement
        yield {
            "part_id": found.path.stem,
            "verdict": verdict.verdict.value,
            "score": verdict.score,
            "reason": verdict.reason,
            "learnt": _sha256(found.data) in learnt,
        }


def held_out(pictures: GoodPictures, recipe: Recipe, progress: Progress) -> Iterator[GoodScore]:
    """Score each good part by a model that learnt only from the other half.

    The finished recipe would not tell: it knows them all. Copies of a picture are in one half.
    """
    settings = recipe.settings
    card, seed = settings.model, int(settings.training["seed"])
    folds = pictures.folds(seed=seed)
    halves = folds % 2
    done = 0
    for half in (0, 1):
        learning = np.flatnonzero(halves != half)
        others = [pictures[int(i)] for i in learning]
        model = models.model_class(card["name"])(backbone=card["backbone"], seed=seed)
        model.fit(others, folds=folds[learning], progress=progress)
        for i in map(int, np.flatnonzero(halves == half)):
            distances = model.distances(pictures[i].canvas)
            valid = models.to_grid(pictures.valid(i), *distances.shape)
            found = models.anomaly_map(
                distances,
                valid,
                smoothing_patches=settings.smoothing_patches,
                level=settings.level,
            )
            done += 1
            progress("Comparing good parts", done, len(pictures))
            values = distances * valid if found.neighbourhood is None else found.neighbourhood
            yield GoodScore(pictures.used[i].path, found.score, values + np.float32(found.offset))


def heat_png(picture: Path, values: NDArray[np.float32], recipe: Recipe) -> bytes:
    """Colour a good part (PNG): from the usual score of good parts on, full at the limit."""
    limit = recipe.settings.calibration.threshold
    low = min(float(np.median(recipe.scores)), 0.9 * limit)
    over = recipe.framing.to_picture(recipe.settings.setup.read_picture(picture), values)
    return encoded_png(heat(over, threshold=low, fail_threshold=limit))


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
