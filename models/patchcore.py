"""PatchCore: the distance of each patch's features to the nearest in a memory of good patches.

Roth et al., "Towards Total Recall in Industrial Anomaly Detection", CVPR 2022; whitening after
"MH-PatchCore"; each place's distances are then set against what is usual there. Streaming: memory
does not grow with the number of pictures.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from models._backbone import (
    Backbone,
    feature_program,
    fingerprint,
    load_backbone,
    row_channels,
    torch_features,
)
from models._detail import FineSample
from models._distance import nearest_distance
from models._feature_pass import FeaturePass
from models._held_out_banks import select_banks
from models._position_norm import learn_position_normalization
from models._program import Program, append_search
from models._scoring import to_grid
from models._whitening import whitening
from models.base import AnomalyModel, CanvasImage, ModelError, NotFitted, Picture, Progress

if TYPE_CHECKING:
    import openvino

Array = NDArray[np.float32]

BATCH_PATCHES = 16_384
"""Patches of the pictures run through the network before their features are worked on."""


@dataclass(frozen=True, slots=True, eq=False)
class Memory:
    """What good pictures taught: `mean` (C,), `projection` (C, d), `bank` (m, d)."""

    mean: Array
    projection: Array
    bank: Array

    def distances(self, rows: Array) -> Array:
        """The distance (n,) of feature rows (n, C) to the nearest good patch."""
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
        level: float = 0.5,
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
            raise ModelError(f"{self.name}: {len(pictures)} pictures but {len(folds)} fold numbers")
        self._start(*pictures[0].canvas.shape[:2])
        seen, fine = self._collect(pictures, progress)
        raw = self._learn(pictures, seen, _numbered(folds), progress)
        self.places_ = learn_position_normalization(raw, seen.valid)
        self.held_out_maps_ = self._even_out_of_sample(raw, seen.valid, folds)
        self.detail_ = fine.learn(deviation=float(self.held_out_maps_[seen.valid].std()))
        projected = (seen.sums - self.memory_.mean) @ self.memory_.projection
        self.descriptors_ = projected.astype(np.float32)
        return self

    def distances(self, canvas: CanvasImage) -> Array:
        """Measure one canvas by torch: the reference the program is checked against."""
        if not hasattr(self, "memory_"):
            raise NotFitted(f"{self.name}: asked to score before it was taught; call fit first")
        rows, _ = torch_features(self.network_, canvas, pool=self.pool)
        return self.places_.apply(self.memory_.distances(rows).reshape(self.grid_))

    def program(self) -> openvino.Model:
        """Preprocessing, backbone, projection and search as one program. Raises NotFitted."""
        if not hasattr(self, "memory_"):
            raise NotFitted(
                f"{self.name}: asked for its program before it was taught; call fit first"
            )
        memory = self.memory_
        return append_search(
            self._features.model.clone(),
            mean=memory.mean,
            projection=memory.projection,
            bank=memory.bank,
            places=self.places_,
            detail=self.detail_,
        )

    def card(self) -> dict[str, Any]:
        """Name, hyperparameters, weights and sizes."""
        return {
            "name": self.name,
            "backbone": self.backbone,
            "weights": None if self.weights is None else self.weights.name,
            "weights_sha256": fingerprint(self.network_),
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
        even = self.places_.apply(raw)
        for fold in np.unique(folds):
            others = folds != fold
            if others.any():
                even[~others] = learn_position_normalization(raw[others], valid[others]).apply(
                    raw[~others]
                )
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

    def _batch(self) -> int:
        """How many pictures have about BATCH_PATCHES patches together."""
        return max(1, BATCH_PATCHES // (self.grid_[0] * self.grid_[1]))

    def _passing(self, pictures: Sequence[Picture]) -> Iterator[tuple[int, Picture, list[Array]]]:
        """Run pictures in batches: idle BLAS threads spin, and would slow each run in turn."""
        step = self._batch()
        for start in range(0, len(pictures), step):
            batch = pictures[start : start + step]
            found = [self._features.run(picture.canvas) for picture in batch]
            yield from zip(range(start, len(pictures)), batch, found, strict=False)

    def _collect(
        self, pictures: Sequence[Picture], progress: Progress
    ) -> tuple[FeaturePass, FineSample]:
        """Pass over the pictures once: moments for whitening, candidates for the memory, detail."""
        seen = FeaturePass(
            len(pictures),
            self.grid_,
            row_channels(self.network_, pool=self.pool),
            quota=max(1, self.candidates // len(pictures)),
            seed=self.seed,
        )
        fine_grid = tuple(side // min(self.strides) for side in pictures[0].canvas.shape[:2])
        fine = FineSample(len(pictures), fine_grid, self.network_.channels[0])
        for i, picture, (rows, fine_rows) in self._passing(pictures):
            seen.take(i, rows, to_grid(picture.valid, *self.grid_))
            fine.take(i, fine_rows, to_grid(picture.valid, *fine.grid))
            progress("Looking at good parts", i + 1, len(pictures))
        return seen, fine

    def _learn(
        self,
        pictures: Sequence[Picture],
        seen: FeaturePass,
        folds: NDArray[np.intp],
        progress: Progress,
    ) -> Array:
        """Choose the memory; give each picture's distances (n, h, w) to a memory without its fold.

        `folds` (n,) counts from 0. Candidates stand fold by fold.
        """
        whose = folds[np.nonzero(seen.candidate)[0]]
        count = int(folds.max()) + 1
        if len(np.unique(whose)) < min(count, 2):
            raise ModelError(
                f"{self.name}: no patch to learn from; the region of interest is empty"
            )
        progress("Calibrating", 0, count)
        mean, projection = whitening(seen.moments, self.components)
        order = np.argsort(whose, kind="stable")
        points = seen.points(mean, projection)[order]
        rng = np.random.default_rng([self.seed, 0])
        bank, apart = select_banks(points, whose[order], self.bank_size, rng=rng)
        self.memory_ = Memory(mean, projection, bank)
        raw = np.zeros(seen.candidate.shape, dtype=np.float32)
        for fold, found in enumerate(apart):
            raw[seen.candidate & (folds == fold)[:, None]] = found.distances
            memory = Memory(mean, projection, found.bank)
            self._measure_rest(pictures, seen, np.flatnonzero(folds == fold), memory, raw)
            progress("Calibrating", fold + 1, count)
        return raw.reshape(-1, *self.grid_)

    def _measure_rest(
        self,
        pictures: Sequence[Picture],
        seen: FeaturePass,
        members: NDArray[np.intp],
        memory: Memory,
        raw: Array,
    ) -> None:
        """Measure the members' patches that were no candidates, into `raw` (n, h * w)."""
        members = members[seen.rest[members].any(1)]
        step = self._batch()
        for start in range(0, len(members), step):
            some = members[start : start + step]
            kept = [seen.kept(i) for i in some]
            rows = [
                self._features.run(pictures[i].canvas)[0][seen.rest[i]] if known is None else known
                for i, known in zip(some, kept, strict=True)
            ]
            distances = raw[some]
            distances[seen.rest[some]] = memory.distances(np.concatenate(rows))
            raw[some] = distances


def _numbered(folds: NDArray[np.intp]) -> NDArray[np.intp]:
    """Number folds from 0 in the order they appear."""
    _, first, fold = np.unique(folds, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[fold]
