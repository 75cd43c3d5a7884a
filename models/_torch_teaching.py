"""Teaching small torch networks on patches: seeded, by mini batches, stopped early."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import torch

from models.base import ModelError

Network = TypeVar("Network", bound=torch.nn.Module)
Loss = Callable[[torch.Tensor], torch.Tensor]

BATCH, LEAST_STEPS, MOST_STEPS, CHECK_EVERY, PATIENCE = 1024, 100, 1500, 50, 4
KEPT_APART = 0.1
"""Of the patches: what they cost says when to stop."""


def teach(
    network: Network,
    points: torch.Tensor,
    loss: Loss,
    *,
    rng: np.random.Generator,
    name: str,
    learning_rate: float = 2e-3,
) -> Network:
    """Teach until points kept apart cost no less, PATIENCE checks long; keep the best.

    `points` (n, ...) are shuffled; `loss` is of a batch. Raises ModelError where it diverges.
    """
    order = torch.from_numpy(rng.permutation(len(points)))
    apart = points[order[: max(1, int(KEPT_APART * len(points)))]][: 4 * BATCH]
    own = points[order[len(apart) :]] if len(points) > len(apart) else apart
    optimizer = torch.optim.AdamW(network.parameters(), lr=learning_rate, weight_decay=1e-4)
    best, best_state, worse = float("inf"), copy.deepcopy(network.state_dict()), 0
    generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(rng.integers(2**31)))
        for step in range(1, MOST_STEPS + 1):
            network.train()
            picked = torch.randint(len(own), (min(BATCH, len(own)),), generator=generator)
            cost = loss(own[picked])
            optimizer.zero_grad()
            cost.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            if step % CHECK_EVERY:
                continue
            network.eval()
            with torch.no_grad():
                now = float(loss(apart))
            if not np.isfinite(now):
                raise ModelError(
                    f"{name}: it diverged after {step} steps (its loss is {now}); "
                    "try another --seed, more good pictures, or --model patchcore"
                )
            worse = 0 if now < best - 1e-4 else worse + 1
            if now < best:
                best, best_state = now, copy.deepcopy(network.state_dict())
            if worse >= PATIENCE and step >= LEAST_STEPS:
                break
    network.load_state_dict(best_state)
    return network.eval()


def seeded(make: Callable[[], Network], rng: np.random.Generator) -> Network:
    """Make a network with weights drawn from `rng`, whatever torch drew before."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(rng.integers(2**31)))
        return make()
