"""Commands on copies of a station: backup, restore."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from inspection.cli.options import JsonOption
from inspection.cli.progress import ProgressBar


def backup(
    station: Annotated[Path, typer.Argument(help="Station file (TOML).")],
    target: Annotated[Path, typer.Argument(help="File to write, or a folder to put it in.")],
    as_json: JsonOption = False,
) -> None:
    """Copy a station as a whole into one file, also while it is at work, and read that back."""
    from inspection.backup import back_up

    with ProgressBar() as progress:
        path, manifest = back_up(station, target, progress=progress)
    if as_json:
        told = {"file": str(path), "parts": manifest.parts, "head": manifest.head}
        counts = {"files": len(manifest.files), "bytes": manifest.bytes}
        typer.echo(json.dumps({**told, **counts, "missing": list(manifest.missing)}))
        return
    typer.echo(
        f"{path}: {manifest.parts} parts up to {manifest.head[:12]}, {len(manifest.files)} files, "
        f"{manifest.bytes / 1e6:.1f} MB, read back"
    )
    for image in manifest.missing:
        typer.echo(f"missing already, and so not in it: picture {image}")


def restore(
    backup: Annotated[Path, typer.Argument(help="File that `inspection backup` wrote.")],
    folder: Annotated[Path, typer.Argument(help="Folder to put the station in; new or empty.")],
    as_json: JsonOption = False,
) -> None:
    """Put a station back from its backup, and verify its record; exit code 1 if it does not."""
    from inspection.backup import restore as run

    with ProgressBar() as progress:
        restored = run(backup, folder, progress=progress)
    manifest, findings = restored.manifest, list(restored.findings)
    if as_json:
        told = {"station": str(restored.station), "parts": manifest.parts, "findings": findings}
        typer.echo(json.dumps({**told, "moved": manifest.moved}))
    else:
        typer.echo(
            f"{restored.station}: {manifest.station} as of {manifest.made_at}, {manifest.parts} parts "
            f"up to {manifest.head[:12]}"
        )
        for key, place in manifest.moved.items():
            typer.echo(f"{key}: was {place}; it is in the folder now, and the station file says so")
        for finding in findings:
            typer.echo(f"the record: {finding}")
        if not findings:
            typer.echo("the record and every picture verify")
    if findings:
        raise typer.Exit(1)


COMMANDS: tuple[Callable[..., None], ...] = (backup, restore)
