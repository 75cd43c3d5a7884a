"""Codes in pictures: real codes, drawn by the library that reads them."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from inspection.errors import SetupError
from inspection.station.code_reader import CodeReader, missing

if (problem := missing()) is not None:
    pytest.skip(problem, allow_module_level=True)


def _code(text: str, name: str = "DataMatrix", *, factor: int = 5) -> np.ndarray[Any, Any]:
    import zxingcpp

    code = zxingcpp.create_barcode(text, zxingcpp.barcode_format_from_str(name))
    small = np.asarray(zxingcpp.write_barcode_to_image(code, scale=factor))
    return cv2.copyMakeBorder(small, 20, 20, 20, 20, cv2.BORDER_CONSTANT, value=255)


def _scene(*placed: tuple[np.ndarray[Any, Any], int, int]) -> np.ndarray[Any, Any]:
    """Draw a part in colour with codes on it."""
    scene = np.full((400, 600, 3), (200, 190, 180), np.uint8)
    for code, x, y in placed:
        height, width = code.shape
        scene[y : y + height, x : x + width] = code[..., None]
    return scene


@pytest.mark.parametrize("name", ["DataMatrix", "QRCode", "Code128"])
def test_reads_the_serial(name: str) -> None:
    scene = _scene((_code("A-17", name, factor=2), 60, 40))
    found = CodeReader().read(scene)
    assert found is not None
    assert (found.serial, found.text, found.lot) == ("A-17", "A-17", None)
    grey = CodeReader().read(np.ascontiguousarray(scene[..., 0]))
    assert grey == found


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_reads_it_turned(turns: int) -> None:
    scene = np.rot90(_scene((_code("A-17"), 60, 40)), turns)
    found = CodeReader().read(scene)
    assert found is not None
    assert found.serial == "A-17"


def test_pattern_gives_the_pieces() -> None:
    reader = CodeReader(pattern=r"(?P<product>\w+)/(?P<lot>\w+)/(?P<serial>\w+)")
    found = reader.read(_scene((_code("flange/L7/00123"), 60, 40)))
    assert found is not None
    assert (found.product, found.lot, found.serial) == ("flange", "L7", "00123")
    assert reader.read(_scene((_code("something else"), 60, 40))) is None


def test_region_and_formats_choose() -> None:
    scene = _scene((_code("LEFT"), 10, 10), (_code("RIGHT", "QRCode"), 330, 10))
    assert CodeReader().read(scene) is None, "two names are no name"
    right = CodeReader(region=(320, 0, 280, 400)).read(scene)
    left = CodeReader(formats=("DataMatrix",)).read(scene)
    assert right is not None
    assert left is not None
    assert (left.serial, right.serial) == ("LEFT", "RIGHT")


def test_same_code_twice_is_one_identity() -> None:
    scene = _scene((_code("SAME"), 10, 10), (_code("SAME", "QRCode"), 330, 10))
    found = CodeReader().read(scene)
    assert found is not None
    assert found.serial == "SAME"


def test_no_code_is_none() -> None:
    assert CodeReader().read(_scene()) is None
    assert CodeReader(region=(5000, 5000, 10, 10)).read(_scene()) is None


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"formats": ("Runes",)}, "format 'Runes'; allowed: DataMatrix"),
        ({"region": (0, 0, 0, 5)}, "region (0, 0, 0, 5)"),
        ({"pattern": "("}, "pattern '('"),
        ({"pattern": ".+"}, "allowed: serial, lot, product"),
    ],
)
def test_settings_that_cannot_be(settings: Any, said: str) -> None:
    with pytest.raises(SetupError) as caught:
        CodeReader(**settings)
    assert said in str(caught.value)
