"""Progress bars for long work: what is done, how far it is, for how long, and the time left."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from models import Progress


SPEED_OVER_S = 3600.0
"""The time left follows the speed of this long: one step may take minutes."""


class ProgressBar:
    """A bar for each work in progress on a terminal; `also` hears of it too.

    Elsewhere silence, or with `aloud` a line where a work begins.
    """

    def __init__(
        self, also: Progress = lambda what, done, of: None, *, aloud: bool = False
    ) -> None:
        self._also, self._aloud = also, aloud

    def __enter__(self) -> ProgressBar:
        self._bar: Any = None
        self._tasks: dict[str, Any] = {}
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import (
                BarColumn,
                Progress,
                TaskProgressColumn,
                TextColumn,
                TimeElapsedColumn,
                TimeRemainingColumn,
            )

            self._bar = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                TaskProgressColumn(),
                TimeElapsedColumn(),
                TextColumn("left"),
                TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
                speed_estimate_period=SPEED_OVER_S,
            )
            self._bar.start()
        return self

    def __call__(self, what: str, done: int, of: int) -> None:
        """Show that `done` of `of` are done."""
        self._also(what, done, of)
        new = what not in self._tasks
        if self._bar is None:
            if new and self._aloud:
                print(f"{what} …", file=sys.stderr, flush=True)  # noqa: T201
            self._tasks[what] = None
            return
        if new:
            self._tasks[what] = self._bar.add_task(what, total=of)
        self._bar.update(self._tasks[what], completed=done, total=of, visible=done < of)

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()
