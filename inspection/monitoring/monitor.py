"""Learns what the stream of good parts is like, and says what it raises of those that follow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from inspection.monitoring.errors import MonitorError
from inspection.monitoring.part_rows import PartRow, in_order
from models.sequence.base import CYCLE_TIME, PartStream

if TYPE_CHECKING:
    from inspection.monitoring.settings import MonitorSettings
    from models.sequence.watch import Raised, Watch

AT_ONCE = 5000
PLACE = "place in the cycle"
FEWEST_SHARE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Learnt:
    """What was learnt from which parts, and what was left out and why."""

    parts: int
    first: int
    last: int
    methods: tuple[str, ...]
    columns: tuple[str, ...]
    context: tuple[str, ...]
    left_out: dict[str, str]

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(slots=True, kw_only=True)
class Monitor:
    """Methods at work on one stream of parts. `take` parts in order; `raised` is everything so far."""

    watch: Watch
    learnt: Learnt
    settings: MonitorSettings
    watched: int = 0
    times: dict[int, datetime | None] = field(default_factory=dict)
    """When the parts were seen at which something was raised."""

    @property
    def raised(self) -> list[Raised]:
        """Everything raised so far."""
        return self.watch.raised

    def take(self, rows: Iterable[PartRow]) -> list[Raised]:
        """Take the parts that came since, in order; give what is raised anew."""
        new: list[Raised] = []
        for some in in_order(rows, AT_ONCE):
            found = self.watch.update(
                stream_of(some, self.learnt.columns, self.learnt.context, self.settings.cycle)
            )
            at = {row.number: row.at for row in some}
            self.times |= {each.raised: at.get(each.raised) for each in found}
            self.watched += len(some)
            new += found
        return new

    def as_json(self, raised: Raised) -> dict[str, Any]:
        """One thing raised as plain data, with when."""
        at = self.times.get(raised.raised)
        return {"at": None if at is None else at.isoformat(timespec="seconds"), **raised.as_json()}

    def text(self, raised: Raised) -> str:
        """One thing raised in a line, with when."""
        at = self.times.get(raised.raised)
        when = "" if at is None else f"{at.isoformat(timespec='seconds')}  "
        return f"{when}{raised.text}"


def good_parts(rows: Iterator[PartRow], count: int, *, where: str) -> list[PartRow]:
    """Take the first good parts off a stream of rows. Raises MonitorError where there are fewer."""
    good: list[PartRow] = []
    for row in rows:
        if row.good:
            good.append(row)
            if len(good) == count:
                return good
    raise MonitorError(
        f"{where}: {len(good)} good parts, {count} are to be learnt from; "
        f"{'learn from fewer (at least 50), or ' if len(good) >= 50 else ''}learn from another record"
    )


def learn(good: Sequence[PartRow], settings: MonitorSettings) -> Monitor:
    """Teach the methods. Raises MonitorError for a column that is not there, ModelError for one without use."""
    from models.sequence import watch

    names = settings.columns or _numbers(good)
    _must_be_there(names, "column", {name for row in good for name in row.numbers})
    _must_be_there(
        () if settings.context == type(settings).context else settings.context,
        "context",
        {name for row in good for name in row.texts},
    )
    context = tuple(name for name in settings.context if any(name in row.texts for row in good))
    stream = stream_of(good, names, context, settings.cycle)
    left: dict[str, str] = {}
    if not settings.columns:
        kept, left = watch.usable(stream)
        stream = stream_of(good, [names[i] for i in kept], context, settings.cycle)
    methods, missing = settings.chosen()
    taught = watch.learn(stream, methods, false_alarms=settings.false_alarms, seed=settings.seed)
    learnt = Learnt(
        parts=len(good),
        first=good[0].number,
        last=good[-1].number,
        methods=tuple(methods),
        columns=stream.names,
        context=context,
        left_out=left | {f"method {name}": why for name, why in missing.items()},
    )
    return Monitor(watch=taught, learnt=learnt, settings=settings)


def stream_of(
    rows: Sequence[PartRow], names: Sequence[str], context: Sequence[str], cycle: int | None
) -> PartStream:
    """Rows as the methods take them."""
    texts = {name: tuple(row.texts.get(name, "") for row in rows) for name in context}
    if cycle is not None:
        texts[PLACE] = tuple(str(row.number % cycle) for row in rows)
    nan = float("nan")
    found = [[row.numbers.get(name, nan) for name in names] for row in rows]
    values = np.array(found, dtype=np.float64).reshape(len(rows), len(names))
    return PartStream(
        numbers=np.array([row.number for row in rows], dtype=np.int64),
        names=tuple(names),
        values=np.where(np.isfinite(values), values, nan),
        context=texts,
        pictures=tuple(row.picture for row in rows),
        rejected=tuple(not row.good for row in rows),
    )


def _numbers(good: Sequence[PartRow]) -> tuple[str, ...]:
    """The names of numbers that most good parts have, the cycle time last."""
    counts: dict[str, int] = {}
    for row in good:
        for name in row.numbers:
            counts[name] = counts.get(name, 0) + 1
    names = [name for name, count in counts.items() if count >= FEWEST_SHARE * len(good)]
    return tuple(sorted(names, key=lambda name: name == CYCLE_TIME))


def _must_be_there(wanted: Iterable[str], what: str, there: set[str]) -> None:
    for name in wanted:
        if name not in there:
            known = ", ".join(sorted(there)) or "none"
            raise MonitorError(f"{what} {name!r}: no good part has it; there are: {known}")
