"""What may be chosen for a training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

FAST, BALANCED, THOROUGH = "fast", "balanced", "thorough"
EFFORTS = (FAST, BALANCED, THOROUGH)

COARSE_PX = 256
"""Side of the square with as many pixels as the coarsest scale."""

MOST_FINE_PX = 1536
"""The same for the finest scale of `thorough`: 2.4 megapixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingOptions:
    """What may be chosen; each is an option of `inspection train`.

    `image_size_px` None leaves the size to `effort`: `fast` looks at one scale, `balanced` at two, and
    `thorough` also at the pictures' own size, where that is larger.
    """

    model: str = "patchcore"
    backbone: str = "tf_efficientnet_lite0"
    weights: Path | None = None
    effort: str = BALANCED
    image_size_px: int | None = None
    false_reject: float = 0.01
    review: float = 0.05
    seed: int = 0

    def scales(self, native_px: float) -> tuple[int, tuple[int, ...]]:
        """Side of the canvas's square in px, and its scales as `shrinks`, coarsest first.

        `native_px` is the side of the square with as many pixels as the pictures have.
        """
        if self.image_size_px is not None:
            side = float(self.image_size_px)
        else:
            side = {FAST: COARSE_PX, BALANCED: 2 * COARSE_PX}.get(self.effort, native_px)
        times = round(min(side, MOST_FINE_PX) / (2 * COARSE_PX) + 1e-9)
        if self.effort == FAST or times == 0:
            return round(side), (1,)
        shrinks = (2, 1) if times == 1 else (2 * times, times, 1)
        return self.image_size_px or 2 * COARSE_PX * times, shrinks
