"""The station file to look at: what it says and what it means, secrets covered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from tomlkit.exceptions import TOMLKitError

from inspection.covered import covered_text
from inspection.errors import InspectionError
from inspection.station.station_file import read_station
from ui.core.context import Context
from ui.security.redact import covered_file, redact


def station_settings(context: Context) -> dict[str, Any]:
    """The station file's path and text, and every value as the station understands it."""
    path = context.station_path
    try:
        text, error = covered_file(path.read_text("utf-8")), None
        changed = read_station(path) != context.settings
    except (OSError, UnicodeDecodeError, TOMLKitError, InspectionError) as problem:
        text, error, changed = "", covered_text(" ".join(str(problem).split())), True
    return {
        "path": str(path.resolve()),
        "text": text,
        "error": error,
        "changed": changed,
        "values": [[key, value] for key, value in flat(redact(asdict(context.settings)))],
    }


def flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Every single value with its path, such as views[0].settings.seed."""
    if isinstance(value, Mapping) and value:
        for key, each in value.items():
            yield from flat(each, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list) and value and isinstance(value[0], Mapping | list):
        for place, each in enumerate(value):
            yield from flat(each, f"{name}[{place}]")
    else:
        yield name, _said(value)


def _said(value: Any) -> str:
    if value is None or value == {}:
        return "–"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "–"
    return str(value).lower() if isinstance(value, bool) else str(value)
