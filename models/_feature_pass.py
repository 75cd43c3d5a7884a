"""What one pass over the good pictures leaves: moments, candidates for the memory, and the rest."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from models._whitening import BATCH_ROWS, Moments

Array = NDArray[np.float32]

KEPT_BYTES = 128 * 2**20
"""Features kept of patches that are no candidates; pictures beyond it are looked at twice."""

MOST_BYTES = KEPT_BYTES // 8
"""Of one picture: keeping a few large ones of many would save little."""

BATCH = 64
"""Pictures whose candidates are projected together."""


class FeaturePass:
    """Features of n pictures' patches, which are counted from the top left of each.

    `sums` (n, C) are mean features; `valid` (n, h, w), `candidate` and `rest` (n, h * w) say which
    patches count, which of those are offered to the memory, and which others there are.
    """

    def __init__(
        self, count: int, grid: tuple[int, int], channels: int, *, quota: int, seed: int
    ) -> None:
        self.sums = np.empty((count, channels), dtype=np.float32)
        self.valid = np.empty((count, *grid), dtype=bool)
        self.candidate = np.zeros((count, grid[0] * grid[1]), dtype=bool)
        self.rest = np.zeros_like(self.candidate)
        self.moments = Moments(channels)
        self._quota = quota
        self._rng = np.random.default_rng(seed)
        self._offered = np.empty((count * quota, channels), dtype=np.float32)
        self._ends: list[int] = []
        self._kept: dict[int, NDArray[np.float16]] = {}
        self._room = KEPT_BYTES

    def take(self, index: int, rows: Array, valid: NDArray[np.bool_]) -> None:
        """Take in a picture's features (h * w, C); at most `quota` of the `valid` (h, w) are offered."""
        self.valid[index] = valid
        self.sums[index] = rows.mean(0)
        counted = np.flatnonzero(valid)
        for start in range(0, len(counted), BATCH_ROWS):
            self.moments.add(rows[counted[start : start + BATCH_ROWS]])
        offered = np.sort(self._rng.permutation(counted)[: self._quota])
        self.candidate[index, offered] = True
        start = self._ends[-1] if self._ends else 0
        self._ends.append(start + len(offered))
        np.take(rows, offered, axis=0, out=self._offered[start : self._ends[-1]])
        self.rest[index] = valid.ravel() & ~self.candidate[index]
        bytes_each = self.rest[index].sum() * rows.shape[1] * np.dtype(np.float16).itemsize
        if 0 < bytes_each <= min(self._room, MOST_BYTES):
            self._kept[index] = others = rows[self.rest[index]].astype(np.float16)
            self._room -= others.nbytes

    def points(self, mean: Array, projection: Array) -> Array:
        """The offered patches projected (m, d), picture by picture; they are let go of."""
        rows, ends = self._offered, [0, *self._ends[BATCH - 1 :: BATCH], self._ends[-1]]
        points = np.empty((ends[-1], projection.shape[1]), dtype=np.float32)
        for start, end in pairwise(ends):
            np.matmul(rows[start:end], projection, out=points[start:end])
        points -= mean @ projection
        self._offered = rows[:0].copy()
        return points

    @property
    def flat_valid(self) -> NDArray[np.bool_]:
        """Which patches count (n, h * w)."""
        return self.valid.reshape(self.candidate.shape)

    def has_rest(self, index: int) -> bool:
        """Whether there was room for the features of a picture's rest."""
        return index in self._kept

    def rest_rows(self, index: int) -> Array:
        """Features (k, C) of a picture's rest. Raises KeyError where there was no room for them."""
        return self._kept[index].astype(np.float32)
