"""Teaching small torch networks on patches: seeded, by mini batches, stopped early."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch

from models.base import ModelError

Network = TypeVar("Network", bound=torch.nn.Module)
Loss = Callable[[torch.Tensor], torch.Tensor]

KEPT_APART = 0.1
"""Of the patches: what they cost says when to stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """How long to teach: patches or pictures a step, and when to look whether to stop."""

    batch: int = 1024
    least_steps: int = 100
    most_steps: int = 1500
    check_every: int = 50
    patience: int = 4
    """Checks in a row that may cost no less before it stops."""


PATCHES = Schedule()


def teach(
    network: Network,
    points: torch.Tensor,
    loss: Loss,
    *,
    rng: np.random.Generator,
    name: str,
    device: str = "cpu",
    learning_rate: float = 2e-3,
    schedule: Schedule = PATCHES,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Network:
    """Teach until points kept apart cost no less for as long as the schedule says; keep the best.

    `points` (n, ...) are shuffled; `loss` is of a batch, on torch's `device`. The network
    comes back to the processor. Raises ModelError where it diverges.
    """
    order = torch.from_numpy(rng.permutation(len(points)))
    apart = points[order[: max(1, int(KEPT_APART * len(points)))]][: 4 * schedule.batch]
    own = points[order[len(apart) :]] if len(points) > len(apart) else apart
    network, apart = network.to(device), apart.to(device)
    optimizer = torch.optim.AdamW(network.parameters(), lr=learning_rate, weight_decay=1e-4)
    best, best_state, worse = float("inf"), copy.deepcopy(network.state_dict()), 0
    generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
    with torch.random.fork_rng(devices=[]), torch.device(device):
        torch.manual_seed(int(rng.integers(2**31)))
        for step in range(1, schedule.most_steps + 1):
            network.train()
            picked = torch.randint(
                len(own), (min(schedule.batch, len(own)),), generator=generator, device="cpu"
            )
            cost = loss(own[picked].to(device))
            optimizer.zero_grad()
            cost.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            if step % schedule.check_every:
                continue
            progress(step, schedule.most_steps)
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
            if worse >= schedule.patience and step >= schedule.least_steps:
                break
    network.load_state_dict(best_state)
    return network.cpu().eval()


def seeded(make: Callable[[], Network], rng: np.random.Generator) -> Network:
    """Make a network with weights drawn from `rng`, whatever torch drew before."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(rng.integers(2**31)))
        return make()
