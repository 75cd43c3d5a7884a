"""Recurrent networks in torch: small, seeded, and stopped early on the latest good parts."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models.sequence.base import SequenceError

Floats = NDArray[np.float64]

EPOCHS, PATIENCE, BATCH, AT_ONCE = 80, 8, 64, 4096
RATE, DECAY = 3e-3, 1e-3
STOPPING = 0.2
"""Share of the examples, the latest, that only tell when to stop."""


class NextPart(nn.Module):
    """A recurrent network over a window, and a linear head that knows the next part's circumstances."""

    def __init__(
        self, cell: str, inputs: int, circumstances: int, outputs: int, hidden: int
    ) -> None:
        super().__init__()
        self.recurrent = getattr(nn, cell)(inputs, hidden, batch_first=True)
        self.head = nn.Linear(hidden + circumstances, outputs)

    def forward(self, windows: Tensor, circumstances: Tensor) -> Tensor:
        """Predict (m, d) from windows (m, window, d + k) and circumstances (m, k)."""
        states, _ = self.recurrent(windows)
        predicted: Tensor = self.head(torch.cat([states[:, -1], circumstances], dim=1))
        return predicted


class Rebuild(nn.Module):
    """An LSTM that reads a window into a few numbers, and one that writes it again from them."""

    def __init__(self, columns: int, hidden: int, latent: int, *, variational: bool) -> None:
        super().__init__()
        self.variational, self.latent = variational, latent
        self.reader = nn.LSTM(columns, hidden, batch_first=True)
        self.middle = nn.Linear(hidden, 2 * latent if variational else latent)
        self.writer = nn.LSTM(latent, hidden, batch_first=True)
        self.head = nn.Linear(hidden, columns)

    def forward(self, windows: Tensor) -> tuple[Tensor, Tensor]:
        """Rebuild windows (m, window, d); also give the divergence (m,) from the prior, or 0."""
        states, _ = self.reader(windows)
        middle = self.middle(states[:, -1])
        divergence = torch.zeros(len(windows))
        if self.variational:
            mean, log_variance = middle[:, : self.latent], middle[:, self.latent :].clamp(-8, 8)
            divergence = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum(dim=1)
            noise = torch.randn_like(mean) if self.training else torch.zeros_like(mean)
            middle = mean + noise * (0.5 * log_variance).exp()
        written, _ = self.writer(middle[:, None].expand(-1, windows.shape[1], -1))
        return self.head(written), divergence


def trained(
    make: Callable[[], nn.Module],
    loss: Callable[[nn.Module, tuple[Tensor, ...]], Tensor],
    arrays: tuple[Floats, ...],
    *,
    name: str,
    seed: int,
) -> nn.Module:
    """Train on the earlier examples, keep the weights that are best on the latest.

    Same arrays, same seed, same weights. Raises SequenceError where it does not converge.
    """
    tensors = tuple(tensor(each) for each in arrays)
    early = int(len(tensors[0]) * (1 - STOPPING))
    teaching, stopping = [
        [each[part] for each in tensors] for part in (slice(early), slice(early, None))
    ]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = make()
        optimiser = torch.optim.Adam(network.parameters(), lr=RATE, weight_decay=DECAY)
        best, state, waited = np.inf, deepcopy(network.state_dict()), 0
        for _ in range(EPOCHS):
            network.train()
            for rows in torch.split(torch.randperm(early), BATCH):
                optimiser.zero_grad()
                loss(network, tuple(each[rows] for each in teaching)).backward()  # type: ignore[no-untyped-call]
                optimiser.step()
            network.eval()
            with torch.no_grad():
                found = float(loss(network, tuple(stopping)))
            if found < best - 1e-4:
                best, state, waited = found, deepcopy(network.state_dict()), 0
            elif (waited := waited + 1) >= PATIENCE:
                break
    if not np.isfinite(best):
        raise SequenceError(
            f"method {name}: its training did not converge; learn from other parts, or leave it out"
        )
    network.load_state_dict(state)
    return network.eval()


def applied(network: nn.Module, *arrays: Floats) -> list[Floats]:
    """Run a network over examples, so many at once; each of its outputs as one array."""
    outputs: list[Any] = []
    with torch.no_grad():
        for start in range(0, len(arrays[0]), AT_ONCE):
            found = network(*(tensor(each[start : start + AT_ONCE]) for each in arrays))
            outputs.append(found if isinstance(found, tuple) else (found,))
    return [torch.cat(each).numpy().astype(np.float64) for each in zip(*outputs, strict=True)]


def tensor(array: Floats) -> Tensor:
    """A copy of an array as torch has it."""
    return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))
