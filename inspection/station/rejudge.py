"""The heat of a recorded part: its picture judged once more by the recipe that judged it."""

from __future__ import annotations

import threading
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cameras import Frame, read_image
from inspection.judgement import Judgement
from inspection.judging.encode import encoded_png
from inspection.judging.judge import inspect
from inspection.judging.overlay import heat_over
from inspection.recipe import Recipe, open_recipe
from inspection.station.recipe_library import KEPT_RECIPES
from inspection.station.station_file import StationFile
from inspection.store import PartRecord

_ONE_AT_A_TIME = threading.Lock()
"""A recipe's program judges one picture at a time, and several pages may ask at once."""


class StoredPartRejudge:
    """Finds the recipe by its id among those of the station file and those kept."""

    def __init__(self, settings: StationFile, folder: Path) -> None:
        self.settings, self.folder = settings, folder
        self._ids: dict[tuple[Path, int], str] = {}

    def of(self, record: PartRecord, picture: Path | None) -> bytes | None:
        """Give the heat as PNG; None where the picture or the recipe is no longer there.

        A picture of several views side by side has none either: it is not what was judged.
        """
        found = self.judged(record, picture)
        if found is None or found[1].anomaly_map is None:
            return None
        return encoded_png(heat_over(*found))

    def judged(
        self, record: PartRecord, picture: Path | None
    ) -> tuple[NDArray[np.uint8], Judgement, Recipe] | None:
        """Judge a recorded picture once more; None as for `of`."""
        if picture is None or not picture.is_file() or record.captured_at is None:
            return None
        if len(self.settings.views) > 1 and "+" in str(record.capture.get("camera")):
            return None
        with _ONE_AT_A_TIME:
            recipe = self.recipe(record.recipe_id)
            if recipe is None:
                return None
            image = read_image(picture)
            frame = Frame(image=image, camera="record", sequence=0, captured_at=record.captured_at)
            return image, inspect(frame, recipe), recipe

    def recipe(self, recipe_id: str) -> Recipe | None:
        """Give the recipe of this id, if it is still on this machine."""
        for path in self._files():
            if self._id(path) == recipe_id:
                return _opened(path, path.stat().st_mtime_ns)
        return None

    def has(self, recipe_id: str) -> bool:
        """Tell whether the recipe of this id is still on this machine."""
        return any(self._id(path) == recipe_id for path in self._files())

    def _files(self) -> list[Path]:
        named = {
            product.recipe_of(view.name)
            for product in self.settings.products
            for view in self.settings.views
        }
        kept = (self.folder / KEPT_RECIPES).glob("*.recipe")
        return [path for path in (*named, *kept) if path.is_file()]

    def _id(self, path: Path) -> str:
        key = path, path.stat().st_mtime_ns
        if key not in self._ids:
            self._ids[key] = _opened(*key).id
        return self._ids[key]


@lru_cache(maxsize=4)
def _opened(path: Path, changed_ns: int) -> Recipe:
    return open_recipe(path)
