"""Whether the libraries of an optional part are installed."""

from __future__ import annotations

from importlib.util import find_spec

from inspection.plant.outputs.base import Output, OutputUnavailable


def missing_extra(extra: str, *modules: str) -> str | None:
    """How to install the extra whose modules are not there, or None."""
    absent = [module for module in modules if find_spec(module) is None]
    if not absent:
        return None
    return f"{', '.join(absent)} is not installed; pip install 'inspection[{extra}]'"


def require(output: Output) -> None:
    """Raise OutputUnavailable when what this output needs is not installed."""
    if (missing := output.missing()) is not None:
        raise OutputUnavailable(f"output {output.name}: {missing}")
