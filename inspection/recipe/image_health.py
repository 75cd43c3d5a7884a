"""Is this picture fit to be judged? Numbers measured on the canvas, limits learnt from good parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from inspection.reasons import Reason

CanvasImage = NDArray[np.uint8]

# How far beyond the good parts' own range a picture may go, as (share of the range, at least).
# Wide on purpose: a health limit is to stop what cannot be judged, not to judge.
SLACK = {
    "brightness": (1.0, 25.0),
    "contrast": (0.75, 5.0),
    "saturated_share": (1.0, 0.05),
    "colour": (1.0, 12.0),
}
UNSATURATED_SLACK = 0.25
"""Share of what good parts leave unsaturated that may be saturated in a picture, too: one that lacks a piece."""
APPEARANCE_DISTANCE = "strangeness"
"""Name of `GlobalAppearance.distance` among the health numbers of recipes and records."""
EMBEDDING = "embedding_"
"""What the names of `GlobalAppearance.embedding` begin with there; a number from 1 follows."""
EMBEDDED, FEWEST_EMBEDDED = 6, 10
"""Most directions of the embedding, and good pictures from which on there is one."""
TOO_LOW = {
    "brightness": "too_dark",
    "contrast": "too_flat",
    "sharpness": "blurred",
    "colour": "colours_missing",
    "alignment": "other_part",
}
TOO_HIGH = {
    "brightness": "too_bright",
    "contrast": "too_much_contrast",
    "sharpness": "too_sharp",
    "saturated_share": "over_exposed",
    "colour": "colours_too_strong",
    APPEARANCE_DISTANCE: "unlike_good_parts",
}
"""Codes of a number out of its limits. Units: grey levels 0..255, shares 0..1."""

SHARPNESS_FACTOR = 2.5
APPEARANCE_FACTOR = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Lowest and highest value allowed of each number; None where there is no limit."""

    low: Mapping[str, float]
    high: Mapping[str, float]

    def problem(self, measured: Mapping[str, float]) -> Reason | None:
        """The first number that is out of its limits, as the reason not to judge; None if all fit."""
        for name, value in measured.items():
            low, high = self.low.get(name), self.high.get(name)
            if low is not None and value < low:
                return Reason(TOO_LOW[name], {"value": value, "limit": low})
            if high is not None and value > high:
                return Reason(TOO_HIGH[name], {"value": value, "limit": high})
        return None


def measure(part: CanvasImage) -> dict[str, float]:
    """Measure the part (H, W, 3) RGB uint8 of a canvas that holds the picture, in grey levels."""
    grey = cv2.cvtColor(part, cv2.COLOR_RGB2GRAY)
    mean, deviation = cv2.meanStdDev(grey)
    edges = cv2.norm(cv2.Laplacian(grey, cv2.CV_16S), cv2.NORM_L1)
    return {
        "brightness": float(mean[0, 0]),
        "contrast": float(deviation[0, 0]),
        "sharpness": float(edges / grey.size),
        "saturated_share": float(np.count_nonzero(grey >= 250) / grey.size),
        "colour": _colour(part),
    }


def learn_limits(measured: Sequence[Mapping[str, float]]) -> Limits:
    """Set limits around what good parts measured (one mapping each)."""
    low: dict[str, float] = {}
    high: dict[str, float] = {}
    for name, (share, least) in SLACK.items():
        values = np.array([m[name] for m in measured])
        slack = max(share * float(np.ptp(values)), least)
        low[name], high[name] = float(values.min()) - slack, float(values.max()) + slack
    low["contrast"] = max(low["contrast"], 0.35 * min(m["contrast"] for m in measured))
    saturated = max(m["saturated_share"] for m in measured)
    unsaturated = saturated + UNSATURATED_SLACK * (1 - saturated)
    high["saturated_share"] = max(high["saturated_share"], unsaturated)
    low["brightness"] = max(low["brightness"], 0.25 * min(m["brightness"] for m in measured))
    sharpness = [m["sharpness"] for m in measured]
    low["sharpness"] = min(sharpness) / SHARPNESS_FACTOR
    high["sharpness"] = max(sharpness) * SHARPNESS_FACTOR
    del low["saturated_share"], low["colour"]
    if all("alignment" in m for m in measured):
        low["alignment"] = 0.7 * min(m["alignment"] for m in measured)
    if all(m["colour"] > 1.0 for m in measured):
        low["colour"] = 0.25 * min(m["colour"] for m in measured)
    return Limits(low=low, high=high)


NO_DIRECTIONS: NDArray[np.float32] = np.zeros((0, 0), np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class GlobalAppearance:
    """How the good parts' descriptors (n, d) lie: per component `mean` and `spread` (d,).

    `directions` (k, d) are those in which they vary most, divided by how much; empty in older recipes.
    """

    mean: NDArray[np.float32]
    spread: NDArray[np.float32]
    directions: NDArray[np.float32] = field(default_factory=lambda: NO_DIRECTIONS)

    def distance(self, descriptor: NDArray[np.float32]) -> float:
        """Root mean square deviation of a picture's descriptor (d,), in spreads of the good parts'."""
        return float(np.sqrt(np.mean(np.square((descriptor - self.mean) / self.spread))))

    def embedding(self, descriptor: NDArray[np.float32]) -> dict[str, float]:
        """Where a picture as a whole lies among the good ones, in their deviations, for the stream of parts."""
        if not len(self.directions):
            return {}
        at = self.directions @ (descriptor - self.mean)
        return {f"{EMBEDDING}{k}": round(float(value), 3) for k, value in enumerate(at, 1)}


def learn_appearance(descriptors: NDArray[np.float32]) -> tuple[GlobalAppearance, float]:
    """Learn from descriptors (n, d) how good pictures look as a whole, and the distance to allow.

    Spreads are shrunk towards their mean, as there may be fewer pictures than components.
    """
    mean, spread = descriptors.mean(0), descriptors.std(0)
    typical = float(np.sqrt(np.mean(np.square(spread)))) or 1e-3
    appearance = GlobalAppearance(
        mean,
        np.sqrt(0.5 * spread**2 + 0.5 * typical**2).astype(np.float32),
        _directions(descriptors - mean),
    )
    worst = max(appearance.distance(d) for d in descriptors)
    return appearance, APPEARANCE_FACTOR * max(worst, 1.0)


def _directions(deviations: NDArray[np.float32]) -> NDArray[np.float32]:
    """The principal directions of descriptors (n, d), each divided by their deviation along it.

    Empty where they do not vary, or are too few.
    """
    if len(deviations) < FEWEST_EMBEDDED:
        return NO_DIRECTIONS
    _, singular, rows = np.linalg.svd(deviations.astype(np.float64), full_matrices=False)
    varies = singular[:EMBEDDED] > 1e-6 * max(singular[0], 1e-12)
    signs = np.sign(rows[np.arange(len(rows)), np.abs(rows).argmax(1)])
    scaled = (signs[:, None] * rows)[:EMBEDDED][varies] / singular[:EMBEDDED][varies, None]
    return np.asarray(scaled * np.sqrt(len(deviations)), np.float32)


def _colour(part: CanvasImage) -> float:
    """Mean distance of the colour planes from each other; 0 for a grey picture."""
    red, green, blue = (part[..., i] for i in range(3))
    size = red.size
    return float((cv2.norm(red, green, cv2.NORM_L1) + cv2.norm(green, blue, cv2.NORM_L1)) / size)
