"""How much the fine scale counts, chosen by bad parts: it helps some products and hurts others."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

import numpy as np

import models
from cameras import CameraError
from inspection.errors import CannotInspect
from inspection.training.defects import FEWEST, BadParts
from inspection.training.good_pictures import GoodPictures
from inspection.training.metrics import auroc
from models import Progress

WEIGHTS = (0.25, 0.5, 1.0)
LEAST_GAIN = 0.02
"""AUROC that another weight must gain; less may be chance."""

MOST_BAD = 100
"""Bad parts measured; more would not change the choice."""


def weight_aurocs(
    model: models.AnomalyModel, pictures: GoodPictures, bad: BadParts, *, progress: Progress
) -> dict[float, float]:
    """AUROC of the bad parts against out-of-sample good ones for each weight of the fine scale.

    Empty where there is nothing to choose: one scale only, or fewer than FEWEST bad parts.
    """
    if not model.held_out(int(model.calibrated_[0])).finer or len(bad.parts) < FEWEST:
        return {}
    held_out = np.intersect1d(pictures.distinct(), model.calibrated_)
    good = [(model.held_out(int(i)), pictures.valid(int(i))) for i in held_out]
    framing, measured = pictures.framing, []
    parts = bad.parts[:: -(-len(bad.parts) // MOST_BAD)]
    for number, part in enumerate(parts):
        with suppress(CameraError, CannotInspect):  # judged and counted later
            image = framing.setup.read_picture(part.path)
            canvas, _, pose = framing.canvas_of(image)
            measured.append((model.measure(canvas), framing.placed(image.shape, pose).valid))
        progress("Looking at bad parts", number + 1, len(parts))
    if len(measured) < FEWEST:
        return {}
    aurocs = {}
    for weight in WEIGHTS:
        scoring = replace(model.scoring, fine_weight=weight)
        of_good, of_bad = (
            [models.score(maps, valid, scoring).score for maps, valid in pairs]
            for pairs in (good, measured)
        )
        aurocs[weight] = auroc(of_good, of_bad)
    return aurocs


def chosen_weight(aurocs: Mapping[float, float], usual: float) -> float:
    """The weight that tells bad parts best; the usual one unless another gains LEAST_GAIN."""
    best = max(aurocs, key=lambda weight: aurocs[weight], default=usual)
    return best if best != usual and aurocs[best] - aurocs[usual] >= LEAST_GAIN - 1e-9 else usual
