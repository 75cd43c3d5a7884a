"""The recipes a station starts with, set against those that were last released in its record.

A release is a recipe put on the line from the page, or one an engineer confirmed. What differs is an
action in the record; by the station file it is not judged by until somebody confirms it.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from inspection.errors import InspectionError
from inspection.reasons import Reason
from inspection.store.event_kinds import ActionKind, Author

if TYPE_CHECKING:
    from inspection.station.camera_view import CameraView
    from inspection.station.station_file import StationFile
    from inspection.store import Action, Store

RecipesAllowed = Literal["released", "any"]
RELEASES = (ActionKind.RECIPE_ON_LINE, ActionKind.RECIPE_CONFIRMED)
LOOKED_BACK = 500
SHOWN = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedRecipe:
    """A recipe that is not the one last released; None for `released`: none ever was."""

    product: str
    view: str
    file: str
    recipe_id: str
    released: str | None
    withheld: bool
    """Whether its parts are not judged until somebody confirms it."""

    @property
    def reason(self) -> Reason:
        """Why a part of the product is not inspected."""
        if self.released is None:
            return Reason("recipe_never_released", {"recipe": self.recipe_id[:SHOWN]})
        return Reason(
            "recipe_not_released",
            {"recipe": self.recipe_id[:SHOWN], "released": self.released[:SHOWN]},
        )

    def as_json(self) -> dict[str, Any]:
        """What the page shows of it."""
        fields = ("product", "view", "file", "recipe_id", "released", "withheld")
        return {name: getattr(self, name) for name in fields}


class ReleasedRecipes:
    """Knows which recipes on the line nobody released. Any thread may ask."""

    def __init__(self, settings: StationFile, store: Store, views: Sequence[CameraView]) -> None:
        self.settings, self.store, self.views = settings, store, views
        self._lock = threading.Lock()
        self._changed: tuple[ChangedRecipe, ...] = ()

    @property
    def changed(self) -> tuple[ChangedRecipe, ...]:
        """The recipes that are not those last released."""
        return self._changed

    def withheld(self, product: str) -> Reason | None:
        """Why parts of a product are not judged, None if they are."""
        if reason := self._without(product):
            return reason
        found = (each for each in self._changed if each.product == product and each.withheld)
        return next((each.reason for each in found), None)

    def compare(self) -> None:
        """Compare at the start, and note what differs. Raises StoreError."""
        found = changed_recipes(self.settings, self.store, on_line(self.settings, self.views))
        known = {_key(each) for each in self._noted()}
        for each in found:
            if (each.file, each.recipe_id, each.released) not in known:
                self._note(ActionKind.RECIPE_FOUND, Author.STATION, each)
        self._changed = found

    def released(self, products: Sequence[str], file: Path) -> None:
        """Judge by a recipe that was put on the line just now."""
        with self._lock:
            self._changed = tuple(
                each
                for each in self._changed
                if each.product not in products or each.file != file.name
            )

    def confirm(self, recipe_id: str, *, who: str) -> list[str]:
        """Judge by a recipe though nobody released it; noted first. Give the products.

        Raises InspectionError when no such recipe waits.
        """
        with self._lock:
            waiting = [each for each in self._changed if each.recipe_id == recipe_id]
            if not waiting:
                ids = ", ".join(each.recipe_id[:SHOWN] for each in self._changed) or "none"
                raise InspectionError(
                    f"recipe {recipe_id[:SHOWN]!r}: does not wait to be confirmed; those that do: {ids}"
                )
            for each in waiting:
                self._note(ActionKind.RECIPE_CONFIRMED, who, each)
            self._changed = tuple(each for each in self._changed if each not in waiting)
        return sorted({each.product for each in waiting})

    def _without(self, product: str) -> Reason | None:
        """That a product is archived, or a view has no recipe of it yet."""
        if any(each.archived and each.name == product for each in self.settings.products):
            return Reason("product_archived", {"product": product})
        if all(product in view.recipes for view in self.views):
            return None
        return Reason("no_recipe_yet", {"product": product})

    @property
    def without(self) -> list[str]:
        """The products, not archived, that cannot be judged for want of a recipe."""
        named = [each.name for each in self.settings.products if not each.archived]
        return [name for name in named if self._without(name)]

    def _noted(self) -> list[Action]:
        return self.store.actions(kind=ActionKind.RECIPE_FOUND, limit=LOOKED_BACK)

    def _note(self, kind: ActionKind, who: str, found: ChangedRecipe) -> None:
        detail = {
            "recipe_id": found.recipe_id,
            "before": found.released,
            "file": found.file,
            "products": [found.product],
        }
        self.store.add_action(kind, who, detail=detail)


def on_line(
    settings: StationFile, views: Sequence[CameraView]
) -> dict[tuple[str, str], tuple[Path, str]]:
    """The file and id of the recipe of each product and view that has one."""
    return {
        (product.name, view.name): (
            product.recipe_of(view.name),
            view.recipes[product.name].id,
        )
        for product in settings.products
        for view in views
        if product.name in view.recipes
    }


def changed_recipes(
    settings: StationFile, store: Store, present: dict[tuple[str, str], tuple[Path, str]]
) -> tuple[ChangedRecipe, ...]:
    """Those of `present` that are not the ones last released. Raises StoreError."""
    releases = last_releases(store)
    found = []
    for (product, view), (path, recipe_id) in present.items():
        released = release_of(releases, product, path)
        if recipe_id == released or (released is None and settings.recipes != "released"):
            continue
        found.append(
            ChangedRecipe(
                product=product,
                view=view,
                file=path.name,
                recipe_id=recipe_id,
                released=released,
                withheld=settings.recipes != "any",
            )
        )
    return tuple(found)


def last_releases(store: Store) -> list[Action]:
    """All releases of the record, the newest first. Raises StoreError."""
    found = [each for kind in RELEASES for each in store.actions(kind=kind, limit=LOOKED_BACK)]
    return sorted(found, key=lambda each: -each.number)


def release_of(releases: Sequence[Action], product: str, path: Path) -> str | None:
    """The id last released for a product, of a file of this name where there is one; None: never.

    The name, not the place: a station that was moved or restored keeps its releases. A product whose
    file has another name now was released all the same.
    """
    of_product = [each for each in releases if product in each.detail.get("products", ())]
    named = [each for each in of_product if Path(str(each.detail.get("file"))).name == path.name]
    return next((str(each.detail["recipe_id"]) for each in (*named, *of_product)), None)


def _key(action: Action) -> tuple[Any, ...]:
    detail = action.detail
    return detail.get("file"), detail.get("recipe_id"), detail.get("before")
