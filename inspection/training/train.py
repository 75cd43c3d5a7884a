"""From good pictures to a recipe."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

import models
from inspection.errors import SetupError
from inspection.judging.judge import check_parity
from inspection.recipe import (
    FORMAT,
    PictureSize,
    Recipe,
    RecipeSettings,
    Reference,
    check_place,
    write_recipe,
)
from inspection.recipe import image_health as health
from inspection.recipe.calibration import Calibration, calibrate, odd_above
from inspection.recipe.geometry import Canvas
from inspection.recipe.prepare import STEPS, Step
from inspection.recipe.setup_file import Setup
from inspection.training.bad_pictures import seen
from inspection.training.choice import ModelChoice, choose_model
from inspection.training.dataset_folder import good_files
from inspection.training.defects import (
    FINE_WEIGHT_AUROC,
    MEMBERS_AUROC,
    BadParts,
    DefectReport,
    bad_files,
    usable,
    weigh_defects,
)
from inspection.training.drawn_defects import DrawnEscapes, drawn_escapes
from inspection.training.fine_weight import chosen_weight, weight_aurocs
from inspection.training.good_pictures import (
    DataReport,
    GoodPictures,
    read_pictures,
)
from inspection.training.labelled import LabelledReport, check_labelled, learn_labelled
from inspection.training.members import chosen_members
from inspection.training.needs import check_machine
from inspection.training.options import AUTO, DEFAULT_MODEL, TrainingOptions
from inspection.training.origins import kept_origins
from inspection.training.prepare_choice import StepChoice, choose_steps
from inspection.training.process_memory import give_back_at_once, share_one_arena
from inspection.training.statistics import Evaluation
from inspection.training.untaught import check_backbone, untaught
from inspection.training.warnings import (
    TrainingWarning,
    as_keys,
    drawn_warnings,
    odd_good,
    shown_escapes,
    variants,
)
from models import Progress

TAUGHT = "taught"
"""Digests of the good pictures, as a recipe keeps them: `inspection combine` leaves these out."""

REFERENCES = 4
REFERENCE_PIXELS = 12_000_000
"""Of all references together, so that a recipe of large pictures stays small; one there always is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingReport:
    """What came of a training."""

    n_good: int
    seconds: float
    calibration: Calibration
    recipe_bytes: int
    recipe_id: str
    effort: str
    canvas: Canvas
    scale: float
    """Canvas pixels per pixel of the picture; the median where sizes vary."""
    parity: float
    data: DataReport
    drawn: tuple[DrawnEscapes, ...] = ()
    defects: DefectReport | None = None
    labelled: LabelledReport | None = None
    choice: ModelChoice | None = None
    steps: StepChoice | None = None
    tested: Evaluation | None = None

    @property
    def warnings(self) -> list[TrainingWarning | str]:
        """What a reader must know first, the worst first; those without a key are English only."""
        return [
            *(self.defects.warnings if self.defects is not None else []),
            *(shown_escapes(self.tested) if self.tested is not None else []),
            *odd_good(self.calibration),
            *drawn_warnings(self.drawn),
            *self.data.variants,
        ]

    def as_json(self) -> dict[str, Any]:
        """The fields of the `--json` contract first, then the rest."""
        calibration = asdict(self.calibration)
        return {
            "n_good": self.n_good,
            "seconds": round(self.seconds, 3),
            "threshold": calibration["threshold"],
            "false_reject_promised": calibration["false_reject_promised"],
            "false_reject_asked": calibration["false_reject_asked"],
            "images_needed": calibration["images_needed"],
            "recipe_bytes": self.recipe_bytes,
            "recipe_id": self.recipe_id,
            "false_reject_bound": calibration["false_reject_bound"],
            "fail_threshold": calibration["fail_threshold"],
            "review_asked": calibration["review_asked"],
            "review_estimated": calibration["review_estimated"],
            "review_ci95": calibration["review_ci95"],
            "odd_good": calibration["odd"],
            "threshold_with_odd": calibration["threshold_with_odd"],
            "effort": self.effort,
            "canvas": asdict(self.canvas),
            "scale": round(self.scale, 3),
            "parity": self.parity,
            "hygiene": self.data.as_json(),
            "drawn_escapes": [
                asdict(each) | {"escape_rate": each.share, "escape_ci95": list(each.ci95)}
                for each in self.drawn
            ],
            "defects": None if self.defects is None else self.defects.as_json(),
            "labelled": None if self.labelled is None else self.labelled.as_json(),
            "model_choice": None if self.choice is None else self.choice.as_json(),
            "prepare_choice": None if self.steps is None else self.steps.as_json(),
            "warnings": [str(warning) for warning in self.warnings],
            "warning_keys": [as_keys(warning) for warning in self.warnings],
            "tested": None if self.tested is None else self.tested.as_json(),
        }


