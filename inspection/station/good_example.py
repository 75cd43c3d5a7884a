"""The picture of a good part that a person compares a part with, brought to the part's place."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np

from inspection.errors import RecipeError
from inspection.judgement import Verdict
from inspection.labels.labels import Labels, Truth
from inspection.recipe import Recipe
from inspection.recipe.alignment import Matrix, known_pose
from inspection.station.recipe_library import RecipeLibrary
from inspection.station.station_file import StationFile
from inspection.store import PartRecord, Store
from inspection.store.filters import PartFilter
from inspection.store.reading.outline import numbered, numbers_of

LOOKED_BACK = 200
"""How many parts labelled OK, and how many that passed, are looked at for one of the same product and recipe."""
PAGE = 20


class Kind(StrEnum):
    """What a good example is; `UNALIGNED` is a part that passed, of which nobody knows how it lay."""

    LABELLED = "labelled"
    REFERENCE = "reference"
    PASSED = "passed"
    UNALIGNED = "unaligned"


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class GoodExample:
    """`part` is None for the recipe's reference; `to_part` (2, 3) takes its pixels to those of the part compared.

    `to_part` is None where no part is aligned: both show the product in the same place.
    """

    kind: Kind
    part: PartRecord | None
    to_part: Matrix | None


class GoodExamples:
    """Chooses good examples for the parts of one station; may be used from any thread."""

    def __init__(self, settings: StationFile, folder: Path, store: Store) -> None:
        self.settings, self.store = settings, store
        self.library = RecipeLibrary(settings, folder)
        self._labels = Labels()
        self._ok: dict[str, int] = {}
        self._lock = threading.Lock()

    def of(self, record: PartRecord) -> GoodExample | None:
        """The newest part labelled OK, the recipe's reference, else the last part that passed before.

        Of the same product and recipe, and with a picture. None where there is none. Raises StoreError.
        """
        recipe, montage = self.recipe(record.recipe_id), self._montage(record)
        placing = _Placing(record, recipe, montage=montage)
        if placing.known and (part := self._labelled(record, placing)) is not None:
            return GoodExample(kind=Kind.LABELLED, part=part, to_part=placing.of(part))
        if placing.has_reference:
            return GoodExample(kind=Kind.REFERENCE, part=None, to_part=placing.of_reference())
        part = self._passed(record)
        if part is None:
            return None
        if not placing.known:
            return GoodExample(kind=Kind.UNALIGNED, part=part, to_part=None)
        return GoodExample(kind=Kind.PASSED, part=part, to_part=placing.of(part))

    def recipe(self, recipe_id: str) -> Recipe | None:
        """The recipe of this id; None where it is gone or damaged."""
        try:
            return self.library.find(recipe_id)
        except (RecipeError, OSError):
            return None

    def _montage(self, record: PartRecord) -> bool:
        """Whether its picture is that of several views side by side: where each lay is not recorded."""
        return len(self.settings.views) > 1 and "+" in str(record.capture.get("camera"))

    def _labelled(self, record: PartRecord, placing: _Placing) -> PartRecord | None:
        numbers = self._labelled_ok()[:LOOKED_BACK]
        for start in range(0, len(numbers), PAGE):
            for part in numbered(self.store, numbers[start : start + PAGE]):
                if self._fits(part, record) and placing.knows(part):
                    return part
        return None

    def _labelled_ok(self) -> list[int]:
        """Numbers of the parts labelled OK, the newest first."""
        with self._lock:
            touched = self._labels.refresh(self.store)
            ok = [part for part in touched if self._labels.of(part).truth is Truth.OK]
            for part in touched:
                self._ok.pop(part, None)
            self._ok.update(numbers_of(self.store, ok))
            return sorted(self._ok.values(), reverse=True)

    def _passed(self, record: PartRecord) -> PartRecord | None:
        wanted = PartFilter(station=self.settings.station, verdict=Verdict.PASS)
        passed = self.store.parts(wanted, after_number=record.number, limit=LOOKED_BACK)
        return next((part for part in passed if self._fits(part, record)), None)

    def _fits(self, part: PartRecord, record: PartRecord) -> bool:
        same = (part.station, part.product, part.recipe_id) == (
            record.station,
            record.product,
            record.recipe_id,
        )
        picture = self.store.image_path(part)
        return same and part.number != record.number and picture is not None and picture.is_file()


class _Placing:
    """How pictures lie beside that of one part, by the poses recorded when they were judged."""

    def __init__(self, record: PartRecord, recipe: Recipe | None, *, montage: bool) -> None:
        setup = None if recipe is None else recipe.settings.setup
        aligned = setup.align is not None if setup else "turn_deg" in record.health
        self.aligned, self._record, self._recipe = aligned, record, recipe
        self.has_reference = setup is not None and setup.template is None and not montage
        self.known = not aligned or (recipe is not None and not montage and self.knows(record))

    def knows(self, part: PartRecord) -> bool:
        """Whether it is known how a part lay."""
        return not self.aligned or "turn_deg" in part.health

    def of(self, part: PartRecord) -> Matrix | None:
        """What takes a part's pixels to those of the part compared."""
        if not self.aligned:
            return None
        there = np.vstack([self._pose(part), [0, 0, 1]])
        return np.asarray(self._pose(self._record) @ np.linalg.inv(there), np.float32)

    def of_reference(self) -> Matrix | None:
        """The same for the recipe's reference."""
        return self._pose(self._record) if self.aligned else None

    def _pose(self, part: PartRecord) -> Matrix:
        assert self._recipe is not None
        return known_pose(part.health, self._recipe.framing.reference.shape)
