"""Choose the picture size from good pictures, drawn-in defects and a latency budget."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

import models
from inspection.dataset import GoodPictures, Progress, first_readable
from inspection.errors import TrainingError
from inspection.metrics import auroc
from inspection.setup import Setup
from models import Picture

if TYPE_CHECKING:
    from inspection.train import TrainingOptions

SIZES_PX = (192, 256, 320, 384, 448, 512, 640, 768)
MOST_PICTURES = 60
DEFECT_SHARES = (0.02, 0.03, 0.05)
"""Lengths of the drawn-in defects, as shares of the picture's longer side."""
NEARLY_BEST = 0.005
"""A larger size must be better by this much AUROC to be worth its time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One size tried; `auroc` is None when it took longer than the budget."""

    image_size_px: int
    latency_ms: float
    auroc: float | None


def best(trials: tuple[Trial, ...]) -> Trial:
    """Give the smallest size that is nearly as good as the best. Raises TrainingError for none."""
    tried = [trial for trial in trials if trial.auroc is not None]
    if not tried:
        fastest = min(trials, key=lambda trial: trial.latency_ms)
        raise TrainingError(
            f"--image-size auto: no size is fast enough; {fastest.image_size_px} px takes "
            f"{fastest.latency_ms:.0f} ms here; raise --latency-budget-ms"
        )
    goal = max(trial.auroc or 0.0 for trial in tried) - NEARLY_BEST
    return next(trial for trial in tried if (trial.auroc or 0.0) >= goal)


def choose_size(
    files: list[Path], *, options: TrainingOptions, setup: Setup, progress: Progress
) -> tuple[Trial, ...]:
    """Try sizes up to the pictures' own, smallest first, until one is over the budget."""
    from inspection.train import read_pictures

    picked = files[:: max(1, len(files) // MOST_PICTURES)][:MOST_PICTURES]
    first = first_readable(files)
    own = (first.shape[0] * first.shape[1]) ** 0.5
    sizes = [size for size in SIZES_PX if size <= max(1.1 * own, SIZES_PX[0])]
    trials: list[Trial] = []
    for number, size in enumerate(sizes):
        progress("Trying sizes", number, len(sizes))
        chosen = replace(options, image_size_px=size)
        pictures = read_pictures(picked, options=chosen, setup=setup, progress=_quiet)
        trials.append(_try(pictures, chosen, size))
        if trials[-1].auroc is None:
            break
    progress("Trying sizes", len(sizes), len(sizes))
    return tuple(trials)


def _try(pictures: GoodPictures, options: TrainingOptions, size_px: int) -> Trial:
    """Teach on two thirds, then tell the last third from itself with defects drawn in."""
    model = models.model_class(options.model)(
        backbone=options.backbone, weights=options.weights, seed=options.seed
    )
    taught = [i for i in range(len(pictures)) if i % 3]
    kept = [i for i in range(len(pictures)) if not i % 3]
    learning = [pictures[i] for i in taught]
    model.fit(learning, folds=np.zeros(len(learning), dtype=np.intp))
    program = models.load_program(*models.program_bytes(model))
    latency_ms = _latency_ms(program, learning[0])
    if latency_ms > options.latency_budget_ms:
        return Trial(image_size_px=size_px, latency_ms=latency_ms, auroc=None)
    rng = np.random.default_rng(options.seed)
    good = [_score(program, model, pictures[i]) for i in kept]
    bad = []
    for i in kept:
        donor = learning[int(rng.integers(len(learning)))].canvas
        for share in DEFECT_SHARES:
            bad.append(_score(program, model, spoil(pictures[i], donor, share, rng)))
    return Trial(image_size_px=size_px, latency_ms=latency_ms, auroc=auroc(good, bad))


def spoil(
    picture: Picture, donor: NDArray[np.uint8], share: float, rng: np.random.Generator
) -> Picture:
    """Draw a thin defect in: texture from elsewhere, in another brightness (after CutPaste-Scar).

    Li et al., "CutPaste", CVPR 2021. `donor` is a canvas (H, W, 3) the texture is taken from.
    """
    canvas = picture.canvas.copy()
    height, width = canvas.shape[:2]
    length = max(3.0, share * max(height, width))
    rows, columns = np.nonzero(picture.valid)
    at = int(rng.integers(len(rows)))
    centre = (int(columns[at]), int(rows[at]))
    box = cv2.boxPoints((centre, (length, max(2.0, length / 3)), float(rng.uniform(0, 180))))
    mask = np.zeros((height, width), dtype=np.float32)
    cv2.fillPoly(mask, [np.round(box * 8).astype(np.int32)], (1.0,), cv2.LINE_AA, 3)
    shifted = np.roll(donor, tuple(rng.integers(height // 4, 3 * height // 4, 2)), (0, 1))
    step = float(rng.choice([-1, 1]) * rng.uniform(15, 45))
    paste = np.clip(shifted.astype(np.float32) + step, 0, 255)
    mixed = canvas * (1 - mask[..., None]) + paste * mask[..., None]
    return Picture(mixed.astype(np.uint8), picture.valid)


def _score(program: models.Program, model: models.AnomalyModel, picture: Picture) -> float:
    distances = program.run(picture.canvas)[0]
    valid = models.to_grid(picture.valid, *distances.shape)
    return models.anomaly_map(
        distances, valid, smoothing_patches=model.smoothing_patches, level=model.level
    ).score


def _latency_ms(program: models.Program, picture: Picture) -> float:
    times = []
    for _ in range(7):
        started = time.perf_counter()
        program.run(picture.canvas)
        times.append(time.perf_counter() - started)
    return 1e3 * float(np.median(times))


def _quiet(what: str, done: int, of: int) -> None:
    """Progress of a part nobody needs to see."""
