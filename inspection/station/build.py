"""From the tables of a station file to its views, recipes, outputs and triggers."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from cameras import camera_class
from inspection.errors import SetupError
from inspection.judging.judge import load_recipe
from inspection.recipe import Recipe
from inspection.station.camera_view import CameraView
from inspection.station.recipe_library import spares
from inspection.station.station_file import (
    ProductSettings,
    Settings,
    StationFile,
    ViewSettings,
    settings_for,
)

T = TypeVar("T")


def make_view(view: ViewSettings, settings: StationFile) -> CameraView:
    """Make one camera's view with the recipe of each product. Raises SetupError, CameraError or RecipeError."""
    recipes: dict[Path, Recipe] = {}
    for product in settings.products:
        path = product.recipe_of(view.name)
        recipes[path] = recipes.get(path) or product_recipe(product, path)
    by_product = {p.name: recipes[p.recipe_of(view.name)] for p in settings.products}
    where = f"views.{view.name}.settings"
    camera = make_component(camera_class(view.camera), view.settings, where, settings.home)
    return CameraView(view.name, camera, by_product)


def must_have_recipes(settings: StationFile) -> None:
    """Raise SetupError where a recipe file is missing, and no exchange cut short left another."""
    for product in settings.products:
        for view in settings.views:
            path = product.recipe_of(view.name)
            if not path.exists() and not spares(path):
                raise _missing(product, path)


def product_recipe(product: ProductSettings, path: Path) -> Recipe:
    """Load the recipe of a product. Raises SetupError where there is none, RecipeError where it is damaged."""
    if not path.exists():
        raise _missing(product, path)
    return load_recipe(path)


def _missing(product: ProductSettings, path: Path) -> SetupError:
    return SetupError(
        f"products.{product.name}: no recipe file {path}; make it with `inspection train`"
    )


def make_component(kind: type[T], given: Settings, where: str, home: Path) -> T:
    """Make a camera, output or trigger from its table in the station file."""
    return kind(**settings_for(kind, given, where=where, home=home))
