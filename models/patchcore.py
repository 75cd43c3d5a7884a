"""PatchCore: the distance of each patch's features to the nearest in a memory of good patches.

Roth et al., "Towards Total Recall in Industrial Anomaly Detection", CVPR 2022; whitening after
"MH-PatchCore"; each place's distances are then set against what is usual there. Streaming: memory
does not grow with the number of pictures.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from models._backbone import (
    Backbone,
    feature_program,
    load_backbone,
    row_channels,
    torch_features,
)
from models._coreset import greedy_coreset
from models._distance import nearest_distance
from models._places import learn_places
from models._program import Program, append_search
from models.base import AnomalyModel, Canvas, ModelError, NotFitted, Picture, Progress, to_grid

if TYPE_CHECKING:
    import openvino

Array = NDArray[np.float32]

KEPT_BYTES = 96 * 2**20
"""Features kept in memory between the two passes; pictures beyond it are looked at twice."""

HANDFUL = 32
"""Pictures run through the network before their features are worked on."""

SHRINKAGE = 1.0
"""Added to each variance before whitening, as a share of their mean: quiet directions stay quiet."""


@dataclass(frozen=True, slots=True, eq=False)
class Memory:
    """What a fold or the whole set taught: `mean` (C,), `projection` (C, d), `bank` (m, d)."""

    mean: Array
    projection: Array
    bank: Array

    def distances(self, rows: Array) -> Array:
        """Give the distance (n,) of feature rows (n, C) to the nearest good patch."""
        points = rows @ self.projection - self.mean @ self.projection
        return nearest_distance(points.astype(np.float32, copy=False), self.bank)


class PatchCore(AnomalyModel):
    """Patch features, whitened and projected, against a bounded greedy coreset of good ones."""

    name = "patchcore"

    def __init__(
        self,
        *,
        backbone: str = "tf_efficientnet_lite0",
        weights: Path | None = None,
        strides: tuple[int, ...] = (8, 16),
        pool: int = 3,
        components: int = 96,
        bank_size: int = 5000,
        candidates: int = 100_000,
        smoothing_patches: float = 1.25,
        level: float = 1.0,
        seed: int = 0,
    ) -> None:
        self.backbone = backbone
        self.weights = weights
        self.strides = strides
        self.pool = pool
        self.components = components
        self.bank_size = bank_size
        self.candidates = candidates
        self.smoothing_patches = smoothing_patches
        self.level = level
        self.seed = seed

    def fit(
        self,
        pictures: Sequence[Picture],
        *,
        folds: NDArray[np.intp],
        progress: Progress = lambda what, done, of: None,
    ) -> Self:
        """Pass over the pictures, choose the memory, then score each by a memory without it."""
        if len(pictures) != len(folds):
            raise ModelError(f"patchcore: {len(pictures)} pictures but {len(folds)} fold numbers")
        self._start(*pictures[0].canvas.shape[:2])
        seen = self._look(pictures, folds, progress)
        self.memory_ = self._learn(seen, None)
        raw = np.empty((len(pictures), *self.grid_), dtype=np.float32)
        several = len(np.unique(folds)) > 1
        for number, fold in enumerate(np.unique(folds)):
            progress("Calibrating", number, len(np.unique(folds)))
            memory = self._learn(seen, int(fold)) if several else self.memory_
            members = np.flatnonzero(folds == fold)
            for some in np.array_split(members, len(members) // 64 + 1):
                rows = np.concatenate(
                    [seen.rows(i) if i in seen.kept else self._rows(pictures[i]) for i in some]
                )
                raw[some] = memory.distances(rows).reshape(-1, *self.grid_)
        progress("Calibrating", len(np.unique(folds)), len(np.unique(folds)))
        self.places_ = learn_places(raw, seen.valid)
        self.held_out_maps_ = self._even_out_of_sample(raw, seen.valid, folds)
        projected = (seen.sums - self.memory_.mean) @ self.memory_.projection
        self.descriptors_ = projected.astype(np.float32)
        return self

    def distances(self, canvas: Canvas) -> Array:
        """Measure one canvas by torch: the reference the program is checked against."""
        if not hasattr(self, "memory_"):
            raise NotFitted("patchcore: asked to score before it was taught; call fit first")
        rows = torch_features(self.network_, canvas, pool=self.pool)
        return self.places_.even(self.memory_.distances(rows).reshape(self.grid_))

    def program(self) -> openvino.Model:
        """Give preprocessing, backbone, projection and search as one program."""
        if not hasattr(self, "memory_"):
            raise NotFitted("patchcore: asked for its program before it was taught; call fit first")
        memory = self.memory_
        return append_search(
            self._features.model.clone(),
            mean=memory.mean,
            projection=memory.projection,
            bank=memory.bank,
            places=self.places_,
        )

    def card(self) -> dict[str, Any]:
        """Give hyperparameters, weights and sizes."""
        return {
            "name": self.name,
            "backbone": self.backbone,
            "mean": list(self.network_.mean),
            "std": list(self.network_.std),
            "strides": list(self.network_.strides),
            "channels": list(self.network_.channels),
            "pool": self.pool,
            "components": int(self.memory_.projection.shape[1]),
            "bank_size": len(self.memory_.bank),
            "candidates": self.candidates,
            "grid": list(self.grid_),
            "seed": self.seed,
        }

    def _even_out_of_sample(
        self, raw: Array, valid: NDArray[np.bool_], folds: NDArray[np.intp]
    ) -> Array:
        """Even out each fold's maps by what is usual in the other folds."""
        even = self.places_.even(raw)
        for fold in np.unique(folds):
            others = folds != fold
            if others.any():
                even[~others] = learn_places(raw[others], valid[others]).even(raw[~others])
        return even

    def _start(self, height_px: int, width_px: int) -> None:
        """Get the feature program for pictures of this size."""
        self.network_: Backbone = load_backbone(
            self.backbone, strides=self.strides, weights=self.weights
        )
        self.grid_ = (height_px // max(self.strides), width_px // max(self.strides))
        self._features = Program(
            feature_program(self.network_, height_px=height_px, width_px=width_px, pool=self.pool)
        )

    def _rows(self, picture: Picture) -> Array:
        return self._features.run(picture.canvas)[0]

    def _passing(self, pictures: Sequence[Picture]) -> Iterator[tuple[int, Picture, Array]]:
        """Run pictures by the handful: idle BLAS threads spin, and would slow each run in turn."""
        for start in range(0, len(pictures), HANDFUL):
            handful = [pictures[i] for i in range(start, min(start + HANDFUL, len(pictures)))]
            rows = [self._rows(picture) for picture in handful]
            yield from zip(range(start, len(pictures)), handful, rows, strict=False)

    def _look(
        self, pictures: Sequence[Picture], folds: NDArray[np.intp], progress: Progress
    ) -> _Seen:
        """Pass over the pictures once: moments for whitening, candidates for the memory."""
        rng = np.random.default_rng(self.seed)
        quota = max(1, self.candidates // len(pictures))
        channels = row_channels(self.network_, pool=self.pool)
        seen = _Seen(
            np.empty((len(pictures), channels), dtype=np.float32),
            np.empty((len(pictures), *self.grid_), dtype=bool),
        )
        room = KEPT_BYTES
        for i, picture, rows in self._passing(pictures):
            fold = folds[i]
            seen.sums[i] = rows.mean(0)
            if 2 * rows.size <= room:
                seen.kept[i] = rows.astype(np.float16)
                room -= 2 * rows.size
            seen.valid[i] = to_grid(picture.valid, *self.grid_)
            good = rows[seen.valid[i].ravel()]
            seen.moments.setdefault(int(fold), _Moments(channels)).add(good)
            take = rng.permutation(len(good))[:quota]
            seen.candidates.setdefault(int(fold), []).append(good[np.sort(take)])
            progress("Looking at good parts", i + 1, len(pictures))
        return seen

    def _learn(self, seen: _Seen, without: int | None) -> Memory:
        """Whiten, project and choose the memory from all folds but one."""
        folds = [fold for fold in seen.moments if fold != without]
        mean, projection = _whitening([seen.moments[fold] for fold in folds], self.components)
        rows = np.concatenate([part for fold in folds for part in seen.candidates[fold]])
        if len(rows) == 0:
            raise ModelError("patchcore: no patch to learn from; the region of interest is empty")
        points = rows @ projection - mean @ projection
        del rows
        rng = np.random.default_rng([self.seed, 0 if without is None else without + 1])
        return Memory(mean, projection, points[greedy_coreset(points, self.bank_size, rng=rng)])


class _Moments:
    """Running count, sum and product sum of feature rows."""

    def __init__(self, channels: int) -> None:
        self.count = 0
        self.sum = np.zeros(channels)
        self.products = np.zeros((channels, channels))

    def add(self, rows: Array) -> None:
        self.count += len(rows)
        self.sum += rows.sum(0, dtype=np.float64)
        self.products += rows.T @ rows


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """What one pass leaves: each picture's mean features `sums` (n, C) and `valid` patches (n, h, w)."""

    sums: Array
    valid: NDArray[np.bool_]
    kept: dict[int, NDArray[np.float16]] = field(default_factory=dict)
    moments: dict[int, _Moments] = field(default_factory=dict)
    candidates: dict[int, list[Array]] = field(default_factory=dict)

    def rows(self, index: int) -> Array:
        """Give a kept picture's features (n, C)."""
        return self.kept[index].astype(np.float32)


def _whitening(parts: list[_Moments], components: int) -> tuple[Array, Array]:
    """Give mean (C,) and projection (C, d) so that projected good patches have variance 1 or less."""
    count = sum(part.count for part in parts)
    mean = np.sum([part.sum for part in parts], axis=0) / max(count, 1)
    products = np.sum([part.products for part in parts], axis=0)
    covariance = products / max(count, 1) - np.outer(mean, mean)
    variances, axes = np.linalg.eigh(covariance)
    variances, axes = variances[::-1][:components].clip(0), axes[:, ::-1][:, :components]
    floor = SHRINKAGE * max(float(np.trace(covariance)) / len(covariance), 1e-12)
    projection = axes / np.sqrt(variances + floor)
    return mean.astype(np.float32), np.ascontiguousarray(projection, dtype=np.float32)
