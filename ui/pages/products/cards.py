"""What the products page shows of each product: picture, recipe, yield, escapes on labelled parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspection.errors import InspectionError
from inspection.intervals import exact_interval
from inspection.judgement import Verdict
from inspection.labels.labels import LabelsByPart, PartLabels, Truth, read_labels
from inspection.reasons import OUTSIDE_YIELD
from inspection.station.recipe_library import opened
from inspection.station.station_file import ProductSettings, read_station
from inspection.store.filters import PartFilter
from inspection.store.reading.summary import columns_of
from ui.core.context import Context
from ui.core.panel import Cell
from ui.core.wording import Wording

FIGURES = ("name", "state", "recipe", "limit", "parts", "yield", "escapes")
LATEST = 10_000
"""Of so many parts of a product its figures are."""
NO_PICTURE = np.full((120, 160, 3), 60, dtype=np.uint8)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Card:
    """A product; `recipe_id` None: it has no recipe yet. `escapes` of `labelled_ng` parts passed."""

    name: str
    archived: bool
    picture: NDArray[np.uint8]
    recipe_id: str | None
    threshold: float | None
    parts: int
    outside_yield: int
    passed: int
    escapes: int
    labelled_ng: int

    def row(self, wording: Wording) -> list[Cell | str]:
        """Its figures, in the order of FIGURES; the yield is of the parts that were to be inspected."""
        return [
            self.name,
            wording.say(f"products.{self._state}"),
            self._recipe,
            Cell(self.threshold, wording.figure(self.threshold)),
            Cell(self.parts, self._parts(wording)),
            self._yield(wording),
            self._escapes(wording),
        ]

    def caption(self, wording: Wording) -> str:
        """One line below its picture."""
        figures = {
            "passed": self._yield(wording).shown, "escapes": self._escapes(wording).shown
        }  # fmt: skip
        text = wording.say("products.caption", **figures)
        known = text if self._state == "ready" else wording.say(f"products.{self._state}")
        return (
            f"{self.name} · {known}"
            if self.recipe_id is None
            else f"{self.name} · {self._recipe} · {known}"
        )

    @property
    def _state(self) -> str:
        if self.archived:
            return "archived"
        return "untaught" if self.recipe_id is None else "ready"

    @property
    def _recipe(self) -> str:
        return "–" if self.recipe_id is None else self.recipe_id[:8]

    def _yield(self, wording: Wording) -> Cell:
        judged = self.parts - self.outside_yield
        share = self.passed / judged if judged else None
        return Cell(share, wording.percent(share))

    def _parts(self, wording: Wording) -> str:
        if not self.outside_yield:
            return wording.number(self.parts)
        apart = f"{wording.number(self.outside_yield)} {wording.say('report.outside_yield')}"
        return f"{wording.number(self.parts)} ({apart})"

    def _escapes(self, wording: Wording) -> Cell:
        if not self.labelled_ng:
            return Cell(None, "–")
        of, ci95 = self.labelled_ng, exact_interval(self.escapes, self.labelled_ng)
        return Cell(self.escapes / of, wording.of(self.escapes, of, ci95))


def cards(context: Context) -> list[Card]:
    """The products of the station file as it is now. Raises SetupError, StoreError."""
    settings = read_station(context.station_path)
    labels = read_labels(context.store).read(context.store)
    view = settings.views[0].name
    return [_card(context, each, view, labels) for each in settings.products]


def _card(context: Context, product: ProductSettings, view: str, labels: LabelsByPart) -> Card:
    which = PartFilter(product=product.name, station=context.settings.station)
    rows = columns_of(context.store, which, ("part_id", "verdict", "reason_code"), limit=LATEST)
    passed = {part_id for part_id, verdict, _ in rows if verdict == Verdict.PASS}
    nothing = PartLabels()
    bad = [part for part, *_ in rows if labels.get(part, nothing).truth is Truth.NG]
    given: dict[str, Any] = {"picture": NO_PICTURE, "recipe_id": None, "threshold": None}
    try:
        recipe = opened(product.recipe_of(view))
    except (InspectionError, OSError):
        pass  # none yet, or damaged: the station says so where it is judged by
    else:
        picture = next(iter(recipe.references.values()))
        threshold = recipe.settings.calibration.threshold
        given = {"picture": picture, "recipe_id": recipe.id, "threshold": threshold}
    return Card(
        name=product.name,
        archived=product.archived,
        parts=len(rows),
        outside_yield=sum(code in OUTSIDE_YIELD for *_, code in rows),
        passed=len(passed),
        escapes=sum(part in passed for part in bad),
        labelled_ng=len(bad),
        **given,
    )
