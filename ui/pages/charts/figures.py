"""The figures of the charts: counted from the record, nothing drawn yet."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from inspection.errors import InspectionError
from inspection.judgement import Verdict
from inspection.labels.labels import LabelsByPart, PartLabels, Truth
from inspection.reasons import OUTSIDE_YIELD
from inspection.reports.pareto import Bar, pareto
from inspection.reports.report import acknowledged
from inspection.store import Store
from inspection.store.filters import PartFilter
from inspection.store.reading.summary import columns_of, extent

MOST_PARTS = 50_000
LEAST_IN_HOUR = 5
"""Parts an hour needs for its median to be shown."""
NO_TYPE = ""
NO_ZONE = ""
_COLUMNS = ("part_id", "verdict", "score", "judged_at", "recipe_id", "reason_code", "regions")
_NOTHING = PartLabels()


class ChartsError(InspectionError):
    """Charts cannot be drawn of the parts chosen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """What was judged in one hour, local time; `median` None: too few parts had a score."""

    begin: datetime
    parts: int
    rejects: int
    median: float | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Figures:
    """Of the parts chosen: Paretos, hours, and the scores of one recipe by what people say of each.

    `scored` is the recipe most of the parts were judged by: scores of two cannot be compared. Parts that came in
    a pause or without a recipe are counted in `outside_yield`, and in nothing else.
    """

    parts: int
    outside_yield: int
    defects: Sequence[Bar]
    reasons: Sequence[Bar]
    causes: Sequence[Bar]
    zones: Sequence[Bar]
    hours: Sequence[Hour]
    scored: str | None
    scores: Mapping[Truth, NDArray[np.float64]]


def figures_of(store: Store, asked: PartFilter, labels: LabelsByPart) -> Figures:
    """Read the parts chosen. Raises ChartsError for too many, StoreError."""
    count = extent(store, asked).parts
    if count > MOST_PARTS:
        raise ChartsError(
            f"charts: {count} parts match, at most {MOST_PARTS} are drawn; choose a shorter time, or a lot"
        )
    every = columns_of(store, asked, _COLUMNS, limit=MOST_PARTS, newest_first=False)
    rows = [row for row in every if row[5] not in OUTSIDE_YIELD]
    rejects = [row[0] for row in rows if row[1] != Verdict.PASS]
    recipes = Counter(row[4] for row in rows if row[2] is not None)
    scored = recipes.most_common(1)[0][0] if recipes else None
    reasons = acknowledged(store, rejects)
    return Figures(
        parts=len(rows),
        outside_yield=len(every) - len(rows),
        defects=pareto(_defects(rows, labels)),
        reasons=pareto(reasons),
        causes=pareto(Counter(row[5] or "other" for row in rows if row[1] != Verdict.PASS)),
        zones=pareto(Counter(zone for row in rows for zone in _zones(row))),
        hours=_hours(rows, scored),
        scored=scored,
        scores=_scores(rows, scored, labels),
    )


def _defects(rows: Sequence[tuple[object, ...]], labels: LabelsByPart) -> Counter[str]:
    found = Counter[str]()
    for part_id, *_ in rows:
        part = labels.get(str(part_id), _NOTHING)
        if part.truth is Truth.NG:
            found[(part.outcome and part.outcome.defect) or NO_TYPE] += 1
    return found


def _zones(row: tuple[object, ...]) -> set[str]:
    """The zones a reject has a region at fault in; each counts once."""
    if row[1] == Verdict.PASS:
        return set()
    found = json.loads(str(row[6]))
    return {region["zone"] or NO_ZONE for region in found if not region["accepted"]}


def _hours(rows: Sequence[tuple[object, ...]], scored: str | None) -> list[Hour]:
    counts: dict[datetime, list[int]] = defaultdict(lambda: [0, 0])
    scores: dict[datetime, list[float]] = defaultdict(list)
    for _, verdict, score, judged_at, recipe_id, *_ in rows:
        moment = datetime.fromisoformat(str(judged_at)).astimezone()
        hour = moment.replace(minute=0, second=0, microsecond=0)
        counts[hour][0] += 1
        counts[hour][1] += verdict != Verdict.PASS
        if isinstance(score, float) and recipe_id == scored:
            scores[hour].append(score)
    return [
        Hour(
            begin=hour,
            parts=parts,
            rejects=rejects,
            median=float(np.median(scores[hour])) if len(scores[hour]) >= LEAST_IN_HOUR else None,
        )
        for hour, (parts, rejects) in sorted(counts.items())
    ]


def _scores(
    rows: Sequence[tuple[object, ...]], scored: str | None, labels: LabelsByPart
) -> dict[Truth, NDArray[np.float64]]:
    found: dict[Truth, list[float]] = {truth: [] for truth in Truth}
    for part_id, _, score, _, recipe_id, *_ in rows:
        if isinstance(score, float) and recipe_id == scored:
            found[labels.get(str(part_id), _NOTHING).truth].append(score)
    return {truth: np.array(values, np.float64) for truth, values in found.items()}
