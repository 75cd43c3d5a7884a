"""The command that says why a part scored as it did."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from inspection.cli.options import DeviceOption, JsonOption, RecipeArgument, fail, one_line


def explain(
    recipe: RecipeArgument,
    picture: Annotated[Path, typer.Argument(help="Picture file of the part.")],
    out: Annotated[Path | None, typer.Option(help="HTML file to write, all in one.")] = None,
    template: Annotated[
        Path | None,
        typer.Option(
            help="Template the picture is compared with, or a folder of them by the pictures' names."
        ),
    ] = None,
    device: DeviceOption = "cpu",
    as_json: JsonOption = False,
) -> None:
    """Say why a part scored as it did: the nearest good patch, the scale and the measure that spoke."""
    import json

    from inspection.durable_files import replace_file
    from inspection.judging.explain import explain as run
    from inspection.judging.explain_page import page
    from inspection.judging.explain_words import Telling
    from inspection.judging.judge import load_recipe
    from inspection.judging.picture_files import read_frame

    loaded = load_recipe(recipe, device=device)
    if template is not None:
        loaded = loaded.comparing_with(template)
    frame, golden = read_frame(picture, loaded)
    found = run(frame, loaded, name=f"picture {picture}", template=golden)
    tell = Telling(scales=len(found.scales))
    if out is not None:
        text = page(found, frame.image, loaded, name=picture.name)
        try:
            replace_file(out, text.encode("utf-8", "backslashreplace"), sync=False)
        except OSError as error:
            fail(f"page {out}: cannot be written ({error.strerror or error}); give another file")
    if as_json:
        line = {
            "image": str(picture),
            "verdict": found.judgement.verdict.value,
            "score": found.judgement.score,
            "threshold": found.judgement.threshold,
            "no_pairs": None if found.pairs else tell.no_pairs(loaded),
            "attention": [
                {"scale": each.scale, "most": asdict(each.most), "share": float(each.shares.max())}
                for each in found.attention
            ],
            "places": [
                asdict(each) | {"region": each.region.as_json() if each.region else None}
                for each in found.places
            ],
        }
        typer.echo(json.dumps(line))
        return
    typer.echo(
        f"{found.judgement.verdict}  {one_line(picture)}  {one_line(found.judgement.reason)}"
    )
    for number, each in enumerate(found.places, 1):
        typer.echo(f"{number}. score {each.score:.3g}: {one_line(tell.sentence(each))}")
        typer.echo(f"   {tell.spoke(each)} ({each.shares[each.measure]:+.2f})")
    for look in found.attention:
        typer.echo(one_line(tell.looks(look)))
    if found.mute:
        typer.echo(one_line(tell.say("explain.no_attention")))
    if not found.pairs:
        typer.echo(one_line(tell.no_pairs(loaded)))


COMMANDS: tuple[Callable[..., None], ...] = (explain,)
