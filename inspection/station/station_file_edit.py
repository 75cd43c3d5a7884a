"""Changing a station file: comments and all else stay, and it is checked before it replaces the old one."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from inspection.durable_files import replacing
from inspection.errors import SetupError
from inspection.station.station_file import read_station


def inline(value: Any) -> str:
    """A value as it stands in a station file, in one line."""
    if not isinstance(value, Mapping):
        return str(tomlkit.item(value).as_string())
    table = tomlkit.inline_table()
    table.update(value)
    return table.as_string()


@contextmanager
def edited(path: Path) -> Iterator[tomlkit.TOMLDocument]:
    """Lend the file's document to be changed; written when left without an error.

    Raises SetupError, also for what the station could not be started with; the old file is then untouched.
    """
    path = path.resolve()
    try:
        document = tomlkit.parse(path.read_text("utf-8"))
    except (OSError, TOMLKitError) as error:
        raise SetupError(f"station file {path}: cannot be read ({error})") from error
    yield document
    _replace(path, tomlkit.dumps(document))


def _replace(path: Path, text: str) -> None:
    aside = path
    try:
        with replacing(path) as aside:
            aside.write_text(text, encoding="utf-8")
            shutil.copymode(path, aside)
            read_station(aside)
    except OSError as error:
        raise SetupError(
            f"station file {path}: cannot be written ({error.strerror or error}); "
            "nothing was changed"
        ) from error
    except SetupError as error:
        raise SetupError(str(error).replace(str(aside), str(path))) from error
