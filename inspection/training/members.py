"""Which band-pass filters join the model, chosen by bad parts: what some products need hurts others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import models
from inspection.training.bad_pictures import told_apart
from inspection.training.good_pictures import GoodPictures
from models import AnomalyModel, PatchMaps, Picture, Progress

USUAL = "patchcore"
CANDIDATES = ("bands_fine", "bands_middle", "bands_coarse")
MOST_MEMBERS = 2
"""Filters that may join."""

LEAST_GAIN = 0.04
"""AUROC that another member must gain: less may be chance, and each costs time on every part."""


@dataclass(frozen=True, slots=True, eq=False)
class Chosen:
    """The model with those who joined, and what it measures of the bad parts.

    `aurocs` are those of each set of members tried, by their names with ` + ` between.
    """

    model: AnomalyModel
    maps: Iterable[PatchMaps]
    aurocs: dict[str, float]


def chosen_members(
    model: AnomalyModel,
    pictures: GoodPictures,
    bad: Sequence[Picture],
    *,
    folds: NDArray[np.intp],
    progress: Progress,
) -> Chosen:
    """Let filters join a taught `patchcore` where they tell bad parts better.

    The model comes back alone, with no AUROCs and measuring when its maps are asked for, where there
    are no bad parts or it is another model or too large.
    """
    from models.ensemble import Ensemble

    if not bad or model.name != USUAL or not Ensemble.takes(pictures[0].canvas.shape):
        return Chosen(model, (model.measure(each.canvas) for each in bad), {})
    taught = {USUAL: model}
    for name in CANDIDATES:
        taught[name] = models.trainable(name)(shrinks=model.shrinks, seed=model.seed)
        taught[name].fit(pictures, folds=folds, progress=progress)
    measured = {name: [m.measure(each.canvas) for each in bad] for name, m in taught.items()}
    masks = [each.valid for each in bad]
    held_out = [int(i) for i in pictures.distinct()]

    def tried(names: tuple[str, ...]) -> tuple[AnomalyModel, list[PatchMaps], float]:
        joined: Any = (
            model if names == (USUAL,) else Ensemble.of([taught[n] for n in names], pictures)
        )
        good = ((joined.held_out(i), pictures.valid(i)) for i in held_out)
        seen = zip(*(measured[name] for name in names), strict=True)
        maps = [joined.combined(list(each)) for each in seen] if len(names) > 1 else measured[USUAL]
        return joined, maps, told_apart(good, zip(maps, masks, strict=True), joined.scoring)

    names: tuple[str, ...] = (USUAL,)
    best, maps, auroc = tried(names)
    aurocs = {USUAL: auroc}
    for _ in range(MOST_MEMBERS):
        others = {(*names, name): tried((*names, name)) for name in CANDIDATES if name not in names}
        aurocs |= {" + ".join(each): found for each, (*_, found) in others.items()}
        leading = max(others, key=lambda each: others[each][-1])
        if others[leading][-1] - auroc < LEAST_GAIN - 1e-9:
            break
        names, (best, maps, auroc) = leading, others[leading]
    return Chosen(best, maps, aurocs)
