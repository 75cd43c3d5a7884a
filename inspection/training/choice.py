"""`--model auto`: which model tells drawn-in defects best, by good pictures alone, and how sure that is.

No labelled picture is looked at. Drawn-in defects are not real ones: only a clear gain moves the choice.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import models
from inspection.training.drawn_defects import SIZES, draw_flaw, spoil
from inspection.training.good_pictures import GoodPictures
from inspection.training.metrics import auroc
from inspection.training.options import CANDIDATES, DEFAULT_MODEL, TrainingOptions
from models import ModelError, Picture, Progress

Numbers = NDArray[np.float64]

MOST_SECONDS = 900.0
"""No further candidate is begun after so long."""

LEAST_GAIN = 0.12
"""AUROC by drawn-in defects that another model must gain; smaller gains did not hold on real defects."""

LEAST_HELD_OUT, MOST_HELD_OUT, MOST_TAUGHT = 4, 24, 150
"""Good pictures that defects are drawn into, and that the candidates are taught on."""

LEAST_GOOD = 10

DRAWS = 1000


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Tried:
    """What a candidate made of the pictures held out: scores as they are (n,), and with defects drawn in (n, m)."""

    good: Numbers
    spoiled: Numbers

    @property
    def auroc(self) -> float:
        """Chance that a picture with a defect drawn in scores worse than a good one."""
        return auroc(self.good, self.spoiled)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelChoice:
    """Which model was taken, and how sure it is.

    `margin` is by how much the first is ahead of the second, with its 95 % interval over the pictures
    held out; `ahead` how often it is when they are drawn again. `gain` is that of the first over the
    default. `left_out` says in sentences why candidates were not tried.
    """

    chosen: str
    aurocs: Mapping[str, float]
    ranking: tuple[str, ...]
    margin: float | None = None
    margin_ci95: tuple[float, float] | None = None
    ahead: float | None = None
    gain: float = 0.0
    held_out: int = 0
    left_out: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The field `model_choice` of `train --json`."""
        return {
            "chosen": self.chosen,
            "image_auroc": dict(self.aurocs),
            "ranking": list(self.ranking),
            "margin": self.margin,
            "margin_ci95": None if self.margin_ci95 is None else list(self.margin_ci95),
            "ahead": self.ahead,
            "gain": self.gain,
            "held_out": self.held_out,
            "left_out": list(self.left_out),
        }

    def lines(self) -> list[str]:
        """What is printed for a person."""
        tried = ", ".join(f"{name} {self.aurocs[name]:.3f}" for name in self.ranking)
        lines = [f"{self.chosen} is taken"]
        if self.ranking:
            lines[0] += (
                f"; AUROC by defects drawn into {self.held_out} good pictures held out: {tried}"
            )
        if self.margin is not None and self.margin_ci95 is not None and self.ahead is not None:
            low, high = self.margin_ci95
            lines.append(
                f"{self.ranking[0]} is ahead of {self.ranking[1]} by {self.margin:.3f} (95 % interval {low:.3f} to "
                f"{high:.3f}), in {self.ahead:.0%} of pictures drawn again"
            )
        if self.ranking and self.chosen != self.ranking[0]:
            lines.append(
                f"{self.chosen} stays: {self.ranking[0]} gains {self.gain:.3f}, and only gains of {LEAST_GAIN} or more "
                "that no chance explains are trusted"
            )
        return [*lines, *self.left_out]


def choose_model(
    pictures: GoodPictures,
    *,
    options: TrainingOptions,
    most_seconds: float = MOST_SECONDS,
    progress: Progress,
) -> ModelChoice:
    """Teach each candidate on a share of the good pictures, and draw defects into the others."""
    if len(pictures.distinct()) < LEAST_GOOD:
        few = f"{len(pictures.distinct())} different good pictures: at least {LEAST_GOOD} are needed to choose by"
        return ModelChoice(chosen=DEFAULT_MODEL, aurocs={}, ranking=(), left_out=(few,))
    started = time.monotonic()
    shares = Shares(pictures, seed=options.seed)
    tried: dict[str, Tried] = {}
    left_out: list[str] = []
    for number, name in enumerate(CANDIDATES):
        if tried and time.monotonic() - started > most_seconds:
            left_out.append(f"{name} was not tried: {most_seconds:.0f} s were over")
            continue
        progress(f"Trying {name}", number, len(CANDIDATES))
        try:
            tried[name] = shares.try_(name, options)
        except ModelError as error:
            left_out.append(f"{name} was not tried: {error}")
    return decided(tried, left_out=left_out, seed=options.seed)


