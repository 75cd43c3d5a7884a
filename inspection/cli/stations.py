"""Commands on stations: demo, run, ui, doctor."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from inspection.cli.options import (
    AllowOption,
    CertOption,
    HostOption,
    InsecureOption,
    JsonOption,
    KeyOption,
    PortOption,
    ProxyOption,
)
from inspection.cli.progress import ProgressBar

if TYPE_CHECKING:
    from inspection.page_address import PageAddress
    from inspection.station.camera_search import FoundCamera


RESTART = 75
"""Exit code of a station that is to be started anew (EX_TEMPFAIL of sysexits.h); who watches it does so."""


def demo(
    no_ui: Annotated[
        bool, typer.Option("--no-ui", help="End after the run with a summary.")
    ] = False,
    parts: Annotated[int, typer.Option(min=1, help="Number of parts to inspect.")] = 60,
    good: Annotated[int, typer.Option(min=10, help="Number of good parts to train on.")] = 120,
    folder: Annotated[
        Path, typer.Option(help="Folder for the recipe, the record and the pictures.")
    ] = Path("inspection-demo"),
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same parts.")] = 0,
    port: PortOption = 7860,
    as_json: JsonOption = False,
) -> None:
    """Draw a product line with known defects, learn it, inspect a run of parts, open the page."""
    from inspection.demo import run_demo, write_station
    from inspection.page_address import PageAddress
    from inspection.supervisor import port_must_be_free

    address = PageAddress(port=port)
    if not (no_ui or as_json):
        port_must_be_free(address)
    with ProgressBar(aloud=not as_json) as progress:
        summary = run_demo(folder, parts=parts, good=good, seed=seed, progress=progress)
    if as_json:
        typer.echo(json.dumps(summary.as_json()))
        return
    typer.echo(summary.text())
    if no_ui:
        return
    typer.echo(
        "The line goes on, one part every 2 s. Doubtful parts and dark pictures are added on purpose: its "
        "lots look worse than those before."
    )
    typer.echo(
        f"Its page will be at {address.url}; wait for the line `Station page`, up to a minute."
    )
    _go_on(write_station(folder, seed=seed), address)


def _go_on(station: Path, address: PageAddress) -> NoReturn:
    """Become the command that watches a station: what learning left in memory (1 GB) goes."""
    sys.stdout.flush()
    words = ["-m", "inspection", "ui", str(station), *address.words()]
    os.execv(sys.executable, [sys.executable, *words])  # noqa: S606


def new(
    folder: Annotated[Path, typer.Argument(help="Folder of the new station; it is made.")],
    station: Annotated[str | None, typer.Option(help="Name of the station.")] = None,
    product: Annotated[str | None, typer.Option(help="Name of its first product.")] = None,
    camera: Annotated[
        str | None,
        typer.Option(
            help="Where pictures come from: a folder, a kind of camera (`inspection cameras`), or a "
            "device number or address of a video stream; default: the folder `pictures` in FOLDER."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a station file; on a terminal it asks for what is not given."""
    from inspection.station.new_station import write_new_station

    ask = sys.stdin.isatty() and not as_json
    there = _cameras_there() if ask and camera is None else {}
    questions = (
        ("Name of the station", station, folder.absolute().name),
        ("Name of its first product", product, "part"),
        (
            f"Where pictures come from ({'one of the above, ' if there else ''}folder, camera, address; "
            "empty: its folder `pictures`)",
            camera,
            "",
        ),
    )
    answers = [
        typer.prompt(text, default=usual, err=True) if ask and given is None else given or usual
        for text, given, usual in questions
    ]
    chosen = there.get(answers[2].strip(), answers[2])
    path = write_new_station(folder, station=answers[0], product=answers[1], camera=chosen)
    if as_json:
        typer.echo(json.dumps({"station_file": str(path)}))
    else:
        typer.echo(f"{path}: written. Run it with its page: inspection ui {path}")


def _cameras_there() -> dict[str, FoundCamera]:
    """Look for cameras and show them, each with what is typed to choose it."""
    from inspection.station.camera_search import found_cameras, look

    typer.echo("Looking for cameras …", err=True)
    there = {f"#{number}": each for number, each in enumerate(found_cameras(look()), 1)}
    for key, each in there.items():
        typer.echo(f"  {key}  {each.camera}: {each.device.label}", err=True)
    return there


