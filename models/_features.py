"""Patch features of a canvas at each scale, by the compiled network or by torch."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models._backbone import Backbone, feature_program, torch_features
from models._program import Program
from models._tiles import WHOLE_PIXELS, Tiles, shrunk
from models.base import CanvasImage

if TYPE_CHECKING:
    import openvino

Array = NDArray[np.float32]
Rows = Callable[[CanvasImage], list[Array]]


class PatchFeatures:
    """Patch rows (h * w, C) of each scale of a canvas; the finest of a large one, tile by tile."""

    def __init__(
        self, network: Backbone, size_px: tuple[int, int], *, pool: int, shrinks: tuple[int, ...]
    ) -> None:
        self._network, self._pool = network, pool
        self._tiles: Tiles | None = None
        self._times, self._shrinks = 1, shrinks
        if len(shrinks) > 1 and size_px[0] * size_px[1] > WHOLE_PIXELS:
            self._tiles = Tiles.of(size_px, max(network.strides))
            self._times = shrinks[-2]
            self._shrinks = tuple(n // self._times for n in shrinks[:-1])
        whole_px = size_px[0] // self._times, size_px[1] // self._times
        self.models = [self._model(whole_px, self._shrinks)]
        if self._tiles is not None:
            self.models.append(self._model(self._tiles.tile_px, (1,)))
        self._programs: list[Program] = []

    @property
    def tile_grid(self) -> tuple[int, int]:
        """Patches of a tile, down and across."""
        assert self._tiles is not None
        stride = self._tiles.stride
        return self._tiles.tile_px[0] // stride, self._tiles.tile_px[1] // stride

    def run(self, canvas: CanvasImage) -> list[Array]:
        """The rows by the compiled programs."""
        self._programs = self._programs or [Program(model) for model in self.models]
        counts = len(self._shrinks), 1
        runs = [partial(_rows, each, n) for each, n in zip(self._programs, counts, strict=False)]
        return self._look(canvas, *runs)

    def let_go(self) -> None:
        """Let go of the compiled programs, which hold hundreds of megabytes for a tile; `run` makes them anew."""
        self._programs = []

    def by_torch(self, canvas: CanvasImage) -> list[Array]:
        """The same by torch itself."""

        def look(part: CanvasImage, shrinks: tuple[int, ...]) -> list[Array]:
            return torch_features(self._network, part, pool=self._pool, shrinks=shrinks)

        return self._look(canvas, partial(look, shrinks=self._shrinks), partial(look, shrinks=(1,)))

    def _look(self, canvas: CanvasImage, whole: Rows, tile: Rows | None = None) -> list[Array]:
        if self._tiles is None or tile is None:
            return whole(canvas)
        found = whole(shrunk(canvas, self._times))
        (finest,) = self._tiles.look(
            canvas, lambda part: [tile(part)[0].reshape(*self.tile_grid, -1)]
        )
        return [*found, finest.reshape(-1, finest.shape[-1])]

    def _model(self, size_px: tuple[int, int], shrinks: tuple[int, ...]) -> openvino.Model:
        height, width = size_px
        return feature_program(
            self._network, height_px=height, width_px=width, pool=self._pool, shrinks=shrinks
        )


def _rows(program: Program, count: int, canvas: CanvasImage) -> list[Array]:
    """What a feature program tells of patches, without a transformer's attention behind it."""
    return program.run(canvas)[:count]
