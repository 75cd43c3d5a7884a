"""What may be chosen for a training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingOptions:
    """What may be chosen; each is an option of `inspection train`."""

    model: str = "patchcore"
    backbone: str = "tf_efficientnet_lite0"
    weights: Path | None = None
    image_size_px: int | None = 256
    """None: choose by `inspection.training.image_size`."""
    latency_budget_ms: float = 50.0
    false_reject: float = 0.01
    seed: int = 0
