"""Where a station's files are, and where each is in the folder a backup unpacks to.

What lies below the station file's folder keeps its place. What lies elsewhere comes into the folder,
and the copy of the station file says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomlkit

from inspection.backup.archive import MANIFEST, BackupError
from inspection.station.station_file import read_station
from inspection.store.database import place_of

PAGE_LEFT_OUT = frozenset(
    {"runtime.json", "secret", "sessions.json", "jobs", "downloads", "uploads", "gradio", ".probe"}
)
"""Not copied of the page's folder: how to reach a process, keys of sessions, and what can be made anew."""
RECIPES = "recipes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Sources on this machine, and the names they get; `text` is the station file as copied."""

    station: str
    station_file: str
    text: str
    database: Path
    archive: Path
    page: Path
    record: str
    images: str
    recipes: dict[str, Path]
    """Recipes and templates, by their names in the backup."""
    moved: dict[str, str]

    def page_files(self) -> Iterator[tuple[str, Path]]:
        """The page's files: users, drafts, masks, kept recipes; name in the backup, and place."""
        folder = Path(self.record).with_suffix(".page").as_posix()
        for path in sorted(self.page.rglob("*")):
            inner = path.relative_to(self.page)
            left_out = inner.parts[0] in PAGE_LEFT_OUT or path.suffix in (".lock", ".part")
            if path.is_file() and not path.is_symlink() and not left_out:
                yield f"{folder}/{inner.as_posix()}", path


def layout_of(station: Path) -> Layout:
    """Look at a station file. Raises SetupError, and BackupError for a record on a server."""
    settings = read_station(station)
    place = place_of(settings.record, settings.images)
    if place.file is None:
        raise BackupError(
            f"backup of {settings.station}: its record {place.name} is on a server; copy that with "
            f"pg_dump, and with it the pictures in {place.images} and the page's folder "
            f"{settings.page_folder}"
        )
    document = tomlkit.parse(station.read_text("utf-8"))
    names = _Names(settings.home.resolve(), {station.name, MANIFEST})
    record = names.of(place.file)
    default = Path(record).with_suffix(".images").as_posix()
    images = default if settings.images is None else names.of(place.images)
    moved: dict[str, str] = {}
    _point(document, "record", record, moved, "record")
    if settings.images is not None:
        _point(document, "images", images, moved, "images")
    recipes: dict[str, Path] = {}
    tables: list[Any] = list(document["products"])  # type: ignore[arg-type]
    for number, (product, table) in enumerate(zip(settings.products, tables, strict=True)):
        where = f"products[{number}]"
        if product.recipe is not None:
            name = names.of(product.recipe)
            recipes[name] = product.recipe
            _point(table, "recipe", name, moved, f"{where}.recipe")
        for view, path in product.recipes.items():
            name = names.of(path)
            recipes[name] = path
            _point(table["recipes"], view, name, moved, f"{where}.recipes.{view}")
        if product.template is not None:
            name = names.of(product.template)
            recipes |= _files(name, product.template)
            _point(table, "template", name, moved, f"{where}.template")
        for view, path in product.templates.items():
            name = names.of(path)
            recipes |= _files(name, path)
            _point(table["templates"], view, name, moved, f"{where}.templates.{view}")
    return Layout(
        station=settings.station,
        station_file=station.name,
        text=tomlkit.dumps(document),
        database=place.file,
        archive=place.images,
        page=settings.page_folder,
        record=record,
        images=images,
        recipes=recipes,
        moved=moved,
    )


def _files(name: str, path: Path) -> dict[str, Path]:
    """A file by its name, or the files of a folder below it."""
    if not path.is_dir():
        return {name: path}
    inside = sorted(each for each in path.rglob("*") if each.is_file() and not each.is_symlink())
    return {f"{name}/{each.relative_to(path).as_posix()}": each for each in inside}


class _Names:
    """Gives each file one name below the folder, and no name twice."""

    def __init__(self, home: Path, taken: set[str]) -> None:
        self.home, self.taken = home, taken
        self._known: dict[Path, str] = {}

    def of(self, path: Path) -> str:
        whole = path.absolute()
        if whole not in self._known:
            self._known[whole] = self._new(whole)
        return self._known[whole]

    def _new(self, path: Path) -> str:
        if ".." not in path.parts and path.is_relative_to(self.home):
            name = path.relative_to(self.home).as_posix()
        else:
            folder = f"{RECIPES}/" if path.suffix == ".recipe" else ""
            names = (f"{folder}{path.stem}{mark}{path.suffix}" for mark in _marks())
            name = next(each for each in names if each not in self.taken)
        self.taken.add(name)
        return name


def _marks() -> Iterator[str]:
    yield ""
    number = 2
    while True:
        yield f"-{number}"
        number += 1


def _point(table: Any, key: str, name: str, moved: dict[str, str], where: str) -> None:
    """Have a key name the file by its place in the backup, where it names another."""
    if Path(str(table[key])) != Path(name):
        moved[where] = str(table[key])
        table[key] = name
