"""What may be chosen for a training."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FAST, BALANCED, THOROUGH = "fast", "balanced", "thorough"
EFFORTS = (FAST, BALANCED, THOROUGH)

DEFAULT_MODEL = "patchcore"
AUTO = "auto"
"""In place of a model's name: the one that tells drawn-in defects best."""

CANDIDATES = (DEFAULT_MODEL, "mahalanobis", "padim", "kmeans", "feature_autoencoder", "ensemble")
"""Tried by AUTO in this order; the first is kept unless another is clearly better."""

COARSE_PX = 256
"""Side of the square with as many pixels as the coarsest scale."""

MOST_FINE_PX = 4800
"""The same for the finest scale: 23 megapixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What an error costs, in one unit for both, and the share of parts that are bad.

    Raises ValueError for a cost that is not more than 0, or a share not between 0 and 1.
    """

    escape: float = 100.0
    overkill: float = 1.0
    defect_rate: float = 0.01

    def __post_init__(self) -> None:
        for name, cost in (("escape", self.escape), ("overkill", self.overkill)):
            if not 0 < cost < math.inf:
                raise ValueError(f"{name} cost must be more than 0, got {cost}")
        if not 0 < self.defect_rate < 1:
            raise ValueError(f"defect rate must be between 0 and 1, got {self.defect_rate}")

    def of(self, *, escape_rate: float, overkill_rate: float) -> float:
        """Expected cost of a part, from the share of bad ones that pass and of good ones that do not."""
        bad = self.defect_rate * self.escape * escape_rate
        return bad + (1 - self.defect_rate) * self.overkill * overkill_rate


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingOptions:
    """What may be chosen; each is an option of `inspection train`.

    `members` and `rule` are those of the model `ensemble`; None leaves its own.
    `image_size_px` None leaves the size to `effort`: `fast` looks at one scale, `balanced` at two, and
    `thorough` also at the pictures' own size, where that is larger. `defects` is a folder of pictures
    of bad parts; the limit they propose by `costs` is used only with `take_proposed_limit`; with
    `defect_head` what looks like them is rejected, too. `device` is one of `models.training_devices`. `prepare`
    names the steps done to pictures, `auto` alone those that help; None leaves the set-up's.
    """

    model: str = DEFAULT_MODEL
    members: tuple[str, ...] | None = None
    rule: str | None = None
    backbone: str = "tf_efficientnet_lite0"
    weights: Path | None = None
    effort: str = BALANCED
    image_size_px: int | None = None
    false_reject: float = 0.01
    review: float = 0.05
    seed: int = 0
    defects: Path | None = None
    costs: Costs = Costs()
    take_proposed_limit: bool = False
    defect_head: bool = False
    device: str = "cpu"
    prepare: tuple[str, ...] | None = None

    def of_model(self) -> dict[str, Any]:
        """Hyperparameters that the model asked for has, and others do not."""
        given = {"members": self.members, "rule": self.rule}
        return {name: value for name, value in given.items() if value is not None}

    def scales(self, size_px: tuple[float, float]) -> tuple[float, tuple[int, ...]]:
        """Side of the canvas's square in px, and its scales as `shrinks`, coarsest first.

        `size_px` (height, width) is that of the pictures. `thorough` looks at their own size;
        `balanced` at twice the coarsest, and at long strips as closely as their short side asks for.
        """
        native = min((size_px[0] * size_px[1]) ** 0.5, MOST_FINE_PX)
        usual = 2.0 * COARSE_PX
        if self.image_size_px is not None:
            side = float(self.image_size_px)
        elif self.effort == THOROUGH:
            side = max(native, usual)
        else:
            aspect = max(size_px) / min(size_px)
            side = max(usual, min(native, COARSE_PX * aspect**0.5))
        times = int(side / usual + 0.25)  # one scale below 384 px
        if self.effort == FAST or times == 0:
            return (self.image_size_px or COARSE_PX), (1,)
        return side, (2, 1) if times == 1 else (2 * times, times, 1)
