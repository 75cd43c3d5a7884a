"""How good is a recipe? Judge a labelled test set and count, with exact intervals."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cameras import read_image
from inspection.errors import InspectionError
from inspection.intervals import exact_interval
from inspection.judgement import Verdict
from inspection.judging.picture_files import JudgedFile, judge_files
from inspection.recipe import Recipe
from inspection.training.dataset_folder import TestPicture, test_files
from inspection.training.metrics import aupro, auroc, pixel_auroc

Progress = Callable[[str, int, int], None]


def evaluate(
    recipe: Recipe, dataset: Path, *, progress: Progress = lambda what, done, of: None
) -> dict[str, Any]:
    """Judge `test/*` of a dataset; give the fields of the `--json` contract.

    An escape is a defective part that passes, overkill a good one that does not. What could not be
    inspected counts as rejected; for the AUROC its score is infinite. Fields that cannot be known are
    None. Raises InspectionError when there is no test picture.
    """
    items = test_files(dataset)
    if not items:
        raise InspectionError(
            f"dataset {dataset}: no test pictures; evaluate needs test/good and test/DEFECT folders"
        )
    recipe.program  # noqa: B018  compiled before the first timing
    judged: list[tuple[TestPicture, JudgedFile]] = []
    for item, found in zip(items, judge_files([i.path for i in items], recipe), strict=True):
        judged.append((item, found))
        progress("Judging", len(judged), len(items))
    return _figures(judged) | _pixel_figures(judged, recipe)


def _figures(judged: list[tuple[TestPicture, JudgedFile]]) -> dict[str, Any]:
    good = [found for item, found in judged if not item.defective]
    bad = [found for item, found in judged if item.defective]
    overkill = sum(found.judgement.verdict is not Verdict.PASS for found in good)
    escapes = sum(found.judgement.verdict is Verdict.PASS for found in bad)
    both = bool(good) and bool(bad)
    times = np.array([found.judgement.latency_ms["total"] for _, found in judged if found.frame])
    return {
        "n_good": len(good),
        "n_defective": len(bad),
        "image_auroc": auroc(_scores(good), _scores(bad)) if both else None,
        "pixel_auroc": None,
        "aupro": None,
        "escape_rate": escapes / len(bad) if bad else None,
        "escape_ci95": list(exact_interval(escapes, len(bad))) if bad else None,
        "overkill_rate": overkill / len(good) if good else None,
        "overkill_ci95": list(exact_interval(overkill, len(good))) if good else None,
        "per_defect": _per_defect(judged, good),
        "latency_ms_p50": float(np.median(times)) if len(times) else None,
        "latency_ms_p95": float(np.quantile(times, 0.95)) if len(times) else None,
        "n_cannot_inspect": sum(
            found.judgement.verdict is Verdict.CANNOT_INSPECT for _, found in judged
        ),
    }


def _per_defect(
    judged: list[tuple[TestPicture, JudgedFile]], good: list[JudgedFile]
) -> dict[str, dict[str, Any]]:
    kinds: dict[str, list[JudgedFile]] = defaultdict(list)
    for item, found in judged:
        if item.defective:
            kinds[item.kind].append(found)
    out = {}
    for kind, members in kinds.items():
        escapes = sum(found.judgement.verdict is Verdict.PASS for found in members)
        out[kind] = {
            "n": len(members),
            "escapes": escapes,
            "escape_rate": escapes / len(members),
            "escape_ci95": list(exact_interval(escapes, len(members))),
            "image_auroc": auroc(_scores(good), _scores(members)) if good else None,
        }
    return out


def _scores(found: list[JudgedFile]) -> NDArray[np.float64]:
    """Scores, with what could not be inspected above all others."""
    scores = [f.judgement.score for f in found]
    return np.array([np.finfo(np.float64).max if s is None else s for s in scores])


def _pixel_figures(judged: list[tuple[TestPicture, JudgedFile]], recipe: Recipe) -> dict[str, Any]:
    """Pixel figures over all judged pictures, when every defective one has its mask."""
    if not any(item.mask for item, _ in judged) or any(
        item.defective and item.mask is None for item, _ in judged
    ):
        return {}
    maps, masks = [], []
    for item, found in judged:
        if found.frame is None or found.judgement.anomaly_map is None:
            continue
        size = found.frame.image.shape[:2]
        masks.append(read_image(item.mask) > 127 if item.mask else np.zeros(size, dtype=bool))
        maps.append(
            recipe.framing.to_picture(
                size, *found.judgement.anomaly_map.shown, pose=found.judgement.pose
            )
        )
    return {"pixel_auroc": pixel_auroc(maps, masks), "aupro": aupro(maps, masks)}
