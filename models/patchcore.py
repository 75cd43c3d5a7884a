"""PatchCore: the distance of each patch's features to the nearest in a memory of good patches.

Roth et al., "Towards Total Recall in Industrial Anomaly Detection", CVPR 2022; whitening after
"MH-PatchCore". Each distance is set against what is usual for the patch's look and for its place, at
several sizes of the canvas. Streaming: memory does not grow with the number of pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from models._backbone import Backbone, load_backbone, row_channels
from models._conversion import fingerprint
from models._feature_pass import FeaturePass
from models._features import PatchFeatures
from models._program import Outputs, append_search, append_tile_search, search_outputs
from models._scale import BATCH_PATCHES, learn_scale
from models._scoring import PatchMaps, ScaleMaps, to_grid
from models.base import AnomalyModel, CanvasImage, ModelError, Picture, Progress

if TYPE_CHECKING:
    import openvino

Array = NDArray[np.float32]


class PatchCore(AnomalyModel):
    """Patch features, whitened and projected, against a bounded greedy coreset of good ones.

    `shrinks` are the scales it looks at, coarsest first: how many times smaller than the canvas, each
    a divisor of the first, the last 1. Each has a memory of its own; their maps are averaged patch
    by patch.
    """

    name = "patchcore"
    family = "memory of features"
    tells_features = True

    def __init__(
        self,
        *,
        backbone: str = "tf_efficientnet_lite0",
        weights: Path | None = None,
        shrinks: tuple[int, ...] = (2, 1),
        strides: tuple[int, ...] = (8, 16),
        pool: int = 3,
        components: int = 96,
        bank_size: int = 5000,
        candidates: int = 100_000,
        smoothing_patches: float = 0.0,
        level: float = 0.5,
        fine_weight: float = 0.5,
        seed: int = 0,
    ) -> None:
        super().__init__(
            backbone=backbone,
            weights=weights,
            shrinks=shrinks,
            smoothing_patches=smoothing_patches,
            level=level,
            fine_weight=fine_weight,
            seed=seed,
        )
        self.strides = strides
        self.pool = pool
        self.components = components
        self.bank_size = bank_size
        self.candidates = candidates

    def fit(
        self,
        pictures: Sequence[Picture],
        *,
        folds: NDArray[np.intp],
        progress: Progress = lambda what, done, of: None,
    ) -> Self:
        """Pass over the pictures, choose the memories, then measure each by those without it."""
        self.must_match(pictures, folds)
        if self.shrinks[-1] != 1 or any(self.shrinks[0] % n for n in self.shrinks):
            raise ModelError(
                f"{self.name}: shrinks must end with 1 and divide the first, got {self.shrinks}"
            )
        self._start(*pictures[0].canvas.shape[:2])
        passes = self._look(pictures, progress)
        numbered = _numbered(folds)
        learnt = [
            learn_scale(
                features,
                numbered,
                components=self.components,
                bank_size=self.bank_size,
                seed=self.seed,
                read=lambda numbers, k=k: [  # type: ignore[misc]
                    self._features.run(pictures[i].canvas)[k] for i in numbers
                ],
                progress=lambda done, of, k=k: progress(  # type: ignore[misc]
                    "Calibrating", k * of + done, len(passes) * of
                ),
            )
            for k, features in enumerate(passes)
        ]
        self._features.let_go()
        self.scales_ = [scale for scale, _ in learnt]
        self.held_out_ = [maps for _, maps in learnt]
        self.calibrated_ = np.arange(len(pictures))
        self.descriptors_ = self.scales_[0].memory.points(passes[0].sums)
        return self

    def measure(self, canvas: CanvasImage) -> PatchMaps:
        """Measure one canvas (H, W, 3) by torch: the reference the program is checked against."""
        self.must_be_taught()
        rows = self._features.by_torch(canvas)
        return _together([s.measure(r) for s, r in zip(self.scales_, rows, strict=True)])

    def held_out(self, index: int) -> PatchMaps:
        """What memories without its fold measured of this good picture. Raises NotFitted."""
        self.must_be_taught()
        return _together([ScaleMaps(m.plain[index], m.density[index]) for m in self.held_out_])

    def programs(self) -> tuple[openvino.Model, ...]:
        """Preprocessing, backbone, projection and search as one program, and one of a tile if need be."""
        self.must_be_taught()
        whole, *tile = (model.clone() for model in self._features.models)
        if not tile:
            return (append_search(whole, self.scales_),)
        *coarse, finest = self.scales_
        return (
            append_search(whole, coarse, tiled=finest),
            append_tile_search(tile[0], finest, self._features.tile_grid),
        )

    @property
    def origins(self) -> tuple[NDArray[np.intp], ...]:
        """Where each patch of the memories came from."""
        return tuple(scale.origins for scale in getattr(self, "scales_", ()))

    def feature_model(self) -> openvino.Model:
        """Preprocessing and network, to put `outputs` behind."""
        return self._features.models[0].clone()

    def outputs(self, features: openvino.Model) -> Outputs:
        """What it measures, as nodes behind a feature program of a canvas in one piece."""
        return search_outputs(features, self.scales_)

    def card(self) -> dict[str, Any]:
        """Hyperparameters, weights and sizes."""
        return {
            "name": self.name,
            "backbone": self.backbone,
            "weights": None if self.weights is None else self.weights.name,
            "weights_sha256": fingerprint(self.network_.network),
            "mean": list(self.network_.mean),
            "std": list(self.network_.std),
            "shrinks": list(self.shrinks),
            "strides": list(self.network_.strides),
            "channels": list(self.network_.channels),
            "pool": self.pool,
            "components": int(self.scales_[0].memory.projection.shape[1]),
            "bank_size": max(len(scale.memory.bank) for scale in self.scales_),
            "candidates": self.candidates,
            "grid": list(self.scales_[0].plain_positions.gain.shape),
            "seed": self.seed,
        }

    def _start(self, height_px: int, width_px: int) -> None:
        """Make the feature program for canvases of this size."""
        step = max(self.shrinks) * max(self.strides)
        if height_px % step or width_px % step:
            raise ModelError(
                f"{self.name}: the sides of the canvas must be multiples of {step} px, "
                f"got {height_px} x {width_px}"
            )
        self.network_: Backbone = self._load()
        self.grids_ = [
            (height_px // (n * max(self.strides)), width_px // (n * max(self.strides)))
            for n in self.shrinks
        ]
        self._features = PatchFeatures(
            self.network_, (height_px, width_px), pool=self.pool, shrinks=self.shrinks
        )

    def _load(self) -> Backbone:
        """What sees the patches."""
        return load_backbone(self.backbone, strides=self.strides, weights=self.weights)

    def _look(self, pictures: Sequence[Picture], progress: Progress) -> list[FeaturePass]:
        """Pass over the pictures once: moments for whitening and candidates for the memories."""
        passes = [
            FeaturePass(
                len(pictures),
                grid,
                row_channels(self.network_, pool=self.pool),
                quota=max(1, self.candidates // len(pictures)),
                seed=self.seed,
            )
            for grid in self.grids_
        ]
        # Run by the batch: idle BLAS threads spin, and would slow each run in turn.
        step = max(1, BATCH_PATCHES // sum(height * width for height, width in self.grids_))
        for start in range(0, len(pictures), step):
            batch = pictures[start : start + step]
            rows = [self._features.run(picture.canvas) for picture in batch]
            for i, picture in enumerate(batch, start):
                self._take(passes, i, picture, rows.pop(0))
                progress("Looking at good parts", i + 1, len(pictures))
            del batch, picture  # before the next are read: a large one is 60 MB
        return passes

    def _take(
        self, passes: list[FeaturePass], index: int, picture: Picture, scales: list[Array]
    ) -> None:
        """Take in one picture's rows (h * w, C) of each scale, which are not kept: large ones are 80 MB."""
        for features, grid, rows in zip(passes, self.grids_, scales, strict=True):
            features.take(index, rows, to_grid(picture.valid, *grid))


def _together(scales: list[ScaleMaps]) -> PatchMaps:
    """The maps of all scales, coarsest first, as a score is made of them."""
    return PatchMaps(scales[0].density, tuple(scales[1:]))


def _numbered(folds: NDArray[np.intp]) -> NDArray[np.intp]:
    """Number folds from 0 in the order they appear."""
    _, first, fold = np.unique(folds, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[fold]
