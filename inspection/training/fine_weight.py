"""How much the fine scale counts, chosen by bad parts: it helps some products and hurts others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from inspection.training.bad_pictures import Measured, told_apart
from inspection.training.good_pictures import GoodPictures
from models import AnomalyModel

WEIGHTS = (0.25, 0.5, 1.0)
LEAST_GAIN = 0.02
"""AUROC that another weight must gain; less may be chance."""


def weight_aurocs(model: AnomalyModel, pictures: GoodPictures, bad: Measured) -> dict[float, float]:
    """AUROC of the bad parts against out-of-sample good ones for each weight of the fine scale.

    `bad` are asked for once. Empty where there is nothing to choose: one scale only, or no bad parts.
    """
    if not model.held_out(int(model.calibrated_[0])).finer or not (measured := list(bad)):
        return {}
    held_out = np.intersect1d(pictures.distinct(), model.calibrated_)
    good = [(model.held_out(int(i)), pictures.valid(int(i))) for i in held_out]
    scorings = {weight: replace(model.scoring, fine_weight=weight) for weight in WEIGHTS}
    return {weight: told_apart(good, measured, each) for weight, each in scorings.items()}


def chosen_weight(aurocs: Mapping[float, float], usual: float) -> float:
    """The weight that tells bad parts best; the usual one unless another gains LEAST_GAIN."""
    best = max(aurocs, key=lambda weight: aurocs[weight], default=usual)
    return best if best != usual and aurocs[best] - aurocs[usual] >= LEAST_GAIN - 1e-9 else usual
