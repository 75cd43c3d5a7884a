"""Pictures too large for one piece: overlapping tiles of one size, each looked at alone.

Memory is then bounded by the tile, whatever the picture. Each patch is told by the tile in whose
middle it lies, so that what is at a seam is seen with what is beyond it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from models.base import CanvasImage, ModelError

Array = NDArray[np.float32]
Look = Callable[[CanvasImage], Sequence[Array]]
"""Arrays (h, w, ...) of a picture's patches."""

WHOLE_PIXELS = 1_600_000
"""Pixels that are looked at in one piece."""

TILE_PX = 1024
"""Longest side of a tile."""

OVERLAP_PX = 64
"""How far beyond its own patches a tile sees at least."""


@dataclass(frozen=True, slots=True)
class Span:
    """Where a tile begins along one side, and from where to where it tells of patches, in pixels."""

    start: int
    own: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Tiles:
    """Where the tiles of a picture lie; all sizes are multiples of `stride`, the side of a patch."""

    stride: int
    size_px: tuple[int, int]
    """Height and width of the picture."""
    tile_px: tuple[int, int]
    """Height and width of every tile."""

    @classmethod
    def of(cls, size_px: tuple[int, int], stride: int) -> Tiles:
        """Cut a picture of this height and width into as few tiles as TILE_PX allows."""
        height, width = (_length(side, stride) for side in size_px)
        return cls(stride, size_px, (height, width))

    @property
    def grid(self) -> tuple[int, int]:
        """Patches of the picture, down and across."""
        return self.size_px[0] // self.stride, self.size_px[1] // self.stride

    @property
    def count(self) -> int:
        """How many tiles there are."""
        down, across = self._spans()
        return len(down) * len(across)

    def look(self, canvas: CanvasImage, look: Look) -> list[Array]:
        """Look at each tile of a canvas (H, W, 3); what is told (h', w', ...) of each makes one array."""
        down, across = self._spans()
        whole: list[Array] = []
        for y in down:
            for x in across:
                rows = slice(y.start, y.start + self.tile_px[0])
                tile = canvas[rows, x.start : x.start + self.tile_px[1]]
                told = look(np.ascontiguousarray(tile))
                if not whole:
                    whole = [np.empty((*self.grid, *each.shape[2:]), each.dtype) for each in told]
                for into, each in zip(whole, told, strict=True):
                    into[self._patches(y.own), self._patches(x.own)] = each[
                        self._patches(y.own, y.start), self._patches(x.own, x.start)
                    ]
        return whole

    def _spans(self) -> list[list[Span]]:
        return [
            _spans(side, tile, self.stride)
            for side, tile in zip(self.size_px, self.tile_px, strict=True)
        ]

    def _patches(self, own: tuple[int, int], start: int = 0) -> slice:
        return slice((own[0] - start) // self.stride, (own[1] - start) // self.stride)


def in_one_piece(name: str, shape: tuple[int, ...]) -> None:
    """Refuse a canvas of this shape (H, W, ...) that a model of this name would need tiles for. Raises ModelError."""
    if shape[0] * shape[1] > WHOLE_PIXELS:
        raise ModelError(
            f"{name}: the canvas has {shape[0] * shape[1] / 1e6:.1f} megapixels, at most "
            f"{WHOLE_PIXELS / 1e6:.1f} are allowed; use --effort balanced, or --model patchcore"
        )


def shrunk(canvas: CanvasImage, times: int) -> CanvasImage:
    """A canvas (H, W, 3) so many times smaller, each pixel the mean of its own."""
    size = canvas.shape[1] // times, canvas.shape[0] // times
    return np.asarray(cv2.resize(canvas, size, interpolation=cv2.INTER_AREA), np.uint8)


def _length(side: int, stride: int) -> int:
    """The length of equal tiles along a side, so that neighbours overlap by twice OVERLAP_PX."""
    shared = 2 * OVERLAP_PX
    count = max(1, -(-(side - shared) // (TILE_PX - shared)))
    return -(-(side + (count - 1) * shared) // (count * stride)) * stride


def _spans(side: int, tile: int, stride: int) -> list[Span]:
    """Tiles spread evenly along a side, meeting in the middle of what they share."""
    count = max(1, -(-(side - 2 * OVERLAP_PX) // (tile - 2 * OVERLAP_PX))) if tile < side else 1
    steps = max(1, count - 1)
    starts = [round(k * (side - tile) / steps / stride) * stride for k in range(count)]
    meet = [(before + tile + after) // (2 * stride) * stride for before, after in pairwise(starts)]
    edges = [0, *meet, side]
    return [Span(at, own) for at, own in zip(starts, pairwise(edges), strict=True)]
