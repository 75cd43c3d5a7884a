"""How good is a recipe? Judge a labelled test set and count."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from inspection.errors import InspectionError
from inspection.judging.picture_files import JudgedFile, judge_files
from inspection.recipe import Recipe
from inspection.training.dataset_folder import TestPicture, test_files
from inspection.training.metrics import LabelledPixels
from inspection.training.statistics import NO_SCORE, DefectOutline, Evaluation, ScoredTestSet
from models import Progress

Judged = list[tuple[TestPicture, JudgedFile]]


def evaluate(
    recipe: Recipe, dataset: Path, *, progress: Progress = lambda what, done, of: None
) -> Evaluation:
    """Judge `test/*` of a dataset and compute every statistic of it.

    An escape is a defective part that passes, overkill a good one that does not. What could not be
    inspected counts as rejected. Raises InspectionError when there is no test picture.
    """
    return Evaluation.of(judge_test_set(recipe, dataset, progress=progress))


def judge_test_set(
    recipe: Recipe, dataset: Path, *, progress: Progress = lambda what, done, of: None
) -> ScoredTestSet:
    """Judge `test/*` of a dataset. Raises InspectionError when there is no test picture."""
    items = test_files(dataset)
    if not items:
        raise InspectionError(
            f"dataset {dataset}: no test pictures; evaluate needs test/good and test/DEFECT folders"
        )
    recipe.program  # noqa: B018  compiled before the first timing
    judged: Judged = []
    for item, file in zip(items, judge_files([i.path for i in items], recipe), strict=True):
        judged.append((item, file))
        progress("Judging", len(judged), len(items))
    return _scored(judged, recipe)


def _scored(judged: Judged, recipe: Recipe) -> ScoredTestSet:
    scores = [file.judgement.score for _, file in judged]
    times = [file.judgement.latency_ms["total"] for _, file in judged if file.frame]
    return ScoredTestSet(
        kinds=[item.kind for item, _ in judged],
        scores=np.array([NO_SCORE if score is None else score for score in scores]),
        verdicts=[file.judgement.verdict for _, file in judged],
        latency_ms=np.array(times),
        pixels=_pixels(judged, recipe),
        lengths=[item.defect_length() for item, _ in judged],
        outlines=[outline for item, file in judged if (outline := _outline(item, file))],
    )


def _outline(item: TestPicture, file: JudgedFile) -> DefectOutline | None:
    """What was outlined on a defective picture with a mask; None where nothing was, or none there."""
    regions = [region for region in file.judgement.regions if not region.accepted]
    if not regions:
        return None
    mask = item.truth()
    if mask is None or not mask.any():
        return None
    worst = regions[0]
    rows = slice(worst.y_px, worst.y_px + worst.height_px)
    box = mask[rows, worst.x_px : worst.x_px + worst.width_px]
    outlined = sum(region.area_px for region in regions)
    return DefectOutline(touches=bool(box.any()), area_ratio=outlined / float(mask.sum()))


def _pixels(judged: Judged, recipe: Recipe) -> LabelledPixels | None:
    """The pixels of all judged pictures, when every defective one has its mask."""
    if not any(item.mask for item, _ in judged) or any(
        item.defective and item.mask is None for item, _ in judged
    ):
        return None
    maps, masks, pictures = [], [], []
    for number, (item, file) in enumerate(judged):
        anomalies = file.judgement.anomaly_map
        if file.frame is None or anomalies is None:
            continue
        size = file.frame.image.shape[:2]
        truth = item.truth()
        masks.append(np.zeros(size, dtype=bool) if truth is None else truth)
        pictures.append(number)
        maps.append(recipe.framing.to_picture(size, *anomalies.shown, pose=file.judgement.pose))
    if not any(mask.any() for mask in masks):  # none could be inspected
        return None
    return LabelledPixels.gather(maps, masks, pictures=pictures)