def run(
    station: Annotated[Path, typer.Argument(help="Station file (TOML).")],
    max_parts: Annotated[
        int | None,
        typer.Option(min=1, help="Stop after this many parts; default: run until stopped."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Run a station without a page, until stopped by SIGTERM or Ctrl-C."""
    import signal

    from inspection import program_log
    from inspection.demo import learn_missing
    from inspection.descriptors import raise_limit
    from inspection.launch import station_at_work
    from inspection.station.station_file import read_station

    settings = read_station(station)
    program_log.install()
    raise_limit()
    with ProgressBar() as progress:
        for path in learn_missing(settings, progress):
            typer.echo(f"{path}: trained on drawn parts, to try things out", err=True)

    def tell(line: str) -> None:
        typer.echo(f"{settings.station}: {line}", err=True)

    with station_at_work(settings, max_parts=max_parts, tell=tell) as working:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: working.stop())
        tell("Ready")
        for product in working.released.without:
            tell(
                f"product {product!r}: there is no recipe yet, its parts are CANNOT_INSPECT; teach one "
                "on the set-up page, or make it with `inspection train`"
            )
        if (note := working.paused_by) is not None:
            tell(f"paused by {note.who} at {note.at}; triggers are rejected until somebody resumes")
        working.run()
        found = working.snapshot()
        restarting = working.restarting
    typer.echo(json.dumps(found) if as_json else _run_text(found))
    if restarting:
        raise typer.Exit(RESTART)


def ui(
    station: Annotated[Path, typer.Argument(help="Station file (TOML).")],
    host: HostOption = "127.0.0.1",
    port: PortOption = 7860,
    allow: AllowOption = None,
    cert: CertOption = None,
    key: KeyOption = None,
    proxy: ProxyOption = False,
    insecure: InsecureOption = False,
) -> None:
    """Run a station with its page, until stopped by SIGTERM or Ctrl-C."""
    from inspection.page_address import PageAddress

    address = PageAddress(
        host=host,
        port=port,
        names=tuple(allow or ()),
        cert=cert,
        key=key,
        proxy=proxy,
        insecure=insecure,
    )
    if address.warning is not None:
        typer.echo(address.warning, err=True)
    raise typer.Exit(_supervise(station, address))


def _supervise(station: Path, address: PageAddress) -> int:
    import signal
    import webbrowser

    from inspection.station.station_file import read_station
    from inspection.supervisor import Supervisor

    supervisor = Supervisor(station, read_station(station), address)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: supervisor.stop())
    seen = sys.platform != "linux" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return supervisor.run(
        say=lambda line: typer.echo(line, err=True),
        opened=webbrowser.open if seen else None,
    )


def _run_text(found: dict[str, Any]) -> str:
    verdicts = ", ".join(f"{n} {verdict}" for verdict, n in sorted(found["verdicts"].items()))
    total = found["latency_ms"].get("total", {})
    times = ", ".join(f"{name} {value:.1f} ms" for name, value in total.items())
    return "\n".join(
        [
            f"{found['triggers']} triggers, {found['answers']} answered: {verdicts or 'none'}",
            f"trigger to answer: {times or 'not measured'}",
            *(f"waiting for {name}: {n}" for name, n in found["outbox"].items() if n),
        ]
    )


def doctor(
    recipe: Annotated[Path | None, typer.Option(help="A recipe to check too.")] = None,
    store: Annotated[str | None, typer.Option(help="A store to check too.")] = None,
    station: Annotated[Path | None, typer.Option(help="A station file to check too.")] = None,
    licences: Annotated[
        bool,
        typer.Option("--licences", help="List what is installed with it, and its licences."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Check this machine, and a recipe, store and station file; every finding says what to do."""
    if licences:
        _licences(as_json)
        return
    from inspection.doctor import examine

    findings = examine(recipe=recipe, store=store, station=station)
    if as_json:
        typer.echo(json.dumps([finding.as_json() for finding in findings]))
    else:
        for finding in findings:
            typer.echo(f"{finding.mark:<8} {finding.what}: {finding.text}")
    if any(finding.mark == "PROBLEM" for finding in findings):
        raise typer.Exit(1)


def _licences(as_json: bool) -> None:
    from inspection.licences import as_cyclonedx, as_text, components

    found = components()
    typer.echo(json.dumps(as_cyclonedx(found), indent=1) if as_json else as_text(found))
    if any(each.copyleft for each in found):
        raise typer.Exit(1)


COMMANDS: tuple[Callable[..., None], ...] = (demo, new, run, ui, doctor)
