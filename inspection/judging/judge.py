"""The judgement of one part: a pure function of a frame and a recipe."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

import models
from cameras.base import Frame
from inspection.errors import CannotInspect, RecipeError
from inspection.judgement import Judgement, Region, Verdict
from inspection.judging.labelled import known_defects, with_types
from inspection.judging.regions import find_regions
from inspection.reasons import Reason, about_mm2, about_px, accepted_or_at_fault
from inspection.recipe import PARITY_TOLERANCE, Recipe, open_recipe
from inspection.recipe.calibration import p_value
from inspection.recipe.image_health import APPEARANCE_DISTANCE
from inspection.recipe.template import differences
from models.supervised import UNKNOWN


def inspect(
    frame: Frame,
    recipe: Recipe,
    *,
    previous: Frame | None = None,
    template: NDArray[np.uint8] | None = None,
) -> Judgement:
    """Judge one frame. Never raises for what a picture may hold: that is CANNOT_INSPECT.

    `previous` is the frame before it from the same camera; an identical one means a frozen camera.
    `template` (H, W[, 3]) is the board's own, for recipes that compare; else the recipe's.
    """
    work = _Inspection(recipe)
    try:
        _check_frame(frame, previous)
        return work.judge(compared(frame.image, recipe, template))
    except CannotInspect as error:
        return Judgement(
            verdict=Verdict.CANNOT_INSPECT,
            cause=error.reason,
            recipe_id=recipe.id,
            threshold=recipe.settings.calibration.threshold,
            health=MappingProxyType(work.health),
            latency_ms=work.latency_ms(),
        )


def check_parity(recipe: Recipe) -> float:
    """Judge the recipe's references again; give the largest difference as a share of the threshold.

    Of the reference's own score where that is farther from 0: one the memory holds whole scores far
    below what is usual, and there rounding shows. Raises RecipeError when it exceeds
    PARITY_TOLERANCE: this machine would judge differently.
    """
    worst = 0.0
    threshold = recipe.settings.calibration.threshold
    for reference in recipe.settings.references:
        work = _Inspection(recipe)
        got = work.score(recipe.references[reference.member]).score
        scale = max(threshold, abs(reference.score), 1e-9)
        difference = abs(got - reference.score) / scale
        worst = max(worst, difference)
        if not difference <= PARITY_TOLERANCE:
            raise RecipeError(
                f"recipe {recipe.id[:12]}: {reference.member} scores {got:.5g} on this machine ({recipe.device}), "
                f"{reference.score:.5g} when trained; at most {PARITY_TOLERANCE * scale:.2g} "
                "more or less is allowed; train again on this machine, or report it"
            )
    return worst


def load_recipe(path: Path, *, device: str = "cpu") -> Recipe:
    """Open a recipe and check that this machine, on a device of `models.judging_device`, judges as it was learnt.

    Raises RecipeError or ModelError.
    """
    judging = models.judging_device(device)
    recipe = open_recipe(path)
    recipe.device = judging
    recipe.parity = check_parity(recipe)
    return recipe


def fits(image: NDArray[np.uint8], recipe: Recipe) -> Reason | None:
    """Why the size of a picture (H, W[, 3]) is not what the recipe was trained on, or None."""
    trained = recipe.settings.picture
    height, width = image.shape[:2]
    for side, got, (low, high) in (
        ("height", height, trained.height_px),
        ("width", width, trained.width_px),
    ):
        if not low <= got <= high:
            return Reason("wrong_size", {"side": side, "value": got, "low": low, "high": high})
    return None


@dataclass
class _Inspection:
    """One judgement in the making: what was measured so far, and when."""

    recipe: Recipe
    health: dict[str, float] = field(default_factory=dict)
    _marks: list[tuple[str, float]] = field(
        default_factory=lambda: [("start", time.perf_counter())]
    )

    def judge(self, image: NDArray[np.uint8]) -> Judgement:
        found = self.score(image)
        whole = {APPEARANCE_DISTANCE: self.health[APPEARANCE_DISTANCE]}
        _stop(self.recipe.settings.limits.problem(whole))
        regions = self.regions(found)
        verdict, cause = _decide(found.score, regions, self.recipe)
        if verdict is Verdict.PASS and (known := self.known_defects()):
            regions, verdict = (*known, *regions), Verdict.REVIEW
            cause = _known_defect(known, self.recipe)
        return Judgement(
            verdict=verdict,
            cause=cause,
            recipe_id=self.recipe.id,
            score=found.score,
            p_value=p_value(found.score, self.recipe.scores),
            threshold=self.recipe.settings.calibration.threshold,
            regions=regions,
            health=MappingProxyType(self.health),
            latency_ms=self.latency_ms(),
            anomaly_map=found,
            pose=self.pose,
        )

    def score(self, image: NDArray[np.uint8]) -> models.AnomalyMap:
        """Check health, align, and score; the numbers stay in `health`."""
        settings, framing = self.recipe.settings, self.recipe.framing
        _stop(fits(image, self.recipe))
        straight, self.pose = framing.straighten(image)
        self.view = framing.placed(image.shape, self.pose)
        canvas = self.view.placement.to_canvas(straight)
        self.health |= framing.health_of(straight, canvas, self.view.placement)
        if self.pose is not None:
            self.health |= self.pose.numbers
        _stop(settings.limits.problem(self.health))
        self._mark("prepare")
        self.maps, descriptor = self.recipe.program.measure(framing.prepared(canvas))
        self._mark("model")
        found = models.score(self.maps, self.view.valid, settings.scoring)
        self.health[APPEARANCE_DISTANCE] = self.recipe.appearance.distance(descriptor)
        self.health |= self.recipe.appearance.embedding(descriptor)
        self._mark("score")
        return found

    def regions(self, found: models.AnomalyMap) -> tuple[Region, ...]:
        """Outline what is above the threshold, in the camera's picture."""
        settings = self.recipe.settings
        threshold = settings.calibration.threshold
        if found.score <= threshold:
            return ()
        regions = self._outlined(found, threshold)
        self._mark("regions")
        return regions

    def known_defects(self) -> tuple[Region, ...]:
        """Outline what looks like a known defect, where the recipe learnt that and no rule allows it."""
        labelled = self.recipe.labelled
        if labelled is None or labelled.head is None:
            return ()
        found = known_defects(self.maps, self.view, labelled.head)
        if found.score <= labelled.head.limit:
            return ()
        regions = self._outlined(found, labelled.head.limit)
        self._mark("labelled")
        return regions if any(not region.accepted for region in regions) else ()

    def _outlined(self, found: models.AnomalyMap, threshold: float) -> tuple[Region, ...]:
        """The places above a threshold, with their types where the recipe learnt some."""
        setup, labelled = self.recipe.settings.setup, self.recipe.labelled
        regions = find_regions(found, self.view, setup, threshold=threshold)
        if labelled is not None and labelled.types is not None:
            regions = with_types(regions, self.maps, self.view.placement, labelled.types)
        if self.pose is None:
            return regions
        return tuple(self.pose.to_picture(region) for region in regions)

    def _mark(self, stage: str) -> None:
        self._marks.append((stage, time.perf_counter()))

    def latency_ms(self) -> dict[str, float]:
        """The time of each stage so far, and in all, in ms."""
        pairs = zip(self._marks, self._marks[1:], strict=False)
        times = {name: 1e3 * (end - start) for (_, start), (name, end) in pairs}
        times["total"] = 1e3 * (time.perf_counter() - self._marks[0][1])
        return times


