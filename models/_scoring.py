"""How what a model measures of a picture becomes one score and one map: the only place that does it.

Judging, calibration, the choice of the picture size and trials all call `score`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

BAND_ROWS = 1024
"""Rows of pixels brought to patches at a time: those of 20 megapixels in float32 would be 80 MB."""

_NOTHING = np.float32(0.0)
"""Value of patches that are not inspected; what is usual, or below it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scoring:
    """What a score depends on beside the measured maps; a recipe keeps it.

    `smoothing_patches` is the sigma, in patches, of the average over neighbours, 0 for none; `level`
    is the share of the picture's mean that is added to every patch; `fine_weight` that of
    the highest fine density within a patch.
    """

    smoothing_patches: float
    level: float
    fine_weight: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class ScaleMaps:
    """How unusual patches are at one scale, float32 (..., h, w), in deviations of good ones.

    `plain` is by place alone, `density` by what a patch looks like, too.
    """

    plain: Array
    density: Array


@dataclass(frozen=True, slots=True, eq=False)
class PatchMaps:
    """What a model measures of the patches of one canvas.

    `distances` is float32 (h, w), one a patch, higher is worse. `finer` are the scales beside it, on
    grids (k h, k w), finest last. `detail` (h', w') is that of recipes made before there were
    several scales: drawn, never scored.
    """

    distances: Array
    finer: tuple[ScaleMaps, ...] = ()
    detail: Array | None = None
    told: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    """What the program tells beside: `attention_k` (h, w) of scale k on a vision transformer; asked to, `near_k`,
    `distance_k`, `points_k`, `rebuilt`."""


def maps_by_place(planes: Sequence[Array]) -> PatchMaps:
    """The maps of a model that knows places and no looks: one (h, w) a scale, coarsest first."""
    return PatchMaps(planes[0], tuple(ScaleMaps(plane, plane) for plane in planes[1:]))


@dataclass(frozen=True, slots=True, eq=False)
class AnomalyMap:
    """Raw distances of a picture's patches to what is normal.

    `values` is float32 (h, w) on the finest grid there is, higher is worse, never clipped, never
    rescaled, read-only.
    `score` is that of the whole picture; `offset` is the part of it that all patches share, so a
    place is at fault where its value is above the threshold less the offset. Raises ValueError for
    another shape or dtype, and for numbers that are not finite.
    """

    values: Array
    score: float
    offset: float = 0.0
    neighbourhood: Array | None = None
    """What the score is the highest of (h', w'): both scales together, or smoothed distances."""
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
    """Score a picture by its worst patch, and keep a map of where it is.

    `valid` (H, W) says which pixels of the canvas count. A patch counts as the mean of all scales,
    plus `fine_weight` times the highest fine density within it: a speck only a fine scale sees. The
    score is the highest patch plus `level` times the mean of all: a place in a picture unusual all
    over counts more. Only valid patches score; the map also has those beside them. Raises ValueError
    when no patch is valid.
    """
    patches = to_grid(valid, *maps.distances.shape)
    if not patches.any():
        raise ValueError("score: expected at least one valid patch, got none")
    if not maps.finer:
        return _score_one_scale(maps, patches, scoring)
    inside = to_grid(valid, *maps.finer[-1].plain.shape)
    down, specks = _brought_down(maps, valid)
    fused = np.mean([maps.distances, *down], axis=0)
    scored = fused + scoring.fine_weight * np.max(specks, axis=0)
    offset = scoring.level * float(fused[patches].mean())
    return AnomalyMap(
        values=np.where(_beside(inside), _finest(maps), _NOTHING).astype(np.float32),
        score=float(scored[patches].max()) + offset,
        offset=offset,
        neighbourhood=np.where(patches, scored, _NOTHING).astype(np.float32),
    )


def shares(
    maps: PatchMaps, valid: NDArray[np.bool_], scoring: Scoring, patch: tuple[int, int]
) -> dict[str, float]:
    """What each measure adds to the score at a patch (row, column) of the coarsest grid.

    `scale_k` is the patch at scale k, coarsest first; `speck_k` the highest patch within it of the
    finer scale that has the highest; `whole` what the picture as a whole adds. Their sum is what the
    patch brings the picture to: the score, at its worst patch.
    """
    found = score(maps, valid, scoring)
    if not maps.finer:
        return {"scale_0": float(found.scored[patch]), "whole": found.offset}
    down, specks = _brought_down(maps, valid)
    planes = [maps.distances, *down]
    finest = int(np.argmax([plane[patch] for plane in specks]))
    return {
        **{f"scale_{k}": float(plane[patch]) / len(planes) for k, plane in enumerate(planes)},
        f"speck_{finest + 1}": scoring.fine_weight * float(specks[finest][patch]),
        "whole": found.offset,
    }


