"""Several models, made one: what one overlooks another may see.

Each member's maps are in deviations of good patches it has not seen, so that they can be averaged patch by
patch (Kittler et al., "On combining classifiers", IEEE TPAMI 1998: the sum rule), or combined as p-values.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from models._band_model import BandModel
from models._head_model import HeadModel
from models._joint import Joint, must_be_rule, planes_of
from models._p_values import MEAN
from models._program import Outputs, combined, named, on_same_canvas, outputs_of
from models._scoring import PatchMaps
from models._tiles import WHOLE_PIXELS, in_one_piece
from models.base import AnomalyModel, CanvasImage, ModelError, Needs, Picture, Progress
from models.patchcore import PatchCore

if TYPE_CHECKING:
    import openvino


class Ensemble(AnomalyModel):
    """The mean, or p-values as one, of a memory, a Gaussian for each place and an autoencoder; or of any models.

    `rule` is one of RULES. Members on the features of one network share its pass.
    """

    name = "ensemble"
    family = "ensemble"
    needs = Needs(minutes=0.34, memory_mb=1000)
    tells_features = True
    last_learnt = "members_"

    def __init__(
        self,
        *,
        members: tuple[str, ...] = ("patchcore", "padim", "feature_autoencoder"),
        rule: str = MEAN,
        backbone: str = "tf_efficientnet_lite0",
        weights: Path | None = None,
        shrinks: tuple[int, ...] = (2, 1),
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
        self.members = members
        self.rule = rule

    def fit(
        self,
        pictures: Sequence[Picture],
        *,
        folds: NDArray[np.intp],
        progress: Progress = lambda what, done, of: None,
    ) -> Self:
        """Teach the members one after another; calibrated on what none of them has seen."""
        in_one_piece(self.name, pictures[0].canvas.shape)
        must_be_rule(self.rule, self.name)
        if len(set(self.members)) < max(2, len(self.members)):
            raise ModelError(
                f"ensemble: two different members at least are needed, each once, got {', '.join(self.members)}"
            )
        members = [self._member(name) for name in self.members]
        for member in members:
            member.device = self.device
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
        return joined._join(list(members), pictures)

    def combined(self, maps: list[PatchMaps]) -> PatchMaps:
        """What its members measured of one picture, in their order, as its own maps."""
        return self.joint_.apply(maps)

    def _join(self, members: list[AnomalyModel], pictures: Sequence[Picture]) -> Self:
        """Learn the p-values of each member, if the rule wants them, and what is usual of all as one."""
        calibrated = members[0].calibrated_
        for member in members[1:]:
            calibrated = np.intersect1d(calibrated, member.calibrated_)
        unseen = [[m.held_out(int(i)) for m in members] for i in calibrated]
        _same_patches(members, unseen[0])
        masks = [pictures[int(i)].valid for i in calibrated]
        self.joint_ = Joint.learn(unseen, masks, rule=self.rule)
        self.members_, self.calibrated_ = members, calibrated
        self.descriptors_ = members[0].descriptors_
        return self

    def measure(self, canvas: CanvasImage) -> PatchMaps:
        """Measure one canvas (H, W, 3) by torch. Raises NotFitted."""
        return self.combined([member.measure(canvas) for member in self._taught()])

    def held_out(self, index: int) -> PatchMaps:
        """What members that have not seen it measured of one of `calibrated_`. Raises NotFitted."""
        return self.combined([member.held_out(index) for member in self._taught()])

    def programs(self) -> tuple[openvino.Model, ...]:
        """One program: the network once, all members behind it, and their maps as one. Raises NotFitted."""
        members = self._taught()
        features = next((own for member in members if (own := _features(member))), None)
        features = features or members[0].programs()[0].clone()
        outputs = combined([_behind(member, features) for member in members], self.joint_)
        return (named(outputs, features, self.name),)

    @property
    def origins(self) -> tuple[NDArray[np.intp], ...]:
        """Those of the first member whose program searches them."""
        members = [m for m in getattr(self, "members_", ()) if not m.kept_points]
        return next((kept for member in members if (kept := member.origins)), ())

    def card(self) -> dict[str, Any]:
        """Hyperparameters of all, and the first member's weights and sizes."""
        first = self.members_[0].card()
        own = {"name": self.name, "members": list(self.members), "rule": self.rule}
        return first | own | {"seed": self.seed}

    def _taught(self) -> list[AnomalyModel]:
        self.must_be_taught()
        return self.members_

    def _member(self, name: str) -> AnomalyModel:
        from models import trainable

        if name == self.name:
            raise ModelError("ensemble: it cannot be a member of itself; name its members")
        return trainable(name)(
            backbone=self.backbone, weights=self.weights, shrinks=self.shrinks, seed=self.seed
        )


def _features(member: AnomalyModel) -> openvino.Model | None:
    """The program of the network that is asked for, if the member stands on its features."""
    if isinstance(member, BandModel) or not isinstance(member, (PatchCore, HeadModel)):
        return None
    return member.feature_model()


def _behind(member: AnomalyModel, features: openvino.Model) -> Outputs:
    """What a member measures, behind a feature program or beside it on the same canvas."""
    if isinstance(member, (PatchCore, HeadModel)):
        return member.outputs(features)
    return outputs_of(on_same_canvas(member.programs()[0], features))


def _same_patches(members: Sequence[AnomalyModel], maps: Sequence[PatchMaps]) -> None:
    """Refuse members whose patches do not lie on each other."""
    first, *others = [planes_of(each) for each in maps]
    for member, own in zip(members[1:], others, strict=True):
        shapes = [each["distances"].shape for each in (own, first)]
        if own.keys() != first.keys() or shapes[0] != shapes[1]:
            raise ModelError(
                f"ensemble: {member.name} measures {shapes[0][0]} x {shapes[0][1]} patches, {members[0].name} "
                f"{shapes[1][0]} x {shapes[1][1]}; use a --backbone of stride 16, or leave one of them out"
            )
