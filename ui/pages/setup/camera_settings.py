"""The camera's settings: what may be set, and keeping them in the station file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomlkit

from cameras import Camera, camera_class
from inspection.errors import SetupError
from inspection.station.station_file import StationFile, ViewSettings, settings_for
from inspection.station.station_file_edit import edited
from ui.core.settings_form import SettingField, setting_fields

LIGHT = ("exposure_time_us", "gain_db", "exposure_auto")
"""What an engineer sets first; a driver that has them names them so."""


def view_of(settings: StationFile, view: str) -> ViewSettings:
    """A view of the station file. Raises SetupError."""
    for each in settings.views:
        if each.name == view:
            return each
    allowed = ", ".join(each.name for each in settings.views)
    raise SetupError(f"view {view[:64]!r}: there is none; allowed: {allowed}")


def settable(kind: type[Camera]) -> frozenset[str]:
    """Name what an engineer may set on the page: no file, device or address is among it."""
    return frozenset((*kind.features, *kind.adjustable))


def fields_of(kind: type[Camera]) -> list[SettingField]:
    """What may be set of a camera, for a form, light first."""
    found = [field for field in setting_fields(kind) if field.name in settable(kind)]
    return sorted(found, key=lambda field: [*LIGHT, field.name].index(field.name))


def checked_settings(settings: StationFile, view: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a view as they would be with `given`. Raises SetupError for a wrong one.

    What is not `settable` stays as the station file has it.
    """
    named = view_of(settings, view)
    kind = camera_class(named.camera)
    if fixed := sorted(given.keys() - settable(kind)):
        allowed = ", ".join(sorted(settable(kind))) or "nothing"
        raise SetupError(
            f"views.{view}.settings.{fixed[0][:64]}: is not set on this page; allowed: {allowed}; "
            "whoever keeps the station file changes it there"
        )
    usual = {field.name: field.default for field in fields_of(kind)}
    whole = {**named.settings, **given}
    kept = {
        name: value
        for name, value in whole.items()
        if name in named.settings or name not in usual or value != usual[name]
    }
    settings_for(kind, kept, where=f"views.{view}.settings", home=settings.home)
    return kept


def keep_settings(path: Path, view: str, given: Mapping[str, Any]) -> None:
    """Write a view's camera settings into the station file; comments and the rest stay.

    None removes a key. The new file is read and checked before it replaces the old one. Raises
    SetupError; the old file is then untouched.
    """
    with edited(path) as document:
        views: Any = document.get("views", [])
        table = next((each for each in views if each.get("name", "main") == view), None)
        if table is None:
            raise SetupError(f"station file {path}: no view {view[:64]!r} in it")
        if "settings" not in table:
            table["settings"] = tomlkit.table()
        for name, value in given.items():
            _set(table["settings"], name, value)


def _set(table: Any, name: str, value: Any) -> None:
    if value is None:
        table.pop(name, None)
    elif name not in table or table[name] != value or type(table[name]) is bool:
        table[name] = value
