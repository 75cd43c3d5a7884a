"""Ways a notice reaches a person: one file each, its name the table `[notify.NAME]` of a station file."""

from __future__ import annotations

from importlib import import_module
from typing import Any, cast

from inspection.errors import SetupError
from inspection.plant.notices.base import Notice, NoticeError, Notifier

__all__ = ["NOTIFIERS", "Notice", "NoticeError", "Notifier", "notifier_class"]

NOTIFIERS = ("smtp", "webhook")


def notifier_class(name: str) -> Any:
    """Import the notifier of this name. Raises SetupError for one there is not."""
    if name not in NOTIFIERS:
        raise SetupError(f"notifier {name!r} does not exist; allowed: {', '.join(NOTIFIERS)}")
    return cast(Any, import_module(f"{__name__}.{name}")).NOTIFIER
