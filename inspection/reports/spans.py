"""Spans of time between moments of the day, such as shifts; the station's local time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise

DAY = timedelta(days=1)
Span = tuple[datetime, datetime]


def spans(at: Sequence[str], first: datetime, last: datetime) -> list[Span]:
    """The whole spans between neighbouring moments such as "06:00", all within `first` to `last`."""
    return list(pairwise(_moments(at, first, last)))


def span_of(at: Sequence[str], now: datetime) -> Span:
    """The span that `now` is in."""
    found = [moment for moment in _moments(at, now - 2 * DAY, now + 2 * DAY)]
    return next((a, b) for a, b in pairwise(found) if a <= now < b)


def span_before(at: Sequence[str], now: datetime) -> Span:
    """The last span that is over."""
    begun = span_of(at, now)[0]
    return spans(at, begun - 2 * DAY, begun)[-1]


def _moments(at: Sequence[str], first: datetime, last: datetime) -> Iterator[datetime]:
    day = first.astimezone().date() - DAY
    while day <= last.astimezone().date() + DAY:
        for each in sorted(set(at)):
            # A naive local time, so that it is the same on the wall whatever the season.
            moment = datetime.combine(day, time.fromisoformat(each)).astimezone().astimezone(UTC)
            if first <= moment <= last:
                yield moment
        day += DAY
