"""Counting the parts of a report, one after the other; nothing of a picture is read."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field
from datetime import datetime

from inspection.judgement import Verdict
from inspection.labels.labels import Labels, Truth
from inspection.reasons import OUTSIDE_YIELD
from inspection.store import PartRecord


@dataclass(slots=True, kw_only=True)
class Counts:
    """What was counted so far; `rejects` are the ids of all parts that did not pass.

    Parts that came in a pause, or without a recipe, are in `parts` and `outside_yield`, and in
    nothing that speaks of verdicts.
    """

    labels: Labels
    with_picture: deque[PartRecord]
    """The latest rejects that have a picture; it holds as many as are to be shown."""
    parts: int = 0
    outside_yield: int = 0
    first: PartRecord | None = None
    last: PartRecord | None = None
    verdicts: Counter[Verdict] = field(default_factory=Counter)
    causes: Counter[str] = field(default_factory=Counter)
    zones: Counter[str] = field(default_factory=Counter)
    defects: Counter[str] = field(default_factory=Counter)
    truths: Counter[Truth] = field(default_factory=Counter)
    passed: Counter[Truth] = field(default_factory=Counter)
    disagreed: int = 0
    lots: dict[str, None] = field(default_factory=dict)
    recipes: dict[str, PartRecord] = field(default_factory=dict)
    by_recipe: Counter[str] = field(default_factory=Counter)
    hours: dict[datetime, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))
    health: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    latency_ms: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    rejects: list[str] = field(default_factory=list)

    def take(self, record: PartRecord) -> None:
        """Count one more part; they come oldest first."""
        self.parts += 1
        self.first, self.last = self.first or record, record
        self.by_recipe[record.recipe_id] += 1
        self.recipes[record.recipe_id] = record
        if record.lot is not None:
            self.lots[record.lot] = None
        if record.cause.code in OUTSIDE_YIELD:
            self.outside_yield += 1
            return
        self.verdicts[record.verdict] += 1
        passed = record.verdict is Verdict.PASS
        hour = self.hours[record.judged_at.astimezone().replace(minute=0, second=0, microsecond=0)]
        hour[0] += 1
        hour[1] += passed
        for name, value in record.health.items():
            self.health[name].append(value)
        for name, value in record.latency_ms.items():
            self.latency_ms[name].append(value)
        if not passed:
            self._take_reject(record)
        self._take_labels(record, passed=passed)

    def periods(self) -> tuple[list[tuple[datetime, int, int]], bool]:
        """Begin of each day, or of each hour where there is but one day; parts; those that passed."""
        days = {hour.date() for hour in self.hours}
        if len(days) == 1:
            return [(hour, each[0], each[1]) for hour, each in sorted(self.hours.items())], False
        found: dict[datetime, list[int]] = {}
        for hour, (parts, passed) in sorted(self.hours.items()):
            day = found.setdefault(hour.replace(hour=0), [0, 0])
            day[0] += parts
            day[1] += passed
        return [(day, parts, passed) for day, (parts, passed) in found.items()], True

    def _take_reject(self, record: PartRecord) -> None:
        self.rejects.append(record.part_id)
        self.causes[record.cause.code] += 1
        self.zones.update({each.zone or "" for each in record.regions if not each.accepted})
        if record.image is not None:
            self.with_picture.append(record)

    def _take_labels(self, record: PartRecord, *, passed: bool) -> None:
        part = self.labels.of(record.part_id)
        self.disagreed += part.complaint is not None
        if part.truth is Truth.NOTHING:
            return
        self.truths[part.truth] += 1
        self.passed[part.truth] += passed
        if part.truth is Truth.NG:
            outcome = part.outcome
            self.defects[(outcome.defect if outcome else None) or ""] += 1
