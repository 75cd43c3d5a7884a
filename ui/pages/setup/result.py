"""What a training came to, for the page: scores, promise, worst good parts, and who would flip."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from cameras import Frame, list_images
from inspection.errors import SetupError
from inspection.jobs import Job
from inspection.jobs import trial as trial_files
from inspection.labels.confusion import Share, compared, passes
from inspection.labels.labels import NG, Labels
from inspection.recipe.calibration import calibrate
from inspection.station.recipe_library import inspect_opened, opened
from inspection.training.warnings import MOST_ESCAPES
from ui.core.trials import GOOD, PARTS, read_list, tried_parts
from ui.pages.setup.draft import FIRST

FEW = 5


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


def result_message(job: Job) -> dict[str, Any]:
    """Say of a training that is done what the page shows."""
    if job.result is None:
        raise SetupError(f"training {job.id}: has no result; it is {job.state}")
    recipe = opened(job.recipe)
    hygiene = job.result["hygiene"]
    calibration = recipe.settings.calibration
    return {
        **job.result,
        "review_estimated": calibration.review_estimated,
        "review_ci95": calibration.review_ci95,
        "effort": job.result.get("effort"),
        "drawn_escapes": job.result.get("drawn_escapes", []),
        "warnings": _warnings(job.result),
        "scores": [float(score) for score in recipe.scores],
        "hygiene": {
            "unreadable": [[_name(name), why] for name, why in hygiene["unreadable"]],
            "off_size": [[_name(name), size] for name, size in hygiene["off_size"]],
            "duplicates": [[_name(name) for name in names] for names in hygiene["duplicates"]],
            "suspicious": [[_name(name), *rest] for name, *rest in hygiene["suspicious"]],
        },
    }


def trial_message(trial: Job, said: Labels) -> dict[str, Any]:
    """Say which good parts are the worst, and which recorded parts would escape or get another answer.

    `listed` are those a person should look at, escapes first.
    """
    good, parts = read_list(trial.folder / trial_files.GOOD), tried_parts(trial, said)
    flips = [row for row in parts if passes(row["verdict"]) != passes(row["before"])]
    escapes = [row for row in parts if row["escape"]]
    mistakes = compared(parts)
    return {
        "warnings": _trial_warnings(mistakes.recipe.escapes),
        "worst": [
            {"name": _name(name), "score": score} for name, score in good[: trial_files.WORST]
        ],
        "parts": parts,
        "flips": flips,
        "listed": [*escapes, *(row for row in flips if not row["escape"])],
        "labelled": asdict(mistakes),
        "ng_scores": _scores_of_ng(parts),
    }


def _scores_of_ng(parts: Sequence[Mapping[str, Any]]) -> list[float]:
    """Scores of the parts labelled NG that could be judged; one without end has no place in a picture."""
    scores = (row["score"] for row in parts if row["label"] == NG)
    return [each for each in scores if isinstance(each, float) and math.isfinite(each)]


def _trial_warnings(escapes: Share) -> list[dict[str, Any]]:
    """That too many parts labelled NG pass; of fewer than FEW nothing follows."""
    if escapes.of < FEW or escapes.count <= MOST_ESCAPES * escapes.of:
        return []
    values = {"escapes": escapes.count, "of": escapes.of}
    return [{"key": "labelled_escapes", "values": values, "text": ""}]


def heat_of_good(trial: Job, name: str) -> Path:
    """The heat of one of the worst good parts. Raises SetupError."""
    return _among(trial.folder / trial_files.HEAT, f"{name}.png")


def picture_of(training: Job, name: str) -> Path:
    """The picture of a good part a recipe was learnt from. Raises SetupError."""
    return _among(training.folder / GOOD, name)


def part_of(trial: Job, part_id: str) -> Path:
    """The picture of a recorded part a recipe was tried on. Raises SetupError."""
    found = {path.stem: path for path in list_images(trial.folder / PARTS)}
    if part_id not in found:
        raise SetupError(f"part {part_id[:80]!r}: the recipe was not tried on it")
    return found[part_id]


def heat_png(recipe_path: Path, picture: Path) -> bytes | None:
    """Colour what is unusual for this recipe, weakly already well below the limit.

    Colour begins at the median of the good parts' scores and is full at the threshold. None for a
    picture that cannot be judged.
    """
    recipe = opened(recipe_path)
    image = recipe.settings.setup.read_picture(picture)
    frame = Frame(image=image, camera="set-up", sequence=0, captured_at=datetime.now(UTC))
    judgement = inspect_opened(frame, recipe)
    anomalies = judgement.anomaly_map
    if anomalies is None:
        return None
    values = anomalies.scored + np.float32(anomalies.offset)
    return trial_files.heat_png(values, recipe, shape=image.shape, pose=judgement.pose)


def _warnings(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each warning as an English `text`, and as the `key` and `values` of a sentence of the catalogue."""
    texts, keys = result.get("warnings", []), result.get("warning_keys", [])
    return [{"text": text, **key} for text, key in zip(texts, keys, strict=True)]


def _among(folder: Path, name: str) -> Path:
    found = {_name(path.name): path for path in list_images(folder)}
    if name not in found:
        raise SetupError(f"good part {name[:80]!r}: the recipe was not learnt from it")
    return found[name]


def _name(taught: str) -> str:
    return taught.removeprefix(FIRST)
