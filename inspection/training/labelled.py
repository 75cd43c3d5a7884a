"""Learning from labelled bad parts: which type a defect is of, and what known ones look like.

Neither makes a part pass that would not: types are names, and the head only adds rejects.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

import models
from cameras import CameraError
from inspection.errors import CannotInspect, TrainingError
from inspection.judging.labelled import feature_grids, patches_in, region_features
from inspection.judging.regions import find_regions
from inspection.recipe import Recipe
from inspection.recipe.calibration import Calibration, calibrate
from inspection.recipe.labelled import Labelled
from inspection.training.defects import WITHOUT_KIND, BadPart, BadParts
from inspection.training.good_pictures import GoodPictures
from inspection.training.options import TrainingOptions
from models import Progress
from models.supervised import (
    LEAST_DEFECTS,
    LEAST_EXAMPLES,
    LEAST_TYPES,
    UNKNOWN,
    DefectHead,
    TaughtTypes,
    leaving_out,
    teach_head,
    teach_types,
)

Array = NDArray[np.float32]

GOOD_PATCHES = 40_000
"""Of all good pictures together, about, that a head is taught against."""

MOST_PATCHES = 20
"""Of one bad part: a large defect is not to outvote the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadReport:
    """A defect head on parts it was taught without: good ones above its limit, bad ones it would add.

    `passed` bad parts pass by the good parts' limit alone; the head rejects `added` of them.
    """

    calibration: Calibration
    n_good: int
    n_bad: int
    passed: int
    added: int


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class LabelledReport:
    """What labelled bad parts taught: types with their pictures, what was told of them, and the head."""

    types: dict[str, int]
    right: int
    unknown: int
    wrong: int
    head: HeadReport | None
    notes: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """The field `labelled` of `train --json`."""
        head = self.head
        return {
            "types": self.types,
            "right": self.right,
            "unknown": self.unknown,
            "wrong": self.wrong,
            "notes": list(self.notes),
            "defect_head": None
            if head is None
            else {
                "limit": head.calibration.fail_threshold,
                "false_reject_promised": head.calibration.false_reject_promised,
                "n_good": head.n_good,
                "n_bad": head.n_bad,
                "passed": head.passed,
                "added": head.added,
            },
        }

    def lines(self) -> list[str]:
        """What is printed for a person."""
        head, total = self.head, sum(self.types.values())
        types = ", ".join(f"{name} {count}" for name, count in self.types.items())
        return [
            *(
                [
                    f"types: {types}; each left out in turn, {self.right} of {total} are told rightly, "
                    f"{self.unknown} are {UNKNOWN}, {self.wrong} wrong"
                ]
                if self.types
                else []
            ),
            *(
                []
                if head is None
                else [
                    f"the defect head: at most {head.calibration.false_reject_promised:.2%} of good parts more go "
                    f"to REVIEW; each bad part left out in turn, it sends {head.added} of the {head.passed} "
                    f"(of {head.n_bad}) that pass without it there"
                ]
            ),
            *self.notes,
        ]


def check_labelled(options: TrainingOptions, bad: BadParts | None) -> None:
    """Find out before hours of work that a defect head cannot be taught. Raises TrainingError."""
    if not options.defect_head:
        return
    count = 0 if bad is None else len(bad.parts)
    if count < LEAST_DEFECTS:
        raise TrainingError(
            f"defect head: {count} bad parts can be used, at least {LEAST_DEFECTS} are needed; "
            "add more to --defects, or leave --defect-head out"
        )
    if not models.model_class(options.model).tells_features:
        raise TrainingError(
            f"defect head: model '{options.model}' has no patch features to learn on; use --model patchcore, "
            "or leave --defect-head out"
        )


def learn_labelled(
    bad: BadParts,
    pictures: GoodPictures,
    recipe: Recipe,
    *,
    options: TrainingOptions,
    progress: Progress,
) -> tuple[Recipe, LabelledReport | None]:
    """Teach what the labelled bad parts allow; the recipe with it, and what came of it.

    None where there is nothing to learn: one type, no head asked for, or a model without features.
    """
    kinds, notes = _types(bad)
    if not models.model_class(options.model).tells_features or not (kinds or options.defect_head):
        report = LabelledReport(types={}, right=0, unknown=0, wrong=0, head=None, notes=notes)
        return recipe, report if notes else None
    look = _Looking(recipe)
    seen = []
    for number, part in enumerate(bad.parts):
        with suppress(CameraError, CannotInspect):  # judged and counted elsewhere
            seen.append(look.at(part))
        progress("Looking at bad parts", number + 1, len(bad.parts))
    taught, more = _teach_types([each for each in seen if each.part.kind in kinds], options)
    head, of_head = None, None
    if options.defect_head:
        head, of_head = _teach_head(seen, pictures, look, options, progress)
    counts = {} if taught is None else dict(sorted(Counter(taught.labels).items()))
    told = [] if taught is None else list(zip(taught.labels, taught.taught.told, strict=True))
    report = LabelledReport(
        types=counts,
        right=sum(label == name for label, name in told),
        unknown=sum(name == UNKNOWN for _, name in told),
        wrong=sum(name not in (label, UNKNOWN) for label, name in told),
        head=of_head,
        notes=(*notes, *more),
    )
    if taught is None and head is None:
        return recipe, report
    types = None if taught is None else taught.taught.classifier
    return recipe.with_labelled(Labelled(types=types, head=head)), report


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """A bad part as the recipe sees it: features of its worst region, and the patches in it (m, d)."""

    part: BadPart
    region: Array
    patches: Array
    highest: Array
    """Features (n, d) of all its inspected patches."""
    passed: bool


