"""What an engineer says of a part before training: scale, where to look, and what is allowed.

Written as TOML, kept in the recipe as JSON. Polygons are in pixels of the reference picture.
"""

from __future__ import annotations

from dataclasses import field
from pathlib import Path
from typing import Annotated, Any

import cv2
import numpy as np
from annotated_types import Ge, Gt, Le, Len
from numpy.typing import NDArray
from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from cameras import CameraError, read_image
from inspection.errors import CannotInspect, SetupError
from inspection.judgement import Region
from inspection.outside import LARGEST_TOML, Refused, read_file, read_toml
from inspection.recipe.geometry import Window
from inspection.recipe.prepare import Step
from inspection.recipe.template import Template, another_build, differences

STRICT = ConfigDict(extra="forbid", allow_inf_nan=False)

MARGIN = 1 / 16
"""Seen around the region of interest, as a share of its longer side: about one patch."""

Polygon = Annotated[tuple[tuple[float, float], ...], Len(min_length=3)]


@dataclass(frozen=True, config=STRICT, kw_only=True)
class Zone:
    """A polygon of the part with rules of its own; without a limit nothing is allowed in it."""

    name: Annotated[str, Len(min_length=1)]
    polygon: Polygon
    max_area_px: Annotated[float, Gt(0)] | None = None
    max_area_mm2: Annotated[float, Gt(0)] | None = None
    max_count: Annotated[int, Ge(1)] | None = None
    max_peak_percent: Annotated[float, Gt(100), Le(1000)] | None = None
    """The limit of scores here, in percent of the recipe's PASS limit: it moves with that."""

    @property
    def allows_any(self) -> bool:
        """Whether any region may be accepted here."""
        limits = (self.max_area_px, self.max_area_mm2, self.max_peak_percent)
        return any(limit is not None for limit in limits)

    def allows(self, region: Region, together: int, threshold: float) -> bool:
        """Whether a region is within the limits, being one of `together` in this zone.

        `threshold` is the recipe's PASS limit.
        """
        highest = self.max_peak_percent
        if highest is not None and not region.peak_score <= highest / 100 * threshold:
            return False
        if self.max_area_px is not None and region.area_px > self.max_area_px:
            return False
        if self.max_area_mm2 is not None and (region.area_mm2 or np.inf) > self.max_area_mm2:
            return False
        return self.max_count is None or together <= self.max_count


@dataclass(frozen=True, config=STRICT, kw_only=True)
class Alignment:
    """Find shifted or turned parts: how far the part may be from where the reference shows it."""

    max_shift_px: Annotated[float, Gt(0)] = 50.0
    max_rotation_deg: Annotated[float, Ge(0), Le(180)] = 15.0


