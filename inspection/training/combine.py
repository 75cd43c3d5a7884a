"""Finished recipes put together: one recipe, with limits from good pictures that none of them has seen."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import models
from inspection.errors import RecipeError, TrainingError
from inspection.judging.judge import check_parity
from inspection.recipe import FORMAT, Recipe, Reference, check_place, write_recipe
from inspection.recipe.calibration import Calibration, calibrate
from inspection.recipe.image_health import APPEARANCE_DISTANCE
from inspection.recipe.setup_file import Setup
from inspection.training.dataset_folder import good_files
from inspection.training.drawn_defects import DrawnEscapes, drawn_escapes
from inspection.training.good_pictures import MIN_GOOD, GoodPictures, read_good
from inspection.training.train import TAUGHT
from models import PatchMaps, Progress
from models.combination import Combination, Joint, must_be_rule, no_match

COMBINED = "combined"
"""Name of the model on a combined recipe's card; it is none that can be trained."""

TIMED = 10
"""Pictures each program is timed on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What one recipe, or all as one, costs and lets pass, with limits from the same good pictures."""

    name: str
    milliseconds: float
    calibration: Calibration
    drawn: tuple[DrawnEscapes, ...]

    @property
    def escapes(self) -> int:
        """Drawn-in defects of all sizes that would pass."""
        return sum(each.escapes for each in self.drawn)

    @property
    def of(self) -> int:
        """Drawn-in defects."""
        return sum(each.drawn for each in self.drawn)

    def as_json(self) -> dict[str, Any]:
        """One row of the comparison."""
        limits = self.calibration
        return {
            "name": self.name,
            "ms": round(self.milliseconds, 2),
            "threshold": limits.threshold,
            "fail_threshold": limits.fail_threshold,
            "drawn": self.of,
            "escapes": self.escapes,
            "by_size": [asdict(each) for each in self.drawn],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class CombineReport:
    """What came of putting recipes together; the first of `judged` is all as one."""

    judged: tuple[Judged, ...]
    seen: int
    """Good pictures left out since a member was taught on them."""
    unfit: int
    """Good pictures left out since the first member cannot inspect them."""
    warnings: tuple[str, ...]
    parity: float
    recipe_bytes: int
    recipe_id: str

    @property
    def calibration(self) -> Calibration:
        """The limits of all as one."""
        return self.judged[0].calibration

    def as_json(self) -> dict[str, Any]:
        """All of it as plain data."""
        limits = asdict(self.calibration)
        names = (
            "n_good",
            "threshold",
            "fail_threshold",
            "false_reject_promised",
            "false_reject_bound",
        )
        return {
            **{name: limits[name] for name in (*names, "false_reject_asked", "images_needed")},
            "recipe_bytes": self.recipe_bytes,
            "recipe_id": self.recipe_id,
            "parity": self.parity,
            "seen": self.seen,
            "unfit": self.unfit,
            "combined": self.judged[0].as_json(),
            "members": [each.as_json() for each in self.judged[1:]],
            "warnings": list(self.warnings),
        }


def combine_recipes(
    members: dict[str, Recipe],
    good: Path,
    out: Path,
    *,
    rule: str,
    false_reject: float,
    review: float,
    seed: int = 0,
    progress: Progress = lambda what, done, of: None,
) -> CombineReport:
    """Make one recipe of several, by name, and write it.

    `good` is a folder of good pictures; those a member was taught on are left out. Raises RecipeError,
    TrainingError or ModelError with one line; an earlier recipe of that name stays.
    """
    must_be_rule(rule, "combine")
    check_place(out)
    must_fit(members)
    recipes = list(members.values())
    first, seen = recipes[0], _taught(recipes)
    pictures = read_good(good_files(good), first.framing, progress=progress)
    pictures, known, unfit = _usable(pictures, first, seen)
    combination = Combination([each.program_bytes for each in recipes])
    measured, fit = _measure(combination, pictures, first, progress)
    unfit += len(pictures) - len(fit)
    _must_be_enough(len(fit), known, unfit, good)
    pictures = pictures.only(fit)
    _must_lie_on_each_other(members, measured[0])
    masks = [pictures.valid(i) for i in range(len(pictures))]
    scores = _unseen_scores(measured, masks, pictures.folds(seed=seed), first, rule)
    joint = Joint.learn(measured, masks, rule=rule)
    limits = calibrate(scores, false_reject=false_reject, review=review)
    recipe = _together(members, combination, joint, limits, np.sort(scores), rule, seed)
    parity = check_parity(recipe)
    alone = [
        _relimited(each, [maps[k] for maps in measured], masks, false_reject, review)
        for k, each in enumerate(recipes)
    ]
    names = (f"{COMBINED}, {rule}", *members)
    judged = _judged(dict(zip(names, [recipe, *alone], strict=True)), pictures, seed, progress)
    write_recipe(recipe, out)
    return CombineReport(
        judged=judged,
        seen=known,
        unfit=unfit,
        warnings=tuple(_doubts(members, alone)),
        parity=parity,
        recipe_bytes=out.stat().st_size,
        recipe_id=recipe.id,
    )


def must_fit(members: dict[str, Recipe]) -> None:
    """Raise RecipeError unless the recipes judge the same canvas of the same product."""
    if len({recipe.id for recipe in members.values()}) < max(2, len(members)):
        raise RecipeError("combine: two different recipes at least are needed, each once")
    (name, first), *others = members.items()
    for each, recipe in members.items():
        settings = recipe.settings
        if settings.format < FORMAT:
            raise RecipeError(
                f"combine: {each} is of format {settings.format}, made by an earlier version; train it again"
            )
        if len(recipe.program_bytes) > 2:
            raise RecipeError(
                f"combine: {each} looks at its pictures in tiles; such recipes cannot be combined"
            )
    for other, recipe in others:
        if differs := _difference(first, recipe):
            raise RecipeError(
                f"combine: {other} {differs} than {name}; both must judge the same canvas"
            )
        if recipe.labelled is not None and first.labelled is None:
            raise RecipeError(
                f"combine: {other} learnt from labelled bad parts, which only the first keeps; name it first"
            )


def _difference(first: Recipe, other: Recipe) -> str | None:
    """In what a recipe's way to the canvas is another, or None."""
    own, theirs = other.settings, first.settings
    if own.canvas != theirs.canvas:
        sizes = [f"{c.width_px} x {c.height_px}" for c in (own.canvas, theirs.canvas)]
        return f"has another canvas, {sizes[0]} and not {sizes[1]},"
    before, now = _plain(theirs.setup), _plain(own.setup)
    for name in asdict(before):
        if (got := getattr(now, name)) != (wanted := getattr(before, name)):
            return f"has another {name}, {_short(got)} and not {_short(wanted)},"
    pairs = [(other.template, first.template)]
    if own.setup.align is not None:
        pairs.append((_reference(other), _reference(first)))
    for (mine, others), what in zip(pairs, ("template", "picture to align to"), strict=False):
        if (mine is None) != (others is None) or not np.array_equal(mine, others):  # type: ignore[arg-type]
            return f"has another {what}"
    return None


def _plain(setup: Setup) -> Setup:
    """A set-up less what says nothing: where templates lay, and the size of a picture nothing is drawn on."""
    drawn = bool(setup.roi or setup.ignore or setup.zones)
    template = setup.template and replace(setup.template, source="")
    size = setup.reference_size_px if drawn else None
    return replace(setup, template=template, reference_size_px=size)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _reference(recipe: Recipe) -> NDArray[np.uint8]:
    return next(iter(recipe.references.values()))


def _taught(recipes: Sequence[Recipe]) -> set[str]:
    """The digests of the pictures that recipes say they were taught on."""
    return {digest for each in recipes for digest in each.settings.training.get(TAUGHT, [])}


def _usable(pictures: GoodPictures, first: Recipe, seen: set[str]) -> tuple[GoodPictures, int, int]:
    """The pictures no member has seen and the first can inspect, each once; how many were seen, or are unfit."""
    limits, size = first.settings.limits, first.settings.picture
    chosen, known, unfit = [], 0, 0
    for i in map(int, pictures.distinct()):
        good = pictures.used[i]
        height, width = good.size_px
        fits = size.height_px[0] <= height <= size.height_px[1]
        fits = fits and size.width_px[0] <= width <= size.width_px[1]
        if good.digest.hex() in seen:
            known += 1
        elif not fits or limits.problem(good.health) is not None:
            unfit += 1
        else:
            chosen.append(i)
    return pictures.only(chosen), known, unfit


def _measure(
    combination: Combination, pictures: GoodPictures, first: Recipe, progress: Progress
) -> tuple[list[list[PatchMaps]], list[int]]:
    """Each member's maps of each picture that does not look like another part, and the pictures' numbers."""
    found, numbers = [], []
    for i in range(len(pictures)):
        maps, descriptor = combination.measure(pictures[i].canvas)
        whole = {APPEARANCE_DISTANCE: first.appearance.distance(descriptor)}
        if first.settings.limits.problem(whole) is None:
            found.append(maps)
            numbers.append(i)
        progress("Measuring", i + 1, len(pictures))
    return found, numbers


def _must_be_enough(count: int, known: int, unfit: int, good: Path) -> None:
    if count >= MIN_GOOD:
        return
    raise TrainingError(
        f"combine: {count} good pictures in {good} can set limits, at least {MIN_GOOD} are needed: {known} were "
        f"taught to a recipe, {unfit} cannot be inspected; give good pictures that no recipe has seen"
    )


def _must_lie_on_each_other(members: dict[str, Recipe], maps: Sequence[PatchMaps]) -> None:
    for name, own in zip(members, maps, strict=True):
        if why := no_match(maps[0], own):
            raise RecipeError(
                f"combine: {name} {why}; train it with the same --effort and a --backbone of stride 16"
            )


def _unseen_scores(
    measured: Sequence[Sequence[PatchMaps]],
    masks: Sequence[NDArray[np.bool_]],
    folds: NDArray[np.intp],
    first: Recipe,
    rule: str,
) -> NDArray[np.float64]:
    """Score each picture by what is usual of the other folds' (n,): its own must not set what is usual."""
    scores = np.empty(len(measured))
    for fold in np.unique(folds):
        others = [int(i) for i in np.flatnonzero(folds != fold)]
        joint = Joint.learn([measured[i] for i in others], [masks[i] for i in others], rule=rule)
        for i in map(int, np.flatnonzero(folds == fold)):
            found = models.score(joint.apply(measured[i]), masks[i], first.settings.scoring)
            scores[i] = found.score
    return scores


def _together(
    members: dict[str, Recipe],
    combination: Combination,
    joint: Joint,
    limits: Calibration,
    scores: NDArray[np.float64],
    rule: str,
    seed: int,
) -> Recipe:
    """The recipe of all as one: canvas, health limits, rules and references are the first's."""
    recipes = list(members.values())
    first = recipes[0]
    cards = [recipe.settings.model for recipe in recipes]
    settings = replace(
        first.settings,
        made_by=f"inspection {version('inspection')}",
        calibration=limits,
        references=tuple(_references(first, combination, joint)),
        model={
            "name": COMBINED,
            "rule": rule,
            "members": [str(card["name"]) for card in cards],
            "recipes": [recipe.id for recipe in recipes],
            "weights_sha256": cards[0].get("weights_sha256"),
        },
        training={
            "n_good": limits.n_good,
            "seed": seed,
            TAUGHT: sorted(_taught(recipes)),
            "openvino": version("openvino"),
        },
    )
    return Recipe(
        settings,
        scores=scores,
        appearance=first.appearance,
        program=combination.program_bytes(joint),
        references=first.references,
        template=first.template,
        origins=next(
            (found for each in recipes if (found := each.origins) and not found.points), None
        ),
        labelled=first.labelled,
    )


def _references(first: Recipe, combination: Combination, joint: Joint) -> Iterator[Reference]:
    """The first's reference pictures, with the scores that the members reach together."""
    for member, image in first.references.items():
        canvas, _, pose = first.framing.canvas_of(image)
        valid = first.framing.placed(image.shape, pose).valid
        maps = joint.apply(combination.measure(canvas)[0])
        score = models.score(maps, valid, first.settings.scoring).score
        yield Reference(member=member, score=score)


def _relimited(
    recipe: Recipe,
    maps: Sequence[PatchMaps],
    masks: Sequence[NDArray[np.bool_]],
    false_reject: float,
    review: float,
) -> Recipe:
    """A member with limits from the same good pictures, so that escapes compare at equal overkill."""
    settings = recipe.settings
    pairs = zip(maps, masks, strict=True)
    scores = np.array([models.score(each, mask, settings.scoring).score for each, mask in pairs])
    limits = calibrate(scores, false_reject=false_reject, review=review)
    return Recipe(
        replace(settings, calibration=limits),
        scores=np.sort(scores),
        appearance=recipe.appearance,
        program=recipe.program_bytes,
        references=recipe.references,
    )


def _judged(
    recipes: dict[str, Recipe], pictures: GoodPictures, seed: int, progress: Progress
) -> tuple[Judged, ...]:
    times = _milliseconds(list(recipes.values()), pictures)
    return tuple(
        Judged(
            name=name,
            milliseconds=ms,
            calibration=recipe.settings.calibration,
            drawn=drawn_escapes(pictures, recipe, seed=seed, progress=progress),
        )
        for (name, recipe), ms in zip(recipes.items(), times, strict=True)
    )


def _milliseconds(recipes: Sequence[Recipe], pictures: GoodPictures) -> list[float]:
    """The median time of each program on a picture, in turn, so that a busy machine is busy for all."""
    times: list[list[float]] = [[] for _ in recipes]
    for i in range(TIMED + 1):
        canvas = pictures[i % len(pictures)].canvas
        for recipe, own in zip(recipes, times, strict=True):
            started = time.perf_counter()
            recipe.program.measure(canvas)
            own.append(1e3 * (time.perf_counter() - started))
    return [float(np.median(own[1:])) for own in times]


def _doubts(members: dict[str, Recipe], alone: Sequence[Recipe]) -> Iterator[str]:
    """Say where the promise rests on the reader's word."""
    from scipy.stats import mannwhitneyu

    for (name, recipe), now in zip(members.items(), alone, strict=True):
        if TAUGHT in recipe.settings.training:
            continue
        lower = mannwhitneyu(now.scores, recipe.scores, alternative="less").pvalue < 0.001
        also = (
            "; they score lower than good parts it had not seen, so they probably were"
            if lower
            else ""
        )
        yield (
            f"{name} does not say which pictures it was taught on; the promise holds only if these "
            f"were not among them{also}"
        )
