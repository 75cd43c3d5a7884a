"""`--prepare auto`: which steps tell defects clearly better, those of bad parts given or drawn-in ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import models
from inspection.recipe.prepare import STEPS, Step
from inspection.training.bad_pictures import Measured, seen
from inspection.training.choice import DRAWS, LEAST_GOOD, MOST_TAUGHT, Shares, aurocs_of
from inspection.training.defects import BadParts
from inspection.training.good_pictures import GoodPictures
from inspection.training.metrics import auroc
from inspection.training.options import TrainingOptions
from inspection.training.untaught import untaught
from models import Progress

Scores = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Of good parts (n,) and of bad ones (m,)."""

LEAST_GAIN = 0.07
"""AUROC by drawn-in defects that a step must gain, with its 95 % interval above 0: twice the largest that was
measured where no step is needed."""


LEAST_GAIN_ON_BAD = 0.04
"""The same by real bad parts: it held on bad parts kept apart."""

AGAIN = 200
"""Draws of good and bad parts."""

LEAST_APART = 20
"""Good pictures, each scored by a model that has not seen it, that bad parts are told from."""

SURE = 0.9
"""In how many of good and bad parts drawn again the gain must be one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepChoice:
    """Which steps were kept, and the AUROC with each set of steps that was tried.

    `bad` is how many bad parts it was told by, 0 where by drawn-in defects.
    """

    kept: tuple[Step, ...]
    aurocs: Mapping[str, float]
    bad: int = 0

    def as_json(self) -> dict[str, Any]:
        """The field `prepare_choice` of `train --json`."""
        return {"kept": list(self.kept), "image_auroc": dict(self.aurocs), "bad": self.bad}

    def lines(self) -> list[str]:
        """What is printed for a person."""
        kept = ", ".join(self.kept) or "nothing"
        tried = ", ".join(f"{name} {value:.3f}" for name, value in self.aurocs.items())
        few = f"fewer than {LEAST_GOOD} different good pictures: none is tried"
        by = f"{self.bad} bad parts" if self.bad else "drawn-in defects"
        return [f"{kept} is done to pictures; AUROC by {by}: {tried or few}"]


def choose_steps(
    pictures: GoodPictures,
    *,
    options: TrainingOptions,
    bad: BadParts | None = None,
    progress: Progress,
) -> StepChoice:
    """Choose by bad parts where there are enough of them, else by drawn-in defects."""
    if len(pictures.distinct()) < LEAST_GOOD:
        return StepChoice(kept=(), aurocs={})
    told = _by_bad_parts(_fewer(pictures), bad, options=options, progress=progress)
    return told or _by_drawn_defects(pictures, options=options, progress=progress)


def _by_bad_parts(
    pictures: GoodPictures, bad: BadParts | None, *, options: TrainingOptions, progress: Progress
) -> StepChoice | None:
    """Each step alone and all of them: the best, where it gains LEAST_GAIN_ON_BAD; None by too few parts."""
    sets: list[tuple[Step, ...]] = [(), *((step,) for step in STEPS), tuple(STEPS)]
    scores: dict[tuple[Step, ...], Scores] = {}
    for steps in sets:
        progress("Trying steps", len(scores), len(sets))
        own = pictures.preparing(steps)
        parts = seen(bad, own, progress=progress)
        if not parts:
            return None
        model = untaught(options, own)
        model.fit(own, folds=own.folds(seed=options.seed))
        apart = np.intersect1d(own.distinct(), model.calibrated_)
        if len(apart) < LEAST_APART:
            return None
        program = models.load_program(models.program_bytes(model))
        good = ((model.held_out(int(i)), own.valid(int(i))) for i in apart)
        defective = ((program.measure(each.canvas)[0], each.valid) for each in parts)
        scores[steps] = _scores(good, model.scoring), _scores(defective, model.scoring)
    aurocs = {steps: auroc(*each) for steps, each in scores.items()}
    best = max(sets, key=lambda steps: aurocs[steps])
    clear = aurocs[best] - aurocs[()] >= LEAST_GAIN_ON_BAD - 1e-9
    clear = clear and _sure(scores[()], scores[best], seed=options.seed)
    named = {"+".join(steps) or "none": value for steps, value in aurocs.items()}
    return StepChoice(kept=best if clear else (), aurocs=named, bad=len(parts))


def _scores(measured: Measured, scoring: models.Scoring) -> NDArray[np.float64]:
    return np.array([models.score(maps, valid, scoring).score for maps, valid in measured])


def _sure(plain: Scores, best: Scores, *, seed: int) -> bool:
    """Whether SURE of the draws of good and bad parts gain; the same parts for both."""
    rng = np.random.default_rng([seed, 8])
    gains = []
    for _ in range(AGAIN):
        rows = [rng.integers(len(each), size=len(each)) for each in plain]
        now, before = (
            auroc(*(s[r] for s, r in zip(each, rows, strict=True))) for each in (best, plain)
        )
        gains.append(now - before)
    return float(np.quantile(gains, 1 - SURE)) > 0


def _fewer(pictures: GoodPictures) -> GoodPictures:
    """At most MOST_TAUGHT of them, spread over all."""
    chosen = np.linspace(0, len(pictures) - 1, min(MOST_TAUGHT, len(pictures))).round()
    return pictures.only([int(i) for i in chosen])


def _by_drawn_defects(
    pictures: GoodPictures, *, options: TrainingOptions, progress: Progress
) -> StepChoice:
    """Add one step after the other, and keep each that gains LEAST_GAIN, by no chance."""
    kept: tuple[Step, ...] = ()
    aurocs: dict[str, float] = {}

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
