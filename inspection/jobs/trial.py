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
from inspection.durable_files import replace_file, replace_json
from inspection.errors import TrainingError
from inspection.jobs.status_file import DONE, StatusFile
from inspection.judging.encode import encoded_png
from inspection.judging.judge import load_recipe
from inspection.judging.overlay import heat
from inspection.judging.picture_files import judge_files
from inspection.recipe import Recipe
from inspection.recipe.alignment import Pose
from inspection.training.combine import COMBINED
from inspection.training.good_pictures import GoodPicture, GoodPictures, read_good
from models import Progress

WORST = 12
REQUEST, PARTS, GOOD, HEAT = "request.json", "parts.json", "good.json", "heat"


@dataclass(frozen=True, slots=True, eq=False)
class GoodScore:
    """A good part's score by a model that has not seen it, and where it came from (h, w)."""

    good: GoodPicture
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
    for worst in found[:WORST]:
        good = worst.good
        colours = heat_png(worst.values, recipe, shape=good.size_px, pose=good.pose)
        replace_file(folder / HEAT / f"{good.path.name}.png", colours)
    replace_json(folder / GOOD, [[each.good.path.name, each.score] for each in found])


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
            "cause": verdict.cause.as_message(),
            "learnt": _sha256(found.data) in learnt,
        }


def held_out(pictures: GoodPictures, recipe: Recipe, progress: Progress) -> Iterator[GoodScore]:
    """Score each good part by a model that learnt only from the other half.

    The finished recipe would not tell: it knows them all. Copies of a picture are in one half. Raises
    TrainingError where the model that taught the recipe can no longer be made.
    """
    settings = recipe.settings
    if settings.model["name"] == COMBINED:
        raise TrainingError(
            "recipe: combined of finished recipes, and not trained as one; try its members' good parts instead"
        )
    if "shrinks" not in settings.model:
        raise TrainingError(
            f"model '{settings.model['name']}': the recipe was made by an earlier version, whose model "
            "this one cannot rebuild to try its good parts; train the recipe again"
        )
    seed = int(settings.training["seed"])
    folds = pictures.folds(seed=seed)
    halves = folds % 2
    done = 0
    for half in (0, 1):
        learning = np.flatnonzero(halves != half)
        model = models.model_from_card(settings.model, weights=_weights(recipe))
        model.fit([pictures[int(i)] for i in learning], folds=folds[learning], progress=progress)
        _check_weights(model, recipe)
        for i in map(int, np.flatnonzero(halves == half)):
            maps = model.measure(pictures[i].canvas)
            found = models.score(maps, pictures.valid(i), settings.scoring)
            done += 1
            progress("Comparing good parts", done, len(pictures))
            yield GoodScore(pictures.used[i], found.score, found.scored + np.float32(found.offset))


def _weights(recipe: Recipe) -> Path | None:
    """The backbone's weights file as the training was given it; None where it needed none."""
    path = recipe.settings.training.get("weights")
    return None if path is None else Path(path)


def _check_weights(model: models.AnomalyModel, recipe: Recipe) -> None:
    """Raise TrainingError where a rebuilt model's weights are not those the recipe was taught with."""
    before, now = recipe.settings.model["weights_sha256"], model.card()["weights_sha256"]
    if now != before:
        raise TrainingError(
            f"model '{model.name}': the weights of {model.backbone} are no longer those of the "
            f"recipe (SHA-256 {now[:12]}, not {before[:12]}); train the recipe again"
        )


def heat_png(
    values: NDArray[np.float32], recipe: Recipe, *, shape: tuple[int, ...], pose: Pose | None
) -> bytes:
    """Colour what is unusual (h, w) of a good part's picture of this shape (H, W, ...), as PNG.

    Colour begins at the usual score of good parts and is full at the limit.
    """
    limit = recipe.settings.calibration.threshold
    low = min(float(np.median(recipe.scores)), 0.9 * limit)
    over = recipe.framing.to_picture(shape, values, pose=pose)
    return encoded_png(heat(over, limit=low, peak=limit))


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
