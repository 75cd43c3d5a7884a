"""What happened over time: yield in steps, causes of rejects, one measure of each part."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from inspection.judgement import Verdict
from inspection.labels.labels import LabelsByPart, Truth
from inspection.reasons import Reason
from inspection.recipe import Recipe
from inspection.reports.pareto import pareto
from inspection.store import Store
from inspection.store.chain import revived
from inspection.store.filters import PartFilter
from inspection.store.reading.summary import columns_by_id, columns_of, counts_between, extent
from inspection.store.records import recorded_cause
from ui.pages.analysis.requests import packed
from ui.pages.analysis.statistics import drifting_median

MOST_STEPS = 500
MOST_REJECTS = 20_000
_REJECTS = (Verdict.FAIL, Verdict.REVIEW, Verdict.CANNOT_INSPECT)
NO_ZONE, NO_TYPE = "-", "-"
_CAUSE_COLUMNS = (
    "regions", "verdict", "score", "threshold", "reason", "reason_code", "reason_values",
)  # fmt: skip


class TooManySteps(Exception):
    """A span has more steps than a chart shows; `steps` is how many."""

    def __init__(self, steps: int) -> None:
        super().__init__(f"{steps} steps, at most {MOST_STEPS} are shown")
        self.steps = steps


def yield_over_time(
    store: Store, part_filter: PartFilter, step: str, shifts: Sequence[str]
) -> dict[str, Any]:
    """Count by verdict in each hour, shift or day, local time. Raises TooManySteps."""
    whole = extent(store, part_filter)
    if whole.first_at is None or whole.last_at is None:
        return {"parts": 0, "steps": []}
    edges = list(edges_of(whole.first_at, whole.last_at, step, shifts))
    if len(edges) - 1 > MOST_STEPS:
        raise TooManySteps(len(edges) - 1)
    # The edges hold all of the span; only a step it begins or ends in is cut.
    counted = counts_between(store, part_filter, edges)
    steps = [
        {
            "at_ms": 1e3 * edge.timestamp(),
            **{verdict.value: n.get(verdict, 0) for verdict in Verdict},
        }
        for edge, n in zip(edges, counted, strict=False)
    ]
    return {"parts": sum(sum(each.values()) for each in counted), "steps": steps}


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


def causes(store: Store, part_filter: PartFilter, labels: LabelsByPart) -> dict[str, Any]:
    """Count rejects by zone, by reason they could not be inspected, and by defect type of labels.

    A part counts once for each zone it has a region at fault in.
    """
    zones, kinds = Counter[str](), Counter[str]()
    rejects, cannot, more = 0, 0, False
    for verdict in _REJECTS:
        if part_filter.verdict not in (None, verdict):
            continue
        rejected = replace(part_filter, verdict=verdict)
        rows = columns_of(store, rejected, _CAUSE_COLUMNS, limit=MOST_REJECTS)
        more = more or len(rows) == MOST_REJECTS
        if verdict is Verdict.CANNOT_INSPECT:
            cannot = len(rows)
            kinds.update(_cause(row).code for row in rows)
        else:
            rejects += len(rows)
            for regions, *_ in rows:
                zones.update(_zones(regions))
    defects = _defects(store, part_filter, labels)
    return {
        "zones": {"parts": rejects, "bars": _bars(zones), "more": more},
        "kinds": {"parts": cannot, "bars": _bars(kinds), "more": more},
        "defects": {"parts": sum(defects.values()), "bars": _bars(defects), "more": False},
    }


def measured(
    store: Store,
    part_filter: PartFilter,
    measure: str,
    *,
    limit: int,
    recipe: Recipe | None,
    deadline_ms: float,
) -> dict[str, Any]:
    """Read one measure of the latest parts, oldest first, with its limits and drifting median."""
    column, _, name = measure.partition(".")
    column = {"latency": "latency_ms"}.get(column, column)
    rows = columns_of(store, part_filter, ("number", "judged_at", "verdict", column), limit=limit)[
        ::-1
    ]
    codes, verdicts = list(Verdict), []
    numbers, times, values = [], [], []
    for number, judged_at, verdict, content in rows:
        value = _value(content, name)
        if value is None or not np.isfinite(value):
            continue
        numbers.append(number)
        times.append(1e3 * datetime.fromisoformat(judged_at).timestamp())
        values.append(value)
        verdicts.append(codes.index(Verdict(verdict)))
    return {
        "parts": len(values),
        "without": len(rows) - len(values),
        "number": packed(numbers, "f8"),
        "at_ms": packed(times, "f8"),
        "value": packed(values, "f8"),
        "verdict": packed(verdicts, "u1"),
        "median": packed(drifting_median(np.array(values, dtype=np.float64)), "f8"),
        "verdicts": [verdict.value for verdict in Verdict],
        "limits": _limits(measure, recipe, deadline_ms),
    }


def measures(store: Store, part_filter: PartFilter) -> list[str]:
    """List the measures that the latest parts have."""
    health, latency = set[str](), set[str]()
    for one, other in columns_of(store, part_filter, ("health", "latency_ms"), limit=200):
        health |= set(json.loads(one))
        latency |= set(json.loads(other))
    stages = sorted(latency - {"total"})
    first = ["latency.total"] if "total" in latency else []
    return [
        "score",
        *(f"health.{name}" for name in sorted(health)),
        *first,
        *(f"latency.{name}" for name in stages),
    ]


def _starts(first: datetime, starts: Sequence[str]) -> Iterator[datetime]:
    """Yield each local start of a shift, from the day before `first` on."""
    day = first.astimezone().date() - timedelta(days=1)
    while True:
        for start in starts:
            hour, minute = int(start[:2]), int(start[3:])
            local = datetime(day.year, day.month, day.day, hour, minute)
            yield local.astimezone().astimezone(UTC)
        day += timedelta(days=1)


def _cause(row: tuple[Any, ...]) -> Reason:
    return recorded_cause(dict(zip(_CAUSE_COLUMNS, row, strict=True)))


def _zones(regions: str) -> set[str]:
    found = json.loads(regions)
    return {region["zone"] or NO_ZONE for region in found if not region["accepted"]}


def _defects(store: Store, part_filter: PartFilter, labels: LabelsByPart) -> Counter[str]:
    types = {
        part_id: (part.outcome and part.outcome.defect) or NO_TYPE
        for part_id, part in labels.items()
        if part.truth is Truth.NG
    }
    inside = columns_by_id(store, part_filter, sorted(types), ("part_id",))
    return Counter(types[part_id] for (part_id,) in inside)


def _bars(counts: Counter[str]) -> list[dict[str, Any]]:
    return [asdict(bar) for bar in pareto(counts)]


def _value(content: Any, name: str) -> float | None:
    if name:
        content = revived(json.loads(content).get(name))
    return None if content is None else float(content)


def _limits(measure: str, recipe: Recipe | None, deadline_ms: float) -> list[dict[str, Any]]:
    found: dict[str, float | None] = {}
    kind, _, name = measure.partition(".")
    if measure == "latency.total":
        found["deadline"] = deadline_ms
    elif recipe is not None and kind == "health":
        limits = recipe.settings.limits
        found = {"low": limits.low.get(name), "high": limits.high.get(name)}
    elif recipe is not None and kind == "score":
        calibration = recipe.settings.calibration
        found = {"threshold": calibration.threshold, "fail_threshold": calibration.fail_threshold}
    return [{"name": key, "value": value} for key, value in found.items() if value is not None]
