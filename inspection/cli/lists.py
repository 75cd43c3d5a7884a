"""What can be used on this machine, and why not where not."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

import typer

from inspection.cli.options import JsonOption


def camera_rows() -> list[dict[str, Any]]:
    """List every camera: name, one sentence, what is missing or None, and the devices found."""
    from cameras import camera_class
    from inspection.station.camera_search import look

    return [
        _row(search.camera, camera_class(search.camera))
        | {"devices": [asdict(each) for each in search.devices], "search": search.problem}
        for search in look()
    ]


def model_rows() -> list[dict[str, Any]]:
    """List every model, of pictures, sequences and labels, and those of anomalib that are none of ours.

    Name, family, one sentence, what is missing, licence, what is known of patents, and what a training
    needs; null for those that no training by itself teaches.
    """
    import models
    from models.sequence import method_class, method_names
    from models.supervised import METHODS

    kinds: dict[str, Any] = {name: models.model_class(name) for name in models.model_names()}
    kinds |= {f"sequence/{name}": method_class(name) for name in method_names()}
    kinds |= {f"supervised/{name}": kind for name, kind in METHODS.items()}
    rows = [
        _row(name, kind)
        | {
            "family": kind.family,
            "licence": getattr(kind, "licence", models.AnomalyModel.licence),
            "patent": getattr(kind, "patent", None),
            "needs": asdict(kind.needs) if hasattr(kind, "needs") else None,
        }
        for name, kind in kinds.items()
    ]
    rows.append(TEMPLATE | {"licence": models.AnomalyModel.licence})
    others = [asdict(each) for each in models.anomalib_not_taken()]
    return rows + [
        each | {"name": f"anomalib/{each['name']}", "problem": each.pop("why"), "needs": None}
        for each in others
    ]


TEMPLATE = {
    "name": "template",
    "family": "template",
    "about": "What a picture differs by from its own template, for any model (`train --template`).",
    "problem": None,
    "patent": None,
    "needs": None,
}
"""No model: a step before one."""


def output_rows() -> list[dict[str, Any]]:
    """List every output: name, one sentence, and what is missing or None."""
    from inspection.plant import outputs

    return [_row(name, outputs.output_class(name)) for name in outputs.output_names()]


def trigger_rows() -> list[dict[str, Any]]:
    """List every trigger: name, one sentence, and what is missing or None."""
    from inspection.plant import triggers

    return [_row(name, triggers.trigger_class(name)) for name in triggers.trigger_names()]


def _row(name: str, kind: Any) -> dict[str, Any]:
    about = (inspect.getdoc(kind) or "").splitlines()[0]
    return {"name": name, "about": about, "problem": kind.missing()}


def command_for(what: str, rows: Callable[[], list[dict[str, Any]]]) -> Callable[[bool], None]:
    """Make the command that prints one of the LISTS."""

    def command(as_json: JsonOption = False) -> None:
        _print_rows(rows(), as_json)

    command.__doc__ = f"List the {what}, and why one cannot be used here."
    return command


def _print_rows(rows: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(rows))
        return
    width = max(12, *(len(row["name"]) for row in rows))
    for row in rows:
        state = "ready" if row["problem"] is None else f"no: {row['problem']}"
        family = f"{row['family']}: " if "family" in row else ""
        typer.echo(f"{row['name']:<{width}} {state}  {family}{row['about']}{_terms(row)}")
        if needs := row.get("needs"):
            typer.echo(f"{'':<{width}} needs {_needs(needs)}")
        for line in _device_lines(row):
            typer.echo(f"{'':<{width}} {line}")


def _terms(row: dict[str, Any]) -> str:
    """Licence and patent, where there is more to say than this program's own licence."""
    from models import AnomalyModel

    told = [row.get("licence"), row.get("patent")]
    terms = [each for each in told if each not in (None, AnomalyModel.licence)]
    return f" [{'; '.join(terms)}]" if terms else ""


def _needs(values: Mapping[str, Any]) -> str:
    """What a training needs, in words."""
    from models import Needs

    needs = Needs(**values)
    most = f"{needs.least_pictures} good pictures{', a graphics card' if needs.gpu else ''}"
    if needs.minutes is None or needs.memory_mb is None:
        return f"{most}; minutes and memory were not measured"
    return (
        f"{most}; for 100 of 256 px {needs.minutes_text} min of a core and {needs.memory_mb:,} MB"
    )


def _device_lines(row: dict[str, Any]) -> Iterator[str]:
    """What was found of a camera, with what to put into a [[views]] table of a station file."""
    from inspection.station.camera_search import view_lines

    if "devices" not in row or row["problem"] is not None:
        return
    for device in row["devices"]:
        yield f"found {device['label']}:"
        yield from view_lines(row["name"], device["settings"]).splitlines()
    if not row["devices"]:
        yield row["search"] or "found none"


LISTS: dict[str, Callable[[], list[dict[str, Any]]]] = {
    "models": model_rows,
    "cameras": camera_rows,
    "outputs": output_rows,
    "triggers": trigger_rows,
}