def _brought_down(maps: PatchMaps, valid: NDArray[np.bool_]) -> tuple[list[Array], list[Array]]:
    """Mean plain value and highest density of each finer scale within each patch of the coarsest."""
    grids = [to_grid(valid, *scale.plain.shape) for scale in maps.finer]
    pairs, coarsest = list(zip(maps.finer, grids, strict=True)), maps.distances.shape
    down = [_mean_within(scale.plain, inside, coarsest) for scale, inside in pairs]
    specks = [_highest_within(scale.density, inside, coarsest) for scale, inside in pairs]
    return down, specks


def _score_one_scale(maps: PatchMaps, patches: NDArray[np.bool_], scoring: Scoring) -> AnomalyMap:
    """The score of `distances` alone; smoothed, a lone noisy patch counts less than two neighbours."""
    weight, distances = patches.astype(np.float32), maps.distances
    around = _smooth(distances, weight, scoring.smoothing_patches)
    offset = scoring.level * float(distances[patches].mean())
    beside = _beside(patches)
    detail = maps.detail
    return AnomalyMap(
        values=np.where(beside, distances, _NOTHING).astype(np.float32),
        score=float(around[patches].max()) + offset,
        offset=offset,
        neighbourhood=np.where(patches, around, _NOTHING).astype(np.float32),
        detail=None if detail is None else _standing_out(detail, valid=patches, beside=beside),
    )


def _finest(maps: PatchMaps) -> Array:
    """The mean of all scales on the finest grid."""
    size = maps.finer[-1].plain.shape[::-1]
    planes = [maps.distances, *(scale.plain for scale in maps.finer)]
    each = [cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR) for plane in planes]
    return np.asarray(np.mean(each, axis=0), np.float32)


def _mean_within(values: Array, valid: NDArray[np.bool_], grid: tuple[int, ...]) -> Array:
    """Mean of the valid `values` (k h, k w) within each patch of `grid` (h, w); 0 where none is."""
    weight = valid.astype(np.float32)
    sums, counts = (_within(plane, grid).sum((1, 3)) for plane in (values * weight, weight))
    return np.asarray(sums / np.maximum(counts, 1.0), np.float32)


def _highest_within(values: Array, valid: NDArray[np.bool_], grid: tuple[int, ...]) -> Array:
    """Highest of the valid `values` (k h, k w) within each patch of `grid` (h, w); 0 where none is."""
    highest = _within(np.where(valid, values, -np.inf), grid).max((1, 3))
    return np.where(np.isfinite(highest), highest, 0.0).astype(np.float32)


def _within(values: Array, grid: tuple[int, ...]) -> Array:
    """Cut (k h, k w) into the patches of a grid: (h, k, w, k)."""
    height, width = grid
    return values.reshape(height, values.shape[0] // height, width, values.shape[1] // width)


def _beside(patches: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The valid patches and those beside them: too noisy to score, but outlines should reach the edge."""
    return np.asarray(cv2.dilate(patches.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0)


def to_grid(valid: NDArray[np.bool_], height: int, width: int) -> NDArray[np.bool_]:
    """Reduce pixel validity (H, W) to patches (height, width): valid where most pixels are."""
    patch, rest = divmod(valid.shape[0], height)
    if rest or valid.shape[0] <= BAND_ROWS:
        return _mostly(valid, height, width)
    step = max(1, BAND_ROWS // patch)
    bands = [valid[start * patch : (start + step) * patch] for start in range(0, height, step)]
    return np.concatenate([_mostly(band, len(band) // patch, width) for band in bands])


def _mostly(valid: NDArray[np.bool_], height: int, width: int) -> NDArray[np.bool_]:
    share = cv2.resize(valid.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(share > 0.5)


def _smooth(values: Array, weight: Array, sigma: float) -> Array:
    """Average `values` (h, w) over neighbours, counting only those of weight 1."""
    if sigma <= 0:
        return values
    blurred, share = (
        cv2.GaussianBlur(plane, (0, 0), sigmaX=sigma, borderType=cv2.BORDER_REFLECT_101)
        for plane in (values * weight, weight)
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
