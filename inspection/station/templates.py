"""What a station's pictures are compared with: by product, by file, or by the code read in the picture."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from cameras import CameraError
from inspection.outside import LONGEST_TEXT
from inspection.reasons import Reason
from inspection.recipe.template import Golden, by_board, read_golden
from inspection.station.part import Part
from inspection.station.station_file import StationFile

KEPT = 8
"""Templates kept in memory, those of the latest parts; a file that changes is read anew."""


class Templates:
    """The templates of a station file's products.

    A product without one is compared with the template in its recipe, if the recipe has one.
    """

    def __init__(self, settings: StationFile) -> None:
        self._views = [view.name for view in settings.views]
        self._products = {product.name: product for product in settings.products}
        self._listed: dict[Path, dict[str, Path]] = {}

    def lay_beside(self, part: Part) -> Reason | None:
        """Find the template of each of a part's pictures; give why it must not be judged, or None."""
        for view in self._views:
            found = self.of(part.product, view, part.template)
            if isinstance(found, Reason):
                return found
            if found is not None:
                part.templates[view] = found
        return None

    def of(self, product: str, view: str, code: str | None) -> Golden | Reason | None:
        """The template of a product's view, by `code` where there are several.

        None where the recipe's own counts, a Reason where there is none that can be trusted.
        """
        known = self._products.get(product)
        source = known.template_of(view) if known is not None else None
        if source is None:
            return None
        if not source.is_dir():
            return _read(source)
        if code is None:
            return Reason("no_template_code")
        path = self._named(source, code)
        if path is None:
            name = code[:LONGEST_TEXT]
            return Reason("no_template_for_code", {"code": name, "folder": source.name})
        return _read(path)

    def _named(self, folder: Path, code: str) -> Path | None:
        """The picture in a folder that is named so; it is listed anew for a name that is not known."""
        path = self._listed.get(folder, {}).get(code)
        if path is None or not path.is_file():
            self._listed[folder] = by_board(folder)
            path = self._listed[folder].get(code)
        return path


def _read(path: Path) -> Golden | Reason:
    try:
        changed = path.stat()
        return _picture(path, changed.st_mtime_ns, changed.st_size)
    except (CameraError, OSError) as error:
        return Reason("template_unreadable", {"error": str(error)})


@lru_cache(maxsize=KEPT)
def _picture(path: Path, changed_ns: int, size: int) -> Golden:
    """The last two tell a file from what it was before."""
    golden = read_golden(path)
    golden.image.flags.writeable = False
    return golden
