"""Secrets covered before anything is shown: by their name, and within addresses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomlkit

from inspection.covered import COVER, SECRET_NAMES, covered_text

SECRET_NAME = re.compile(rf"(?:^|[_.-])(?:{SECRET_NAMES}|api[_-]?key)s?$", re.IGNORECASE)
"""A key that ends so holds a secret; one that ends in _file holds only where it is."""
IN_REMARK = re.compile(rf"(#.*?\b\w*(?:{SECRET_NAMES})s?[\"']?\s*[=:]\s*).+", re.IGNORECASE)


def covered_file(text: str) -> str:
    """A TOML text with the same lines, secrets covered. Raises TOMLKitError."""
    document = tomlkit.parse(text)
    _cover_in(document, secret=False)
    lines = tomlkit.dumps(document).splitlines()
    return "\n".join(IN_REMARK.sub(rf"\1{COVER}", covered_text(line)) for line in lines)


def redact(value: Any, *, secret: bool = False) -> Any:
    """Plain data with secrets covered: by name, and within addresses."""
    if isinstance(value, Mapping):
        return {key: redact(each, secret=secret or is_secret(key)) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [redact(each, secret=secret) for each in value]
    if secret and value not in (None, ""):
        return COVER
    return covered_text(str(value)) if isinstance(value, str | Path) else value


def is_secret(name: object) -> bool:
    """Whether what stands under this key must not be shown."""
    return bool(SECRET_NAME.search(str(name)))


def _cover_in(table: Any, *, secret: bool) -> None:
    """Cover secrets within a parsed document, in place, so that the rest stays as written."""
    pairs = table.items() if isinstance(table, Mapping) else enumerate(table)
    for key, each in list(pairs):
        hidden = secret or (isinstance(table, Mapping) and is_secret(key))
        if isinstance(each, Mapping | list):
            _cover_in(each, secret=hidden)
        elif hidden:
            table[key] = COVER