def _stop(problem: Reason | None) -> None:
    if problem is not None:
        raise CannotInspect(problem)


def _check_frame(frame: Frame, previous: Frame | None) -> None:
    if frame.status != "complete":
        raise CannotInspect(
            Reason("broken_picture", {"status": frame.status, "camera": frame.camera})
        )
    if previous is not None and np.array_equal(frame.image, previous.image):
        raise CannotInspect(Reason("frozen"))


def compared(
    image: NDArray[np.uint8], recipe: Recipe, template: NDArray[np.uint8] | None
) -> NDArray[np.uint8]:
    """What a picture differs by from its template, where the recipe judges that. Raises CannotInspect."""
    rule = recipe.settings.setup.template
    if rule is None:
        return image
    golden = recipe.template if template is None else template
    if golden is None:
        raise CannotInspect(Reason("no_template"))
    return differences(image, golden, rule)


def _decide(score: float, regions: tuple[Region, ...], recipe: Recipe) -> tuple[Verdict, Reason]:
    """The verdict, and why."""
    limit = recipe.settings.calibration
    if score <= limit.threshold:
        return Verdict.PASS, Reason("nothing_unusual", {"score": score, "limit": limit.threshold})
    verdict = Verdict.PASS
    if at_fault := [region for region in regions if not region.accepted]:
        over = at_fault[0].peak_score > limit.fail_threshold
        verdict = Verdict.FAIL if over else Verdict.REVIEW
    return verdict, accepted_or_at_fault(verdict, regions, limit.threshold)


def _known_defect(regions: Sequence[Region], recipe: Recipe) -> Reason:
    """Why a part is not PASS whose score is within the limit; `regions` are those of the head."""
    assert recipe.labelled is not None
    assert recipe.labelled.head is not None
    worst = next(region for region in regions if not region.accepted)
    named = {} if worst.label in (None, UNKNOWN) else {"type": worst.label}
    return Reason(
        "known_defect",
        {
            "size": about_px(worst.area_px)
            if worst.area_mm2 is None
            else about_mm2(worst.area_mm2),
            "unit": "px" if worst.area_mm2 is None else "mm²",
            "score": worst.peak_score,
            "limit": recipe.labelled.head.limit,
            **named,
        },
    )
