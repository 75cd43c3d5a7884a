"""From the tables of a station file to its views, recipes, outputs and triggers."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from cameras import camera_class
from inspection.errors import SetupError
from inspection.judging.judge import load_recipe
from inspection.recipe import Recipe
from inspection.station.camera_view import CameraView
from inspection.station.station_file import (
    Settings,
    StationFile,
    ViewSettings,
    settings_for,
)

T = TypeVar("T")


def make_view(view: ViewSettings, settings: StationFile) -> CameraView:
    """Make one camera's view with the recipe of each product that has one.

    Raises SetupError, CameraError or RecipeError.
    """
    recipes: dict[Path, Recipe] = {}
    by_product: dict[str, Recipe] = {}
    for product in settings.products:
        path = product.recipe_of(view.name)
        if product.archived or not path.exists():
            continue
        recipes[path] = recipes.get(path) or load_recipe(path, device=settings.device)
        if product.template_of(view.name) and recipes[path].settings.setup.template is None:
            raise SetupError(
                f"products.{product.name}.template: recipe {path} compares nothing with a template; train it with "
                "--template, or leave the template out"
            )
        by_product[product.name] = recipes[path]
    where = f"views.{view.name}.settings"
    camera = make_component(camera_class(view.camera), view.settings, where, settings.home)
    return CameraView(view.name, camera, by_product)


def make_component(kind: type[T], given: Settings, where: str, home: Path) -> T:
    """Make a camera, output or trigger from its table in the station file."""
    return kind(**settings_for(kind, given, where=where, home=home))
