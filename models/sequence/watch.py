"""Several methods over one stream: learn from good parts, then say what is raised, when and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.sequence import method_class
from models.sequence._calibration import GAP
from models.sequence._standard import Standard, learn_standard
from models.sequence.base import (
    CYCLE_TIME,
    Floats,
    PartStream,
    Rows,
    SequenceError,
    SequenceModel,
)

HISTORY = 1000
AT_ONCE = 20_000
LEAST_PARTS = 50
MOST_MISSING = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Raised:
    """What one method raises: over which parts, by which rule, of which column.

    `first` is where it seems to have begun, `raised` the part at which it was known, `last` the last
    one so far that showed it; all are parts' numbers. `value` is the statistic at `raised`.
    """

    method: str
    rule: str
    column: str | None
    direction: str
    first: int
    raised: int
    last: int
    parts: int
    value: float
    limit: float
    over: bool = False

    @property
    def text(self) -> str:
        """One line for a person."""
        what = (
            f"{self.column}{f' is {self.direction}' if self.direction else ''}: "
            if self.column
            else ""
        )
        where = f"parts {self.first} to {self.last}, raised at part {self.raised}"
        return (
            f"{self.method}: {what}{self.rule} ({self.value:.3g}, limit {self.limit:.3g}); {where}"
        )

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        names = [name for name in self.__slots__ if name != "over"]
        return {name: getattr(self, name) for name in names} | {"text": self.text}


class Watch:
    """Methods that learnt from good parts, and what they raise of the parts that follow."""

    def __init__(
        self, standard: Standard, methods: Sequence[SequenceModel], history: PartStream
    ) -> None:
        self.standard, self.methods = standard, tuple(methods)
        self.raised: list[Raised] = []
        """Everything so far, in the order it was raised."""
        self._history = history
        self._open: dict[str, tuple[int, int]] = {}
        self._count = len(history)

    @property
    def active(self) -> list[Raised]:
        """What is not over: an alarm within the last parts."""
        return [self.raised[place] for place, _ in self._open.values()]

    def update(self, stream: PartStream) -> list[Raised]:
        """Take the parts that came since, in order; give what is raised anew."""
        before = len(self.raised)
        for start in range(0, len(stream), AT_ONCE):
            self._take(stream[start : start + AT_ONCE])
        return self.raised[before:]

    def _take(self, stream: PartStream) -> None:
        joined = _joined(self._history, stream)
        rows, old = rows_of(joined, self.standard), len(self._history)
        for method in self.methods:
            start = max(0, old - method.reach)
            self._read(method, rows[start:], joined.numbers[start:], old - start)
        self._history = joined[max(0, len(joined) - HISTORY) :]
        self._count += len(stream)
        self._end_old()

    def _read(
        self, method: SequenceModel, rows: Rows, numbers: NDArray[np.int64], old: int
    ) -> None:
        statistic = method.statistic(rows)
        alarms = np.flatnonzero(np.any(statistic > method.limits_, axis=1))
        for part in alarms[alarms >= old]:
            at = self._count + int(part) - old
            place, latest = self._open.get(method.name, (-1, -1))
            if place >= 0 and at - latest <= GAP:
                known = self.raised[place]
                self.raised[place] = replace(
                    known, last=int(numbers[part]), parts=known.parts + at - latest
                )
                self._open[method.name] = (place, at)
                continue
            self._end(method.name)
            self._open[method.name] = (len(self.raised), at)
            self.raised.append(_found(method, rows, numbers, int(part), statistic[part]))

    def _end_old(self) -> None:
        for name, (_, latest) in list(self._open.items()):
            if self._count - 1 - latest > GAP:
                self._end(name)

    def _end(self, name: str) -> None:
        if name in self._open:
            place, _ = self._open.pop(name)
            self.raised[place] = replace(self.raised[place], over=True)


def learn(
    good: PartStream, names: Sequence[str], *, false_alarms: float = 1.0, seed: int = 0
) -> Watch:
    """Teach methods good parts; all of them together raise about `false_alarms` a thousand good parts.

    Raises SequenceError, and ModelError for a method that is unknown or cannot be used here.
    """
    check(good)
    standard = learn_standard(good)
    rows = rows_of(good, standard)
    kinds = [method_class(name) for name in names]
    for kind in kinds:
        if (missing := kind.missing()) is not None:
            raise SequenceError(f"method {kind.name}: {missing}")
    each = false_alarms / len(kinds)
    methods = [kind(false_alarms=each, seed=seed).fit(rows) for kind in kinds]
    return Watch(standard, methods, good[max(0, len(good) - HISTORY) :])


def check(good: PartStream) -> None:
    """Raise SequenceError where a stream cannot teach anything, saying which column and what to do."""
    if len(good) < LEAST_PARTS:
        raise SequenceError(
            f"{len(good)} good parts to learn from, at least {LEAST_PARTS} are needed; "
            "wait for more parts, or learn from another record"
        )
    if not good.names:
        raise SequenceError("no column of numbers that vary; give a record with scores, or a table")
    for index, name in enumerate(good.names):
        column = good.values[:, index]
        measured = column[np.isfinite(column)]
        if len(measured) < (1 - MOST_MISSING) * len(good):
            raise SequenceError(
                f"column {name}: {len(good) - len(measured)} of {len(good)} good parts have no number "
                f"there, at most {MOST_MISSING:.0%} may; leave the column out, or fill it"
            )
        if np.ptp(measured) <= 1e-12 * max(1.0, float(np.abs(measured).max())):
            raise SequenceError(
                f"column {name}: constant ({measured[0]:g}) over the good parts, so no limit can be "
                "learnt; leave the column out, or learn from parts over which it varies"
            )


def usable(good: PartStream) -> tuple[list[int], dict[str, str]]:
    """The columns a stream can teach, and of each other why it cannot."""
    kept, left = [], {}
    for index, name in enumerate(good.names):
        one = PartStream(
            numbers=good.numbers, names=(name,), values=good.values[:, [index]], context={}
        )
        try:
            check(one)
        except SequenceError as error:
            left[name] = str(error)
        else:
            kept.append(index)
    return kept, left


def rows_of(stream: PartStream, standard: Standard) -> Rows:
    """A stream as models see it."""
    return Rows(
        names=stream.names,
        z=standard.z(stream),
        hot=standard.hot(stream),
        same=np.stack([_equal_pictures(stream), _equal_numbers(stream)], axis=1),
        circumstances=len(standard.levels),
    )


def _equal_pictures(stream: PartStream) -> NDArray[np.int64]:
    known: dict[str, int] = {}
    return np.array(
        [known.setdefault(text, len(known)) if text else -1 for text in stream.pictures]
        or [-1] * len(stream),
        dtype=np.int64,
    )


def _equal_numbers(stream: PartStream) -> NDArray[np.int64]:
    shown = [i for i, name in enumerate(stream.names) if name != CYCLE_TIME]
    values = stream.values[:, shown]
    if not shown or not len(values):
        return np.full(len(stream), -1, dtype=np.int64)
    _, same = np.unique(np.nan_to_num(values), axis=0, return_inverse=True)
    measured = np.isfinite(values).all(axis=1)
    return np.where(measured, same.reshape(-1), -1).astype(np.int64)


def _joined(first: PartStream, then: PartStream) -> PartStream:
    names = first.context.keys() & then.context.keys()
    return PartStream(
        numbers=np.concatenate([first.numbers, then.numbers]),
        names=first.names,
        values=np.concatenate([first.values, then.values]),
        context={name: (*first.context[name], *then.context[name]) for name in names},
        pictures=(*(first.pictures or [""] * len(first)), *(then.pictures or [""] * len(then))),
        rejected=(
            *(first.rejected or [False] * len(first)),
            *(then.rejected or [False] * len(then)),
        ),
    )


def _found(
    method: SequenceModel, rows: Rows, numbers: NDArray[np.int64], part: int, statistic: Floats
) -> Raised:
    channel = int(np.argmax(statistic / method.limits_))
    column = method.column(rows, part, channel)
    first = min(method.onset(rows, part, channel), part)
    return Raised(
        method=method.name,
        rule=method.rule(rows, part, channel),
        column=None if column is None else rows.names[column],
        direction="" if column is None else _direction(rows.z[first : part + 1, column]),
        first=int(numbers[first]),
        raised=int(numbers[part]),
        last=int(numbers[part]),
        parts=part + 1 - first,
        value=float(statistic[channel]),
        limit=float(method.limits_[channel]),
    )


def _direction(z: Floats) -> str:
    mean = float(z.mean())
    if abs(mean) < 2.0 / np.sqrt(len(z)):
        return ""
    return "high" if mean > 0 else "low"
