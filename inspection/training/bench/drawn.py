"""Defects of several kinds and sizes drawn into good test pictures, as files that anybody can judge."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from cameras import read_image
from inspection.training.drawn_defects import SIZES, draw_flaw, spoil
from models import Picture, Progress

Image = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnPicture:
    """A picture file with a defect drawn in, of a length that is a share of its longer side."""

    path: Path
    kind: str
    length: float


def draw_defects(
    good: Sequence[Path], folder: Path, *, each: int, seed: int, progress: Progress
) -> tuple[DrawnPicture, ...]:
    """Draw `each` pictures of every kind and size of KINDS and SIZES from good test pictures.

    They are the same for all contenders and all numbers of good pictures.
    """
    rng = np.random.default_rng([seed, 2])
    drawn: list[DrawnPicture] = []
    total = each * len(KINDS) * len(SIZES)
    for kind, draw in KINDS.items():
        for length in SIZES:
            for index in rng.permutation(np.resize(np.arange(len(good)), max(each, len(good))))[
                :each
            ]:
                image = _coloured(read_image(good[int(index)]))
                path = folder / f"{kind}_{length}_{len(drawn):05d}.png"
                spoiled = draw(image, length, rng)
                cv2.imwrite(str(path), cv2.cvtColor(spoiled, cv2.COLOR_RGB2BGR))
                drawn.append(DrawnPicture(path=path, kind=kind, length=length))
                progress("Drawing defects in", len(drawn), total)
    return tuple(drawn)


def _coloured(image: Image) -> Image:
    return image if image.ndim == 3 else np.repeat(image[..., None], 3, 2)


def _flaw(image: Image, length: float, rng: np.random.Generator, *, stain: bool) -> Image:
    """A scar or a stain as training draws them; a scar's texture is the picture's own."""
    picture = Picture(image, np.ones(image.shape[:2], dtype=bool))
    return np.asarray(spoil(picture, image, draw_flaw(length, rng, stain=stain)).canvas)


def _scratch(image: Image, length: float, rng: np.random.Generator) -> Image:
    """A straight line, a thirtieth as wide as it is long and at least a pixel."""
    length_px = length * max(image.shape[:2])
    centre, angle = _place(image, rng), rng.uniform(0, np.pi)
    half = length_px / 2 * np.array([np.cos(angle), np.sin(angle)])
    mask = np.zeros(image.shape[:2], np.uint8)
    ends = [tuple(int(v) for v in (centre + sign * half).round()) for sign in (-1, 1)]
    cv2.line(mask, ends[0], ends[1], 255, max(1, round(length_px / 30)), cv2.LINE_AA)
    return _shifted(image, mask, _step(rng))


def _hole(image: Image, length: float, rng: np.random.Generator) -> Image:
    """A round spot with a sharp edge."""
    mask = np.zeros(image.shape[:2], np.uint8)
    x, y = (int(v) for v in _place(image, rng))
    radius = max(1, round(length * max(image.shape[:2]) / 2))
    cv2.circle(mask, (x, y), radius, 255, -1, cv2.LINE_AA)
    return _shifted(image, mask, _step(rng))


def _place(image: Image, rng: np.random.Generator) -> NDArray[np.float64]:
    """A place (x, y) in px."""
    return rng.random(2) * image.shape[1::-1]


def _step(rng: np.random.Generator) -> float:
    """Grey levels brighter or darker."""
    return float(rng.choice([-1, 1]) * rng.uniform(20, 60))


def _shifted(image: Image, mask: Image, step: float) -> Image:
    """Make pixels brighter or darker by `step` where the mask (H, W) says so."""
    changed = image + step * (mask[..., None] / np.float32(255))
    return np.clip(changed, 0, 255).astype(np.uint8)


KINDS: dict[str, Callable[[Image, float, np.random.Generator], Image]] = {
    "scar": partial(_flaw, stain=False),
    "stain": partial(_flaw, stain=True),
    "scratch": _scratch,
    "hole": _hole,
}
