"""`--prepare auto`: which steps tell drawn-in defects clearly better, by good pictures alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from inspection.recipe.prepare import STEPS, Step
from inspection.training.choice import DRAWS, LEAST_GOOD, Shares, aurocs_of
from inspection.training.good_pictures import GoodPictures
from inspection.training.options import TrainingOptions
from models import Progress

LEAST_GAIN = 0.07
"""AUROC by drawn-in defects that a step must gain, with its 95 % interval above 0: twice the largest that was
measured where no step is needed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepChoice:
    """Which steps were kept, and the AUROC by drawn-in defects with each set of steps that was tried."""

    kept: tuple[Step, ...]
    aurocs: Mapping[str, float]

    def as_json(self) -> dict[str, Any]:
        """The field `prepare_choice` of `train --json`."""
        return {"kept": list(self.kept), "image_auroc": dict(self.aurocs)}

    def lines(self) -> list[str]:
        """What is printed for a person."""
        kept = ", ".join(self.kept) or "nothing"
        tried = ", ".join(f"{name} {value:.3f}" for name, value in self.aurocs.items())
        few = f"fewer than {LEAST_GOOD} different good pictures: none is tried"
        return [f"{kept} is done to pictures; AUROC by drawn-in defects: {tried or few}"]


def choose_steps(
    pictures: GoodPictures, *, options: TrainingOptions, progress: Progress
) -> StepChoice:
    """Add one step after the other, and keep each that gains LEAST_GAIN, by no chance."""
    kept: tuple[Step, ...] = ()
    aurocs: dict[str, float] = {}
    if len(pictures.distinct()) < LEAST_GOOD:
        return StepChoice(kept=kept, aurocs=aurocs)

    def tried(steps: tuple[Step, ...]) -> Any:
        progress("Trying steps", len(aurocs), 1 + len(STEPS))
        found = Shares(pictures.preparing(steps), seed=options.seed).try_(options.model, options)
        aurocs["+".join(steps) or "none"] = found.auroc
        return found

    best = tried(kept)
    count = len(best.good)
    again = np.random.default_rng([options.seed, 6]).integers(count, size=(DRAWS, count))
    for step in STEPS:
        found = tried((*kept, step))
        gains = aurocs_of(found, again) - aurocs_of(best, again)
        if found.auroc - best.auroc >= LEAST_GAIN and float(np.quantile(gains, 0.025)) > 0:
            kept, best = (*kept, step), found
    return StepChoice(kept=kept, aurocs=aurocs)
