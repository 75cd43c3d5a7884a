"""A large picture is cut into tiles: each patch told once, and never by a tile that hardly sees it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from models import _tiles
from models._tiles import OVERLAP_PX, TILE_PX, Tiles, shrunk

STRIDE = 16
SIZES = [(1280, 1296), (3584, 5376), (288, 10272), (2048, 1024), (1040, 1040), (4800, 4800)]


def means(tile: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
    """The mean of each patch (h, w), and its mean colours (h, w, 3)."""
    height, width = (side // STRIDE for side in tile.shape[:2])
    colours = tile.reshape(height, STRIDE, width, STRIDE, 3).mean((1, 3)).astype(np.float32)
    return [colours.mean(-1), colours]


@pytest.mark.parametrize("size", SIZES)
def test_what_tiles_tell_is_what_the_whole_picture_holds(size: tuple[int, int]) -> None:
    canvas = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    cut = Tiles.of(size, STRIDE)
    assert cut.grid == (size[0] // STRIDE, size[1] // STRIDE)
    for joined, whole in zip(cut.look(canvas, means), means(canvas), strict=True):
        assert joined == pytest.approx(whole, abs=1e-3)


@pytest.mark.parametrize("size", SIZES)
def test_a_patch_is_told_by_a_tile_that_sees_beyond_it(size: tuple[int, int]) -> None:
    seen: list[tuple[int, ...]] = []

    def depth(tile: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        """How far each patch lies from the nearest edge of its tile, in pixels."""
        seen.append(tile.shape)
        down, across = (np.arange(side // STRIDE) * STRIDE for side in tile.shape[:2])
        rows = np.minimum(down, tile.shape[0] - STRIDE - down)[:, None]
        columns = np.minimum(across, tile.shape[1] - STRIDE - across)[None]
        return [np.minimum(*np.broadcast_arrays(rows, columns)).astype(np.float32)]

    cut = Tiles.of(size, STRIDE)
    (deep,) = cut.look(np.zeros((*size, 3), np.uint8), depth)
    assert len(set(seen)) == 1
    assert max(seen[0][:2]) <= TILE_PX + STRIDE
    assert len(seen) == cut.count
    edge = OVERLAP_PX // STRIDE
    inner: Any = deep[edge:-edge, edge:-edge]
    assert inner.min() >= OVERLAP_PX - STRIDE
    pixels = sum(height * width for height, width, _ in seen)
    assert pixels <= 1.45 * size[0] * size[1]


def test_a_small_side_is_one_tile() -> None:
    assert Tiles.of((288, 10272), STRIDE).tile_px[0] == 288
    assert Tiles.of((256, 256), STRIDE) == Tiles(STRIDE, (256, 256), (256, 256))


def test_shrunk_is_the_mean_of_each_block() -> None:
    canvas = np.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    blocks = canvas.reshape(8, 8, 12, 8, 3).mean((1, 3))
    assert shrunk(canvas, 8) == pytest.approx(blocks, abs=0.51)


def test_a_longer_tile_needs_fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    many = Tiles.of((3584, 5376), STRIDE).count
    monkeypatch.setattr(_tiles, "TILE_PX", 2048)
    assert Tiles.of((3584, 5376), STRIDE).count < many / 2
