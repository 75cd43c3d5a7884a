"""Several models' maps of one picture as one, by a rule and by what is usual of good patches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models._density import LEAST_DEVIATION
from models._p_values import MEAN, RULES, Tail, learn_tail
from models._scoring import PatchMaps, ScaleMaps, to_grid
from models.base import ModelError

Plane = NDArray[np.float32]
Planes = dict[str, Plane]
"""The maps of a model by the names its program gives them."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Joint:
    """How maps become one by a rule of RULES, plane by plane.

    `tails` make p-values of each member's plane, none for MEAN; `usual` holds mean and deviation (2,) of good
    patches of the planes as one.
    """

    rule: str
    tails: Mapping[str, Sequence[Tail]]
    usual: Mapping[str, Plane]

    @classmethod
    def learn(
        cls, unseen: Sequence[Sequence[PatchMaps]], masks: Sequence[NDArray[np.bool_]], *, rule: str
    ) -> Joint:
        """Learn from good pictures that no member has seen: the maps of each member, for each picture.

        `masks` (H, W) are the pictures' valid pixels.
        """
        planes = [[planes_of(each) for each in members] for members in unseen]
        names = planes[0][0].keys()
        tails: dict[str, list[Tail]] = {}
        if rule != MEAN:
            tails = {
                name: [
                    learn_tail(_valid([each[number][name] for each in planes], masks))
                    for number in range(len(planes[0]))
                ]
                for name in names
            }
        together = [_as_one(each, tails, rule) for each in planes]
        usual = {name: _usual(_valid([each[name] for each in together], masks)) for name in names}
        return cls(rule=rule, tails=tails, usual=usual)

    def apply(self, maps: Sequence[PatchMaps]) -> PatchMaps:
        """What the members measured of one picture, in their order, in deviations of good patches."""
        planes = _as_one([planes_of(each) for each in maps], self.tails, self.rule)
        return _maps(
            {name: (each - m) / d for name, each in planes.items() for m, d in [self.usual[name]]}
        )


def must_be_rule(rule: str, where: str) -> None:
    """Raise ModelError for a rule there is not."""
    if rule not in RULES:
        raise ModelError(f"{where}: no rule '{rule}'; allowed are {', '.join(RULES)}")


def planes_of(maps: PatchMaps) -> Planes:
    """The maps by the names that a program gives them."""
    planes = {"distances": maps.distances}
    for k, scale in enumerate(maps.finer, 1):
        planes |= {f"plain_{k}": scale.plain, f"density_{k}": scale.density}
    return planes


def _as_one(members: Sequence[Planes], tails: Mapping[str, Sequence[Tail]], rule: str) -> Planes:
    """The members' planes as one by the rule, not yet in deviations."""
    return {
        name: RULES[rule](
            [tail.apply(each[name]) for tail, each in zip(tails[name], members, strict=True)]
            if tails
            else [each[name] for each in members]
        )
        for name in members[0]
    }


def _maps(planes: Planes) -> PatchMaps:
    count = (len(planes) - 1) // 2
    return PatchMaps(
        planes["distances"],
        tuple(ScaleMaps(planes[f"plain_{k}"], planes[f"density_{k}"]) for k in range(1, count + 1)),
    )


def _valid(planes: list[Plane], masks: Sequence[NDArray[np.bool_]]) -> Plane:
    """The values (n,) of the good patches of maps (h, w), by the canvas's valid pixels."""
    return np.concatenate(
        [plane[to_grid(mask, *plane.shape)] for plane, mask in zip(planes, masks, strict=True)]
    )


def _usual(values: Plane) -> Plane:
    """Mean and deviation (2,) of good patches."""
    return np.array([values.mean(), max(float(values.std()), LEAST_DEVIATION)], np.float32)
