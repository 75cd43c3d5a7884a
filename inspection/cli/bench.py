"""The command that compares models."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from inspection.cli.options import JsonOption, fail
from inspection.cli.progress import ProgressBar
from inspection.training.options import BALANCED, EFFORTS


def bench(
    datasets: Annotated[list[Path], typer.Argument(help="Datasets with train/good and test/*.")],
    models: Annotated[
        str, typer.Option(help="Who takes part, separated by commas, or all; see the manual.")
    ] = "ours,mh_patchcore,padim,patchcore",
    n: Annotated[
        str, typer.Option("--n", help="Numbers of good pictures, such as 10,20,30,60,100,all.")
    ] = "all",
    seeds: Annotated[str, typer.Option(help="Seeds, such as 0,1,2.")] = "0",
    effort: Annotated[
        str, typer.Option(help="fast, balanced or thorough; anomalib's models get the same size.")
    ] = BALANCED,
    image_size: Annotated[
        int | None,
        typer.Option(
            min=64, max=2048, help="Model input size, the same for all; default: by --effort."
        ),
    ] = None,
    backbone: Annotated[
        str, typer.Option(help="timm network, the same for all.")
    ] = "tf_efficientnet_lite0",
    drawn: Annotated[
        int, typer.Option(min=0, help="Drawn-in defects of each kind and size; 0: none.")
    ] = 6,
    keep: Annotated[
        Path | None,
        typer.Option(
            help="Folder of what was measured: a run that stands there is not done again."
        ),
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", help="HTML file to write, plots included.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Compare models on the same pictures, with intervals, as the good pictures become fewer."""
    from inspection.durable_files import replace_file
    from inspection.training.bench import BenchSettings, Failure, Outcome, Plan
    from inspection.training.bench import bench as run
    from inspection.training.bench.comparison import Comparison
    from inspection.training.bench.contenders import chosen
    from inspection.training.bench.page import page
    from inspection.training.bench.tables import tables

    if effort not in EFFORTS:
        raise typer.BadParameter(
            f"must be {', '.join(EFFORTS)}, got {effort}", param_hint="--effort"
        )
    if keep is not None and not keep.absolute().parent.is_dir():
        fail(f"folder {keep}: no folder {keep.absolute().parent}; make it first")
    if html is not None and not html.absolute().parent.is_dir():
        fail(f"page {html}: no folder {html.absolute().parent}; make it first")
    plan = Plan(
        datasets=tuple(datasets),
        contenders=tuple(chosen(models)),
        counts=_numbers(n, "--n", also={"all": None}),
        seeds=tuple(seed or 0 for seed in _numbers(seeds, "--seeds", also={})),
        drawn_each=drawn,
        settings=BenchSettings(backbone=backbone, effort=effort, image_size_px=image_size),
        keep=keep,
    )
    with ProgressBar() as progress:
        found = run(plan, progress=progress)
    outcomes = [each for each in found if isinstance(each, Outcome)]
    failures = [each for each in found if isinstance(each, Failure)]
    compared = Comparison.of(outcomes)
    if html is not None and outcomes:
        about = (
            f"{len(datasets)} datasets, good pictures {n}, seeds {seeds}, {plan.settings.told()}."
        )
        replace_file(html, page(compared, outcomes, failures, about=about).encode())
    if as_json:
        typer.echo(json.dumps(compared.as_json() + [each.as_json() for each in failures]))
    elif found:
        shown = tables(compared, failures)
        typer.echo("\n\n".join(f"{title}\n\n{text}" for title, text in shown))
    if failures:
        first = failures[0]
        fail(
            f"bench: {len(failures)} of {len(found)} runs failed; the first, {first.contender} on "
            f"{first.dataset} with {first.n_good} good pictures: {first.error}"
        )


def _numbers(text: str, option: str, *, also: dict[str, None]) -> tuple[int | None, ...]:
    """Whole numbers with commas between, or a word of `also`, each once."""
    found: list[int | None] = []
    for word in (word.strip() for word in text.split(",")):
        if word not in also and not word.isdecimal():
            allowed = " or ".join(["whole numbers with commas between", *also])
            raise typer.BadParameter(f"must be {allowed}, got {text!r}", param_hint=option)
        found.append(also[word] if word in also else int(word))
    return tuple(dict.fromkeys(found))


COMMANDS: tuple[Callable[..., None], ...] = (bench,)
