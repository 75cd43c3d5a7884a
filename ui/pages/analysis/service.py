"""What the analysis page reads: the record, the labels and the recipes, at most two questions at a time."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from inspection.errors import InspectionError
from inspection.labels.labels import Labels
from inspection.recipe import Recipe
from inspection.station.recipe_library import RecipeLibrary
from inspection.store.reading.summary import RecipeInUse, recipes_seen
from ui.core.context import Context
from ui.core.errors import Refuse
from ui.core.wording import Wording
from ui.pages.analysis import threshold
from ui.pages.analysis.figures import figures
from ui.pages.analysis.histogram import charts_of
from ui.pages.analysis.requests import Judged, Shown
from ui.pages.analysis.sentences import note

AT_ONCE, MOST_RECIPES = 2, 50

P = ParamSpec("P")
T = TypeVar("T")


class AnalysisService:
    """What the panel and its script's routes share."""

    def __init__(self, context: Context) -> None:
        self.context, self.store = context, context.store
        self.several = len(context.settings.views) > 1
        self._labels = Labels()
        self._recipes = RecipeLibrary(context.settings, context.folder)
        self._gate = asyncio.Semaphore(AT_ONCE)

    async def do(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do something in a thread, after those that came first."""
        async with self._gate:
            return await asyncio.to_thread(functools.partial(function, *args, **kwargs))

    def recipe(self, recipe_id: str | None) -> Recipe | None:
        """Find a recipe on this machine, None where it is not there."""
        try:
            return None if recipe_id is None else self._recipes.find(recipe_id)
        except InspectionError:
            return None  # a damaged file among them; what needs no recipe is shown all the same

    def present(self, recipe_id: str | None, wording: Wording) -> Recipe:
        """Find a recipe on this machine. Raises Refuse."""
        recipe = self.recipe(recipe_id)
        if recipe is None:
            raise Refuse(wording.say("analysis.no_recipe_here"), status=404)
        return recipe

    def has(self, recipe_id: str) -> bool:
        """Tell whether a recipe is on this machine."""
        try:
            return self._recipes.has(recipe_id)
        except InspectionError:
            return False

    def recipes(self, product: str | None) -> list[RecipeInUse]:
        """The recipes that judged parts of a product, else of all, the last used first."""
        seen = recipes_seen(self.store)[:MOST_RECIPES]
        return [each for each in seen if product in (None, each.product)]

    def products(self) -> list[str]:
        """The products of the station, then those that are only in the record."""
        now = [each.name for each in self.context.settings.products]
        return now + sorted(
            {each.product for each in self.recipes(None) if each.product} - set(now)
        )

    def read(self, asked: Judged, recipe: Recipe | None) -> threshold.StoredParts:
        """Read the parts asked for."""
        return threshold.read_parts(
            self.store,
            asked.parts(self.context.settings.station),
            limit=asked.limit,
            labels=self._labels.read(self.store),
            recipe=recipe,
            several=self.several,
        )

    def stored(self, asked: Shown, wording: Wording) -> dict[str, Any]:
        """What a browser needs to judge parts again, the histograms of their scores, and the figures beside them."""
        recipe = self.recipe(asked.recipe)
        read = self.read(asked, recipe)
        found = threshold.stored(read, recipe=recipe, several=self.several)
        return {
            **found,
            "note": note(found, asked.recipe or "", wording),
            "charts": charts_of(read, found, asked.on_line, wording),
            "html_figures": figures(found, wording),
        }
