"""Triggers: what tells the station that a part is there, besides its outputs' links.

Every module of this folder that does not begin with `_` is one trigger, and its name in a station
file is the module's name. A new file is a new trigger; nothing else is edited.
"""

from __future__ import annotations

import inspect
import pkgutil
from importlib import import_module
from typing import Protocol, cast

from inspection.errors import InspectionError, SetupError
from inspection.plant.messages import StationInterface, TriggerRequest

__all__ = ["Trigger", "TriggerUnavailable", "offer", "trigger_class", "trigger_names"]


class TriggerUnavailable(InspectionError):
    """The library, address or device behind this trigger is not there."""


class Trigger(Protocol):
    """What a trigger is: its settings are the keywords of `__init__`, its work starts in `open`."""

    name: str

    def open(self, station: StationInterface) -> None:
        """Begin to call `station.trigger`, from a thread of its own. Raises TriggerUnavailable."""

    def close(self) -> None:
        """End; safe twice. Raises TriggerUnavailable when the trigger's thread does not end."""

    def check(self) -> None:
        """Raise TriggerUnavailable if the trigger ended by itself: the station then stops."""

    @classmethod
    def missing(cls) -> str | None:
        """What must be installed before this trigger can be used, in one line, or None."""


def offer(station: StationInterface, request: TriggerRequest) -> bool:
    """Offer a trigger to the station; False when it is refused, whatever the reason."""
    try:
        return station.trigger(request)
    except InspectionError:
        return False


def trigger_names() -> list[str]:
    """The name of every trigger there is, in order, without importing any of them."""
    names = (module.name for module in pkgutil.iter_modules(__path__) if not module.ispkg)
    return sorted(name for name in names if not name.startswith("_"))


def trigger_class(name: str) -> type[Trigger]:
    """Import the trigger of this name. Raises SetupError for a name there is no file for."""
    if name not in trigger_names():
        raise SetupError(f"trigger {name!r} does not exist; allowed: {', '.join(trigger_names())}")
    module = import_module(f"{__name__}.{name}")
    for thing in vars(module).values():
        is_ours = inspect.isclass(thing) and thing.__module__ == module.__name__
        if is_ours and getattr(thing, "name", None) == name:
            return cast("type[Trigger]", thing)
    raise SetupError(f"trigger {name!r}: its file has no class of that name")
