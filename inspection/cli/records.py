"""`inspection records …`: verify, list, export and report what is recorded, and keep pictures by rule."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inspection.cli.options import one_line

if TYPE_CHECKING:
    from inspection.store import Store
    from inspection.store.filters import PartFilter

app = typer.Typer(
    name="records",
    help="Verify, list, export and report what is recorded; keep pictures by rule.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

StoreArgument = Annotated[
    str, typer.Argument(metavar="STORE", help="Record: a file, or a PostgreSQL URL.")
]
ImagesFolder = Annotated[
    Path | None, typer.Option("--images-folder", help="Folder of its pictures; needed with a URL.")
]
Lot = Annotated[
    str | None, typer.Option(help="Only parts of this lot; 'L7*': of all that begin so.")
]
Serial = Annotated[str | None, typer.Option(help="Only parts with this serial number, or 'S7*'.")]
Product = Annotated[str | None, typer.Option(help="Only parts of this product.")]
RecipeId = Annotated[
    str | None, typer.Option("--recipe", help="Only parts judged by this recipe id, or '3f2a*'.")
]
Number = Annotated[int | None, typer.Option(min=1, help="Only the part of this number.")]
PartId = Annotated[str | None, typer.Option(help="Only the part of this id.")]
Zone = Annotated[str | None, typer.Option(help="Only parts with a region at fault in this zone.")]
Reason = Annotated[
    str | None, typer.Option(help="Only parts with this reason, or 'the picture is too dark*'.")
]
VerdictName = Annotated[
    str | None, typer.Option("--verdict", help="Only PASS, FAIL, REVIEW or CANNOT_INSPECT.")
]
Station = Annotated[str | None, typer.Option(help="Only parts of this station.")]
Since = Annotated[
    str | None,
    typer.Option(help="Only parts judged at this time (2026-03-05T06:00) or later; UTC."),
]
Until = Annotated[str | None, typer.Option(help="Only parts judged before this time.")]
OutputName = Annotated[str | None, typer.Option(help="Only of this output, such as webhook.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


@app.command()
def verify(
    store: StoreArgument,
    images_folder: ImagesFolder = None,
    noted: Annotated[
        str | None,
        typer.Option(help="COUNT:HASH from an earlier verification; finds a rewritten record too."),
    ] = None,
    pictures: Annotated[bool, typer.Option(help="Read every picture too.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Find changed, removed or inserted rows and pictures; exit code 1 if there are any."""
    with _opened(store, images_folder) as record:
        findings = record.verify(noted=_head(noted), pictures=pictures)
        head = record.head()
    end = {"count": head.count, "hash": head.hash}
    if as_json:
        typer.echo(json.dumps({"ok": not findings, "findings": findings, "head": end}))
    elif not findings:
        typer.echo(f"record {store}: as it was written; head {head.count}:{head.hash}")
    for finding in [] if as_json else findings:
        typer.echo(one_line(finding))
    if findings:
        more = f" (and {len(findings) - 1} more)" if findings[1:] else ""
        typer.echo(f"record {store}: {one_line(findings[0])}{more}", err=True)
        raise typer.Exit(1)


@app.command("list")
def list_(
    store: StoreArgument,
    lot: Lot = None,
    serial: Serial = None,
    product: Product = None,
    recipe: RecipeId = None,
    station: Station = None,
    verdict: VerdictName = None,
    zone: Zone = None,
    reason: Reason = None,
    number: Number = None,
    part_id: PartId = None,
    since: Since = None,
    until: Until = None,
    limit: Annotated[int, typer.Option(min=1, help="List at most this many parts.")] = 50,
    images_folder: ImagesFolder = None,
    as_json: JsonOption = False,
) -> None:
    """List parts, the newest first; with --json one object a line."""
    from inspection.labels.people_columns import people_columns
    from inspection.store.reading.export import flat, newest

    asked = _filter(
        lot=lot, serial=serial, product=product, recipe=recipe, station=station, verdict=verdict,
        zone=zone, reason=reason, number=number, part_id=part_id, since=since, until=until,
    )  # fmt: skip
    with _opened(store, images_folder) as record:
        parts = newest(record, asked, limit)
        columns = people_columns(record, [part.part_id for part in parts])
        for part in parts:
            more = {name: value(part) for name, value in columns.items()}
            typer.echo(json.dumps(_nested(flat(part)) | more) if as_json else _line(part, more))


@app.command()
def export(
    store: StoreArgument,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="File to write: .csv or .parquet.")],
    images: Annotated[
        Path | None, typer.Option(help="Folder to copy the pictures to, too.")
    ] = None,
    lot: Lot = None,
    serial: Serial = None,
    product: Product = None,
    recipe: RecipeId = None,
    station: Station = None,
    verdict: VerdictName = None,
    zone: Zone = None,
    reason: Reason = None,
    number: Number = None,
    part_id: PartId = None,
    since: Since = None,
    until: Until = None,
    images_folder: ImagesFolder = None,
    as_json: JsonOption = False,
) -> None:
    """Write parts, the oldest first, to a table for other programs."""
    from inspection.labels.people_columns import people_columns
    from inspection.store.reading.export import export as write

    asked = _filter(
        lot=lot, serial=serial, product=product, recipe=recipe, station=station, verdict=verdict,
        zone=zone, reason=reason, number=number, part_id=part_id, since=since, until=until,
    )  # fmt: skip
    with _opened(store, images_folder) as record:
        columns = people_columns(record)
        done = write(record, asked, out, images=images, columns=columns)
    missing = f"; {done.images_missing} pictures are gone" if done.images_missing else ""
    text = f"{out}: {done.parts} parts, {done.images} pictures{missing}"
    typer.echo(json.dumps(asdict(done)) if as_json else text)