def decided(tried: Mapping[str, Tried], *, left_out: Sequence[str], seed: int) -> ModelChoice:
    """Rank the candidates; the default stays unless another gains LEAST_GAIN, and by no chance."""
    aurocs = {name: each.auroc for name, each in tried.items()}
    ranking = tuple(sorted(aurocs, key=lambda name: -aurocs[name]))
    if not ranking:
        return ModelChoice(chosen=DEFAULT_MODEL, aurocs={}, ranking=(), left_out=tuple(left_out))
    first, default = ranking[0], DEFAULT_MODEL
    count = len(tried[first].good)
    again = np.random.default_rng([seed, 5]).integers(count, size=(DRAWS, count))

    def margins(name: str) -> Numbers:
        """By how much the first is ahead of another in each draw of pictures."""
        return aurocs_of(tried[first], again) - aurocs_of(tried[name], again)

    gain = aurocs[first] - aurocs.get(default, 0.0)
    clear = default not in tried or (
        gain >= LEAST_GAIN and float(np.quantile(margins(default), 0.025)) > 0
    )
    ahead = margins(ranking[1]) if len(ranking) > 1 else None
    low, high = (0.0, 0.0) if ahead is None else np.quantile(ahead, [0.025, 0.975])
    return ModelChoice(
        chosen=first if clear else default,
        aurocs=aurocs,
        ranking=ranking,
        margin=None if ahead is None else aurocs[first] - aurocs[ranking[1]],
        margin_ci95=None if ahead is None else (float(low), float(high)),
        ahead=None if ahead is None else float((ahead > 0).mean()),
        gain=gain,
        held_out=count,
        left_out=tuple(left_out),
    )


def aurocs_of(tried: Tried, again: NDArray[np.intp]) -> Numbers:
    """The AUROC in each draw of pictures `again` (draws, n)."""
    return np.array([auroc(tried.good[rows], tried.spoiled[rows]) for rows in again])


class Shares:
    """Good pictures to teach on, and others with defects drawn in, the same for all candidates."""

    def __init__(self, pictures: GoodPictures, *, seed: int) -> None:
        rng = np.random.default_rng([seed, 4])
        order = rng.permutation(pictures.distinct())
        apart = min(MOST_HELD_OUT, max(LEAST_HELD_OUT, len(order) // 4))
        taught = np.sort(order[apart:][:MOST_TAUGHT])
        self.taught = [pictures[int(i)] for i in taught]
        self.folds = pictures.folds(seed=seed)[taught]
        self.shrinks = pictures.shrinks
        self.held_out = [pictures[int(i)] for i in np.sort(order[:apart])]
        self._pictures, self._taught = pictures, taught
        self.spoiled = [self._spoil(int(i), rng) for i in np.sort(order[:apart])]

    def _spoil(self, index: int, rng: np.random.Generator) -> list[Picture]:
        """A scar and a stain of each size, each in a copy of its own, drawn before it is prepared."""
        raw, prepared = self._pictures.raw, self._pictures.framing.prepared
        donor = raw(int(self._taught[int(rng.integers(len(self._taught)))])).canvas
        flaws = [
            spoil(raw(index), donor, draw_flaw(length, rng, stain=stain))
            for length in SIZES
            for stain in (False, True)
        ]
        return [Picture(prepared(each.canvas), each.valid) for each in flaws]

    def try_(self, name: str, options: TrainingOptions) -> Tried:
        """Teach a candidate and score the pictures held out. Raises ModelError."""
        model = models.trainable(name)(
            backbone=options.backbone,
            weights=options.weights,
            shrinks=self.shrinks,
            seed=options.seed,
        )
        model.fit(self.taught, folds=self.folds)
        program = models.load_program(models.program_bytes(model))

        def scored(picture: Picture) -> float:
            maps, _ = program.measure(picture.canvas)
            return models.score(maps, picture.valid, model.scoring).score

        return Tried(
            good=np.array([scored(picture) for picture in self.held_out]),
            spoiled=np.array([[scored(each) for each in row] for row in self.spoiled]),
        )
