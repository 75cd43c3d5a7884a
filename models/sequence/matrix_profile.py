"""The matrix profile: each window's nearest earlier one. Too far is new, too near is shown again."""

from __future__ import annotations

import numpy as np

from models.sequence._calibration import PER, tail_limit
from models.sequence.base import Channel, Floats, Rows, SequenceModel

AT_ONCE = 256


class MatrixProfile(SequenceModel):
    """The left matrix profile (Yeh 2016) of all columns that the picture gives, levels kept.

    Windows are not normalised (Akbarinia and Cloez 2019): a level that moved is news here.
    """

    name = "matrix_profile"
    least_parts = 100
    reach = 1000

    def __init__(self, *, window: int = 8, false_alarms: float = 1.0, seed: int = 0) -> None:
        super().__init__(false_alarms=false_alarms, seed=seed)
        self.window = window

    def learn(self, good: Rows) -> Floats:
        """Measure how near good windows come to each other."""
        self.channels_ = (
            Channel("a pattern never seen"),
            Channel("nearly the same as shown before"),
        )
        self.usual_ = 1.0
        profile = self.profile(self.residuals(good))[0]
        self.usual_ = float(np.median(profile[len(good) // 2 :])) or 1.0
        return self.residuals(good)

    def residuals(self, rows: Rows) -> Floats:
        """The columns that the picture gives; NaN where a part was not measured."""
        return np.where(rows.same[:, [1]] < 0, np.nan, rows.z[:, rows.shown])

    def chart(self, residuals: Floats) -> Floats:
        """The distance in that of good parts, and the logarithm of how much nearer than usual it is."""
        distance = self.profile(residuals)[0] / self.usual_
        return np.stack([distance, np.maximum(-np.log(np.maximum(distance, 1e-9)), 0.0)], axis=1)

    def calibrate(self, held_out: Floats) -> Floats:
        """By the tails of the later half of good parts: drawing anew would repeat them."""
        later = self.chart(held_out)[len(held_out) // 2 :]
        rate = self.false_alarms / PER / later.shape[1]
        # Parts learnt from are few: later ones have more that they may be near to.
        return np.array([tail_limit(each, rate=rate) for each in later.T])

    def rule(self, rows: Rows, part: int, channel: int) -> str:
        """For what is shown again, how far back it was."""
        if channel == 0:
            return self.channels_[0].rule
        back = part - int(self.profile(self.residuals(rows[: part + 1]))[1][-1])
        return f"nearly the same as {back} parts before"

    def profile(self, values: Floats) -> tuple[Floats, Floats]:
        """The distance of the window that ends at each part to the nearest earlier one, and its end.

        Where there are too few before it, or one was not measured, the distance is the usual one.
        """
        n, m = len(values), self.window
        distance, where = np.full(n, self.usual_), np.arange(n, dtype=np.float64)
        if n < 3 * m:
            return distance, where
        windows = np.lib.stride_tricks.sliding_window_view(values, m, axis=0).reshape(n - m + 1, -1)
        blank = np.asarray(np.isnan(windows).any(axis=1))
        windows = np.nan_to_num(windows)
        square = np.sum(windows**2, axis=1)
        for start in range(m, len(windows), AT_ONCE):
            rows = np.arange(start, min(start + AT_ONCE, len(windows)))
            others = np.arange(max(0, start - self.reach), rows[-1] - m + 1)
            apart = square[rows][:, None] + square[others] - 2 * windows[rows] @ windows[others].T
            apart[:, blank[others]] = np.inf
            apart[others > (rows - m)[:, None]] = np.inf
            apart[others < (rows - self.reach)[:, None]] = np.inf
            nearest = np.argmin(apart, axis=1)
            near = np.sqrt(np.sum((windows[rows] - windows[others[nearest]]) ** 2, axis=1))
            alone = blank[rows] | np.isinf(apart.min(axis=1))
            distance[rows + m - 1] = np.where(alone, self.usual_, near)
            where[rows + m - 1] = others[nearest] + m - 1
        distance[: 4 * m] = self.usual_
        return distance, where
