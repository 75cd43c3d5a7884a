"""Outputs: where verdicts go.

Every module of this folder that does not begin with `_` is one output, and its name in a station file
is the module's name. A new file is a new output; nothing else is edited.
"""

from __future__ import annotations

import inspect
import pkgutil
from importlib import import_module
from typing import cast

from inspection.errors import SetupError
from inspection.plant.messages import (
    CODES,
    InspectionResult,
    StationInterface,
    StationState,
    TriggerRequest,
)
from inspection.plant.outputs.base import Output, OutputError, OutputRefused, OutputUnavailable

__all__ = [
    "CODES",
    "InspectionResult",
    "Output",
    "OutputError",
    "OutputRefused",
    "OutputUnavailable",
    "StationInterface",
    "StationState",
    "TriggerRequest",
    "output_class",
    "output_names",
]


def output_names() -> list[str]:
    """The name of every output there is, in order, without importing any of them."""
    names = (module.name for module in pkgutil.iter_modules(__path__) if not module.ispkg)
    return sorted(name for name in names if not name.startswith("_") and name != "base")


def output_class(name: str) -> type[Output]:
    """Import the output of this name. Raises SetupError for a name there is no file for."""
    if name not in output_names():
        raise SetupError(f"output {name!r} does not exist; allowed: {', '.join(output_names())}")
    module = import_module(f"{__name__}.{name}")
    for thing in vars(module).values():
        is_output = isinstance(thing, type) and issubclass(thing, Output)
        if is_output and thing.__module__ == module.__name__ and not inspect.isabstract(thing):
            return cast("type[Output]", thing)
    raise SetupError(f"output {name!r}: its file has no Output class")
