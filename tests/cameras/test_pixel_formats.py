"""Pixel formats by their PFNC names become RGB or grey of 8 bits."""

from __future__ import annotations

import numpy as np
import pytest

from cameras._genicam.pixel_formats import PIXEL_FORMATS, pfnc_name, to_8_bit

RED, GREEN, BLUE = 200, 100, 40


def _mosaic(order: str, bits: int) -> np.ndarray:
    """One flat colour as a sensor sees it whose first two rows are `order`, as RGGB."""
    values = {"R": RED, "G": GREEN, "B": BLUE}
    tile = np.array([values[letter] for letter in order]).reshape(2, 2)
    dtype = np.uint8 if bits == 8 else np.uint16
    return np.tile(tile << (bits - 8), (8, 8)).astype(dtype)


@pytest.mark.parametrize("bits", [8, 10, 12, 16])
@pytest.mark.parametrize(
    ("name", "order"), [("RG", "RGGB"), ("GR", "GRBG"), ("GB", "GBRG"), ("BG", "BGGR")]
)
def test_bayer(name: str, order: str, bits: int) -> None:
    image = to_8_bit(_mosaic(order, bits), f"Bayer{name}{bits}")
    assert image.shape == (16, 16, 3)
    assert image[4:12, 4:12].reshape(-1, 3).tolist() == [[RED, GREEN, BLUE]] * 64


@pytest.mark.parametrize(("bits", "white"), [(8, 255), (10, 1023), (12, 4095), (16, 65535)])
def test_mono_keeps_the_top_bits(bits: int, white: int) -> None:
    pixels = np.array([[0, white // 2, white]], np.uint8 if bits == 8 else np.uint16)
    assert to_8_bit(pixels, f"Mono{bits}").tolist() == [[0, 127, 255]]


@pytest.mark.parametrize(
    ("name", "pixel"),
    [
        ("RGB8", [RED, GREEN, BLUE]),
        ("BGR8", [BLUE, GREEN, RED]),
        ("BGR8Packed", [BLUE, GREEN, RED]),
        ("RGBa8", [RED, GREEN, BLUE, 9]),
        ("BGRa8", [BLUE, GREEN, RED, 9]),
    ],
)
def test_colours_come_out_as_rgb(name: str, pixel: list[int]) -> None:
    sent = np.array([[pixel, pixel]], np.uint8)
    image = to_8_bit(sent, name)
    assert image.tolist() == [[[RED, GREEN, BLUE]] * 2]
    assert not np.shares_memory(image, sent)


def test_names() -> None:
    assert pfnc_name("RGB8Packed") == "RGB8"
    assert pfnc_name("Mono8") == "Mono8"
    assert {"Mono8", "BayerRG8", "RGB8", "BGR8"} <= set(PIXEL_FORMATS)
    with pytest.raises(KeyError):
        to_8_bit(np.zeros((2, 2), np.uint8), "YUV422_8")