@dataclass(frozen=True, config=STRICT, kw_only=True)
class Setup:
    """Scale, alignment, region of interest, places to ignore and zones of a product."""

    product: str = ""
    bits: Annotated[int, Ge(9), Le(16)] = 16
    """What picture files of 16 bits really use."""
    scale_mm_per_px: Annotated[float, Gt(0)] | None = None
    align: Alignment | None = None
    template: Template | None = None
    """Where each picture is compared with its template, and what differs is judged."""
    prepare: tuple[Step, ...] = ()
    """What is done to each picture before the model looks, in this order."""
    roi: tuple[Polygon, ...] = ()
    ignore: tuple[Polygon, ...] = ()
    zones: tuple[Zone, ...] = ()
    reference_size_px: tuple[int, int] | None = field(default=None)
    """(height, width) of the picture the polygons were drawn on; None: that of the picture judged."""

    def __post_init__(self) -> None:
        if len(set(self.prepare)) < len(self.prepare):
            raise ValueError(f"prepare: each step once, got {list(self.prepare)}")
        names = [zone.name for zone in self.zones]
        if len(set(names)) < len(names):
            raise ValueError(f"zones: each needs a name of its own, got {names}")
        if self.scale_mm_per_px is None and any(z.max_area_mm2 is not None for z in self.zones):
            raise ValueError("zones: max_area_mm2 needs scale_mm_per_px")
        if any(z.max_count is not None and not z.allows_any for z in self.zones):
            raise ValueError(
                "zones: max_count needs max_area_px, max_area_mm2 or max_peak_percent beside it"
            )

    def read_picture(self, path: Path) -> NDArray[np.uint8]:
        """Read a picture file of this product as it is judged. Raises CameraError.

        With `template`, that is what it differs by; a template that is the picture itself stands for
        another good build.
        """
        if self.template is None:
            return read_image(path, bits=self.bits)
        try:
            return differences(*self.pair(path, self.template), self.template)
        except CannotInspect as error:
            raise CameraError(f"picture {path}: beside its template, {error}") from error

    def pair(self, path: Path, rule: Template) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """A picture file and its template; another build of it where the two are one. Raises CameraError."""
        image, golden = read_image(path, bits=self.bits), rule.of(path)
        return (another_build(image) if np.array_equal(golden, image) else image), golden

    def inspected(self, size: tuple[int, int]) -> NDArray[np.bool_] | None:
        """Which pixels of a (height, width) picture are inspected; None means all."""
        if not self.roi and not self.ignore:
            return None
        mask = np.full(size, 0 if self.roi else 1, dtype=np.uint8)
        for polygon in self.roi:
            cv2.fillPoly(mask, [self._points(polygon, size)], (1,))
        for polygon in self.ignore:
            cv2.fillPoly(mask, [self._points(polygon, size)], (0,))
        return mask.astype(bool)

    def window(self, size: tuple[int, int]) -> Window:
        """The part of a (height, width) picture the model sees: what is inspected, and a margin."""
        height, width = size
        mask = self.inspected(size) if self.roi else None
        if mask is None or not mask.any():
            return Window.whole(height, width)
        left, top, wide, high = cv2.boundingRect(mask.astype(np.uint8))
        margin = round(MARGIN * max(wide, high))
        y0, x0 = max(0, top - margin), max(0, left - margin)
        y1, x1 = min(height, top + high + margin), min(width, left + wide + margin)
        return Window(top_px=y0, left_px=x0, height_px=y1 - y0, width_px=x1 - x0)

    def zone_at(self, x_px: float, y_px: float, size: tuple[int, int]) -> str | None:
        """Name the first zone that holds this point of a (height, width) picture."""
        for zone in self.zones:
            points = self._points(zone.polygon, size)
            if cv2.pointPolygonTest(points, (float(x_px), float(y_px)), measureDist=False) >= 0:
                return zone.name
        return None

    def _points(self, polygon: Polygon, size: tuple[int, int]) -> NDArray[np.int32]:
        points = np.array(polygon)
        if self.reference_size_px is not None:
            height, width = self.reference_size_px
            points = points * (size[1] / width, size[0] / height)
        return np.round(points).astype(np.int32)


_ADAPTER = TypeAdapter(Setup)


def read_setup(path: Path) -> Setup:
    """Read a set-up file. Raises SetupError naming the key, what was got and what is allowed."""
    try:
        data = read_toml(read_file(path, most_bytes=LARGEST_TOML))
    except FileNotFoundError:
        raise SetupError(f"set-up {path}: no such file") from None
    except (OSError, Refused) as error:
        raise SetupError(f"set-up {path}: {error}") from error
    return setup_from(data, where=f"set-up {path}")


def setup_from(data: Any, *, where: str) -> Setup:
    """Check a set-up given as plain data."""
    try:
        return _ADAPTER.validate_python(data)
    except ValidationError as error:
        raise SetupError(f"{where}: {first_problem(error)}") from error


def first_problem(error: ValidationError) -> str:
    """Say in one line which field is wrong, what was got, and how many more there are."""
    problems = error.errors(include_url=False)
    first = problems[0]
    place = ".".join(str(part) for part in first["loc"]) or "file"
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    if first["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
        return f"{place}: unknown key{more}"
    got = repr(first.get("input"))
    return f"{place}: {first['msg']}, got {got if len(got) < 60 else got[:57] + '...'}{more}"
