"""What a support engineer asks first: which version, since when, which recipe, does it still fit."""

from __future__ import annotations

import os
import threading
import time
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from inspection.errors import InspectionError
from inspection.judging.judge import check_parity
from inspection.recipe import PARITY_TOLERANCE, Recipe, open_recipe

if TYPE_CHECKING:
    from pathlib import Path

    from inspection.station.station import Station

INSPECTING = ("Ready", "SingleExecution")
"""Two states that change with each part; for how long the station inspects is told of both."""


def program_version() -> str:
    """Look up the version of this program."""
    try:
        return version("inspection")
    except PackageNotFoundError:
        return "0+unknown"


class Diagnostics:
    """Notes since when a station is in its state; any thread may ask."""

    def __init__(self, station: Station) -> None:
        self.station = station
        self.started_ms = 1e3 * time.time()
        self._lock = threading.Lock()
        self._state, self._since_ms = "", self.started_ms

    def as_json(self) -> dict[str, Any]:
        """Return version, process, times, and of each view the recipe on the line with its parity."""
        return {
            "version": program_version(),
            "pid": os.getpid(),
            "started_ms": self.started_ms,
            "state_since_ms": self._since(),
            "room": self.station.room(),
            "parity": {
                view.name: {
                    "recipe_id": (recipe := view.recipes[self.station.product]).id,
                    "difference": recipe.parity,
                    "tolerance": PARITY_TOLERANCE,
                }
                for view in self.station.views
                if self.station.product in view.recipes
            },
        }

    def check_parity(self) -> list[dict[str, Any]]:
        """Judge the references of every recipe on the line again; the line goes on meanwhile."""
        return [
            {"view": view.name, "product": product, **_checked(recipe, self._file(product, view))}
            for view in self.station.views
            for product, recipe in view.recipes.items()
        ]

    def _file(self, product: str, view: Any) -> Path:
        named = {each.name: each for each in self.station.settings.products}
        return named[product].recipe_of(view.name)

    def _since(self) -> float:
        with self._lock:
            now: str = self.station.state
            state = INSPECTING[0] if now in INSPECTING else now
            if state != self._state:
                self._state, self._since_ms = state, 1e3 * time.time()
            return self._since_ms


def _checked(recipe: Recipe, path: Path) -> dict[str, Any]:
    """Check a copy with a program of its own: the one on the line belongs to the judging thread."""
    copy = recipe.with_settings(recipe.settings)
    found: dict[str, Any] = {"recipe_id": recipe.id, "file": _of_file(recipe, path)}
    try:
        return {**found, "difference": check_parity(copy), "tolerance": PARITY_TOLERANCE}
    except InspectionError as error:
        return {**found, "difference": None, "tolerance": PARITY_TOLERANCE, "error": str(error)}


def _of_file(recipe: Recipe, path: Path) -> str:
    """Say whether the file still holds the recipe on the line: same, other, or damaged."""
    try:
        return "same" if open_recipe(path).id == recipe.id else "other"
    except (InspectionError, OSError):
        return "damaged"
