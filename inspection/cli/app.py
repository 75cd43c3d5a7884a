"""The command line. [contract]

Exit codes: 0 done, or all PASS; 3 done, some parts not PASS; 1 error, one line on stderr; 2 usage.
Heavy imports happen in the command that needs them: `inspection --help` loads none.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from inspection.cli import records as records_cli

if TYPE_CHECKING:
    from inspection.training.good_pictures import Progress
    from inspection.training.train import TrainingReport

NOT_ALL_PASS = 3
INTERRUPTED = 130  # Typer's code for Ctrl-C

MUCH_SMALLER = 0.6
"""Where the model sees pictures at less than this share of their size, training says so."""

FEW_PX = 4
"""What a defect should measure on the model's canvas to be seen."""

app = typer.Typer(
    name="inspection",
    help="Visual inspection: learn from good parts, judge each part, with a promise.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

app.add_typer(records_cli.app, name="records")

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
HostOption = Annotated[
    str, typer.Option(help="Address to listen on; others than this machine must sign in.")
]
PortOption = Annotated[int, typer.Option(min=1, max=65535, help="Port of the station page.")]
AllowOption = Annotated[
    list[str] | None,
    typer.Option(help="Host name people type in the browser to reach the page; repeatable."),
]
RecipeArgument = Annotated[Path, typer.Argument(help="Recipe file made by `inspection train`.")]


def main() -> NoReturn:
    """Run the command line; every error becomes one line and exit code 1."""
    try:
        code = app(standalone_mode=False)
    except (KeyboardInterrupt, typer.Abort):
        _fail("stopped by Ctrl-C; what was not finished was not written")
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:  # the command line is where every error ends
        if hasattr(error, "show"):  # a usage error of Typer's, wherever it keeps the class
            error.show()
            sys.exit(2)
        if os.environ.get("INSPECTION_DEBUG"):
            raise
        _fail(_one_line(error))
    if code == INTERRUPTED:
        _fail("stopped by Ctrl-C; what was not finished was not written")
    sys.exit(code or 0)


@app.command()
def train(
    dataset: Annotated[
        Path, typer.Argument(help="Folder of good pictures, or the MVTec layout (train/good, …).")
    ],
    recipe: Annotated[Path, typer.Option(help="Recipe file to write.")],
    model: Annotated[str, typer.Option(help="Model; see `inspection models`.")] = "patchcore",
    backbone: Annotated[str, typer.Option(help="timm network.")] = "tf_efficientnet_lite0",
    weights: Annotated[
        Path | None, typer.Option(help="Weights file (.safetensors, .pth) for the backbone.")
    ] = None,
    image_size: Annotated[
        str,
        typer.Option(
            help="Side in px of the square with as many pixels as a picture gets; or auto."
        ),
    ] = "256",
    latency_budget_ms: Annotated[
        float,
        typer.Option(min=0.0, help="With --image-size auto: the time the model may take."),
    ] = 50.0,
    false_reject: Annotated[
        float, typer.Option(help="Share of good parts that may be rejected, e.g. 0.01.")
    ] = 0.01,
    setup: Annotated[
        Path | None, typer.Option(help="TOML file with scale, alignment, regions and zones.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same pictures: same recipe.")] = 0,
    status: Annotated[
        Path | None, typer.Option(help="JSON file to keep telling how far it is, for programs.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Learn a recipe from good pictures."""
    from inspection.jobs.status_file import CANCELLED, DONE, StatusFile
    from inspection.recipe.setup_file import Setup, read_setup
    from inspection.training.train import TrainingOptions, train_recipe

    if not 0 < false_reject < 1:
        raise typer.BadParameter(
            f"must be between 0 and 1, got {false_reject}", param_hint="--false-reject"
        )
    options = TrainingOptions(
        model=model,
        backbone=backbone,
        weights=weights,
        image_size_px=_image_size(image_size),
        latency_budget_ms=latency_budget_ms,
        false_reject=false_reject,
        seed=seed,
    )
    with StatusFile(status) as told, _Progress(told) as progress:
        try:
            report = train_recipe(
                dataset,
                recipe,
                options=options,
                setup=read_setup(setup) if setup else Setup(),
                progress=progress,
            )
        except KeyboardInterrupt:
            told.end(CANCELLED)
            _fail(f"recipe {recipe}: training stopped by Ctrl-C; nothing was changed")
        try:
            report = replace(report, tested=_tested(recipe, dataset, progress))
        except KeyboardInterrupt:
            told.end(CANCELLED)
            _fail(f"recipe {recipe}: written; testing it was stopped by Ctrl-C")
        told.end(DONE, result=report.as_json())
    if as_json:
        typer.echo(json.dumps(report.as_json()))
    else:
        _print_training(report, recipe)


def _tested(recipe: Path, dataset: Path, progress: _Progress) -> dict[str, Any] | None:
    """Judge the dataset's own test pictures, when there are defective ones among them."""
    from inspection.judging.judge import load_recipe
    from inspection.training.evaluate import evaluate as run
    from inspection.training.good_pictures import test_files

    if not any(item.defective for item in test_files(dataset)):
        return None
    return run(load_recipe(recipe), dataset, progress=progress)


@app.command("inspect")
def inspect_(
    recipe: RecipeArgument,
    images: Annotated[list[Path], typer.Argument(help="Picture files or folders of pictures.")],
    out: Annotated[Path | None, typer.Option(help="Folder to write overlays to.")] = None,
    store: Annotated[
        str | None, typer.Option(help="SQLite file or database URL that records each part.")
    ] = None,
    images_folder: Annotated[
        Path | None,
        typer.Option("--images", help="Folder for the record's pictures; a database URL needs it."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Judge pictures; exit code 3 when one of them is not PASS."""
    from contextlib import ExitStack

    from inspection.judgement import Verdict
    from inspection.judging.judge import load_recipe
    from inspection.judging.overlay import overlay_names, write_overlay
    from inspection.judging.picture_files import judge_files, picture_files, record

    paths = picture_files(images)
    loaded = load_recipe(recipe)
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
                typer.echo(f"{found.judgement.verdict:<15} {found.path}  {found.judgement.reason}")
    if not as_json and len(paths) > 1:
        typer.echo(f"{len(paths)} inspected, {len(paths) - not_pass} passed, {not_pass} not")
    if not_pass:
        raise typer.Exit(NOT_ALL_PASS)


@app.command()
def evaluate(
    recipe: RecipeArgument,
    dataset: Annotated[
        Path, typer.Argument(help="Folder with test/good, test/DEFECT, ground_truth.")
    ],
    as_json: JsonOption = False,
) -> None:
    """Judge a labelled test set: escapes, overkill, AUROC, with exact intervals."""
    from inspection.judging.judge import load_recipe
    from inspection.training.evaluate import evaluate as run

    loaded = load_recipe(recipe)
    with _Progress() as progress:
        figures = run(loaded, dataset, progress=progress)
    if as_json:
        typer.echo(json.dumps(figures))
    else:
        _print_evaluation(figures)


@app.command()
def bench(
    datasets: Annotated[list[Path], typer.Argument(help="Datasets with train/good and test/*.")],
    models: Annotated[
        str, typer.Option(help="Contenders, with commas between.")
    ] = "ours,mh_patchcore,padim,patchcore",
    image_size: Annotated[int, typer.Option(min=64, max=1024, help="Side in px for all.")] = 256,
    backbone: Annotated[str, typer.Option(help="timm network for all.")] = "tf_efficientnet_lite0",
    as_json: JsonOption = False,
) -> None:
    """Compare with anomalib's models: same backbone, pictures and size, in one run."""
    from inspection.training.bench import bench as run
    from inspection.training.bench import table

    with _Progress() as progress:
        rows = run(
            datasets,
            contenders=[name.strip() for name in models.split(",")],
            image_size_px=image_size,
            backbone=backbone,
            progress=progress,
        )
    typer.echo(json.dumps(rows) if as_json else table(rows))


@app.command()
def demo(
    no_ui: Annotated[
        bool, typer.Option("--no-ui", help="End after the run with a summary.")
    ] = False,
    parts: Annotated[int, typer.Option(min=1, help="How many parts the line makes.")] = 60,
    good: Annotated[int, typer.Option(min=10, help="How many good parts to learn from.")] = 120,
    folder: Annotated[Path, typer.Option(help="Where recipe, record and pictures go.")] = Path(
        "inspection-demo"
    ),
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same parts.")] = 0,
    port: PortOption = 7860,
    as_json: JsonOption = False,
) -> None:
    """Draw a product line with known defects, learn it, inspect a run of parts, open the page."""
    from inspection.demo import run_demo, write_station
    from inspection.supervisor import port_must_be_free

    if not (no_ui or as_json):
        port_must_be_free("127.0.0.1", port)
    with _Progress() as progress:
        summary = run_demo(folder, parts=parts, good=good, seed=seed, progress=progress)
    if as_json:
        typer.echo(json.dumps(summary.as_json()))
        return
    typer.echo(summary.text())
    if no_ui:
        return
    typer.echo("The line goes on, one part every 2 s; its page opens in a few seconds.")
    station = write_station(folder, seed=seed)
    raise typer.Exit(_supervise(station, host="127.0.0.1", port=port, allow=[]))


@app.command()
def run(
    station: Annotated[Path, typer.Argument(help="Station file (TOML).")],
    max_parts: Annotated[
        int | None, typer.Option(min=1, help="Stop after so many parts; without it, never.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Run a station without a page, until stopped by SIGTERM or Ctrl-C."""
    import signal

    from inspection.launch import learn_missing, station_at_work
    from inspection.station.station_file import read_station

    settings = read_station(station)
    with _Progress() as progress:
        for path in learn_missing(settings, progress):
            typer.echo(f"{path}: learnt from drawn parts, to try things out", err=True)

    def tell(line: str) -> None:
        typer.echo(f"{settings.station}: {line}", err=True)

    with station_at_work(settings, max_parts=max_parts, tell=tell) as working:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: working.stop())
        tell("Ready")
        if (note := working.paused_by) is not None:
            tell(f"paused by {note.who} at {note.at}; triggers are rejected until somebody resumes")
        working.run()
        found = working.snapshot()
    typer.echo(json.dumps(found) if as_json else _run_text(found))


@app.command()
def ui(
    station: Annotated[Path, typer.Argument(help="Station file (TOML).")],
    host: HostOption = "127.0.0.1",
    port: PortOption = 7860,
    allow: AllowOption = None,
) -> None:
    """Run a station with its page, until stopped by SIGTERM or Ctrl-C."""
    raise typer.Exit(_supervise(station, host=host, port=port, allow=allow or []))


def _supervise(station: Path, *, host: str, port: int, allow: list[str]) -> int:
    import signal
    import webbrowser

    from inspection.station.station_file import read_station
    from inspection.supervisor import Supervisor

    supervisor = Supervisor(station, read_station(station), host=host, port=port, hosts=allow)
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


@app.command()
def models(as_json: JsonOption = False) -> None:
    """List the models, and why one cannot be used here."""
    from inspection.cli.lists import model_rows

    _print_rows(model_rows(), as_json)


@app.command()
def cameras(as_json: JsonOption = False) -> None:
    """List the cameras, and why one cannot be used here."""
    from inspection.cli.lists import camera_rows

    _print_rows(camera_rows(), as_json)


@app.command()
def outputs(as_json: JsonOption = False) -> None:
    """List the outputs, and why one cannot be used here."""
    from inspection.cli.lists import output_rows

    _print_rows(output_rows(), as_json)


@app.command()
def triggers(as_json: JsonOption = False) -> None:
    """List the triggers, and why one cannot be used here."""
    from inspection.cli.lists import trigger_rows

    _print_rows(trigger_rows(), as_json)


@app.command()
def doctor(
    recipe: Annotated[Path | None, typer.Option(help="A recipe to check too.")] = None,
    store: Annotated[str | None, typer.Option(help="A store to check too.")] = None,
    station: Annotated[Path | None, typer.Option(help="A station file to check too.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Check this machine, and a recipe, store and station file; every finding says what to do."""
    from inspection.doctor import examine

    findings = examine(recipe=recipe, store=store, station=station)
    if as_json:
        typer.echo(json.dumps([finding.as_json() for finding in findings]))
    else:
        for finding in findings:
            typer.echo(f"{finding.mark:<8} {finding.what}: {finding.text}")
    if any(finding.mark == "PROBLEM" for finding in findings):
        raise typer.Exit(1)


def _image_size(text: str) -> int | None:
    if text == "auto":
        return None
    if not text.isdecimal() or not 64 <= int(text) <= 2048:
        raise typer.BadParameter(
            f"must be auto or 64 to 2048, got {text}", param_hint="--image-size"
        )
    return int(text)


def _fail(line: str) -> NoReturn:
    typer.echo(f"inspection: {line}", err=True)
    sys.exit(1)


def _one_line(error: Exception) -> str:
    from inspection.errors import expected

    text = " ".join(str(error).split()) or type(error).__name__
    if expected(error):
        return text
    return f"unexpected {type(error).__name__}: {text} (INSPECTION_DEBUG=1 shows where)"


class _Progress:
    """A progress bar on a terminal, silence elsewhere; `also` hears of it too."""

    def __init__(self, also: Progress = lambda what, done, of: None) -> None:
        self._also = also

    def __enter__(self) -> _Progress:
        self._bar: Any = None
        self._tasks: dict[str, Any] = {}
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import Progress

            self._bar = Progress(console=Console(stderr=True), transient=True)
            self._bar.start()
        return self

    def __call__(self, what: str, done: int, of: int) -> None:
        self._also(what, done, of)
        if self._bar is None:
            return
        if what not in self._tasks:
            self._tasks[what] = self._bar.add_task(what, total=of)
        self._bar.update(self._tasks[what], completed=done)

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()


def _print_training(report: TrainingReport, recipe: Path) -> None:
    found, hygiene = report.calibration, report.hygiene
    typer.echo(
        f"{recipe}: learnt from {report.n_good} good parts in {report.seconds:.1f} s, "
        f"{report.recipe_bytes / 1e6:.1f} MB, id {report.recipe_id[:12]}"
    )
    typer.echo(
        f"Promise: at most {found.false_reject_promised:.2%} of good parts rejected on average; "
        f"with 95 % confidence no more than {found.false_reject_bound:.2%}."
    )
    if found.images_needed:
        typer.echo(
            f"You asked for {found.false_reject_asked:.2%}: collect {found.images_needed} more good "
            "pictures to be promised that."
        )
    if report.scale < MUCH_SMALLER and not report.sizes_tried:
        typer.echo(
            f"The model sees the pictures at {report.scale:.0%} of their size: a defect "
            f"{FEW_PX / report.scale:.0f} px wide is {FEW_PX} px to it. For smaller ones try "
            "--image-size auto."
        )
    for title, rows in (
        ("Left out, unreadable", [why for _, why in hygiene.unreadable]),
        ("Left out, another size", [f"{name}: {size}" for name, size in hygiene.off_size]),
        ("Equal pictures", [" = ".join(names) for names in hygiene.duplicates]),
        (
            "Look at these: unlike the other good parts",
            [
                f"{name}: score {score:.3g}, usual up to {limit:.3g}"
                for name, score, limit in hygiene.suspicious
            ],
        ),
    ):
        if rows:
            typer.echo(f"{title} ({len(rows)}):")
            for row in rows[:10]:
                typer.echo(f"  {row}")
            if len(rows) > 10:
                typer.echo(f"  and {len(rows) - 10} more; --json lists all")
    if report.tested is not None:
        typer.echo("On the test pictures beside them:")
        _print_evaluation(report.tested)


def _print_evaluation(figures: dict[str, Any]) -> None:
    def share(name: str) -> str:
        if figures[f"{name}_rate"] is None:
            return "not known: no such pictures"
        low, high = figures[f"{name}_ci95"]
        return f"{figures[f'{name}_rate']:.1%} (95 % interval {low:.1%} to {high:.1%})"

    typer.echo(f"  {figures['n_good']} good, {figures['n_defective']} defective parts")
    typer.echo(f"  escapes (defects passed)      {share('escape')}")
    typer.echo(f"  overkill (good ones rejected) {share('overkill')}")
    for name in ("image_auroc", "pixel_auroc", "aupro"):
        if figures[name] is not None:
            typer.echo(f"  {name:<29} {figures[name]:.4f}")
    for kind, row in figures["per_defect"].items():
        typer.echo(f"  {kind}: {row['escapes']} of {row['n']} escaped")
    if figures["latency_ms_p50"] is not None:
        typer.echo(
            f"  judging takes {figures['latency_ms_p50']:.1f} ms (median), "
            f"{figures['latency_ms_p95']:.1f} ms (95 %)"
        )


def _print_rows(rows: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(rows))
        return
    for row in rows:
        problem = row["problem"]
        typer.echo(
            f"{row['name']:<12} {'ready' if problem is None else 'no: ' + problem}  {row['about']}"
        )
