"""What a sequence model is: the stream of good parts in, how unusual each later part is out.

Errors
------
ModelError
└── SequenceError   the stream cannot teach, or cannot be watched; one line says what to do
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from models.base import ModelError, NotFitted
from models.sequence._calibration import limits_by_rehearsal

Floats = NDArray[np.float64]

CYCLE_TIME = "cycle_time_s"
"""The column that comes from the clock: what is shown again keeps all columns but this."""


class SequenceError(ModelError):
    """A stream of parts cannot teach, or cannot be watched."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PartStream:
    """Parts in their order.

    `numbers` (n,) name them, `values` (n, d) is NaN where nothing was measured, `context` holds a
    text a part for each known circumstance, `pictures` a fingerprint of each picture or "".
    `rejected` (n,) are those whose own verdict is no PASS; none where it is empty.
    """

    numbers: NDArray[np.int64]
    names: tuple[str, ...]
    values: Floats
    context: Mapping[str, tuple[str, ...]]
    pictures: tuple[str, ...] = ()
    rejected: tuple[bool, ...] = ()

    def __post_init__(self) -> None:
        n = len(self.numbers)
        if self.values.shape != (n, len(self.names)):
            raise ValueError(
                f"PartStream.values: expected {(n, len(self.names))}, got {self.values.shape}"
            )
        for name, texts in self.context.items():
            if len(texts) != n:
                raise ValueError(
                    f"PartStream.context: {name}: expected {n} texts, got {len(texts)}"
                )
        if self.pictures and len(self.pictures) != n:
            raise ValueError(f"PartStream.pictures: expected {n}, got {len(self.pictures)}")
        if self.rejected and len(self.rejected) != n:
            raise ValueError(f"PartStream.rejected: expected {n}, got {len(self.rejected)}")

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, rows: slice) -> PartStream:
        return PartStream(
            numbers=self.numbers[rows],
            names=self.names,
            values=self.values[rows],
            context={name: texts[rows] for name, texts in self.context.items()},
            pictures=self.pictures[rows],
            rejected=self.rejected[rows],
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rows:
    """A stream as models see it.

    `z` (n, d) in standard deviations of good parts of the same circumstances, 0 where nothing was
    measured; `hot` (n, k) the circumstances, one column a level; `same` (n, 2) equal integers where
    two parts show the same picture, or are equal in every number of it; below 0 where unknown;
    `circumstances` is how many kinds of them were learnt.
    """

    names: tuple[str, ...]
    z: Floats
    hot: Floats
    same: NDArray[np.int64]
    circumstances: int = 0

    def __len__(self) -> int:
        return len(self.z)

    def __getitem__(self, rows: slice) -> Rows:
        return replace(self, z=self.z[rows], hot=self.hot[rows], same=self.same[rows])

    @property
    def shown(self) -> list[int]:
        """The columns that come from the picture, not from the clock."""
        return [i for i, name in enumerate(self.names) if name != CYCLE_TIME]


@dataclass(frozen=True, slots=True)
class Channel:
    """One statistic of a model: the rule in words, and the column it is about, None for all."""

    rule: str
    column: int | None = None


class SequenceModel(ABC):
    """Learns how good parts follow each other, and says of each later part how unusual it is.

    A file of this package that does not begin with `_` is a method, its name there is its name
    everywhere. `fit` takes good parts in order; `statistic` is causal (a part is judged by itself
    and those before it), 0 or more, higher is worse; `limits_` (k,) are set so that on good parts
    about `false_alarms` a thousand are raised, whatever the number of channels.
    """

    name: ClassVar[str]
    family: ClassVar[str] = "sequence: chart"
    least_parts: ClassVar[int] = 50
    """Good parts it cannot do without."""
    reach: ClassVar[int] = 200
    """How many parts before one have a say in its statistic."""
    rehearsed: ClassVar[int] = 100_000
    """Good parts that are drawn anew to set the limits."""

    channels_: tuple[Channel, ...]
    limits_: Floats

    def __init__(self, *, false_alarms: float = 1.0, seed: int = 0) -> None:
        self.false_alarms, self.seed = false_alarms, seed

    def fit(self, good: Rows) -> Self:
        """Learn from good parts in order, and set the limits. Raises SequenceError."""
        if len(good) < self.least_parts:
            raise SequenceError(
                f"method {self.name}: {len(good)} good parts to learn from, at least "
                f"{self.least_parts} are needed; learn from more parts, or leave the method out"
            )
        held_out, self.circumstances_ = self.learn(good), good.circumstances
        self.limits_ = self.calibrate(held_out)
        return self

    @abstractmethod
    def learn(self, good: Rows) -> Floats:
        """Learn, set `channels_`, and give the residuals (m, c) of good parts not learnt from."""

    @abstractmethod
    def residuals(self, rows: Rows) -> Floats:
        """What is left of each part once what is expected is taken away (n, c)."""

    @abstractmethod
    def chart(self, residuals: Floats) -> Floats:
        """From residuals (n, c) to the statistic of each channel (n, k)."""

    def calibrate(self, held_out: Floats) -> Floats:
        """Set the limits by a rehearsal: held-out residuals, drawn in blocks to a long good run."""
        return limits_by_rehearsal(
            held_out,
            self.chart,
            false_alarms=self.false_alarms,
            n=self.rehearsed,
            seed=self.seed,
            circumstances=self.circumstances_,
        )

    def statistic(self, rows: Rows) -> Floats:
        """How unusual each part is, for each channel (n, k). Raises NotFitted."""
        if not hasattr(self, "channels_"):
            raise NotFitted(f"method {self.name}: nothing was learnt yet")
        return self.chart(self.residuals(rows))

    def column(self, rows: Rows, part: int, channel: int) -> int | None:
        """Which column a channel speaks of at a part; None where it is all of them together."""
        return self.channels_[channel].column

    def rule(self, rows: Rows, part: int, channel: int) -> str:
        """The rule that spoke at a part, in words."""
        return self.channels_[channel].rule

    def onset(self, rows: Rows, part: int, channel: int) -> int:
        """Where what is raised at a part began: before it, the statistic was below half its limit."""
        low = self.statistic(rows[: part + 1])[:, channel] < self.limits_[channel] / 2
        return int(np.flatnonzero(low)[-1]) + 1 if low.any() else 0

    @classmethod
    def missing(cls) -> str | None:
        """Say in one line what must be installed before this method can be used, or None."""
        return None
