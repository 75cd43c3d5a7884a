"""What an engineer may not set on the page: it would let him read or run what is not his."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from cameras import installed_producers
from inspection.errors import SetupError
from ui.core.context import Context
from ui.core.settings_form import SettingField

SECRETS = "secrets"
_STREAM = re.compile(r"\d{1,3}|(?:rtsps?|https?)://\S+")
_SERIAL_PORT = re.compile(r"/dev/(?:tty|cu\.|serial/|pts/)[\w./:+-]*|COM\d{1,3}")


def check_allowed(
    context: Context,
    where: str,
    fields: Collection[SettingField],
    settings: Mapping[str, Any],
    before: Mapping[str, Any],
) -> None:
    """Refuse what only whoever keeps the station file may write there. Raises SetupError.

    What the file says already stays allowed.
    """
    known = {field.name: field for field in fields}
    for name, value in settings.items():
        if name in known and value != before.get(name):
            for problem in _problems(context, known[name], value):
                raise SetupError(
                    f"{where}.{name} {str(value)[:100]!r}: {problem}; "
                    "whoever keeps the station file may write another there"
                )


def _problems(context: Context, field: SettingField, value: Any) -> Iterator[str]:
    text, home = str(value), context.settings.home.resolve()
    if field.name.endswith("_file"):
        if Path(text).parent != Path(SECRETS) or (home / text).is_symlink():
            yield f"a file of the folder {SECRETS!r} beside the station file is allowed"
    elif field.path:
        ours = (context.folder, context.store.archive.root, Path(context.settings.record))
        place = (home / text).resolve()
        if home not in place.parents or any(_touch(place, each.resolve()) for each in ours):
            yield "a folder within the station's own, and none of its record or page, is allowed"
    elif field.name == "producer":
        if text not in (there := installed_producers()):
            yield f"a producer that was found is allowed: {', '.join(there) or 'none is there'}"
    elif field.name == "source":
        if not _STREAM.fullmatch(text):
            yield "a device number or an address (rtsp, rtsps, http, https) is allowed"
    elif field.name == "port" and field.kind == "text" and not _SERIAL_PORT.fullmatch(text):
        yield "a serial port such as /dev/ttyUSB0 or COM3 is allowed"


def _touch(place: Path, ours: Path) -> bool:
    return place == ours or place in ours.parents or ours in place.parents
