"""What models share that put a taught head on frozen patch features, at each scale.

The network, the scales and the score are those of `patchcore`; a head says how unusual each whitened
patch is. A head that is cheap is taught once for each fold, and scores the fold it has not seen. One
that is dear is taught once, without a share of the pictures: those are what it is calibrated on.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from models._backbone import load_backbone, row_channels
from models._conversion import fingerprint, to_openvino
from models._coreset import greedy_coreset
from models._drawn_in import draw_blobs
from models._features import PatchFeatures
from models._held_out_share import hold_out
from models._position_norm import PositionNormalization, learn_positions
from models._program import Outputs, head_outputs, named
from models._scoring import PatchMaps, maps_by_place, to_grid
from models._tiles import in_one_piece
from models._whitening import Moments, whitening
from models.base import AnomalyModel, CanvasImage, ModelError, Picture, Progress

if TYPE_CHECKING:
    import openvino
    import torch

Array = NDArray[np.float32]
Rows = NDArray[np.intp]

SAMPLED_PATCHES = 40_000
"""Patches of all good pictures together, about, that a head is taught on."""


KEPT_PATCHES = 1000
"""Good patches of each scale that are only kept to show what a part is most like."""


@dataclass(frozen=True, slots=True, eq=False)
class Patches:
    """Whitened patches to teach a head on: `points` (n, d), and `places` (n,), counted row by row.

    `drawn` (m, d) have a defect drawn in, of a head that learns from such.
    """

    points: Array
    places: Rows
    grid: tuple[int, int]
    drawn: Array


@dataclass(frozen=True, slots=True, eq=False)
class _HeadScale:
    """What one size of the canvas taught: whitening, the head behind it, and what is usual where.

    `kept` are good patches: which picture and place each is of (m, 2), and its whitened features (m, d).
    """

    mean: Array
    projection: Array
    head: torch.nn.Module
    positions: PositionNormalization
    kept: tuple[Rows, Array]

    def raw(self, rows: Array) -> Array:
        """How unusual the head finds feature rows (h * w, C) of a picture, as a map (h, w)."""
        points = rows @ self.projection - self.mean @ self.projection
        return _measured(self.head, points).reshape(self.positions.gain.shape)


class HeadModel(AnomalyModel):
    """Frozen patch features, whitened, and a taught head that says how unusual each is."""

    tells_features = True
    in_folds: ClassVar[bool] = True
    """Whether the head is cheap enough to be taught once for each fold."""
    from_drawn: ClassVar[bool] = False
    """Whether the head learns from defects drawn into good pictures, too."""

    def __init__(
        self,
        *,
        backbone: str = "tf_efficientnet_lite0",
        weights: Path | None = None,
        shrinks: tuple[int, ...] = (2, 1),
        strides: tuple[int, ...] = (8, 16),
        pool: int = 3,
        components: int = 96,
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

    @abstractmethod
    def teach(self, patches: Patches, rng: np.random.Generator) -> torch.nn.Module:
        """Teach a head: a module from points (h * w, d) of a whole picture to values (h * w,).

        Higher is more unusual. Raises ModelError where it comes to nothing.
        """

    def fit(
        self,
        pictures: Sequence[Picture],
        *,
        folds: NDArray[np.intp],
        progress: Progress = lambda what, done, of: None,
    ) -> Self:
        """Pass over the pictures for patches, teach, and pass again to measure those not seen."""
        self.must_match(pictures, folds)
        self._start(*pictures[0].canvas.shape[:2])
        numbers = np.unique(folds, return_inverse=True)[1]
        seen = self._look(pictures, progress)
        if self.in_folds:
            teachings = [(numbers != fold, numbers == fold) for fold in range(numbers.max() + 1)]
            teachings = [(a if a.any() else b, b) for a, b in teachings]
        else:
            apart = hold_out(numbers, self.seed)
            teachings = [(~apart, apart)]
        self.calibrated_ = np.flatnonzero(np.any([own for _, own in teachings], axis=0))
        scales, held_out = [], []
        for k, grid in enumerate(self.grids_):
            scale, maps = self._teach_scale(
                k, grid, seen[k], pictures, numbers, teachings, progress
            )
            scales.append(scale)
            held_out.append(maps)
        self.scales_, self.held_out_ = scales, held_out
        return self

    def measure(self, canvas: CanvasImage) -> PatchMaps:
        """Measure one canvas (H, W, 3) by torch: the reference the program is checked against."""
        self.must_be_taught()
        rows = self._features.by_torch(canvas)
        return maps_by_place(
            [s.positions.apply(s.raw(r)) for s, r in zip(self.scales_, rows, strict=True)]
        )

    def held_out(self, index: int) -> PatchMaps:
        """What heads that have not seen it measured of this good picture. Raises NotFitted."""
        self.must_be_taught()
        (number,) = np.flatnonzero(self.calibrated_ == index)
        return maps_by_place([maps[number] for maps in self.held_out_])

    def programs(self) -> tuple[openvino.Model, ...]:
        """Preprocessing, network and heads as one program. Raises NotFitted."""
        self.must_be_taught()
        features = self.feature_model()
        return (named(self.outputs(features), features, self.name),)

    def feature_model(self) -> openvino.Model:
        """Preprocessing and network, to put `outputs` behind."""
        return self._features.models[0].clone()

    def outputs(self, features: openvino.Model) -> Outputs:
        """What it measures, as nodes behind a feature program."""
        import torch

        heads = [
            (
                scale.mean,
                scale.projection,
                to_openvino(scale.head, torch.zeros(self._points_px(k))),
                scale.positions,
            )
            for k, scale in enumerate(self.scales_)
        ]
        return head_outputs(features, heads)

    @property
    def origins(self) -> tuple[Rows, ...]:
        """Which good patches are kept of each scale, spread over all that were seen."""
        return tuple(scale.kept[0] for scale in getattr(self, "scales_", ()))

    @property
    def kept_points(self) -> tuple[Array, ...]:
        """Their whitened features: no head searches them."""
        return tuple(scale.kept[1] for scale in getattr(self, "scales_", ()))

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
            "components": self.components,
            "grid": list(self.grids_[0]),
            "seed": self.seed,
        }

    @classmethod
    def missing(cls) -> str | None:
        """Nothing is missing where torch is."""
        from importlib.util import find_spec

        return None if find_spec("torch") else "install torch: pip install 'inspection[train]'"

    def _start(self, height_px: int, width_px: int) -> None:
        in_one_piece(self.name, (height_px, width_px))
        self.network_ = load_backbone(self.backbone, strides=self.strides, weights=self.weights)
        step = max(self.network_.strides)
        self.grids_ = [(height_px // (n * step), width_px // (n * step)) for n in self.shrinks]
        self._features = PatchFeatures(
            self.network_, (height_px, width_px), pool=self.pool, shrinks=self.shrinks
        )

    def _points_px(self, k: int) -> tuple[int, int]:
        height, width = self.grids_[k]
        return height * width, len(self.scales_[k].projection[0])

    def _look(self, pictures: Sequence[Picture], progress: Progress) -> list[_Seen]:
        """Pass over the pictures once: moments for whitening, and a sample of patches."""
        seen = [
            _Seen(Moments(row_channels(self.network_, pool=self.pool)), [], [], [], [], [])
            for _ in self.grids_
        ]
        quota = max(1, SAMPLED_PATCHES // len(pictures))
        rng = np.random.default_rng(self.seed)
        summaries = []
        for i, picture in enumerate(pictures):
            scales = self._features.run(picture.canvas)
            summaries.append(scales[0].mean(0))
            for each, grid, rows in zip(seen, self.grids_, scales, strict=True):
                counted = np.flatnonzero(to_grid(picture.valid, *grid))
                chosen = np.sort(rng.permutation(counted)[:quota])
                each.moments.add(rows[counted])
                each.rows.append(rows[chosen])
                each.places.append(chosen)
                each.owners.append(np.full(len(chosen), i))
            if self.from_drawn:
                donor = pictures[int(rng.integers(len(pictures)))].canvas
                self._look_at_drawn(seen, i, picture, donor, quota, rng)
            progress("Looking at good parts", i + 1, len(pictures))
        mean, projection = whitening(seen[0].moments, self.components)
        self.descriptors_ = np.asarray((np.array(summaries) - mean) @ projection, np.float32)
        if not seen[0].moments.count:
            raise ModelError(
                f"{self.name}: no patch to learn from; the region of interest is empty"
            )
        return seen

    def _look_at_drawn(
        self,
        seen: list[_Seen],
        index: int,
        picture: Picture,
        donor: CanvasImage,
        quota: int,
        rng: np.random.Generator,
    ) -> None:
        """Take a sample of the patches that a defect, drawn into a picture, lies on."""
        canvas, drawn = draw_blobs(picture, donor, rng)
        scales = self._features.run(canvas)
        for each, grid, rows in zip(seen, self.grids_, scales, strict=True):
            chosen = rng.permutation(np.flatnonzero(to_grid(drawn, *grid)))[:quota]
            each.drawn.append(rows[chosen])
            each.drawn_owners.append(np.full(len(chosen), index))

    def _teach_scale(
        self,
        k: int,
        grid: tuple[int, int],
        seen: _Seen,
        pictures: Sequence[Picture],
        folds: NDArray[np.intp],
        teachings: list[tuple[NDArray[np.bool_], NDArray[np.bool_]]],
        progress: Progress,
    ) -> tuple[_HeadScale, Array]:
        """Teach the heads of one scale; the last one, of all pictures, is what judges."""
        mean, projection = whitening(seen.moments, self.components)
        points = np.concatenate(seen.rows) @ projection - mean @ projection
        places, owners = np.concatenate(seen.places), np.concatenate(seen.owners)
        drawn, drawn_owners = seen.drawn_in(projection.shape[0])
        drawn = drawn @ projection - mean @ projection
        kept = _spread(points.astype(np.float32), owners, places, [self.seed, k, KEPT_PATCHES])

        def taught(of: NDArray[np.bool_], number: int) -> torch.nn.Module:
            own, with_defect = of[owners], of[drawn_owners]
            patches = Patches(
                points[own].astype(np.float32),
                places[own],
                grid,
                drawn[with_defect].astype(np.float32),
            )
            return self.teach(patches, np.random.default_rng([self.seed, k, number])).eval()

        raw = np.zeros((len(pictures), *grid), np.float32)
        blank = PositionNormalization(np.ones(grid, np.float32), np.zeros(grid, np.float32))
        head: torch.nn.Module | None = None
        for number, (taught_on, own) in enumerate(teachings):
            head = taught(taught_on, number)
            scale = _HeadScale(mean, projection, head, blank, kept)
            for index in np.flatnonzero(own):
                raw[index] = scale.raw(self._features.run(pictures[int(index)].canvas)[k])
            progress("Teaching", k * len(teachings) + number + 1, len(self.grids_) * len(teachings))
        if self.in_folds:
            head = taught(np.ones(len(pictures), dtype=bool), len(teachings))
        assert head is not None
        valid = np.array([to_grid(pictures[int(i)].valid, *grid) for i in self.calibrated_])
        measured = raw[self.calibrated_]
        if not np.isfinite(measured).all():
            raise ModelError(
                f"{self.name}: it diverged, its values are not finite; try another --seed, "
                "more good pictures, or --model patchcore"
            )
        positions, maps = learn_positions(measured, valid, folds[self.calibrated_])
        return _HeadScale(mean, projection, head, positions, kept), maps


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """What a pass over the pictures leaves of one scale: moments, and sampled rows with whose and where."""

    moments: Moments
    rows: list[Array]
    places: list[Rows]
    owners: list[Rows]
    drawn: list[Array]
    drawn_owners: list[Rows]

    def drawn_in(self, channels: int) -> tuple[Array, Rows]:
        """Rows (m, C) of patches with a defect drawn in, and whose (m,)."""
        if not self.drawn:
            return np.empty((0, channels), np.float32), np.empty(0, np.intp)
        return np.concatenate(self.drawn), np.concatenate(self.drawn_owners)


def _spread(points: Array, owners: Rows, places: Rows, seed: list[int]) -> tuple[Rows, Array]:
    """Patches as unlike each other as can be: pictures and places (m, 2), and their points (m, d)."""
    rng, one = np.random.default_rng(seed), np.zeros(len(points), np.intp)
    chosen, _ = greedy_coreset(points, KEPT_PATCHES, groups=one, rng=rng)
    return np.stack([owners[chosen], places[chosen]], 1), points[chosen]


def _measured(head: torch.nn.Module, points: Array) -> Array:
    import torch

    with torch.no_grad():
        return np.asarray(head(torch.from_numpy(points)).numpy(), dtype=np.float32)
