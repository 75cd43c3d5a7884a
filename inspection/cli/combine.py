"""The command that makes one recipe of several."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from inspection.cli.options import (
    FalseRejectOption,
    JsonOption,
    ReviewOption,
    fail,
    must_be_shares,
    one_line,
)
from inspection.cli.progress import ProgressBar

if TYPE_CHECKING:
    from inspection.training.combine import CombineReport


def combine(
    recipes: Annotated[
        list[Path], typer.Argument(help="Recipe files of one product; the first gives the rules.")
    ],
    good: Annotated[
        Path, typer.Option(help="Folder of good pictures that none of the recipes has seen.")
    ],
    out: Annotated[Path, typer.Option(help="Recipe file to write.")],
    rule: Annotated[
        str, typer.Option(help="mean, fisher, harmonic, maximum or mean_rank; see the manual.")
    ] = "fisher",
    false_reject: FalseRejectOption = 0.01,
    review: ReviewOption = 0.05,
    seed: Annotated[int, typer.Option(min=0, help="Of the drawn-in defects and folds.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Make one recipe of finished ones, with limits from new good pictures."""
    from inspection.recipe import open_recipe
    from inspection.training.combine import combine_recipes

    must_be_shares(false_reject=false_reject, review=review)
    members = {str(path): open_recipe(path) for path in recipes}
    with ProgressBar() as progress:
        try:
            report = combine_recipes(
                members,
                good,
                out,
                rule=rule,
                false_reject=false_reject,
                review=review,
                seed=seed,
                progress=progress,
            )
        except KeyboardInterrupt:
            fail(f"recipe {out}: stopped by Ctrl-C; nothing was changed")
    if as_json:
        typer.echo(json.dumps(report.as_json()))
    else:
        _print(report, out)


def _print(report: CombineReport, out: Path) -> None:
    limits = report.calibration
    for warning in report.warnings:
        typer.secho(f"WARNING: {one_line(warning)}", fg="red")
    left_out = [
        f"{count} {why}"
        for count, why in (
            (report.seen, "taught to a recipe"),
            (report.unfit, "not to be inspected"),
        )
        if count
    ]
    typer.echo(
        f"{one_line(out)}: {len(report.judged) - 1} recipes as one, limits from {limits.n_good} good parts"
        f"{' (left out: ' + ', '.join(left_out) + ')' if left_out else ''}, "
        f"{report.recipe_bytes / 1e6:.1f} MB, id {report.recipe_id[:12]}"
    )
    typer.echo("Each with limits from these good parts; defects drawn into them:")
    for each in report.judged:
        typer.echo(
            f"  {one_line(each.name)}: {each.milliseconds:.1f} ms a picture, {each.escapes} of {each.of} would pass"
        )
    typer.echo(
        f"FAIL above {limits.fail_threshold:.3g}. Promise: at most {limits.false_reject_promised:.2%} of good "
        f"parts fail on average; with 95 % confidence no more than {limits.false_reject_bound:.2%}."
    )
    if limits.images_needed:
        typer.echo(
            f"To guarantee the requested {limits.false_reject_asked:.2%}, add {limits.images_needed} more good "
            "pictures."
        )
    typer.echo(f"PASS up to {limits.threshold:.3g}.")


COMMANDS: tuple[Callable[..., None], ...] = (combine,)
