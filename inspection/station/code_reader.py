"""Who a part is, read from the bar code or DataMatrix in its picture."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from inspection.errors import SetupError
from inspection.outside import LONGEST_TEXT
from inspection.reasons import Reason

if TYPE_CHECKING:
    from inspection.station.part import Part

FORMATS = ("DataMatrix", "QRCode", "Code128", "Code39", "EAN13", "ITF", "PDF417", "Aztec")
GROUPS = {"serial", "lot", "product", "template"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeContent:
    """What a code says of the part: `text` as read, and the pieces the pattern found in it."""

    text: str
    format: str
    serial: str | None = None
    lot: str | None = None
    product: str | None = None
    template: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeReader:
    """Reads the identity of a part from its picture.

    `formats` are names of code kinds, none for all; `region` is (x, y, width, height) in pixels of
    the picture, None for all of it; `pattern` is a regular expression with named groups serial, lot,
    product and template that must match the whole text.
    """

    formats: tuple[str, ...] = ("DataMatrix", "QRCode", "Code128")
    region: tuple[int, int, int, int] | None = None
    pattern: str = "(?P<serial>.+)"

    def __post_init__(self) -> None:
        unknown = [name for name in self.formats if name not in FORMATS]
        if unknown:
            raise SetupError(f"codes: format {unknown[0]!r}; allowed: {', '.join(FORMATS)}")
        if self.region is not None and (min(self.region[:2]) < 0 or min(self.region[2:]) < 1):
            raise SetupError(f"codes: region {self.region}; it is x, y, width, height in pixels")
        try:
            groups = re.compile(self.pattern).groupindex
        except re.error as error:
            raise SetupError(f"codes: pattern {self.pattern!r}: {error}") from error
        if not groups or set(groups) - GROUPS:
            raise SetupError(
                f"codes: pattern {self.pattern!r} has groups {sorted(groups)}; "
                "allowed: serial, lot, product, template, at least one"
            )

    def tells(self, group: str) -> bool:
        """Whether the pattern has this group."""
        return group in re.compile(self.pattern).groupindex

    def read(self, image: NDArray[np.uint8]) -> CodeContent | None:
        """Find the identity in an (H, W, 3) RGB or (H, W) picture.

        None when there is no code that fits, and when two that fit say different things: a part
        is better nameless than given another's name.
        """
        found = {code.text: code for code in self._codes(image)}
        return next(iter(found.values())) if len(found) == 1 else None

    def _codes(self, image: NDArray[np.uint8]) -> list[CodeContent]:
        import zxingcpp

        part = self._cut(image)
        if part.size == 0:  # the region lies outside this picture
            return []
        codes = zxingcpp.read_barcodes(
            part, formats=_joined(zxingcpp, self.formats), text_mode=zxingcpp.TextMode.Plain
        )
        read = (self._identity(code) for code in codes if code.valid)
        return [identity for identity in read if identity is not None]

    def _cut(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        if self.region is not None:
            x, y, width, height = self.region
            image = image[y : y + height, x : x + width]
        return np.ascontiguousarray(image[..., ::-1] if image.ndim == 3 else image)

    def _identity(self, code: Any) -> CodeContent | None:
        text = code.text
        match = re.fullmatch(self.pattern, text) if len(text) <= LONGEST_TEXT else None
        if match is None:
            return None
        return CodeContent(text=text, format=str(code.format), **match.groupdict())


def identify(part: Part, reader: CodeReader, products: Collection[str]) -> Reason | None:
    """Write into a part who it is by its pictures; give why it must not be judged, or None.

    What the trigger told goes first. Where codes name the product, they choose the recipe: without
    one that is known, and agrees with the trigger, there is none to trust. The template that a code names is
    looked up later, where the product has templates.
    """
    told, tells_product = part.request, reader.tells("product")
    if told.serial is not None and not tells_product and not reader.tells("template"):
        return None
    read = (reader.read(frame.image) for frame in part.frames.values())
    found = next((identity for identity in read if identity is not None), None)
    if found is not None:
        part.serial, part.lot, part.template = found.serial, found.lot, found.template
    if not tells_product:
        return None
    product = None if found is None else found.product
    if product is None:
        return None if told.product else Reason("no_code")
    if product not in products:
        return Reason("no_recipe_for_code", {"product": product, "allowed": ", ".join(products)})
    if told.product not in (None, product):
        return Reason("code_contradicts", {"product": product, "trigger": str(told.product)})
    part.product = product
    return None


def missing() -> str | None:
    """Say how to install the reader of codes, or None."""
    if find_spec("zxingcpp") is None:
        return "zxingcpp is not installed; pip install 'inspection[codes]'"
    return None


def _joined(library: Any, formats: tuple[str, ...]) -> Any:
    return (
        library.barcode_formats_from_str(",".join(formats)) if formats else library.BarcodeFormats()
    )
