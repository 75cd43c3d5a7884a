"""The command that adapts a pretrained backbone to one's own parts."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from inspection.cli.options import (
    BackboneOption,
    DatasetArgument,
    JsonOption,
    SetupOption,
    fail,
)
from inspection.cli.progress import ProgressBar

SUFFIX = ".safetensors"


def adapt(
    dataset: DatasetArgument,
    out: Annotated[Path, typer.Option(help="Weights file to write (.safetensors).")],
    layers: Annotated[
        str, typer.Option(help="last: only what is behind the finest map used; or all.")
    ] = "all",
    steps: Annotated[int, typer.Option(min=1, max=100_000, help="Steps of teaching.")] = 300,
    backbone: BackboneOption = "tf_efficientnet_lite0",
    weights: Annotated[
        Path | None, typer.Option(help="Weights file to begin with (.safetensors, .pth).")
    ] = None,
    image_size: Annotated[
        int | None,
        typer.Option(min=64, max=2048, help="Size N pictures are scaled to; default: 256."),
    ] = None,
    setup: SetupOption = None,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same pictures: same weights.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Adapt a pretrained backbone to good pictures, without labels; train with it by --weights."""
    from inspection.recipe.setup_file import Setup, read_setup
    from inspection.training.adapt import LAYERS
    from inspection.training.adapt import adapt as run
    from inspection.training.options import TrainingOptions

    if layers not in LAYERS:
        raise typer.BadParameter(
            f"must be {' or '.join(LAYERS)}, got {layers}", param_hint="--layers"
        )
    if out.suffix != SUFFIX:
        raise typer.BadParameter(f"must end with {SUFFIX}, got {out.name}", param_hint="--out")
    options = TrainingOptions(
        backbone=backbone, weights=weights, image_size_px=image_size, seed=seed
    )
    with ProgressBar() as progress:
        try:
            report = run(
                dataset,
                out,
                options=options,
                setup=read_setup(setup) if setup else Setup(),
                layers=layers,
                steps=steps,
                progress=progress,
            )
        except KeyboardInterrupt:
            fail(f"weights {out}: adapting stopped by Ctrl-C; nothing was changed")
        except OSError as error:
            fail(f"weights {out}: cannot be written ({error.strerror or error}); give another file")
    if as_json:
        typer.echo(json.dumps(asdict(report)))
        return
    typer.echo(
        f"{out}: {backbone} adapted to {report.n_good} good parts in {report.seconds:.1f} s, "
        f"{report.bytes / 1e6:.1f} MB"
    )
    typer.echo(
        f"Two views of a part kept apart are alike by {report.alike_before:.2f} before and "
        f"{report.alike_after:.2f} after, of 1; whether that finds more defects, only bad parts tell."
    )
    typer.echo(f"Next: inspection train {dataset} --recipe RECIPE --weights {out}")


COMMANDS: tuple[Callable[..., None], ...] = (adapt,)
