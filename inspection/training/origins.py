"""What a recipe keeps of the good pictures, so that a verdict can be explained by pairs of patches."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

import models
from inspection.judging.encode import encoded_jpeg
from inspection.recipe import Recipe
from inspection.recipe.origins import Origins
from inspection.training.good_pictures import GoodPictures, at_once

THUMBNAIL_PX = 256
"""Longer side of a good picture kept to show patches from."""

MOST_THUMBNAILS = 200
"""Good pictures shown, those with most patches in the memories first; each is read once more."""

MOST_BYTES = 40_000_000
"""Of a recipe with its thumbnails; a larger one keeps numbers only."""


def kept_origins(
    model: models.AnomalyModel, pictures: GoodPictures, recipe: Recipe
) -> Origins | None:
    """Say where the model's memories came from; None where it keeps no good patches.

    `recipe` is the recipe made of it, without them.
    """
    scales = model.origins
    if not scales:
        return None
    names = tuple(good.path.name for good in pictures.used)
    bare = Origins(pictures=names, scales=scales, points=model.kept_points, thumbnails={})
    counts = np.bincount(np.concatenate(scales)[:, 0], minlength=len(names))
    shown = np.argsort(-counts, kind="stable")[: min(MOST_THUMBNAILS, int((counts > 0).sum()))]
    numbers = sorted(map(int, shown))
    found = at_once(lambda number: _thumbnail(pictures[number].canvas), numbers)
    full = replace(bare, thumbnails=dict(zip(numbers, found, strict=True)))
    room = MOST_BYTES - sum(map(len, recipe.members().values()))
    return full if len(full.to_bytes()) <= room else bare


def _thumbnail(canvas: models.base.CanvasImage) -> bytes:
    share = min(1.0, THUMBNAIL_PX / max(canvas.shape[:2]))
    size = (max(1, round(canvas.shape[1] * share)), max(1, round(canvas.shape[0] * share)))
    small = cv2.resize(canvas, size, interpolation=cv2.INTER_AREA)
    return encoded_jpeg(np.asarray(small, dtype=np.uint8))
