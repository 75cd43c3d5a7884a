"""The methods that train a network: what a file of each needs to say is its cell or its kind."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from models.sequence._predictor import Predictor
from models.sequence.base import Channel, Floats, Rows, SequenceModel
from models.sequence.ewma import CLIP

if TYPE_CHECKING:
    from torch import Tensor, nn

LEAST = 300


def torch_missing() -> str | None:
    """What must be installed before a network can be trained, or None."""
    if find_spec("torch") is not None:
        return None
    return "torch is not installed; pip install 'inspection[train]', or leave the method out"


class RecurrentPredictor(Predictor):
    """Predicts the next part by a recurrent network."""

    family = "sequence: recurrent"
    cell: ClassVar[str]
    hidden: ClassVar[int] = 32
    least_parts = LEAST

    @classmethod
    def missing(cls) -> str | None:
        """What must be installed, or None."""
        return torch_missing()

    def teach(self, inputs: Floats, circumstances: Floats, targets: Floats) -> None:
        """Train it; the latest fifth tells when to stop."""
        from torch.nn.functional import mse_loss

        from models.sequence._recurrent import NextPart, trained

        sizes = (inputs.shape[2], circumstances.shape[1], targets.shape[1])

        def loss(network: nn.Module, batch: tuple[Tensor, ...]) -> Tensor:
            return mse_loss(network(batch[0], batch[1]), batch[2])

        self.network_ = trained(
            lambda: NextPart(self.cell, *sizes, self.hidden),
            loss,
            (inputs, circumstances, targets.clip(-CLIP, CLIP)),
            name=self.name,
            seed=self.seed,
        )

    def predict(self, inputs: Floats, circumstances: Floats) -> Floats:
        """Predict the next parts."""
        from models.sequence._recurrent import applied

        return applied(self.network_, inputs, circumstances)[0]


class WindowAutoencoder(SequenceModel):
    """Rebuilds windows of parts, and says which column it rebuilds worse than those of good parts."""

    variational: ClassVar[bool]
    divergence_weight: ClassVar[float] = 0.02
    hidden: ClassVar[int] = 32
    latent: ClassVar[int] = 8
    held_out: ClassVar[float] = 0.3
    least_parts = LEAST

    def __init__(self, *, window: int = 16, false_alarms: float = 1.0, seed: int = 0) -> None:
        super().__init__(false_alarms=false_alarms, seed=seed)
        self.window = window

    @classmethod
    def missing(cls) -> str | None:
        """What must be installed, or None."""
        return torch_missing()

    def learn(self, good: Rows) -> Floats:
        """Train on windows of the earlier good parts, and measure those of the later ones."""
        from models.sequence._recurrent import Rebuild, trained

        windows = self._windows(good)
        last = int(len(windows) * (1 - self.held_out))

        def loss(network: nn.Module, batch: tuple[Tensor, ...]) -> Tensor:
            rebuilt, divergence = network(batch[0])
            found: Tensor = ((rebuilt - batch[0]) ** 2).mean()
            kind: Tensor = self.divergence_weight * divergence.mean() / self.window
            return found + kind

        self.network_: Any = trained(
            lambda: Rebuild(
                good.z.shape[1], self.hidden, self.latent, variational=self.variational
            ),
            loss,
            (windows[:last],),
            name=self.name,
            seed=self.seed,
        )
        measured = self._measured(windows[last:])
        self.centre_, self.deviation_ = measured.mean(axis=0), measured.std(axis=0) + 1e-9
        columns = range(len(good.names))
        self.channels_ = (
            *(Channel("window rebuilt badly", i) for i in columns),
            *(Channel("window off to one side", i) for i in columns),
            *([Channel("window of an unusual kind")] if self.variational else []),
        )
        return np.asarray((measured - self.centre_) / self.deviation_)

    def residuals(self, rows: Rows) -> Floats:
        """What the window that ends at each part is rebuilt by; 0 where too few parts went before."""
        found = np.zeros((len(rows), len(self.channels_)))
        if len(rows) >= self.window:
            measured = self._measured(self._windows(rows))
            found[self.window - 1 :] = (measured - self.centre_) / self.deviation_
        return found

    def chart(self, residuals: Floats) -> Floats:
        """Errors only count upward, what is off to one side counts both ways."""
        columns = len([each for each in self.channels_ if each.column is not None]) // 2
        found = residuals.copy()
        found[:, columns : 2 * columns] = np.abs(found[:, columns : 2 * columns])
        return np.maximum(found, 0.0)

    def _windows(self, rows: Rows) -> Floats:
        z = rows.z.clip(-CLIP, CLIP)
        return np.lib.stride_tricks.sliding_window_view(z, self.window, axis=0).transpose(0, 2, 1)

    def _measured(self, windows: Floats) -> Floats:
        from models.sequence._recurrent import applied

        rebuilt, divergence = applied(self.network_, windows)
        missed = windows - rebuilt
        errors = np.log(np.mean(missed**2, axis=1) + 1e-6)
        kind = [np.log(divergence[:, None] + 1e-3)] if self.variational else []
        return np.concatenate([errors, missed.mean(axis=1), *kind], axis=1)
