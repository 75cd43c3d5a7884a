"""The command that watches the stream of parts."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inspection.cli.options import JsonOption

if TYPE_CHECKING:
    from inspection.monitoring.monitor import Monitor
    from inspection.monitoring.part_rows import PartRow
    from inspection.monitoring.settings import MonitorSettings

LOOK_EVERY_S = 1.0
NOT_ALL_WELL = 3


def monitor(
    source: Annotated[
        str,
        typer.Argument(
            metavar="RECORD|STATION",
            help="Record (file or URL), table (.csv) or station file (.toml).",
        ),
    ],
    method: Annotated[
        str, typer.Option(help="charts, all, or names separated by commas; see the manual.")
    ] = "charts",
    good: Annotated[
        int, typer.Option(min=50, max=100_000, help="Learn from the first so many good parts.")
    ] = 500,
    learn: Annotated[
        str | None, typer.Option(help="Another record or table whose good parts to learn from.")
    ] = None,
    false_alarms: Annotated[
        float, typer.Option(help="Alarms allowed per 1,000 good parts, all methods together.")
    ] = 1.0,
    columns: Annotated[
        str | None,
        typer.Option(help="Numbers to watch, separated by commas; default: all that vary."),
    ] = None,
    context: Annotated[
        str | None,
        typer.Option(
            help="What a part is compared within, such as shift,lot; default: product,recipe."
        ),
    ] = None,
    cycle: Annotated[
        int | None, typer.Option(min=2, max=50, help="Parts in a cycle of the line.")
    ] = None,
    once: Annotated[
        bool, typer.Option("--once", help="With a station: end after what is recorded.")
    ] = False,
    images_folder: Annotated[
        Path | None,
        typer.Option("--images-folder", help="Folder of its pictures; needed with a URL."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same limits.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Say what a stream of parts shows that single parts do not: drifts, cycles, repeats."""
    from inspection.monitoring.source import opened

    given: dict[str, Any] = {
        "methods": _words(method),
        "good": good,
        "false_alarms": false_alarms,
        "columns": _words(columns),
        "cycle": cycle,
        "seed": seed,
    }
    settings = _settings(given | ({} if context is None else {"context": _words(context)}))
    where, images, shifts, follow = _place(source, images_folder)
    with opened(where, images=images, shifts=shifts) as rows:
        watching = _taught(settings, rows(), where, learn, shifts)
        for name, why in watching.learnt.left_out.items():
            typer.echo(
                f"left out {name}: {why}" if name not in why else f"left out: {why}", err=True
            )
        if follow and not once:
            _follow(watching, rows, as_json=as_json)
        else:
            watching.take(rows())
            for each in watching.raised:
                _say(watching, each, as_json=as_json)
    _say_end(watching, as_json=as_json)
    if watching.raised:
        raise typer.Exit(NOT_ALL_WELL)


def _words(text: str | None) -> tuple[str, ...]:
    return tuple(word.strip() for word in (text or "").split(",") if word.strip())


def _settings(given: dict[str, Any]) -> MonitorSettings:
    from pydantic import TypeAdapter, ValidationError

    from inspection.monitoring.settings import MonitorSettings
    from inspection.recipe.setup_file import first_problem

    try:
        return TypeAdapter(MonitorSettings).validate_python(given)
    except ValidationError as error:
        raise typer.BadParameter(first_problem(error)) from error


def _place(source: str, images: Path | None) -> tuple[str, Path | None, tuple[str, ...], bool]:
    """The record, its pictures, when shifts begin, and whether it grows."""
    from inspection.monitoring.part_rows import SHIFTS
    from inspection.station.station_file import read_station

    if not source.lower().endswith(".toml"):
        return source, images, SHIFTS, False
    station = read_station(Path(source))
    return station.record, station.images, station.shifts, True


def _taught(
    settings: MonitorSettings,
    rows: Iterator[PartRow],
    where: str,
    learn_from: str | None,
    shifts: tuple[str, ...],
) -> Monitor:
    from inspection.monitoring.monitor import good_parts, learn
    from inspection.monitoring.source import opened

    if learn_from is None:
        return learn(good_parts(rows, settings.good, where=where), settings)
    with opened(learn_from, shifts=shifts) as others:
        good = good_parts(others(), settings.good, where=learn_from)
    return learn(good, settings)


def _follow(watching: Monitor, rows: Callable[[], Iterator[PartRow]], *, as_json: bool) -> None:
    """Read on as the record grows, until Ctrl-C."""
    try:
        while True:
            for each in watching.take(rows()):
                _say(watching, each, as_json=as_json)
            time.sleep(LOOK_EVERY_S)
    except KeyboardInterrupt:
        return


def _say(watching: Monitor, each: Any, *, as_json: bool) -> None:
    typer.echo(json.dumps(watching.as_json(each)) if as_json else watching.text(each))


def _say_end(watching: Monitor, *, as_json: bool) -> None:
    learnt, raised = watching.learnt, len(watching.raised)
    if as_json:
        found = {"watched": watching.watched, "raised": raised, "learnt": learnt.as_json()}
        typer.echo(json.dumps(found))
        return
    typer.echo(
        f"{watching.watched} parts watched, {raised or 'nothing'} raised; learnt from {learnt.parts} good "
        f"parts ({learnt.first} to {learnt.last}), {len(learnt.columns)} columns, {len(learnt.methods)} methods"
    )


COMMANDS: tuple[Callable[..., None], ...] = (monitor,)
