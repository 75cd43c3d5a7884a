"""What happened over time: parts by verdict in steps, and one measure of each part with its limits."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspection.errors import InspectionError
from inspection.judgement import Verdict
from inspection.recipe import Recipe
from inspection.store import Store
from inspection.store.chain import revived
from inspection.store.filters import PartFilter
from inspection.store.reading.summary import columns_of, counts_between, extent
from inspection.store.reading.verdict_counts import VerdictCounts

STEPS = ("hour", "shift", "day")
MOST_STEPS = 500
MEDIAN_OF = 51
NAMED_BY = 200
"""The measures there are stand in so many of the latest parts."""
SCORE = "score"
_COLUMNS = ("number", "judged_at", "verdict", "recipe_id")


class TooManySteps(InspectionError):
    """A span has more steps than a chart shows; `steps` is how many."""

    def __init__(self, steps: int) -> None:
        super().__init__(f"{steps} steps, at most {MOST_STEPS} are shown")
        self.steps = steps


@dataclass(frozen=True, slots=True)
class Step:
    """The parts of one hour, shift or day."""

    begin: datetime
    end: datetime
    counts: VerdictCounts


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Measured:
    """One measure of the latest parts of a recipe, the oldest first: arrays (n,).

    `without` is how many have it not, `others` how many are of other recipes, `limits` those of the recipe by name.
    """

    recipe_id: str | None
    number: NDArray[np.int64]
    at: Sequence[str]
    value: NDArray[np.float64]
    verdict: Sequence[Verdict]
    median: NDArray[np.float64]
    without: int
    others: int
    limits: Mapping[str, float]


def steps_of(store: Store, which: PartFilter, step: str, shifts: Sequence[str]) -> Sequence[Step]:
    """Count by verdict in each hour, shift or day, local time. Raises TooManySteps, StoreError."""
    whole = extent(store, which)
    if whole.first_at is None or whole.last_at is None:
        return []
    edges = list(edges_of(whole.first_at, whole.last_at, step, shifts))
    if len(edges) - 1 > MOST_STEPS:
        raise TooManySteps(len(edges) - 1)
    # The edges hold all of the span; only a step it begins or ends in is cut.
    counted = counts_between(store, which, edges)
    return [Step(*each) for each in zip(edges, edges[1:], counted, strict=False)]


def edges_of(
    first: datetime, last: datetime, step: str, shifts: Sequence[str]
) -> Iterator[datetime]:
    """Yield when each step began, from the one that holds `first` to the end of that of `last`."""
    if step == "hour":
        edge = first.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        yield edge
        while edge <= last:
            edge += timedelta(hours=1)
            yield edge
        return
    starts = sorted(shifts) if step == "shift" else ["00:00"]
    before: datetime | None = None
    for edge in _starts(first, starts):
        if before is not None and edge > first:
            yield before
        before = edge
        if edge > last:
            yield edge
            return


def measures(store: Store, which: PartFilter) -> list[str]:
    """List the measures that the latest parts have: "score", "health.NAME" and "latency.NAME"."""
    health, latency = set[str](), set[str]()
    for one, other in columns_of(store, which, ("health", "latency_ms"), limit=NAMED_BY):
        health |= set(json.loads(one))
        latency |= set(json.loads(other))
    stages = [*(["total"] if "total" in latency else []), *sorted(latency - {"total"})]
    return [
        SCORE,
        *(f"health.{name}" for name in sorted(health)),
        *(f"latency.{name}" for name in stages),
    ]


def measured(store: Store, which: PartFilter, measure: str, *, limit: int) -> Measured:
    """Read one measure of the latest parts, of the recipe that judged most of them. Raises StoreError."""
    group, _, name = measure.partition(".")
    column = {"latency": "latency_ms"}.get(group, group)
    rows = columns_of(store, which, (*_COLUMNS, column), limit=limit)[::-1]
    recipes = Counter(row[3] for row in rows if row[3])
    recipe_id = recipes.most_common(1)[0][0] if recipes else None
    own = [row for row in rows if recipe_id is None or row[3] == recipe_id]
    found = [(row, value) for row in own if np.isfinite(value := _value(row[4], name))]
    values = np.array([value for _, value in found], dtype=np.float64)
    return Measured(
        recipe_id=recipe_id,
        number=np.array([row[0] for row, _ in found], dtype=np.int64),
        at=[row[1] for row, _ in found],
        value=values,
        verdict=[Verdict(row[2]) for row, _ in found],
        median=drifting_median(values),
        without=len(own) - len(found),
        others=len(rows) - len(own),
        limits={},
    )


def limits_of(measure: str, recipe: Recipe | None, deadline_ms: float) -> dict[str, float]:
    """The limits a measure has, by name."""
    group, _, name = measure.partition(".")
    found: dict[str, float | None] = {}
    if measure == "latency.total":
        found = {"deadline": deadline_ms}
    elif recipe is not None and group == "health":
        limits = recipe.settings.limits
        found = {"least": limits.low.get(name), "most": limits.high.get(name)}
    elif recipe is not None and measure == SCORE:
        calibration = recipe.settings.calibration
        found = {"PASS": calibration.threshold, "FAIL": calibration.fail_threshold}
    return {name: value for name, value in found.items() if value is not None}


def drifting_median(values: NDArray[np.float64], *, around: int = MEDIAN_OF) -> NDArray[np.float64]:
    """For each value (n,) the median of the `around` values nearest to it in order.

    At both ends the same number of values is used, so that the line does not end in noise.
    """
    if len(values) == 0:
        return np.zeros(0)
    wide = min(around, len(values))
    middles = np.median(np.lib.stride_tricks.sliding_window_view(values, wide), axis=1)
    first = np.clip(np.arange(len(values)) - wide // 2, 0, len(middles) - 1)
    return np.asarray(middles[first], dtype=np.float64)


def _starts(first: datetime, starts: Sequence[str]) -> Iterator[datetime]:
    """Yield each local start of a shift, from the day before `first` on."""
    day = first.astimezone().date() - timedelta(days=1)
    while True:
        for start in starts:
            hour, minute = int(start[:2]), int(start[3:])
            local = datetime(day.year, day.month, day.day, hour, minute)
            yield local.astimezone().astimezone(UTC)
        day += timedelta(days=1)


def _value(content: Any, name: str) -> float:
    """A number of a column, NaN where there is none."""
    if name:
        content = revived(json.loads(content).get(name))
    return float("nan") if content is None else float(content)