def train_recipe(
    dataset: Path,
    recipe_path: Path,
    *,
    options: TrainingOptions,
    setup: Setup,
    progress: Progress = lambda what, done, of: None,
) -> TrainingReport:
    """Teach a recipe from a folder of good pictures and write it.

    Raises TrainingError, RecipeError, SetupError or ModelError with one line; an earlier recipe of
    that name stays as it was.
    """
    started = time.perf_counter()
    share_one_arena()
    _, judging = models.training_devices(options.device)
    asked, choice = options, None
    if asked.model == AUTO:
        options = replace(asked, model=DEFAULT_MODEL)
    check_backbone(options)
    check_machine(options)
    check_place(recipe_path)
    files = good_files(dataset)
    listed = None if options.defects is None else bad_files(options.defects)
    pictures = read_pictures(
        files, options=options, setup=with_steps(setup, options), progress=progress
    )
    give_back_at_once(pictures.framing.canvas.nbytes)
    bad = None if listed is None else usable(listed, pictures)
    check_labelled(options, bad)
    if asked.model == AUTO:
        choice = choose_model(pictures, options=options, progress=progress)
        options = replace(options, model=choice.chosen)
    steps = None
    if options.prepare == (AUTO,):
        steps = choose_steps(pictures, options=options, bad=bad, progress=progress)
        pictures = pictures.preparing(steps.kept)
    recipe, report = teach(pictures, options=options, bad=bad, progress=progress)
    weighed, labelled = None, None
    if bad is not None:
        recipe, weighed = weigh_defects(
            bad, recipe, costs=options.costs, take=options.take_proposed_limit, progress=progress
        )
        recipe, labelled = learn_labelled(bad, pictures, recipe, options=options, progress=progress)
    recipe.device = judging
    give_back_at_once(pictures.framing.canvas.nbytes)
    parity = check_parity(recipe)
    escapes = drawn_escapes(pictures, recipe, seed=options.seed, progress=progress)
    write_recipe(recipe, recipe_path)
    seconds = time.perf_counter() - started
    return TrainingReport(
        n_good=len(pictures),
        seconds=seconds,
        calibration=recipe.settings.calibration,
        recipe_bytes=recipe_path.stat().st_size,
        recipe_id=recipe.id,
        effort=options.effort,
        canvas=recipe.settings.canvas,
        scale=_scale(pictures),
        parity=parity,
        data=report,
        drawn=escapes,
        defects=weighed,
        labelled=labelled,
        choice=choice,
        steps=steps,
    )


def with_steps(setup: Setup, options: TrainingOptions) -> Setup:
    """The set-up with the steps that are asked for. Raises SetupError for one there is not."""
    if options.prepare is None:
        return setup
    asked = () if options.prepare == (AUTO,) else options.prepare
    if unknown := [each for each in asked if each not in STEPS]:
        raise SetupError(
            f"prepare: no step {unknown[0]!r}; allowed: {', '.join(STEPS)}, or auto alone"
        )
    return replace(setup, prepare=cast(tuple[Step, ...], tuple(dict.fromkeys(asked))))


def teach(
    pictures: GoodPictures,
    *,
    options: TrainingOptions,
    bad: BadParts | None = None,
    progress: Progress,
) -> tuple[Recipe, DataReport]:
    """Fit, calibrate and put together a recipe, not yet written, with what was found on the way.

    Bad parts, where there are enough, say which filters join and how much the fine scale counts.
    """
    model = untaught(options, pictures)
    model.device, _ = models.training_devices(options.device)
    folds = pictures.folds(seed=options.seed)
    model.fit(pictures, folds=folds, progress=progress)
    shown = seen(bad, pictures, progress=progress)
    chosen = chosen_members(model, pictures, shown, folds=folds, progress=progress)
    model = chosen.model
    bad_maps = zip(chosen.maps, (each.valid for each in shown), strict=True)
    aurocs = weight_aurocs(model, pictures, bad_maps)
    model.fine_weight = chosen_weight(aurocs, model.fine_weight)
    scores = np.full(len(pictures), np.nan)
    for i in map(int, model.calibrated_):
        scores[i] = _score(model, model.held_out(i), pictures.valid(i))
    distinct = np.intersect1d(pictures.distinct(), model.calibrated_)  # a copy promises nothing
    calibration = calibrate(
        scores[distinct], false_reject=options.false_reject, review=options.review
    )
    appearance, farthest = health.learn_appearance(model.descriptors_)
    limits = _health_limits(pictures, farthest)
    references = _references(model, pictures, scores)
    settings = RecipeSettings(
        format=FORMAT,
        product=pictures.framing.setup.product,
        made_by=f"inspection {version('inspection')}",
        setup=pictures.framing.setup,
        picture=_picture_size(pictures),
        canvas=pictures.framing.canvas,
        **asdict(model.scoring),
        limits=limits,
        calibration=calibration,
        references=tuple(reference for reference, _ in references),
        model=model.card(),
        training=_provenance(options, len(pictures))
        | {TAUGHT: [good.digest.hex() for good in pictures.used]}
        | ({FINE_WEIGHT_AUROC: {str(w): a for w, a in aurocs.items()}} if aurocs else {})
        | ({MEMBERS_AUROC: chosen.aurocs} if chosen.aurocs else {}),
    )
    recipe = Recipe(
        settings,
        scores=np.sort(scores[distinct]),
        appearance=appearance,
        program=models.program_bytes(model),
        references={reference.member: image for reference, image in references},
        template=_own_template(pictures.framing.setup),
    )
    return recipe.with_origins(kept_origins(model, pictures, recipe)), replace(
        pictures.report,
        suspicious=_suspicious(pictures, scores),
        variants=tuple(variants(model.descriptors_)),
    )


