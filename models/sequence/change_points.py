"""Change points: two stretches of parts that differ, and where one ends and the other begins."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np

from models.sequence.base import Channel, Floats, Rows, SequenceModel
from models.sequence.ewma import CLIP

WINDOW, EDGE, STEP = 150, 10, 5


class ChangePoints(SequenceModel):
    """The best split of the last parts in two by least squares; `ruptures` says where it is.

    Raised by the gain of the split, scanned over every part (Hinkley 1970); placed by binary
    segmentation (Truong, Oudre and Vayatis 2020).
    """

    name = "change_points"
    reach = WINDOW + 10

    @classmethod
    def missing(cls) -> str | None:
        """What must be installed, or None."""
        if find_spec("ruptures") is not None:
            return None
        return "ruptures is not installed; pip install 'inspection[monitor]'"

    def learn(self, good: Rows) -> Floats:
        """Nothing but the columns: they are standardised already."""
        self.channels_ = tuple(Channel("a step in its mean", i) for i in range(len(good.names)))
        return self.residuals(good)

    def residuals(self, rows: Rows) -> Floats:
        """The standardised columns."""
        return rows.z.clip(-CLIP, CLIP)

    def chart(self, residuals: Floats) -> Floats:
        """What the squares lose by the best split of the last `WINDOW` parts, for each column."""
        n, columns = residuals.shape
        total = np.concatenate([np.zeros((1, columns)), np.cumsum(residuals, axis=0)])
        ends = np.arange(1, n + 1)
        begins = np.maximum(ends - WINDOW, 0)
        gain = np.zeros((n, columns))
        for after in range(EDGE, WINDOW - EDGE + 1, STEP):
            splits = ends - after
            fits = splits - begins >= EDGE
            late, early = ends[fits], splits[fits]
            first = (early - begins[fits])[:, None]
            step = (total[late] - total[early]) / after - (
                total[early] - total[begins[fits]]
            ) / first
            gain[fits] = np.maximum(gain[fits], step**2 * first * after / (first + after))
        return gain

    def onset(self, rows: Rows, part: int, channel: int) -> int:
        """Where the split lies."""
        from ruptures import Binseg

        start = max(0, part + 1 - WINDOW)
        seen = self.residuals(rows)[start : part + 1, [channel]]
        if len(seen) < 2 * EDGE:
            return start
        split: int = Binseg(model="l2", min_size=EDGE, jump=1).fit(seen).predict(n_bkps=1)[0]
        return start + split
