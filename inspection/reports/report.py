"""What the record says of any choice of parts: counts, causes, labels, recipes and health."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np

from inspection.errors import InspectionError
from inspection.intervals import exact_interval
from inspection.judgement import Verdict
from inspection.labels.confusion import Share
from inspection.labels.labels import Truth, read_labels
from inspection.recipe import Recipe
from inspection.recipe.image_health import EMBEDDING
from inspection.reports.counts import Counts
from inspection.reports.pictures import RejectPicture, picture_of
from inspection.station.recipe_library import RecipeLibrary
from inspection.station.released_recipes import RELEASES
from inspection.station.station_file import StationFile
from inspection.store import ChainHead, PartRecord, Store
from inspection.store.event_kinds import EventKind
from inspection.store.filters import PartFilter
from inspection.store.reading.outline import events_about
from inspection.store.reading.summary import all_of, extent
from models import Progress

MOST_PARTS = 200_000
MOST_PICTURES = 24
LOOKED_BACK = 500
READING, SUMMING, VERIFYING, DRAWING, WRITING = (
    "Reading", "Summing", "Verifying", "Drawing", "Writing",
)  # fmt: skip
"""What is told of a report while it is made, in this order."""
STAGES = ("total", "acquire", "judge", "store", "answer")
"""Of the latency, what a report shows; `total` is from trigger to answer."""


class ReportError(InspectionError):
    """A report cannot be made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeUsed:
    """A recipe that judged parts; `recipe` None: it is no longer on this machine."""

    recipe_id: str
    product: str | None
    parts: int
    threshold: float | None
    recipe: Recipe | None
    released: tuple[str, datetime] | None
    """Who released it, and when."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A measure of all parts: lowest, median, 95th percentile, highest, and the limits it has."""

    name: str
    low: float
    median: float
    p95: float
    high: float
    least: float | None = None
    most: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All a report says.

    Causes (by code of the reason) and zones ("": none) are those of rejects; a part counts once for
    each zone it has a region at fault in. `defects` are the types of parts labelled NG ("": no type),
    `reasons` those of operators who acknowledged a reject ("": nobody did).
    """

    station: str
    asked: PartFilter
    made_at: datetime
    parts: int
    outside_yield: int
    """Of these, how many came in a pause or without a recipe; `verdicts` and all below have the others."""
    verdicts: Mapping[Verdict, int]
    first: PartRecord
    last: PartRecord
    lots: tuple[str, ...]
    periods: Sequence[tuple[datetime, int, int]]
    """Local begin of each hour or day, its parts, and how many of them passed."""
    by_day: bool
    causes: Mapping[str, int]
    zones: Mapping[str, int]
    defects: Mapping[str, int]
    reasons: Mapping[str, int]
    disagreed: int
    truths: Mapping[Truth, int]
    escapes: Share
    overkill: Share
    recipes: Sequence[RecipeUsed]
    health: Sequence[Measured]
    latency_ms: Sequence[Measured]
    pictures: Sequence[RejectPicture]
    head: ChainHead
    faults: tuple[str, ...] | None
    """What the verification of the record found; None: it was not verified."""

    @property
    def yield_share(self) -> float:
        """The share of PASS among the parts that were to be inspected; 0 where there is none."""
        return self.verdicts[Verdict.PASS] / self.judged if self.judged else 0.0

    @property
    def judged(self) -> int:
        """How many parts were to be inspected."""
        return self.parts - self.outside_yield

    @property
    def rejects(self) -> int:
        """How many parts did not pass."""
        return self.judged - self.verdicts[Verdict.PASS]


def report_of(
    store: Store,
    asked: PartFilter,
    settings: StationFile,
    *,
    pictures: int = MOST_PICTURES,
    verify: bool = False,
    progress: Progress = lambda stage, done, of: None,
) -> Report:
    """Read all parts of the station that a filter lets through, and what people said of them.

    `pictures`: of so many of the latest rejects. Raises ReportError for no part and for too many,
    StoreError.
    """
    asked = replace(asked, station=settings.station)
    matching = extent(store, asked).parts
    _bounded(matching)
    counts = Counts(labels=read_labels(store), with_picture=deque(maxlen=pictures))
    for number, record in enumerate(all_of(store, asked)):
        progress(READING, number, matching)
        counts.take(record)
    assert counts.first is not None and counts.last is not None
    progress(SUMMING, 0, 0)
    recipes = _recipes(store, settings, counts)
    periods, by_day = counts.periods()
    ng, ok = counts.truths[Truth.NG], counts.truths[Truth.OK]
    if verify:
        progress(VERIFYING, 0, 0)
    faults = tuple(store.verify(pictures=False)) if verify else None
    progress(DRAWING, 0, 0)
    return Report(
        station=settings.station,
        asked=asked,
        made_at=datetime.now(UTC),
        parts=counts.parts,
        outside_yield=counts.outside_yield,
        verdicts={verdict: counts.verdicts[verdict] for verdict in Verdict},
        first=counts.first,
        last=counts.last,
        lots=tuple(counts.lots),
        periods=periods,
        by_day=by_day,
        causes=counts.causes,
        zones=counts.zones,
        defects=counts.defects,
        reasons=acknowledged(store, counts.rejects),
        disagreed=counts.disagreed,
        truths=counts.truths,
        escapes=_share(counts.passed[Truth.NG], ng),
        overkill=_share(ok - counts.passed[Truth.OK], ok),
        recipes=recipes,
        health=_health(counts, recipes[0].recipe),
        latency_ms=_latency(counts, settings.deadline_ms),
        pictures=[picture_of(store, each) for each in reversed(counts.with_picture)],
        head=store.head(),
        faults=faults,
    )


def _bounded(parts: int) -> None:
    if parts == 0:
        raise ReportError("report: no part matches; ask for another time, lot, product or recipe")
    if parts > MOST_PARTS:
        raise ReportError(
            f"report: {parts} parts match, at most {MOST_PARTS} go into one; ask for a shorter time"
        )


def acknowledged(store: Store, rejects: Sequence[str]) -> Counter[str]:
    """What operators gave as reason, by reject; the first one to acknowledge it counts."""
    found: dict[str, str] = {}
    for event in events_about(store, rejects, (EventKind.ACKNOWLEDGE,)):
        found.setdefault(event.part_id, str(event.detail.get("reason") or "other"))
    return Counter(found.get(part_id, "") for part_id in rejects)


def _recipes(store: Store, settings: StationFile, counts: Counts) -> list[RecipeUsed]:
    """The recipes, that of the most parts first."""
    library = RecipeLibrary(settings, settings.page_folder)
    released: dict[str, tuple[str, datetime]] = {}
    for kind in RELEASES:
        for each in store.actions(kind=kind, limit=LOOKED_BACK):
            released.setdefault(str(each.detail.get("recipe_id")), (each.who, each.at))
    return [
        RecipeUsed(
            recipe_id=recipe_id,
            product=counts.recipes[recipe_id].product,
            parts=parts,
            threshold=counts.recipes[recipe_id].threshold,
            recipe=_found(library, recipe_id),
            released=released.get(recipe_id),
        )
        for recipe_id, parts in counts.by_recipe.most_common()
    ]


def _found(library: RecipeLibrary, recipe_id: str) -> Recipe | None:
    try:
        return library.find(recipe_id)
    except InspectionError:
        return None  # a damaged file among them; the report is about the record


def _health(counts: Counts, recipe: Recipe | None) -> list[Measured]:
    limits = None if recipe is None else recipe.settings.limits
    return [
        _measured(
            name,
            values,
            least=None if limits is None else limits.low.get(name),
            most=None if limits is None else limits.high.get(name),
        )
        for name, values in sorted(counts.health.items())
        if np.isfinite(values).any() and not name.startswith(EMBEDDING)
    ]


def _latency(counts: Counts, deadline_ms: float) -> list[Measured]:
    return [
        _measured(name, counts.latency_ms[name], most=deadline_ms if name == "total" else None)
        for name in STAGES
        if counts.latency_ms.get(name)
    ]


def _measured(
    name: str, values: Sequence[float], *, least: float | None = None, most: float | None = None
) -> Measured:
    finite = np.array(values, dtype=np.float64)
    finite = finite[np.isfinite(finite)]
    low, median, p95, high = (float(each) for each in np.quantile(finite, (0, 0.5, 0.95, 1)))
    return Measured(name=name, low=low, median=median, p95=p95, high=high, least=least, most=most)


def _share(count: int, of: int) -> Share:
    return Share(count=count, of=of, ci95=exact_interval(count, of) if of else None)