def _score(model: models.AnomalyModel, maps: models.PatchMaps, valid: NDArray[np.bool_]) -> float:
    """Score a good picture as a judgement would."""
    return models.score(maps, valid, model.scoring).score


def _references(
    model: models.AnomalyModel, pictures: GoodPictures, scores: NDArray[np.float64]
) -> list[tuple[Reference, NDArray[np.uint8]]]:
    """Choose the first picture and a spread over the scores; score each with the trained model."""
    height_px, width_px = pictures.used[0].size_px
    count = min(REFERENCES, max(1, REFERENCE_PIXELS // (height_px * width_px)))
    order = np.argsort(scores, kind="stable")[: int(np.isfinite(scores).sum())]
    spread = order[np.linspace(0, len(order) - 1, count - 1).round().astype(int)]
    chosen = dict.fromkeys([0, *map(int, spread)])
    found = []
    for number, index in enumerate(chosen):
        score = _score(model, model.measure(pictures[index].canvas), pictures.valid(index))
        reference = Reference(member=f"reference_{number}.png", score=score)
        found.append((reference, pictures.framing.setup.read_picture(pictures.used[index].path)))
    return found


def _health_limits(pictures: GoodPictures, farthest: float) -> health.Limits:
    """What a picture must measure to be judged; one beside its template is measured by that instead."""
    if pictures.framing.setup.template is not None:
        return health.Limits(low={}, high={})
    limits = health.learn_limits([good.health for good in pictures.used])
    return replace(limits, high={**limits.high, health.APPEARANCE_DISTANCE: farthest})


def _own_template(setup: Setup) -> NDArray[np.uint8] | None:
    """The template, where all pictures are compared with the same one."""
    source = Path(setup.template.source) if setup.template is not None else None
    if source is None or not source.is_file():
        return None
    assert setup.template is not None
    return setup.template.of(source)


def _scale(pictures: GoodPictures) -> float:
    view = pictures.framing.view
    return float(np.median([min(view(good.size_px).placement.scale) for good in pictures.used]))


def _picture_size(pictures: GoodPictures) -> PictureSize:
    """Allow the sizes seen: just one, or half the smallest to twice the largest where they vary."""
    heights = [good.size_px[0] for good in pictures.used]
    widths = [good.size_px[1] for good in pictures.used]

    def span(sides: list[int]) -> tuple[int, int]:
        same = len(set(heights)) == len(set(widths)) == 1
        return (sides[0], sides[0]) if same else (min(sides) // 2, max(sides) * 2)

    return PictureSize(height_px=span(heights), width_px=span(widths))


def _suspicious(
    pictures: GoodPictures, scores: NDArray[np.float64]
) -> tuple[tuple[str, float, float], ...]:
    """Name good pictures that look least like the others: a defect may hide among the good."""
    limit = odd_above(scores[np.isfinite(scores)])
    order = np.argsort(-scores, kind="stable")
    return tuple(
        (pictures.used[i].path.name, float(scores[i]), limit) for i in order if scores[i] > limit
    )


def _provenance(options: TrainingOptions, n_good: int) -> dict[str, Any]:
    """Where a recipe comes from; `weights` only where a file was given, so that it is found again."""
    weights = {} if options.weights is None else {"weights": str(options.weights.absolute())}
    return (
        {
            "n_good": n_good,
            "effort": options.effort,
            "image_size_px": options.image_size_px,
            "seed": options.seed,
        }
        | (
            {}
            if options.device == "cpu"
            else {"device": models.training_devices(options.device)[0]}
        )
        | weights
        | {package: version(package) for package in ("openvino", "torch", "timm")}
    )
