"""Where within an unusual patch the defect is: fine features against what is usual at each place.

After PaDiM (Defard et al., ICPR Workshops 2021), with one variance a whitened channel instead of a
covariance a place. It sharpens what is shown; it is too nervous to score.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from models._position_norm import PRIOR_PICTURES
from models._whitening import Moments, whitening

Array = NDArray[np.float32]

KEPT_BYTES = 32 * 2**20
"""Fine features kept; pictures spread over all the good ones share it."""

BATCH_NUMBERS = 2**20
"""Features worked on at once; at least one picture's."""

SPREAD = 16
"""Good pictures the unit is measured on, about."""

COMPONENTS = 48
SIGMA_PATCHES = 0.6
LEAST_VARIANCE = 0.02


@dataclass(frozen=True, slots=True, eq=False)
class FineDetail:
    """Measures how unusual fine features (h * w, C) are for their place.

    `projection` (C, d) whitens; `gain` and `shift` (h * w, d) are of each place; `unit` brings the
    root mean square to the deviation of good distances; `grid` is (h, w).
    """

    projection: Array
    gain: Array
    shift: Array
    unit: float
    grid: tuple[int, int]

    def measure(self, rows: Array) -> Array:
        """How unusual each place is: (h, w) float32."""
        apart = (rows @ self.projection) * self.gain + self.shift
        return np.asarray(self.unit * np.sqrt((apart**2).mean(-1)).reshape(self.grid), np.float32)


class FineSample:
    """Fine features of some of `count` pictures, spread evenly, with what is valid of each."""

    def __init__(self, count: int, grid: tuple[int, int], channels: int) -> None:
        self.grid, self.channels = grid, channels
        room = max(1, KEPT_BYTES // (2 * grid[0] * grid[1] * channels))
        self._step = -(-count // room)
        self._rows: list[NDArray[np.float16]] = []
        self._valid: list[NDArray[np.bool_]] = []

    def take(self, index: int, rows: Array, valid: NDArray[np.bool_]) -> None:
        """Take in a picture's fine features (h * w, C), of which `valid` (h, w) count."""
        if index % self._step == 0:
            self._rows.append(rows.astype(np.float16))
            self._valid.append(valid.ravel())

    def learn(self, *, deviation: float) -> FineDetail:
        """Learn what is usual at each place; `deviation` is that of good distances."""
        moments = Moments(self.channels)
        for rows, valid in self._batches():
            moments.add(rows[valid])
        mean, projection = whitening(moments, min(COMPONENTS, self.channels))
        places = (*self.grid, projection.shape[1])
        total, squares = np.zeros(places, np.float32), np.zeros(places, np.float32)
        for rows, valid in self._batches():
            white = (rows @ projection - mean @ projection) * valid[..., None]
            total += white.sum(0).reshape(places)
            squares += np.einsum("nij,nij->ij", white, white).reshape(places)
        seen = np.sum(self._valid, 0, dtype=np.float32).reshape(*self.grid, 1)
        count = _around(seen) + np.float32(PRIOR_PICTURES)
        usual = _around(total) / count
        variance = (_around(squares) + PRIOR_PICTURES) / count - usual**2
        gain = 1.0 / np.sqrt(np.maximum(variance, LEAST_VARIANCE))
        shift = -(usual + mean @ projection) * gain
        flat_gain, flat_shift = gain.reshape(-1, places[2]), shift.reshape(-1, places[2])
        plain = FineDetail(projection, flat_gain, flat_shift, 1.0, self.grid)
        spread = range(0, len(self._rows), -(-len(self._rows) // SPREAD))
        good = [
            plain.measure(self._rows[i].astype(np.float32)).ravel()[self._valid[i]] for i in spread
        ]
        return replace(plain, unit=deviation / max(float(np.concatenate(good).std()), 1e-6))

    def _batches(self) -> Iterator[tuple[Array, NDArray[np.bool_]]]:
        """Features (n, h * w, C) and what is valid (n, h * w), in batches of pictures."""
        step = max(1, BATCH_NUMBERS // self._rows[0].size)
        for start in range(0, len(self._rows), step):
            some = slice(start, start + step)
            yield np.stack(self._rows[some]).astype(np.float32), np.stack(self._valid[some])


def _around(planes: Array) -> Array:
    """Blur each plane of (h, w, d) a little."""
    blurred = [
        cv2.GaussianBlur(np.ascontiguousarray(planes[..., i]), (0, 0), SIGMA_PATCHES)
        for i in range(planes.shape[2])
    ]
    return np.stack(blurred, -1).astype(np.float32)
