"""`inspection report`: a report of any choice of parts of a station."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from inspection.cli.options import JsonOption


def report(
    station: Annotated[Path, typer.Argument(help="Station file (TOML).")],
    out: Annotated[Path, typer.Option(help="File to write: .html or .pdf.")],
    since: Annotated[
        str | None,
        typer.Option(
            "--from", help="Only parts judged at this time (2026-03-05T06:00) or later; UTC."
        ),
    ] = None,
    until: Annotated[
        str | None, typer.Option("--to", help="Only parts judged before this time.")
    ] = None,
    lot: Annotated[
        str | None, typer.Option(help="Only parts of this lot; 'L7*': of all that begin so.")
    ] = None,
    product: Annotated[str | None, typer.Option(help="Only parts of this product.")] = None,
    recipe: Annotated[
        str | None, typer.Option(help="Only parts judged by this recipe id, or '3f2a*'.")
    ] = None,
    language: Annotated[str, typer.Option(help="Language of the report: en, ja or ko.")] = "en",
    pictures: Annotated[
        int, typer.Option(min=0, max=200, help="At most so many pictures of rejects.")
    ] = 24,
    verify: Annotated[
        bool,
        typer.Option("--verify", help="Verify the whole record first, and say what was found."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Report parts: yield, causes of rejects with pictures, labels, recipes and health, as HTML or PDF."""
    from inspection.reports import report_of, write_report
    from inspection.reports.files import check_target
    from inspection.station.station_file import read_station
    from inspection.store import open_to_read
    from inspection.store.filters import FilterError, read_filter

    check_target(out, language)
    settings = read_station(station)
    given = {"since": since, "until": until, "lot": lot, "product": product, "recipe": recipe}
    names = {"since": "from", "until": "to", "recipe_id": "recipe"}
    try:
        asked = read_filter(given)
    except FilterError as error:
        hint = f"--{names.get(error.field, error.field)}"
        raise typer.BadParameter(str(error), param_hint=hint) from error
    with open_to_read(settings.record, images=settings.images) as store:
        done = report_of(store, asked, settings, pictures=pictures, verify=verify)
    write_report(done, out, language=language)
    told = {
        "parts": done.parts, "rejects": done.rejects, "yield": done.yield_share,
        "faults": None if done.faults is None else list(done.faults), "file": str(out),
    }  # fmt: skip
    text = f"{out}: {done.parts} parts, {done.rejects} rejects"
    typer.echo(json.dumps(told) if as_json else text)


COMMANDS = (report,)