@app.command()
def report(
    store: StoreArgument,
    lot: Annotated[str, typer.Option(help="The lot to report.")],
    out: Annotated[
        Path | None, typer.Option(help="File to write: .html or .json; without it, to the screen.")
    ] = None,
    pictures: Annotated[bool, typer.Option(help="Verify every picture too.")] = True,
    images_folder: ImagesFolder = None,
    as_json: JsonOption = False,
) -> None:
    """Report a lot: verdicts, yield, reasons and zones of rejects, and whether the record holds."""
    from inspection.store.reading.lot_report import as_text, lot_report, write_report

    with _opened(store, images_folder) as record:
        done = lot_report(record, lot, pictures=pictures)
    if out is not None:
        write_report(done, out)
    if as_json:
        typer.echo(json.dumps(done.as_json()))
    else:
        typer.echo(as_text(done) if out is None else f"{out}: lot {lot}, {done.parts} parts")


@app.command()
def retain(
    store: StoreArgument,
    rejects_days: Annotated[
        float | None, typer.Option(min=0, help="Keep pictures of rejects this many days.")
    ] = None,
    keep_every: Annotated[
        int | None, typer.Option(min=1, help="Of the pictures of passes, keep every K-th.")
    ] = None,
    free_gb: Annotated[
        float | None,
        typer.Option(
            min=0, help="While less is free on the disk (GB), remove the oldest pictures of passes."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be removed, remove nothing.")
    ] = False,
    images_folder: ImagesFolder = None,
    as_json: JsonOption = False,
) -> None:
    """Remove pictures (never rows) by rule; each removal is recorded first."""
    from inspection.store import RetentionPolicy
    from inspection.store import retain as run

    if rejects_days is None and keep_every is None and free_gb is None:
        raise typer.BadParameter("give --rejects-days, --keep-every or --free-gb")
    policy = RetentionPolicy(rejects_days=rejects_days, keep_every=keep_every, free_gb=free_gb)
    with _opened(store, images_folder, read_only=dry_run) as record:
        done = run(record, policy, datetime.now(UTC), dry_run=dry_run)
    if as_json:
        typer.echo(json.dumps({**asdict(done), "dry_run": dry_run}))
    else:
        rules = ", ".join(f"{name} {count}" for name, count in done.removed.items()) or "none"
        would = "would be removed" if dry_run else "removed"
        typer.echo(
            f"pictures {would}: {rules}; {done.freed_bytes / 1e6:.1f} MB; "
            f"{done.free_gb:.1f} GB free{_mended(done.repaired, dry_run)}"
        )
    if done.short:
        from inspection.store.reading.export import RecordsError

        raise RecordsError(
            f"record {store}: {done.free_gb:.1f} GB are free, {free_gb:g} are asked for, and no "
            "picture is left that may be removed; make room, or keep rejects for fewer days"
        )


@app.command()
def refused(
    store: StoreArgument,
    output: OutputName = None,
    images_folder: ImagesFolder = None,
    as_json: JsonOption = False,
) -> None:
    """List results that were set aside because their receiver refused them."""
    with _opened(store, images_folder) as record:
        for each in record.refused(output):
            line = f"{each.number:>8}  {each.part_id}  {each.output}  {each.reason}"
            typer.echo(json.dumps(asdict(each)) if as_json else line)


@app.command()
def resend(
    store: StoreArgument,
    output: OutputName = None,
    images_folder: ImagesFolder = None,
    as_json: JsonOption = False,
) -> None:
    """Let refused results wait again; the station sends them when it is started."""
    with _opened(store, images_folder, read_only=False) as record:
        count = record.wait_again(output)
    typer.echo(
        json.dumps({"waiting_again": count}) if as_json else f"results that wait again: {count}"
    )


def _mended(count: int, dry_run: bool) -> str:
    if not count:
        return ""
    return f"; {count} {'announced earlier' if dry_run else 'finished that were announced earlier'}"


def _opened(store: str, images: Path | None, *, read_only: bool = True) -> Store:
    from inspection.store import StoreUnavailable, open_store, open_to_read

    if read_only:
        return open_to_read(store, images=images)
    if "://" not in store and not Path(store).is_file():
        raise StoreUnavailable(f"store {store}: is not there; check the path")
    return open_store(store, images=images)


def _filter(**options: str | int | None) -> PartFilter:
    from inspection.store.filters import FilterError, read_filter

    try:
        return read_filter(options)
    except FilterError as error:
        raise typer.BadParameter(
            str(error), param_hint=f"--{error.field.replace('_', '-')}"
        ) from error


def _head(text: str | None) -> Any:
    from inspection.store import ChainHead

    if text is None:
        return None
    count, _, value = text.partition(":")
    if not count.isdecimal() or len(value) != 64:
        raise typer.BadParameter(
            f"must be COUNT:HASH as `verify` prints it, got {text!r}", param_hint="--noted"
        )
    return ChainHead(int(count), value)


def _nested(row: dict[str, Any]) -> dict[str, Any]:
    nested = {
        name: json.loads(row[name]) for name in ("regions", "health", "latency_ms", "capture")
    }
    return {**row, **nested}


def _line(part: Any, more: dict[str, str | None]) -> str:
    score = "" if part.score is None else f"{part.score:.3f}"
    at = part.judged_at.isoformat(timespec="seconds")
    words = (f"{part.number:>8}", at, f"{part.verdict.value:<14}", f"{score:>9}")
    said = filter(None, (more["truth"], more["defect"]))
    labels = f"labelled {' '.join(said)}" if more["truth"] else ""
    last = filter(None, (part.reason, labels))
    return "  ".join([*words, part.lot or "-", part.serial or "-", *last])
