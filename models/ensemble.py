"""Several models of one kind of features, averaged: what one overlooks another may see.

Each member's maps are in deviations of good patches it has not seen, so that they can be averaged patch by
patch. Kittler et al., "On combining classifiers", IEEE TPAMI 1998 (the sum rule).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from models._density import LEAST_DEVIATION
from models._head_model import HeadModel
from models._program import averaged, named
from models._scoring import PatchMaps, ScaleMaps, to_grid
from models._tiles import WHOLE_PIXELS
from models.base import AnomalyModel, CanvasImage, ModelError, NotFitted, Picture, Progress
from models.patchcore import PatchCore

if TYPE_CHECKING:
    import openvino

Member = PatchCore | HeadModel
Plane = NDArray[np.float32]


class Ensemble(AnomalyModel):
    """The mean of a memory, a Gaussian for each place and an autoencoder, by one pass of the network."""

    name = "ensemble"
    family = "ensemble"
    tells_features = True

    def __init__(
        self,
        *,
        members: tuple[str, ...] = ("patchcore", "padim", "feature_autoencoder"),
        backbone: str = "tf_efficientnet_lite0",
        weights: Path | None = None,
        shrinks: tuple[int, ...] = (2, 1),
        smoothing_patches: float = 0.0,
        level: float = 0.5,
        fine_weight: float = 0.5,
        seed: int = 0,
    ) -> None:
        self.members = members
        self.backbone = backbone
        self.weights = weights
        self.shrinks = shrinks
        self.smoothing_patches = smoothing_patches
        self.level = level
        self.fine_weight = fine_weight
        self.seed = seed

    def fit(
        self,
        pictures: Sequence[Picture],
        *,
        folds: NDArray[np.intp],
        progress: Progress = lambda what, done, of: None,
    ) -> Self:
        """Teach the members one after another; calibrated on what none of them has seen."""
        shape = pictures[0].canvas.shape
        if not self.takes(shape):
            raise ModelError(
                f"ensemble: the canvas has {shape[0] * shape[1] / 1e6:.1f} megapixels, at most "
                f"{WHOLE_PIXELS / 1e6:.1f} are allowed; use --effort balanced, or --model patchcore"
            )
        members = [self._member(name) for name in self.members]
        for member in members:
            member.fit(pictures, folds=folds, progress=progress)
        return self._join(members, pictures)

    @staticmethod
    def takes(shape: tuple[int, ...]) -> bool:
        """Whether a canvas of this shape (H, W, ...) is looked at in one piece."""
        return shape[0] * shape[1] <= WHOLE_PIXELS

    @classmethod
    def of(cls, members: Sequence[AnomalyModel], pictures: Sequence[Picture]) -> Self:
        """Put models together that were taught on these pictures, the scoring that of the first."""
        first = members[0]
        joined = cls(
            members=tuple(member.name for member in members),
            backbone=first.backbone,
            weights=first.weights,
            shrinks=first.shrinks,
            smoothing_patches=first.smoothing_patches,
            level=first.level,
            fine_weight=first.fine_weight,
            seed=first.seed,
        )
        taught = [member for member in members if isinstance(member, (PatchCore, HeadModel))]
        return joined._join(taught, pictures)

    def combined(self, maps: list[PatchMaps]) -> PatchMaps:
        """What its members measured of one picture, in their order, as its own maps."""
        return _mean(maps, self.usual_)

    def _join(self, members: list[Member], pictures: Sequence[Picture]) -> Self:
        """Learn what is usual of the members' mean."""
        calibrated = members[0].calibrated_
        for member in members[1:]:
            calibrated = np.intersect1d(calibrated, member.calibrated_)
        self.members_, self.calibrated_, self.usual_ = members, calibrated, None
        unseen = [self.held_out(int(i)) for i in calibrated]
        masks = [pictures[int(i)].valid for i in calibrated]
        self.usual_ = PatchMaps(
            _usual([maps.distances for maps in unseen], masks),
            tuple(
                ScaleMaps(
                    _usual([maps.finer[k].plain for maps in unseen], masks),
                    _usual([maps.finer[k].density for maps in unseen], masks),
                )
                for k in range(len(unseen[0].finer))
            ),
        )
        self.descriptors_ = members[0].descriptors_
        return self

    def measure(self, canvas: CanvasImage) -> PatchMaps:
        """Measure one canvas (H, W, 3) by torch. Raises NotFitted."""
        return _mean([member.measure(canvas) for member in self._taught()], self.usual_)

    def held_out(self, index: int) -> PatchMaps:
        """What members that have not seen it measured of one of `calibrated_`. Raises NotFitted."""
        return _mean([member.held_out(index) for member in self._taught()], self.usual_)

    def programs(self) -> tuple[openvino.Model, ...]:
        """One program: the network once, all members behind it, and their mean. Raises NotFitted."""
        first, *_ = members = self._taught()
        features = first.feature_model()
        assert self.usual_ is not None
        usual = {"distances": self.usual_.distances}
        for k, finer in enumerate(self.usual_.finer, 1):
            usual |= {f"plain_{k}": finer.plain, f"density_{k}": finer.density}
        outputs = averaged([member.outputs(features) for member in members], usual)
        return (named(outputs, features, self.name),)

    @property
    def origins(self) -> tuple[NDArray[np.intp], ...]:
        """Those of the first member that keeps good patches."""
        return next((kept for m in getattr(self, "members_", ()) if (kept := m.origins)), ())

    def card(self) -> dict[str, Any]:
        """Hyperparameters of all, and the first member's weights and sizes."""
        first = self.members_[0].card()
        return first | {"name": self.name, "members": list(self.members), "seed": self.seed}

    def _taught(self) -> list[Member]:
        if not hasattr(self, "members_"):
            raise NotFitted(
                "ensemble: asked for what it learnt before it was taught; call fit first"
            )
        return self.members_

    def _member(self, name: str) -> Member:
        from models import trainable

        kind = trainable(name)
        if not issubclass(kind, (PatchCore, HeadModel)):
            raise ModelError(
                f"ensemble: {name} cannot be a member; allowed are models on the features of one network"
            )
        return kind(
            backbone=self.backbone, weights=self.weights, shrinks=self.shrinks, seed=self.seed
        )


def _mean(maps: list[PatchMaps], usual: PatchMaps | None) -> PatchMaps:
    """The mean of the maps of all members, scale by scale, in deviations by what is `usual` of it.

    `usual` holds the mean and the deviation (2,) in place of each map; None leaves the mean as it is.
    """

    def together(planes: list[Plane], of: Plane | None) -> Plane:
        mean = np.mean(planes, axis=0)
        return np.asarray(mean if of is None else (mean - of[0]) / of[1], np.float32)

    finer = list(zip(*(each.finer for each in maps), strict=True))
    of = [None] * len(finer) if usual is None else usual.finer
    return PatchMaps(
        together([each.distances for each in maps], None if usual is None else usual.distances),
        tuple(
            ScaleMaps(
                together([s.plain for s in scale], None if own is None else own.plain),
                together([s.density for s in scale], None if own is None else own.density),
            )
            for scale, own in zip(finer, of, strict=True)
        ),
    )


def _usual(planes: list[Plane], masks: list[NDArray[np.bool_]]) -> Plane:
    """Mean and deviation (2,) of the good patches of maps (h, w), by the canvas's valid pixels."""
    values = np.concatenate(
        [plane[to_grid(mask, *plane.shape)] for plane, mask in zip(planes, masks, strict=True)]
    )
    return np.array([values.mean(), max(float(values.std()), LEAST_DEVIATION)], np.float32)
