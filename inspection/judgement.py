"""What was decided about one part, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from inspection.reasons import Reason
    from inspection.recipe.alignment import Pose
    from models import AnomalyMap


class Verdict(StrEnum):
    """The closed list of answers. To the PLC, all but PASS is a reject."""

    PASS = "PASS"
    FAIL = "FAIL"
    REVIEW = "REVIEW"
    CANNOT_INSPECT = "CANNOT_INSPECT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """One connected defect, in pixels of the camera's picture: the core of its heat.

    `accepted` is True where the rules of its zone allow it. `outline` holds the corners (x, y) of the
    core's contour: it is recorded and drawn, and not told to the line.
    """

    x_px: int
    y_px: int
    width_px: int
    height_px: int
    area_px: float
    area_mm2: float | None
    peak_score: float
    zone: str | None = None
    label: str | None = None
    accepted: bool = False
    outline: tuple[tuple[float, float], ...] = field(default=(), compare=False, repr=False)

    @property
    def corners(self) -> Sequence[tuple[float, float]]:
        """The outline, or the corners of the box where there is none."""
        if len(self.outline) >= 3:
            return self.outline
        right, bottom = self.x_px + self.width_px, self.y_px + self.height_px
        return [(self.x_px, self.y_px), (right, self.y_px), (right, bottom), (self.x_px, bottom)]

    def moved(self, right_px: int) -> Region:
        """The same region in a picture that begins further left."""
        outline = tuple((x + right_px, y) for x, y in self.outline)
        return replace(self, x_px=self.x_px + right_px, outline=outline)

    def as_json(self) -> dict[str, Any]:
        """Plain data for messages, without the outline."""
        names = (each.name for each in fields(self) if each.name != "outline")
        return {name: getattr(self, name) for name in names}


def core_mask(regions: Sequence[Region], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Which pixels of a picture (H, W, ...) lie in the core of a region at fault: (H, W)."""
    import cv2  # only where pictures are drawn

    mask = np.zeros(shape[:2], dtype=np.uint8)
    for region in regions:
        if not region.accepted:
            cv2.fillPoly(mask, [np.array(region.corners).round().astype(np.int32)], 1)
    return mask > 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Judgement:
    """The verdict on one part with its evidence.

    `score` is raw, higher is worse; `p_value` is how often a good part looks this unusual. Both are
    None when the picture could not be judged. `cause` is why, as a code with its values.
    `health` holds the measured image-health numbers; `latency_ms` the time of each stage and `total`.
    `pose` is where an aligned part lay; with it the `anomaly_map` is drawn over the picture.
    """

    verdict: Verdict
    cause: Reason
    recipe_id: str
    score: float | None = None
    p_value: float | None = None
    threshold: float | None = None
    regions: tuple[Region, ...] = ()
    health: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    latency_ms: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    anomaly_map: AnomalyMap | None = None
    pose: Pose | None = None

    def __post_init__(self) -> None:
        judged = (self.score, self.p_value, self.threshold)
        if self.verdict is Verdict.CANNOT_INSPECT:
            return
        if any(value is None for value in judged):
            raise ValueError(
                f"Judgement: {self.verdict} needs score, p_value and threshold, got {judged}"
            )
        if any(value != value for value in judged):
            raise ValueError(
                f"Judgement: score, p_value and threshold must be numbers, got {judged}"
            )

    @property
    def reason(self) -> str:
        """Why, as one English sentence for a person."""
        return self.cause.sentence

    def as_json(self) -> dict[str, Any]:
        """The fields of the `--json` contract, in its order, without the image's name."""
        names = (
            "x_px",
            "y_px",
            "width_px",
            "height_px",
            "area_px",
            "area_mm2",
            "peak_score",
            "zone",
        )
        return {
            "verdict": self.verdict.value,
            "score": self.score,
            "p_value": self.p_value,
            "threshold": self.threshold,
            "regions": [
                {name: getattr(region, name) for name in names}
                | {"accepted": region.accepted, "label": region.label}
                for region in self.regions
            ],
            "reason": self.reason,
            "recipe_id": self.recipe_id,
            "latency_ms": dict(self.latency_ms),
            "health": dict(self.health),
        }
