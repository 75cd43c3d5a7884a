"""From a station file to a station at work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from cameras import camera_class
from inspection.errors import SetupError
from inspection.judging.judge import load_recipe
from inspection.plant.outputs import output_class
from inspection.plant.triggers import trigger_class
from inspection.recipe import Recipe
from inspection.station.camera_view import View
from inspection.station.part import Listener
from inspection.station.station import Station
from inspection.station.station_file import (
    Product,
    Settings,
    StationFile,
    ViewSettings,
    settings_for,
)

if TYPE_CHECKING:
    from inspection.training.good_pictures import Progress


T = TypeVar("T")


@contextmanager
def station_at_work(
    settings: StationFile,
    *,
    listeners: tuple[Listener, ...] = (),
    max_parts: int | None = None,
    tell: Callable[[str], None] = lambda line: None,
) -> Iterator[Station]:
    """Open the record, the recipes and everything else a station file names; Ready when entered.

    The station page, if there is one, finds the station through its `page_folder`; `tell` gets a
    line when that cannot be, and inspecting goes on.
    """
    from inspection.local_api.feed import Feed
    from inspection.local_api.server import Control, ControlServer
    from inspection.store import open_store

    live = Feed()
    views = [_view(view, settings) for view in settings.views]
    home = settings.home
    outputs = {
        name: _made(output_class(name), given, f"outputs.{name}", home)
        for name, given in settings.outputs.items()
    }
    triggers = {
        name: _made(trigger_class(name), given, f"triggers.{name}", home)
        for name, given in settings.triggers.items()
    }
    with (
        open_store(settings.record, images=settings.images) as store,
        Station(
            settings,
            views=views,
            store=store,
            outputs=outputs,
            triggers=triggers,
            listeners=(live, *listeners),
            max_parts=max_parts,
        ) as station,
        ControlServer(Control(station, live), settings.page_folder, tell=tell),
    ):
        yield station


def learn_missing(settings: StationFile, progress: Progress) -> list[Path]:
    """Learn, from drawn parts, recipes that are not there and may be (`learn_drawn`); give them."""
    from inspection.demo import learn_drawn

    learnt = []
    for product in settings.products:
        for view in settings.views:
            path = product.recipe_of(view.name)
            if path.exists() or product.learn_drawn is None:
                continue
            learn_drawn(path, good=product.learn_drawn, seed=0, progress=progress)
            learnt.append(path)
    return learnt


def _view(view: ViewSettings, settings: StationFile) -> View:
    recipes: dict[Path, Recipe] = {}
    for product in settings.products:
        path = product.recipe_of(view.name)
        recipes[path] = recipes.get(path) or _recipe(product, path)
    by_product = {p.name: recipes[p.recipe_of(view.name)] for p in settings.products}
    where = f"views.{view.name}.settings"
    camera = _made(camera_class(view.camera), view.settings, where, settings.home)
    return View(view.name, camera, by_product)


def _recipe(product: Product, path: Path) -> Recipe:
    if not path.exists():
        raise SetupError(
            f"products.{product.name}: no recipe file {path}; make it with `inspection train`"
        )
    return load_recipe(path)


def _made(kind: type[T], given: Settings, where: str, home: Path) -> T:
    """Make a camera, output or trigger from its table in the station file."""
    return kind(**settings_for(kind, given, where=where, home=home))
