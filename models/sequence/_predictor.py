"""What all that predict the next part share: errors of prediction, and charts of them."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import numpy as np

from models.sequence import _charts
from models.sequence.base import Channel, Floats, Rows, SequenceModel
from models.sequence.ewma import CLIP

WINDOW = 12
"""Parts that the next one is predicted from."""


class Predictor(SequenceModel):
    """Predicts each part from those before it and its circumstances, and charts what it missed by."""

    held_out: ClassVar[float] = 0.3
    """Share of the good parts, the latest, that are predicted and not learnt from."""
    least_parts = 100

    def __init__(
        self, *, window: int = WINDOW, weight: float = 0.1, false_alarms: float = 1.0, seed: int = 0
    ) -> None:
        super().__init__(false_alarms=false_alarms, seed=seed)
        self.window, self.weight = window, weight

    @abstractmethod
    def teach(self, inputs: Floats, circumstances: Floats, targets: Floats) -> None:
        """Learn from windows (m, window, d + k), circumstances (m, k) and next parts (m, d), in order."""

    @abstractmethod
    def predict(self, inputs: Floats, circumstances: Floats) -> Floats:
        """Predict the next parts (m, d)."""

    def learn(self, good: Rows) -> Floats:
        """Learn from the earlier good parts, and give the errors at the later ones."""
        inputs, circumstances, targets = self._examples(good)
        last = int(len(targets) * (1 - self.held_out))
        self.teach(inputs[:last], circumstances[:last], targets[:last])
        missed = targets[last:] - self.predict(inputs[last:], circumstances[last:])
        self.centre_, self.deviation_ = missed.mean(axis=0), missed.std(axis=0) + 1e-9
        columns = range(len(good.names))
        self.channels_ = (
            *(Channel("unlike its prediction", i) for i in columns),
            *(Channel("predictions missed to one side", i) for i in columns),
        )
        return np.asarray((missed - self.centre_) / self.deviation_)

    def residuals(self, rows: Rows) -> Floats:
        """Errors of prediction in their deviations at good parts; 0 where too few parts went before."""
        found = np.zeros_like(rows.z)
        if len(rows) > self.window:
            inputs, circumstances, targets = self._examples(rows)
            missed = targets - self.predict(inputs, circumstances)
            found[self.window :] = (missed - self.centre_) / self.deviation_
        return found

    def chart(self, residuals: Floats) -> Floats:
        """The error of each part, and the moving average of errors in its deviations."""
        average = _charts.ewma(residuals.clip(-CLIP, CLIP), self.weight)
        settled = average / _charts.ewma_deviation(self.weight)
        return np.asarray(np.abs(np.concatenate([residuals, settled], axis=1)))

    def _examples(self, rows: Rows) -> tuple[Floats, Floats, Floats]:
        z = rows.z.clip(-CLIP, CLIP)
        seen = np.concatenate([z, rows.hot], axis=1)
        windows = np.lib.stride_tricks.sliding_window_view(seen, self.window, axis=0)[:-1]
        return windows.transpose(0, 2, 1), rows.hot[self.window :], rows.z[self.window :]
