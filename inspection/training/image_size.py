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
from inspection.errors import TrainingError
from inspection.recipe.setup_file import Setup
from inspection.training.good_pictures import GoodPictures, first_sizes, read_pictures
from inspection.training.metrics import auroc
from models import Picture, Progress

if TYPE_CHECKING:
    from inspection.training.options import TrainingOptions

SIZES_PX = (192, 256, 320, 384, 448, 512, 640, 768)
USUAL_PX = 256
"""A smaller size is for a budget that allows no other."""

MOST_PICTURES = 90
FOLDS = 5
SCARS = (0.02, 0.03, 0.05, 0.08)
STAINS = (0.2, 0.2, 0.4, 0.4)
"""Lengths of the drawn-in defects, as shares of the picture's longer side.

Small, sharp ones are seen better in large pictures; large, faint ones in small pictures.
"""

NEARLY_BEST = 0.005
"""A larger size must be better by this much AUROC to be worth its time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One size tried; `auroc` is None when it took longer than the budget."""

    image_size_px: int
    latency_ms: float
    auroc: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """A defect to draw in, in shares of the picture, so that it is the same one at every size.

    A scar is a thin cut of texture from another picture, shifted by `roll` (after CutPaste-Scar: Li
    et al., "CutPaste", CVPR 2021); a stain is a soft spot. Both are `step` grey levels brighter or
    darker. `place` and `roll` are (down, across).
    """

    stain: bool
    place: tuple[float, float]
    length: float
    angle_deg: float
    roll: tuple[float, float]
    step: float


def best(trials: tuple[Trial, ...]) -> Trial:
    """The smallest size that is nearly as good as the best. Raises TrainingError for none."""
    tried = [trial for trial in trials if trial.auroc is not None]
    if not tried:
        fastest = min(trials, key=lambda trial: trial.latency_ms)
        raise TrainingError(
            f"--image-size auto: no size is fast enough; {fastest.image_size_px} px takes "
            f"{fastest.latency_ms:.0f} ms here; raise --latency-budget-ms"
        )
    tried = [trial for trial in tried if trial.image_size_px >= USUAL_PX] or tried
    goal = max(trial.auroc or 0.0 for trial in tried) - NEARLY_BEST
    return next(trial for trial in tried if (trial.auroc or 0.0) >= goal)


def choose_size(
    files: list[Path], *, options: TrainingOptions, setup: Setup, progress: Progress
) -> tuple[Trial, ...]:
    """Try sizes up to the pictures' own, smallest first, until one is over the budget."""
    spread = np.linspace(0, len(files) - 1, min(len(files), MOST_PICTURES)).round().astype(int)
    picked = [files[i] for i in spread]
    own = float(np.median([(height * width) ** 0.5 for height, width in first_sizes(files, setup)]))
    sizes = [size for size in SIZES_PX if size <= max(own, USUAL_PX)]
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
    learning = [pictures[i] for i in range(len(pictures)) if i % 3]
    kept = [pictures[i] for i in range(len(pictures)) if not i % 3]
    model.fit(learning, folds=np.arange(len(learning)) % FOLDS)
    program = models.load_program(*models.program_bytes(model))
    latency_ms = _latency_ms(program, learning[0])
    if latency_ms > options.latency_budget_ms:
        return Trial(image_size_px=size_px, latency_ms=latency_ms, auroc=None)
    rng = np.random.default_rng(options.seed)
    good, bad = [], []
    for picture in kept:
        donor = learning[int(rng.integers(len(learning)))].canvas
        good.append(_score(program, model, picture))
        flaws = [draw_flaw(length, rng, stain=False) for length in SCARS]
        flaws += [draw_flaw(length, rng, stain=True) for length in STAINS]
        bad += [_score(program, model, spoil(picture, donor, flaw)) for flaw in flaws]
    return Trial(image_size_px=size_px, latency_ms=latency_ms, auroc=auroc(good, bad))


def draw_flaw(length: float, rng: np.random.Generator, *, stain: bool) -> Flaw:
    """Draw a defect of this length (share of the longer side); equal draws at every size."""
    return Flaw(
        stain=stain,
        place=(float(rng.random()), float(rng.random())),
        length=length,
        angle_deg=float(rng.uniform(0, 180)),
        roll=(float(rng.uniform(0.25, 0.75)), float(rng.uniform(0.25, 0.75))),
        step=float(rng.choice([-1, 1]) * (rng.uniform(10, 40) if stain else rng.uniform(15, 45))),
    )


def spoil(picture: Picture, donor: NDArray[np.uint8], flaw: Flaw) -> Picture:
    """Draw a defect in; a scar takes its texture from `donor`, a canvas (H, W, 3)."""
    height, width = picture.canvas.shape[:2]
    length = flaw.length * max(height, width)
    row = _at(flaw.place[0], picture.valid)
    column = _at(flaw.place[1], picture.valid[row : row + 1].T)
    if flaw.stain:
        mask = np.zeros((height, width), dtype=np.float32)
        cv2.ellipse(mask, ((column, row), (length, 0.6 * length), flaw.angle_deg), 1.0, -1)
        mask = np.asarray(cv2.GaussianBlur(mask, (0, 0), length / 8), np.float32)
        texture = picture.canvas
    else:
        mask = _thin((height, width), (row, column), length, flaw.angle_deg)
        down, across = int(flaw.roll[0] * height), int(flaw.roll[1] * width)
        texture = np.roll(donor, (down, across), (0, 1))
    paste = np.clip(texture.astype(np.float32) + flaw.step, 0, 255)
    mixed = picture.canvas * (1 - mask[..., None]) + paste * mask[..., None]
    return Picture(mixed.astype(np.uint8), picture.valid)


def _thin(
    shape: tuple[int, ...], centre: tuple[int, int], length_px: float, angle_deg: float
) -> NDArray[np.float32]:
    """How much of each pixel (H, W), 0 to 1, a bar covers that is a third as wide as it is long."""
    down, across = np.ogrid[: shape[0], : shape[1]]
    y, x, angle = down - centre[0], across - centre[1], np.deg2rad(angle_deg)
    along, beside = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    covered = [
        np.clip((width + 1) / 2 - np.abs(offset), 0, min(1.0, width))
        for offset, width in ((along, length_px), (beside, length_px / 3))
    ]
    return np.asarray(covered[0] * covered[1], np.float32)


def _at(share: float, valid: NDArray[np.bool_]) -> int:
    """The row that lies this share of the way through those with a valid pixel."""
    rows = np.flatnonzero(valid.any(1))
    return int(rows[int(share * len(rows))])


def _score(program: models.Program, model: models.AnomalyModel, picture: Picture) -> float:
    maps, _ = program.measure(picture.canvas)
    return models.score(maps, picture.valid, model.scoring).score


def _latency_ms(program: models.Program, picture: Picture) -> float:
    """Time the model alone: the least of some runs, as whatever else works here only adds to it."""
    times = []
    for _ in range(15):
        started = time.perf_counter()
        program.run(picture.canvas)
        times.append(time.perf_counter() - started)
    return 1e3 * min(times)


def _quiet(what: str, done: int, of: int) -> None:
    """Progress of a part nobody needs to see."""
