"""What a training came to, for the page: scores, promise, worst good parts, and who would flip."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from cameras import Frame, list_images, read_image
from inspection.calibration import calibrate
from inspection.errors import SetupError
from inspection.feed import encoded_png
from inspection.jobs import Job, judged
from inspection.judge import inspect
from inspection.judgement import Verdict
from inspection.overlay import heat
from inspection.recipe import Recipe, open_recipe
from ui.setup_draft import FIRST

WORST = 12
GOOD, PARTS = "good", "parts"
"""Folders of a job: the good parts a recipe was learnt from, and recorded parts it is tried on."""

_one_at_a_time = threading.Lock()


def promise(n: int, asked: float) -> dict[str, Any]:
    """Say what n good parts allow to promise, when a share of rejects is asked for."""
    if n == 0:
        needed = calibrate(np.zeros(1), false_reject=asked).images_needed + 1
        return {"n": 0, "asked": asked, "promised": None, "bound": None, "needed": needed}
    found = calibrate(np.arange(n, dtype=np.float64), false_reject=asked)
    return {
        "n": n,
        "asked": asked,
        "promised": found.false_reject_promised,
        "bound": found.false_reject_bound,
        "needed": found.images_needed,
    }


def told(job: Job) -> dict[str, Any]:
    """Say of a training that is done what the page shows."""
    if job.result is None:
        raise SetupError(f"training {job.id}: has no result; it is {job.state}")
    recipe = opened(job.recipe)
    hygiene = job.result["hygiene"]
    return {
        **job.result,
        "scores": [float(score) for score in recipe.scores],
        "hygiene": {
            "unreadable": [[_name(name), why] for name, why in hygiene["unreadable"]],
            "off_size": [[_name(name), size] for name, size in hygiene["off_size"]],
            "duplicates": [[_name(name) for name in names] for names in hygiene["duplicates"]],
            "suspicious": [[_name(name), *rest] for name, *rest in hygiene["suspicious"]],
        },
    }


def tried(trial: Job) -> dict[str, Any]:
    """Say what a recipe made of its own good parts and of recorded parts, as far as it is judged."""
    rows = judged(trial.folder)
    good = [row for row in rows if Path(row["image"]).parent.name == GOOD]
    before: Mapping[str, Any] = trial.about["before"]
    parts = [
        {"part_id": Path(row["image"]).stem, **_short(row), **before[Path(row["image"]).stem]}
        for row in rows
        if Path(row["image"]).parent.name == PARTS
    ]
    worst = sorted(good, key=lambda row: -(row["score"] if row["score"] is not None else np.inf))
    return {
        "worst": [{"name": _name(Path(row["image"]).name), **_short(row)} for row in worst[:WORST]],
        "parts": parts,
        "flips": [row for row in parts if _passes(row["verdict"]) != _passes(row["before"])],
    }


def picture_of(training: Job, name: str) -> Path:
    """Give the picture of a good part a recipe was learnt from. Raises SetupError."""
    return _among(training.folder / GOOD, name)


def part_of(trial: Job, part_id: str) -> Path:
    """Give the picture of a recorded part a recipe was tried on. Raises SetupError."""
    found = {path.stem: path for path in list_images(trial.folder / PARTS)}
    if part_id not in found:
        raise SetupError(f"part {part_id[:80]!r}: the recipe was not tried on it")
    return found[part_id]


def heat_png(recipe_path: Path, picture: Path) -> bytes | None:
    """Colour what is unusual for this recipe, weakly already well below the limit.

    Colour begins at the median of the good parts' scores and is full at the threshold: so a good
    part shows where it is least usual. None for a picture that cannot be judged.
    """
    recipe = opened(recipe_path)
    image = read_image(picture)
    frame = Frame(image=image, camera="set-up", sequence=0, captured_at=datetime.now(UTC))
    with _one_at_a_time:
        found = inspect(frame, recipe).anomaly_map
    if found is None:
        return None
    values = recipe.framing.to_picture(found.values, image) + np.float32(found.offset)
    limit = recipe.settings.calibration.threshold
    low = min(float(np.median(recipe.scores)), 0.9 * limit)
    return encoded_png(heat(values, threshold=low, fail_threshold=limit))


def opened(path: Path) -> Recipe:
    """Open a recipe, or give the one that was opened before."""
    return _opened(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=3)
def _opened(path: Path, changed_ns: int) -> Recipe:
    return open_recipe(path)


def _short(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("verdict", "score", "p_value", "reason")}


def _passes(verdict: str) -> bool:
    return verdict == Verdict.PASS.value


def _among(folder: Path, name: str) -> Path:
    found = {_name(path.name): path for path in list_images(folder)}
    if name not in found:
        raise SetupError(f"good part {name[:80]!r}: the recipe was not learnt from it")
    return found[name]


def _name(taught: str) -> str:
    return taught.removeprefix(FIRST)