@dataclass(frozen=True, slots=True, eq=False)
class _Taught:
    taught: TaughtTypes
    labels: list[str]


class _Looking:
    """Pictures as a recipe sees them, with their patches' features."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.program = recipe.telling("points")

    def at(self, part: BadPart) -> _Seen:
        """Look at a bad part. Raises CameraError and CannotInspect."""
        settings, framing = self.recipe.settings, self.recipe.framing
        image = settings.setup.read_picture(part.path)
        canvas, _, pose = framing.canvas_of(image)
        layout = framing.placed(image.shape, pose)
        maps, _ = self.program.measure(canvas)
        found = models.score(maps, layout.valid, settings.scoring)
        limit = settings.calibration.threshold
        worst, *_ = find_regions(found, layout, settings.setup, threshold=min(limit, found.score))
        name, grid = feature_grids(maps)[0]
        inside = patches_in(worst, layout.placement, grid)[:MOST_PATCHES]
        return _Seen(
            part,
            region_features(maps, worst, layout.placement),
            maps.told[name][inside],
            maps.told[name][models.to_grid(layout.valid, *grid).ravel()],
            found.score <= limit,
        )

    def good(self, picture: models.Picture) -> Array:
        """The features (n, d) of a good picture's inspected patches."""
        maps, _ = self.program.measure(picture.canvas)
        name, grid = feature_grids(maps)[0]
        points: Array = maps.told[name][models.to_grid(picture.valid, *grid).ravel()]
        return points


def _types(bad: BadParts) -> tuple[set[str], tuple[str, ...]]:
    """The types there are enough pictures of, and in sentences why others are not learnt."""
    counts = Counter(part.kind for part in bad.parts if part.kind != WITHOUT_KIND)
    enough = {kind for kind, count in counts.items() if count >= LEAST_EXAMPLES}
    notes = [
        f"type {kind} is not learnt: {count} {'picture' if count == 1 else 'pictures'}, at least "
        f"{LEAST_EXAMPLES} are needed"
        for kind, count in sorted(counts.items())
        if kind not in enough
    ]
    if counts and len(enough) < LEAST_TYPES:
        known = ", ".join(sorted(enough)) or "none"
        notes.append(
            f"no types are told: there are enough pictures of {known} only, two types at least are needed"
        )
        enough = set()
    return enough, tuple(notes)


def _teach_types(
    seen: list[_Seen], options: TrainingOptions
) -> tuple[_Taught | None, tuple[str, ...]]:
    labels = [each.part.kind for each in seen]
    if not labels:
        return None, ()
    try:
        features = np.stack([each.region for each in seen])
        return _Taught(teach_types(features, labels, seed=options.seed), labels), ()
    except models.ModelError as error:  # so few of a type could be judged
        return None, (f"no types are told: {error}",)


def _teach_head(
    seen: list[_Seen],
    pictures: GoodPictures,
    look: _Looking,
    options: TrainingOptions,
    progress: Progress,
) -> tuple[DefectHead, HeadReport]:
    """Teach a head, with a limit from good parts that it was taught without."""
    goods = []
    for number in range(len(pictures)):
        goods.append(look.good(pictures[number]))
        progress("Looking at good parts", number + 1, len(pictures))
    rng = np.random.default_rng([options.seed, 3])
    quota = max(1, GOOD_PATCHES // len(goods))
    sample = [points[rng.permutation(len(points))[:quota]] for points in goods]
    folds = pictures.folds(seed=options.seed)
    of_good, of_bad = np.zeros(len(goods)), np.zeros(len(seen))
    apart = list(leaving_out(np.arange(len(seen)), seed=options.seed))
    for number, fold in enumerate(np.unique(folds)):
        own, out = folds == fold, apart[number % len(apart)]
        head = teach_head(
            np.concatenate([each for each, left in zip(sample, own, strict=True) if not left]),
            np.concatenate(
                [each.patches for each, left in zip(seen, out, strict=True) if not left]
            ),
        )
        for i in np.flatnonzero(own):
            of_good[i] = head.measure(goods[i]).max()
        progress("Teaching the defect head", number + 1, len(np.unique(folds)))
    for out in apart:
        head = teach_head(
            np.concatenate(sample),
            np.concatenate(
                [each.patches for each, left in zip(seen, out, strict=True) if not left]
            ),
        )
        for i in np.flatnonzero(out):
            of_bad[i] = head.measure(seen[i].highest).max()
    calibration = calibrate(
        of_good[pictures.distinct()], false_reject=options.false_reject, review=options.review
    )
    limit = calibration.fail_threshold
    passed = np.array([each.passed for each in seen])
    report = HeadReport(
        calibration=calibration,
        n_good=len(pictures.distinct()),
        n_bad=len(seen),
        passed=int(passed.sum()),
        added=int((passed & (of_bad > limit)).sum()),
    )
    head = teach_head(np.concatenate(sample), np.concatenate([each.patches for each in seen]))
    return replace(head, limit=float(limit)), report
