"""What a station tells people by itself, and by which ways: the table `[notify]`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from annotated_types import Ge, Le, Len
from pydantic.dataclasses import dataclass

from inspection.plant.notices import NOTIFIERS
from inspection.recipe.setup_file import STRICT

NoticeEvent = Literal[
    "stopped", "ended", "camera_fault", "camera_lost", "record", "no_recipe", "recipe", "recipe_changed", "paused",
    "output", "too_slow", "not_judged", "disk", "stream", "report",
]  # fmt: skip
"""How a station ended, and its troubles (`inspection.station.troubles`), by their names."""
ALL: tuple[NoticeEvent, ...] = get_args(NoticeEvent)
USUAL: tuple[NoticeEvent, ...] = tuple(e for e in ALL if e not in ("no_recipe", "paused"))
"""Those of a station at work: a pause and a beginning without a recipe are somebody's own doing."""


@dataclass(frozen=True, config=STRICT, kw_only=True)
class NotifySettings:
    """Which events are told, how often at most, and the table of each way they go."""

    events: Annotated[tuple[NoticeEvent, ...], Len(min_length=1)] = USUAL
    language: Literal["en", "ja", "ko"] = "en"
    again_after_h: Annotated[float, Ge(0.1), Le(168)] = 1.0
    """An event that lasts, or comes again, is told no sooner than so many hours after it was told."""
    smtp: dict[str, Any] | None = None
    webhook: dict[str, Any] | None = None

    @property
    def ways(self) -> Mapping[str, Mapping[str, Any]]:
        """The tables of the ways there are, by name."""
        tables = ((name, getattr(self, name)) for name in NOTIFIERS)
        return {name: table for name, table in tables if table is not None}
