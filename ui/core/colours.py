"""The colours of a theme for what takes no variables of CSS: charts. They stand in `shared/colours.css` alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Literal

Theme = Literal["light", "dark"]
FILE = Path(__file__).parents[1] / "static" / "shared" / "colours.css"
_VARIABLE = re.compile(r"--([\w-]+):\s*(?:light-dark\((#\w+), (#\w+)\)|(#\w+));")


def theme_of(cookies: Mapping[str, str]) -> Theme:
    """What a browser shows panels in: as chosen for it, else as its system says (`session.js` tells)."""
    chosen = cookies.get("theme")
    if chosen not in ("light", "dark"):
        chosen = cookies.get("scheme")
    return "light" if chosen == "light" else "dark"


def colours_of(theme: Theme) -> Callable[[str], str]:
    """What gives a colour by its name, without `--`. Raises KeyError."""
    return _colours(theme).__getitem__


@cache
def _colours(theme: Theme) -> dict[str, str]:
    found = {}
    for name, light, dark, both in _VARIABLE.findall(FILE.read_text("utf-8")):
        found[name] = both or (light if theme == "light" else dark)
    return found
