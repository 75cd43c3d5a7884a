"""Commands on recipes: train, inspect, evaluate."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from inspection.cli.options import (
    BackboneOption,
    DatasetArgument,
    DeviceOption,
    FalseRejectOption,
    JsonOption,
    RecipeArgument,
    ReviewOption,
    SetupOption,
    fail,
    must_be_shares,
    one_line,
)
from inspection.cli.progress import ProgressBar
from inspection.training.options import BALANCED, EFFORTS

if TYPE_CHECKING:
    from inspection.recipe import Recipe
    from inspection.recipe.setup_file import Setup
    from inspection.training.statistics import Evaluation
    from inspection.training.train import TrainingReport


NOT_ALL_PASS = 3


MUCH_SMALLER = 0.6
"""Where the model sees pictures at less than this share of their size, training says so."""


FEW_PX = 4
"""What a defect should measure on the model's canvas to be seen."""


def train(
    dataset: DatasetArgument,
    recipe: Annotated[Path, typer.Option(help="Recipe file to write.")],
    model: Annotated[
        str, typer.Option(help="Model, see `inspection models`; or auto.")
    ] = "patchcore",
    members: Annotated[
        str | None, typer.Option(help="With --model ensemble: its models, such as patchcore,vae.")
    ] = None,
    rule: Annotated[
        str | None,
        typer.Option(help="With --model ensemble: mean, fisher, harmonic, maximum or mean_rank."),
    ] = None,
    backbone: BackboneOption = "tf_efficientnet_lite0",
    weights: Annotated[
        Path | None, typer.Option(help="Weights file (.safetensors, .pth) for the backbone.")
    ] = None,
    effort: Annotated[
        str,
        typer.Option(
            help="fast, balanced or thorough: how closely the model looks; see the manual."
        ),
    ] = BALANCED,
    image_size: Annotated[
        int | None,
        typer.Option(
            min=64,
            max=2048,
            help="Model input size N: pictures are scaled to about N × N pixels, aspect kept; "
            "default: by --effort.",
        ),
    ] = None,
    false_reject: FalseRejectOption = 0.01,
    review: ReviewOption = 0.05,
    defects: Annotated[
        Path | None,
        typer.Option(help="Folder of pictures of bad parts, or of folders by kind of defect."),
    ] = None,
    escape_cost: Annotated[
        float, typer.Option(help="With --defects: what a bad part that passes costs.")
    ] = 100.0,
    overkill_cost: Annotated[
        float, typer.Option(help="With --defects: what a good part that does not pass costs.")
    ] = 1.0,
    defect_rate: Annotated[
        float, typer.Option(help="With --defects: share of parts on the line that are bad.")
    ] = 0.01,
    take_proposed_limit: Annotated[
        bool,
        typer.Option(
            "--take-proposed-limit", help="Use the PASS limit that --defects proposes by cost."
        ),
    ] = False,
    defect_head: Annotated[
        bool,
        typer.Option(
            "--defect-head",
            help="With 30 --defects or more: send to REVIEW what looks like them, too.",
        ),
    ] = False,
    setup: SetupOption = None,
    template: Annotated[
        Path | None,
        typer.Option(
            help="Template each picture is compared with, or a folder of them by the pictures' names."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same pictures: same recipe.")] = 0,
    prepare: Annotated[
        str | None,
        typer.Option(
            help="Steps done to pictures: flat_field,denoise,colour, some of them, or auto."
        ),
    ] = None,
    device: DeviceOption = "cpu",
    status: Annotated[
        Path | None, typer.Option(help="JSON file that shows the progress, for programs.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Learn a recipe from good pictures."""
    from inspection.jobs.status_file import CANCELLED, DONE, StatusFile
    from inspection.training.options import Costs, TrainingOptions
    from inspection.training.train import train_recipe

    must_be_shares(false_reject=false_reject, review=review, defect_rate=defect_rate)
    for option, cost in (("--escape-cost", escape_cost), ("--overkill-cost", overkill_cost)):
        if not 0 < cost < math.inf:
            raise typer.BadParameter(f"must be more than 0, got {cost}", param_hint=option)
    for wrong, needed, option in (
        (members is not None and model != "ensemble", "--model ensemble", "--members"),
        (rule is not None and model != "ensemble", "--model ensemble", "--rule"),
        (take_proposed_limit and defects is None, "--defects", "--take-proposed-limit"),
        (defect_head and defects is None, "--defects", "--defect-head"),
    ):
        if wrong:
            raise typer.BadParameter(f"needs {needed}", param_hint=option)
    if effort not in EFFORTS:
        raise typer.BadParameter(
            f"must be {', '.join(EFFORTS)}, got {effort}", param_hint="--effort"
        )
    options = TrainingOptions(
        model=model,
        members=None if members is None else tuple(each.strip() for each in members.split(",")),
        rule=rule,
        backbone=backbone,
        weights=weights,
        effort=effort,
        image_size_px=image_size,
        false_reject=false_reject,
        review=review,
        seed=seed,
        defects=defects,
        costs=Costs(escape=escape_cost, overkill=overkill_cost, defect_rate=defect_rate),
        take_proposed_limit=take_proposed_limit,
        defect_head=defect_head,
        device=device,
        prepare=None if prepare is None else tuple(each.strip() for each in prepare.split(",")),
    )
    about = _about(setup, template)
    with StatusFile(status) as told, ProgressBar(told) as progress:
        try:
            report = train_recipe(
                dataset,
                recipe,
                options=options,
                setup=about,
                progress=progress,
            )
        except KeyboardInterrupt:
            told.end(CANCELLED)
            fail(f"recipe {recipe}: training stopped by Ctrl-C; nothing was changed")
        try:
            report = replace(report, tested=_tested(recipe, dataset, template, device, progress))
        except KeyboardInterrupt:
            told.end(CANCELLED)
            fail(f"recipe {recipe}: written; testing it was stopped by Ctrl-C")
        told.end(DONE, result=report.as_json())
    if as_json:
        typer.echo(json.dumps(report.as_json()))
    else:
        _print_training(report, recipe)


def _about(setup: Path | None, template: Path | None) -> Setup:
    """The set-up file's content, with the templates given."""
    from inspection.recipe.setup_file import Setup, read_setup
    from inspection.recipe.template import Template

    about = read_setup(setup) if setup else Setup()
    if template is None:
        return about
    if not template.exists():
        fail(f"template {template}: no such file or folder")
    rule = about.template or Template()
    return replace(about, template=replace(rule, source=str(template.absolute())))


def _tested(
    recipe: Path, dataset: Path, template: Path | None, device: str, progress: ProgressBar
) -> Evaluation | None:
    """Judge the dataset's own test pictures, when there are defective ones among them."""
    from inspection.training.dataset_folder import test_files
    from inspection.training.evaluate import evaluate as run

    if not any(item.defective for item in test_files(dataset)):
        return None
    return run(_loaded(recipe, template, device), dataset, progress=progress)


def _loaded(path: Path, template: Path | None, device: str) -> Recipe:
    """Open a recipe, with its templates at hand where they are given."""
    from inspection.judging.judge import load_recipe

    recipe = load_recipe(path, device=device)
    return recipe if template is None else recipe.comparing_with(template)


def inspect_(
    recipe: RecipeArgument,
    images: Annotated[list[Path], typer.Argument(help="Picture files or folders of pictures.")],
    template: Annotated[
        Path | None,
        typer.Option(
            help="Template each picture is compared with, or a folder of them by the pictures' names."
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder to write overlays to.")] = None,
    store: Annotated[
        str | None, typer.Option(help="SQLite file or database URL that records each part.")
    ] = None,
    images_folder: Annotated[
        Path | None,
        typer.Option("--images", help="Folder for the record's pictures; a database URL needs it."),
    ] = None,
    device: DeviceOption = "cpu",
    as_json: JsonOption = False,
) -> None:
    """Judge pictures; exit code 3 when one of them is not PASS."""
    from contextlib import ExitStack

    from inspection.judgement import Verdict
    from inspection.judging.overlay import overlay_names, write_overlay
    from inspection.judging.picture_files import judge_files, picture_files, record

    paths = picture_files(images)
    loaded = _loaded(recipe, template, device)
    names = overlay_names(paths)
    not_pass = 0
    with ExitStack() as stack:
        keep = None
        if store is not None:
            from inspection.store import open_store

            keep = stack.enter_context(open_store(store, images=images_folder))
        for found, name in zip(judge_files(paths, loaded), names, strict=True):
            if keep is not None:
                keep.add(record(found, loaded))
            if out is not None and found.frame is not None:
                write_overlay(out, name, found.frame.image, found.judgement, loaded)
            not_pass += found.judgement.verdict is not Verdict.PASS
            if as_json:
                line = {"image": str(found.path)} | found.judgement.as_json()
                typer.echo(json.dumps(line))
            else:
                judged = found.judgement
                typer.echo(
                    f"{judged.verdict:<15} {one_line(found.path)}  {one_line(judged.reason)}"
                )
    if not as_json and len(paths) > 1:
        typer.echo(f"{len(paths)} inspected, {len(paths) - not_pass} passed, {not_pass} not")
    if not_pass:
        raise typer.Exit(NOT_ALL_PASS)


def evaluate(
    recipe: RecipeArgument,
    dataset: Annotated[
        Path, typer.Argument(help="Folder with test/good, test/DEFECT, ground_truth.")
    ],
    template: Annotated[
        Path | None,
        typer.Option(
            help="Template each picture is compared with, or a folder of them by the pictures' names."
        ),
    ] = None,
    device: DeviceOption = "cpu",
    as_json: JsonOption = False,
) -> None:
    """Judge a labelled test set: escapes, overkill, AUROC, with exact intervals."""
    from inspection.training.evaluate import evaluate as run

    loaded = _loaded(recipe, template, device)
    with ProgressBar() as progress:
        evaluation = run(loaded, dataset, progress=progress)
    if as_json:
        typer.echo(json.dumps(evaluation.as_json()))
    else:
        _print_evaluation(evaluation)


def _print_training(report: TrainingReport, recipe: Path) -> None:
    limits, data = report.calibration, report.data
    for warning in report.warnings:
        typer.secho(f"WARNING: {warning}", fg="red")
    typer.echo(
        f"{recipe}: trained on {report.n_good} good parts in {report.seconds:.1f} s, "
        f"{report.recipe_bytes / 1e6:.1f} MB, id {report.recipe_id[:12]}"
    )
    if report.tested is not None:
        typer.echo("On the test pictures of this dataset:")
        _print_evaluation(report.tested)
    for told, of in (
        ("Choice of the model:", report.choice),
        ("Steps before the model:", report.steps),
        ("Bad parts given:", report.defects),
        ("Learnt from the bad parts given:", report.labelled),
    ):
        for line in [told, *(f"  {one_line(each)}" for each in of.lines())] if of else []:
            typer.echo(line)
    typer.echo("Defects drawn into good pictures:")
    for size in report.drawn:
        low, high = size.ci95
        typer.echo(
            f"  {size.length_px:.0f} px long: {size.escapes} of {size.drawn} would pass "
            f"({size.share:.0%}, 95 % interval {low:.0%} to {high:.0%})"
        )
    typer.echo(
        f"FAIL above {limits.fail_threshold:.3g}. Promise: at most {limits.false_reject_promised:.2%} of "
        f"good parts fail on average; with 95 % confidence no more than {limits.false_reject_bound:.2%}."
    )
    if limits.images_needed:
        typer.echo(
            f"To guarantee the requested {limits.false_reject_asked:.2%}, add "
            f"{limits.images_needed} more good pictures."
        )
    if limits.review_estimated is not None and limits.review_ci95 is not None:
        low, high = limits.review_ci95
        typer.echo(
            f"PASS up to {limits.threshold:.3g}. Estimate: {limits.review_estimated:.1%} of good parts "
            f"need a look or fail (95 % interval {low:.1%} to {high:.1%})."
        )
    typer.echo(
        f"Effort {report.effort}: the model sees a picture at {report.canvas.width_px} × "
        f"{report.canvas.height_px} px, {report.scale:.0%} of its size."
    )
    if report.scale < MUCH_SMALLER:
        typer.echo(
            f"The model sees the pictures at {report.scale:.0%} of their size: a defect "
            f"{FEW_PX / report.scale:.0f} px wide is {FEW_PX} px to it. For smaller ones try "
            "--effort thorough."
        )
    for title, rows in (
        ("Left out, unreadable", [why for _, why in data.unreadable]),
        ("Left out, wrong size", [f"{name}: {size}" for name, size in data.wrong_size]),
        ("Duplicate pictures", [" = ".join(names) for names in data.duplicates]),
        (
            "Check these: they look unlike the other good parts",
            [
                f"{name}: score {score:.3g}, usual up to {limit:.3g}"
                for name, score, limit in data.suspicious
            ],
        ),
    ):
        if rows:
            typer.echo(f"{title} ({len(rows)}):")
            for row in rows[:10]:
                typer.echo(f"  {one_line(row)}")
            if len(rows) > 10:
                typer.echo(f"  and {len(rows) - 10} more; --json lists all")


def _print_evaluation(evaluation: Evaluation) -> None:
    for line in evaluation.lines():
        typer.echo(f"  {line}")


COMMANDS: tuple[Callable[..., None], ...] = (train, inspect_, evaluate)
