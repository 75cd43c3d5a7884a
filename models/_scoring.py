"""How what a model measures of a picture becomes one score and one map: the only place that does it.

Judging, calibration, the choice of the picture size and trials all call `score`.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scoring:
    """What a score depends on beside the measured distances; a recipe keeps it.

    `smoothing_patches` is the sigma, in patches, of the average over neighbours; `level` is the
    share of the picture's mean distance that is added to every patch.
    """

    smoothing_patches: float
    level: float


@dataclass(frozen=True, slots=True, eq=False)
class PatchMaps:
    """What a model measures of the patches of one canvas.

    `distances` is float32 (h, w), one a patch, higher is worse. `detail` is float32 (h', w') on a
    grid no coarser, None where a model has none.
    """

    distances: Array
    detail: Array | None = None


@dataclass(frozen=True, slots=True, eq=False)
class AnomalyMap:
    """Raw distances of a picture's patches to what is normal.

    `values` is float32 (h, w), higher is worse, never clipped, never rescaled, read-only.
    `score` is that of the whole picture; `offset` is the part of it that all patches share, so a
    place is at fault where its value is above the threshold less the offset. Raises ValueError for
    another shape or dtype, and for numbers that are not finite.
    """

    values: Array
    score: float
    offset: float = 0.0
    neighbourhood: Array | None = None
    """Mean distance around each valid patch (h, w), what the score is the highest of."""
    detail: Array | None = None
    """What stands out on a finer grid (h', w'), 0 or more, to be added to what is shown."""

    def __post_init__(self) -> None:
        if self.values.dtype != np.float32 or self.values.ndim != 2:
            raise ValueError(
                "AnomalyMap.values: expected float32 of shape (h, w), "
                f"got {self.values.dtype} {self.values.shape}"
            )
        if not np.isfinite(self.values).all():
            raise ValueError("AnomalyMap.values: expected finite numbers, got NaN or infinity")
        detail = self.detail
        if detail is not None and (
            detail.dtype != np.float32
            or detail.ndim != 2
            or min(np.subtract(detail.shape, self.values.shape)) < 0
            or not np.isfinite(detail).all()
        ):
            raise ValueError(
                "AnomalyMap.detail: expected finite float32 on a grid no coarser than the values', "
                f"got {detail.dtype} {detail.shape}"
            )
        for plane in self.shown:
            plane.flags.writeable = False

    @property
    def shown(self) -> tuple[Array, ...]:
        """The planes whose sum over the picture is its heat: the values, and the detail if any."""
        return (self.values,) if self.detail is None else (self.values, self.detail)

    @property
    def scored(self) -> Array:
        """The plane (h, w) whose highest value, plus the offset, is the score."""
        return self.values if self.neighbourhood is None else self.neighbourhood


def score(maps: PatchMaps, valid: NDArray[np.bool_], scoring: Scoring) -> AnomalyMap:
    """Score a picture by its worst neighbourhood, and keep its distances as the map.

    `valid` (H, W) says which pixels of the canvas count. The score is the highest Gaussian-weighted
    mean of distances plus `level` times the mean of all: a lone noisy patch counts less than two
    beside each other, and a place in a picture unusual all over counts more. Only valid patches
    score; the map also has those beside them. An average is never above what it averages, so a
    picture over a limit has a patch above the limit less the offset. The detail is shown, and is no
    part of the score. Raises ValueError when no patch is valid.
    """
    distances = maps.distances
    patches = to_grid(valid, *distances.shape)
    if not patches.any():
        raise ValueError("score: expected at least one valid patch, got none")
    weight = patches.astype(np.float32)
    around = _smooth(distances * weight, weight, scoring.smoothing_patches)
    offset = scoring.level * float(distances[patches].mean())
    # Patches half outside do not score, they are too noisy, but outlines should reach the edge.
    beside = cv2.dilate(weight, np.ones((3, 3), dtype=np.uint8)) > 0
    detail = maps.detail
    return AnomalyMap(
        values=np.where(beside, distances, 0.0).astype(np.float32),
        score=float(around[patches].max()) + offset,
        offset=offset,
        neighbourhood=(around * weight).astype(np.float32),
        detail=None if detail is None else _standing_out(detail, valid=patches, beside=beside),
    )


def to_grid(valid: NDArray[np.bool_], height: int, width: int) -> NDArray[np.bool_]:
    """Reduce pixel validity (H, W) to patches (height, width): valid where most pixels are."""
    share = cv2.resize(valid.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(share > 0.5)


def _smooth(values: Array, weight: Array, sigma: float) -> Array:
    """Average `values` (h, w) over neighbours, counting only those of weight 1."""
    blurred, share = (
        cv2.GaussianBlur(plane, (0, 0), sigmaX=sigma, borderType=cv2.BORDER_REFLECT_101)
        for plane in (values, weight)
    )
    return np.asarray(blurred / np.maximum(share, 1e-6), np.float32)


def _standing_out(detail: Array, *, valid: NDArray[np.bool_], beside: NDArray[np.bool_]) -> Array:
    """By how much `detail` (h', w') is above its mean over the `valid` patches (h, w)."""
    size = detail.shape[::-1]
    inside, near = (
        cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
        for mask in (valid, beside)
    )
    return np.where(near, np.maximum(detail - detail[inside].mean(), 0.0), 0.0).astype(np.float32)
