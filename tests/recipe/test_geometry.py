"""Canvas and picture: one scale, nothing squashed, and back again."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from inspection.recipe.geometry import Canvas, Window, choose_canvas

SIZES = [(256, 256), (333, 517), (517, 333), (97, 1001), (1000, 100), (31, 33), (1, 9), (64, 64)]


@pytest.mark.parametrize(
    ("shapes", "size_px", "expected"),
    [
        ([(256, 256)], 256, (256, 256)),
        ([(1000, 1000)], 192, (192, 192)),
        ([(480, 640)], 256, (224, 288)),
        ([(640, 480)], 256, (288, 224)),
        ([(100, 1000)], 256, (96, 800)),
        ([(1000, 100)], 256, (800, 96)),
        ([(10, 10_000)], 64, (32, 2016)),
        ([(100, 100), (100, 100), (100, 900)], 256, (256, 256)),
    ],
)
def test_the_canvas_keeps_aspect_and_number_of_pixels(
    shapes: list[tuple[int, int]], size_px: int, expected: tuple[int, int]
) -> None:
    canvas = choose_canvas(shapes, size_px=size_px, multiple=32)
    assert (canvas.height_px, canvas.width_px) == expected


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "canvas", [Canvas(height_px=256, width_px=256), Canvas(height_px=96, width_px=800)]
)
def test_both_sides_are_scaled_alike(canvas: Canvas, size: tuple[int, int]) -> None:
    place = canvas.place(*size)
    down, across = place.scale
    assert place.height_px == canvas.height_px or place.width_px == canvas.width_px
    # No side is off by more than the rounding to whole pixels.
    ideal = min(canvas.height_px / size[0], canvas.width_px / size[1])
    assert abs(down - ideal) * size[0] <= max(0.5, 1 - ideal * size[0]) + 1e-9
    assert abs(across - ideal) * size[1] <= max(0.5, 1 - ideal * size[1]) + 1e-9
    assert place.top_px + place.height_px <= canvas.height_px
    assert place.left_px + place.width_px <= canvas.width_px


@pytest.mark.parametrize("size", [(333, 517), (517, 333), (401, 401), (200, 1400)])
def test_a_circle_stays_a_circle(size: tuple[int, int]) -> None:
    image = np.zeros((*size, 3), np.uint8)
    cv2.circle(image, (size[1] // 2, size[0] // 2), min(size) // 3, (255, 255, 255), -1)
    canvas = choose_canvas([(480, 640)], size_px=512, multiple=32)
    place = canvas.place(*size)
    _, _, width, height = cv2.boundingRect(_bright(place.of_picture(place.to_canvas(image))))
    assert abs(width - height) <= 1
    assert width == pytest.approx(2 * (min(size) // 3) * place.scale[1], abs=2)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("channels", [(), (3,)])
def test_every_picture_fills_the_canvas(size: tuple[int, int], channels: tuple[int, ...]) -> None:
    canvas = Canvas(height_px=96, width_px=128)
    got = canvas.place(*size).to_canvas(np.full((*size, *channels), 77, np.uint8))
    assert (got.shape, got.dtype) == ((96, 128, 3), np.uint8)
    assert np.unique(got).tolist() == [77]  # padding mirrors the edge: no frame is drawn around
    assert got.flags.c_contiguous


def test_grey_and_its_colour_twin_give_the_same_canvas() -> None:
    grey = np.random.default_rng(0).integers(0, 256, (50, 90), dtype=np.uint8)
    place = Canvas(height_px=96, width_px=128).place(50, 90)
    assert (place.to_canvas(grey) == place.to_canvas(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB))).all()


@pytest.mark.parametrize("size", SIZES)
def test_only_the_picture_counts(size: tuple[int, int]) -> None:
    place = Canvas(height_px=96, width_px=128).place(*size)
    valid = place.valid()
    assert valid.shape == (96, 128)
    assert valid.sum() == place.height_px * place.width_px
    assert place.of_picture(valid).all()
    assert not place.valid(np.zeros(size, dtype=bool)).any()
    assert (place.valid(np.ones(size, dtype=bool)) == valid).all()


@pytest.mark.parametrize("size", [(256, 256), (333, 517), (97, 1001), (1000, 100)])
def test_what_is_found_on_the_canvas_lies_on_the_same_place_of_the_picture(
    size: tuple[int, int],
) -> None:
    canvas = choose_canvas([size], size_px=256, multiple=32)
    place = canvas.place(*size)
    for y_share, x_share in ((0.5, 0.5), (0.2, 0.7), (0.8, 0.3)):
        y, x = round(y_share * size[0]), round(x_share * size[1])
        image = np.zeros((*size, 3), np.uint8)
        cv2.circle(image, (x, y), max(6, min(size) // 10), (255, 255, 255), -1)
        small = cv2.resize(
            place.to_canvas(image)[..., 0].astype(np.float32),
            (canvas.width_px // 8, canvas.height_px // 8), interpolation=cv2.INTER_AREA,
        )  # fmt: skip
        back = place.to_picture(small)
        assert back.shape == size
        centre_y, centre_x = _centre(back)
        patch_px = 8 / min(place.scale)
        assert abs(centre_y - y) <= 0.5 * patch_px
        assert abs(centre_x - x) <= 0.5 * patch_px


def test_a_window_of_the_picture_fills_the_canvas_and_maps_back() -> None:
    size, window = (300, 400), Window(top_px=120, left_px=200, height_px=64, width_px=128)
    place = Canvas(height_px=128, width_px=256).place(*size, window)
    assert place.scale == (2.0, 2.0)
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    seen = place.to_canvas(image)
    alone = Canvas(height_px=128, width_px=256).place(64, 128).to_canvas(window.of(image))
    assert np.array_equal(seen, alone)
    mask = np.zeros(size, bool)
    mask[120:152, 200:264] = True  # the upper left quarter of the window
    assert place.valid(mask).sum() == 64 * 128
    assert place.valid(mask)[:64, :128].all()
    values = np.zeros((16, 32), np.float32)
    values[4, 8] = 1.0
    back = place.to_picture(values)
    assert back.shape == size
    centre_y, centre_x = _centre(back)
    assert place.picture_xy(8.5 * 8, 4.5 * 8) == (234.0, 138.0)
    assert (centre_x, centre_y) == (pytest.approx(234, abs=1), pytest.approx(138, abs=1))
    assert np.count_nonzero(back[:120]) + np.count_nonzero(back[:, :200]) == 0


def _bright(canvas: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return (canvas[..., 0] > 127).astype(np.uint8)


def _centre(values: NDArray[np.float32]) -> tuple[float, float]:
    moments = cv2.moments(values)
    return moments["m01"] / moments["m00"], moments["m10"] / moments["m00"]
