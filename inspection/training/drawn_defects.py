"""What a recipe would let pass: defects of known sizes drawn into good pictures, and judged."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

import models
from inspection.intervals import exact_interval
from inspection.recipe import Recipe
from inspection.training.good_pictures import GoodPictures
from models import Picture, Progress

MOST_PICTURES, LEAST_PICTURES = 12, 4
MOST_PIXELS = 12_000_000
"""Of the canvases drawn into: of large ones fewer are enough, and many would take long."""

BAND_ROWS = 256
"""Rows drawn into at a time: of a large picture all at once would be hundreds of megabytes."""

SIZES = (0.02, 0.04, 0.08, 0.16)
"""Lengths of the drawn-in defects, as shares of the picture's longer side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnEscapes:
    """How many drawn-in defects of one size passed.

    `length_share` is that of the picture's longer side, `length_px` in pixels of the camera's picture.
    """

    length_share: float
    length_px: float
    drawn: int
    escapes: int

    @property
    def share(self) -> float:
        """Share that passed."""
        return self.escapes / self.drawn

    @property
    def ci95(self) -> tuple[float, float]:
        """Its exact 95 % interval."""
        return exact_interval(self.escapes, self.drawn)


def drawn_escapes(
    pictures: GoodPictures, recipe: Recipe, *, seed: int, progress: Progress
) -> tuple[DrawnEscapes, ...]:
    """Draw a scar and a stain of each size into some good pictures, and count what would pass.

    The recipe knows these pictures, so real parts are a little harder. Only the score decides, not the
    rules of zones.
    """
    rng = np.random.default_rng([seed, 1])
    canvas = recipe.settings.canvas
    affordable = MOST_PIXELS // (canvas.height_px * canvas.width_px)
    most = min(len(pictures), MOST_PICTURES, max(LEAST_PICTURES, affordable))
    spread = np.linspace(0, len(pictures) - 1, most).round().astype(int)
    escapes = np.zeros((len(SIZES), len(spread), 2), dtype=bool)
    for number, index in enumerate(spread):
        other = int(rng.integers(len(pictures)))
        picture, donor = pictures.raw(int(index)), pictures.raw(other).canvas
        escapes[:, number] = _passed(picture, donor, recipe, rng)
        del picture, donor  # before the next are read: a large one is 60 MB
        progress("Drawing defects in", number + 1, len(spread))
    longer = float(np.median([max(pictures.used[int(i)].size_px) for i in spread]))
    return tuple(
        DrawnEscapes(
            length_share=length,
            length_px=length * longer,
            drawn=passed.size,
            escapes=int(passed.sum()),
        )
        for length, passed in zip(SIZES, escapes, strict=True)
    )


def _passed(
    picture: Picture, donor: NDArray[np.uint8], recipe: Recipe, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Which of a scar and a stain of each size (sizes, 2) would pass in a good picture."""
    threshold, scoring = recipe.settings.calibration.threshold, recipe.settings.scoring
    passed = np.zeros((len(SIZES), 2), dtype=bool)
    for size, length in enumerate(SIZES):
        for stain in (False, True):
            flaw = draw_flaw(length, rng, stain=stain)
            spoiled = recipe.framing.prepared(spoil(picture, donor, flaw).canvas)
            maps, _ = recipe.program.measure(spoiled)
            del spoiled
            passed[size, int(stain)] = models.score(maps, picture.valid, scoring).score <= threshold
    return passed


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
    reach = int(1.5 * length) + 2
    rows = np.arange(max(0, row - reach), min(height, row + reach + 1))
    columns = np.arange(max(0, column - reach), min(width, column + reach + 1))
    shape, centre = (len(rows), len(columns)), (row - int(rows[0]), column - int(columns[0]))
    if flaw.stain:
        mask = np.zeros(shape, dtype=np.float32)
        cv2.ellipse(mask, (centre[::-1], (length, 0.6 * length), flaw.angle_deg), 1.0, -1)
        mask = np.asarray(cv2.GaussianBlur(mask, (0, 0), length / 8), np.float32)
    else:
        mask = _thin(shape, centre, length, flaw.angle_deg)
    down, across = int(flaw.roll[0] * height), int(flaw.roll[1] * width)
    spoiled = picture.canvas.copy()
    for band in _bands(len(rows)):
        window, share = np.ix_(rows[band], columns), mask[band, :, None]
        own = texture = picture.canvas[window]
        if not flaw.stain:
            texture = donor[np.ix_((rows[band] - down) % height, (columns - across) % width)]
        paste = np.clip(texture.astype(np.float32) + flaw.step, 0, 255)
        spoiled[window] = own * (1 - share) + paste * share
    return Picture(spoiled, picture.valid)


def _bands(rows: int) -> list[slice]:
    """All rows, BAND_ROWS at a time."""
    return [slice(start, start + BAND_ROWS) for start in range(0, rows, BAND_ROWS)]


def _thin(
    shape: tuple[int, ...], centre: tuple[int, int], length_px: float, angle_deg: float
) -> NDArray[np.float32]:
    """How much of each pixel (H, W) a bar covers that is a third as wide as it is long."""
    bar = np.empty(shape, np.float32)
    angle, down, x = np.deg2rad(angle_deg), np.arange(shape[0]), np.arange(shape[1]) - centre[1]
    for band in _bands(shape[0]):
        y = down[band, None] - centre[0]
        along, beside = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
        covered = [
            np.clip((width + 1) / 2 - np.abs(offset), 0, min(1.0, width))
            for offset, width in ((along, length_px), (beside, length_px / 3))
        ]
        bar[band] = covered[0] * covered[1]
    return bar


def _at(share: float, valid: NDArray[np.bool_]) -> int:
    """The row that lies this share of the way through those with a valid pixel."""
    rows = np.flatnonzero(valid.any(1))
    return int(rows[int(share * len(rows))])
