"""The cameras, outputs, triggers and notifications of a station file, set for a person; comments and the rest stay.

What is changed holds from the station's next start on. Each raises SetupError with one line where it
cannot be; nothing is changed then.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import tomlkit

from inspection.errors import SetupError
from inspection.station.station_file_edit import edited

Kind = Literal["outputs", "triggers"]
Parent = Literal["outputs", "triggers", "notify"]


def set_camera(path: Path, view: str, camera: str, settings: Mapping[str, Any]) -> None:
    """Let a view look through this camera with these settings, and no others."""
    with edited(path) as document:
        views: Any = document.get("views", [])
        table = next((each for each in views if each.get("name", "main") == view), None)
        if table is None:
            raise SetupError(f"station file {path}: no view {view[:64]!r} in it")
        _set(table, "camera", camera)
        _replace(table, "settings", settings)


def set_link(path: Path, kind: Parent, name: str, settings: Mapping[str, Any]) -> None:
    """Give the station an output, a trigger or a way of notifications with these settings, and no others."""
    with edited(path) as document:
        if kind not in document:
            document[kind] = tomlkit.table(is_super_table=kind != "notify")
        _replace(document[kind], name, settings)


def remove_link(path: Path, kind: Parent, name: str) -> None:
    """Take one of them away."""
    with edited(path) as document:
        tables: Any = document.get(kind, {})
        if name not in tables:
            raise SetupError(f"station file {path}: {kind}.{name[:64]} is not in it")
        del tables[name]


def set_table(path: Path, name: str, settings: Mapping[str, Any]) -> None:
    """Set keys of a table; its others stay."""
    with edited(path) as document:
        if name not in document:
            document[name] = tomlkit.table()
        for key, value in settings.items():
            _set(document[name], key, value)


def _replace(parent: Any, name: str, settings: Mapping[str, Any]) -> None:
    """Make a table hold these keys; those that stay keep their place and comment."""
    if name not in parent:
        parent[name] = tomlkit.table()
    table = parent[name]
    for gone in [key for key in table if key not in settings]:
        del table[gone]
    for key, value in settings.items():
        _set(table, key, value)


def _set(table: Any, key: str, value: Any) -> None:
    if key not in table or table[key] != value or type(table[key]) is bool:
        table[key] = value
