"""The stream of parts: what single parts that pass do not show, their order does.

Importing this package loads neither torch nor scipy; they come when first used.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

from models.base import ModelError

if TYPE_CHECKING:
    from models.sequence.base import SequenceModel

_NO_METHODS = ("base", "watch")
CHARTS = (
    "ewma",
    "cusum",
    "western_electric",
    "periodic",
    "pca",
    "linear",
    "matrix_profile",
    "repeats",
)
"""Methods that need nothing installed and learn in a second or two."""


def method_names() -> list[str]:
    """List the methods: every file here that does not begin with `_`, but the base and the watch."""
    files = Path(__file__).parent.glob("*.py")
    return sorted(f.stem for f in files if not f.stem.startswith("_") and f.stem not in _NO_METHODS)


def method_class(name: str) -> type[SequenceModel]:
    """Import a method by name. Raises ModelError for an unknown one."""
    if name not in method_names():
        raise ModelError(f"method '{name}': unknown; there are: all, {', '.join(method_names())}")
    module = importlib.import_module(f"models.sequence.{name}")
    found: list[type[SequenceModel]] = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and value.__module__ == module.__name__
    ]
    return found[0]
