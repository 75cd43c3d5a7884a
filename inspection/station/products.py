"""The products of a station file, changed for a person: added, copied, renamed, archived, imported.

The station file stays the truth, and what is changed holds from the station's next start on. Each raises
SetupError with one line where it cannot be; nothing is changed then.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tomlkit

from inspection.durable_files import copy_file
from inspection.errors import SetupError
from inspection.recipe import open_recipe
from inspection.station.new_station import recipe_stem
from inspection.station.station_file import ProductSettings, StationFile, read_station
from inspection.station.station_file_edit import edited


def product_named(settings: StationFile, name: str) -> ProductSettings:
    """A product of a station file."""
    for each in settings.products:
        if each.name == name:
            return each
    known = ", ".join(settings.product_names)
    raise SetupError(f"product {name[:64]!r}: is not in the station file; there are: {known}")


def add_product(station: Path, name: str) -> None:
    """Add a product that has no recipe yet."""
    settings = read_station(station)
    _append(station, _free_name(settings, name), _files(settings, name))


def copy_product(station: Path, source: str, name: str) -> None:
    """Add a product with copies of another's recipes."""
    settings = read_station(station)
    original, name = product_named(settings, source), _free_name(settings, name)
    files = _files(settings, name)
    made = []
    for view, file in files.items():
        if (recipe := original.recipe_of(view)).exists():
            made.append(_copied(recipe, settings.home / file))
    _append(station, name, files, made)


def import_name(recipe: Path, name: str = "") -> str:
    """The name an imported product gets: the one given, else the recipe's own, else the file's."""
    return name.strip() or open_recipe(recipe).settings.product or recipe.stem


def import_product(station: Path, recipe: Path, name: str) -> None:
    """Add a product with a recipe file made elsewhere."""
    settings = read_station(station)
    if len(settings.views) > 1:
        raise SetupError(
            "recipe: a station of several cameras needs a recipe for each; add the product, then put them "
            "on the line on the set-up page"
        )
    open_recipe(recipe)
    name = _free_name(settings, name)
    files = _files(settings, name)
    (file,) = files.values()
    _append(station, name, files, [_copied(recipe, settings.home / file)])


def rename_product(station: Path, old: str, new: str) -> None:
    """Give a product another name; its recipe files, and its number to a PLC, stay."""
    settings = read_station(station)
    product_named(settings, old)
    new = _free_name(settings, new)
    with edited(station) as document:
        _table(document, old)["name"] = new


def archive_product(station: Path, name: str, *, archived: bool) -> None:
    """Have no part judged as a product any more, or again; it keeps its place."""
    product_named(read_station(station), name)
    with edited(station) as document:
        table = _table(document, name)
        if archived:
            table["archived"] = True
        else:
            table.pop("archived", None)


def _free_name(settings: StationFile, name: str) -> str:
    name = name.strip()
    if not 0 < len(name) <= 64 or not name.isprintable():
        raise SetupError(f"product name {name[:64]!r}: 1 to 64 printable characters are allowed")
    if name.casefold() in {each.casefold() for each in settings.product_names}:
        raise SetupError(f"product {name!r}: there is one of this name; choose another")
    return name


def _files(settings: StationFile, name: str) -> dict[str, str]:
    """A file name for the recipe of each view, that nothing has yet."""
    views = [view.name for view in settings.views]
    taken = {settings.home / each.recipe_of(view) for each in settings.products for view in views}
    found: dict[str, str] = {}
    for view in views:
        words = name if len(views) == 1 else f"{name} {view}"
        stem = recipe_stem(words)
        number, file = 1, f"{stem}.recipe"
        while settings.home / file in taken or (settings.home / file).exists():
            number += 1
            file = f"{stem}-{number}.recipe"
        taken.add(settings.home / file)
        found[view] = file
    return found


def _append(
    station: Path, name: str, files: dict[str, str], made: list[Path] | None = None
) -> None:
    try:
        with edited(station) as document:
            table = tomlkit.table()
            table["name"] = name
            if len(files) == 1:
                (table["recipe"],) = files.values()
            else:
                inline = tomlkit.inline_table()
                inline.update(files)
                table["recipes"] = inline
            products: Any = document["products"]
            products.append(table)
    except SetupError:
        for path in made or ():
            path.unlink(missing_ok=True)
        raise


def _copied(source: Path, target: Path) -> Path:
    try:
        copy_file(source, target)
    except OSError as error:
        raise SetupError(
            f"recipe {target}: cannot be written ({error.strerror or error})"
        ) from error
    return target


def _table(document: tomlkit.TOMLDocument, name: str) -> Any:
    products: Any = document["products"]
    return next(each for each in products if each["name"] == name)
