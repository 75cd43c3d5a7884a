"""What is watched, by which methods, learnt from which parts: options of a command, keys of a station file."""

from __future__ import annotations

from dataclasses import field
from pathlib import Path
from typing import Annotated

from annotated_types import Ge, Gt, Le, Len
from pydantic.dataclasses import dataclass

from inspection.recipe.setup_file import STRICT
from models.sequence import CHARTS, method_class, method_names

ALL, CHARTS_WORD = "all", "charts"
MOST_PARTS = 100_000
"""More good parts teach nothing more, and take their time."""

Word = Annotated[str, Len(min_length=1, max_length=200)]


@dataclass(frozen=True, config=STRICT, kw_only=True)
class MonitorSettings:
    """How the stream of parts is watched.

    Raises ValueError for an unknown method.
    """

    methods: Annotated[tuple[Word, ...], Len(min_length=1)] = (CHARTS_WORD,)
    """Names of methods; charts: all that need nothing installed; all: all that can be used here."""
    good: Annotated[int, Ge(50), Le(MOST_PARTS)] = 500
    """Good parts that are learnt from: the first ones."""
    learn: Path | None = None
    """Another record, or a table, whose first good parts are learnt from instead."""
    false_alarms: Annotated[float, Gt(0), Le(100)] = 1.0
    """Alarms that 1,000 good parts may raise, all methods together."""
    columns: tuple[Word, ...] = ()
    """Numbers to watch; none: all that vary among the good parts."""
    context: tuple[Word, ...] = field(default=("product", "recipe"))
    """Texts of a part that say what it is compared with."""
    cycle: Annotated[int, Ge(2), Le(50)] | None = None
    """Parts in a cycle of the line; the place in it is one more circumstance."""
    seed: Annotated[int, Ge(0)] = 0

    def __post_init__(self) -> None:
        for name in self.methods:
            if name not in (ALL, CHARTS_WORD, *method_names()):
                words = ", ".join((ALL, CHARTS_WORD, *method_names()))
                raise ValueError(f"methods: no method {name!r}; allowed: {words}")

    def chosen(self) -> tuple[list[str], dict[str, str]]:
        """The methods by name, and those that `all` and `charts` leave out, with why."""
        names: list[str] = []
        for word in self.methods:
            more = {ALL: method_names(), CHARTS_WORD: CHARTS}.get(word, [word])
            names += [name for name in more if name not in names]
        left: dict[str, str] = {}
        for name in [name for name in names if name not in self.methods]:
            kind = method_class(name)
            if self.good < kind.least_parts:
                left[name] = f"{self.good} good parts, at least {kind.least_parts} are needed"
            elif (missing := kind.missing()) is not None:
                left[name] = missing
        return [name for name in names if name not in left], left

    def missing(self) -> str | None:
        """What keeps the methods from being used here, in one line; None: nothing."""
        for name in self.chosen()[0]:
            kind = method_class(name)
            if (missing := kind.missing()) is not None:
                return f"{name}: {missing}"
            if self.good < kind.least_parts:
                return f"{name}: {self.good} good parts, at least {kind.least_parts} are needed"
        return None
