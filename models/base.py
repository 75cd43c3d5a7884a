"""What an anomaly model is: good images in, anomaly maps out.

Errors
------
ModelError
├── WeightsUnavailable   pretrained weights are not on this machine
└── NotFitted            asked to score before it was taught
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import openvino

Canvas = NDArray[np.uint8]
"""(H, W, 3) RGB uint8 at the model's own size; H and W are multiples of its coarsest stride."""

Progress = Callable[[str, int, int], None]
"""Called as (what, done, of) while long work goes on."""


class ModelError(Exception):
    """A model could not do what was asked; the message is one line for a person."""


class WeightsUnavailable(ModelError):
    """The pretrained weights are not on this machine."""


class NotFitted(ModelError):
    """The model was asked to score before it was taught."""


@dataclass(frozen=True, slots=True, eq=False)
class AnomalyMap:
    """Raw distances of a picture's patches to what is normal.

    `values` is float32 (h, w), higher is worse, never clipped, never rescaled, read-only.
    `score` is that of the whole picture; `offset` is the part of it that all patches share, so a
    place is at fault where its value is above the threshold less the offset.
    """

    values: NDArray[np.float32]
    score: float
    offset: float = 0.0
    neighbourhood: NDArray[np.float32] | None = None
    """Mean distance around each valid patch (h, w), what the score is the highest of."""
    detail: NDArray[np.float32] | None = None
    """What stands out on a finer grid (h', w'), 0 or more, to be added to what is shown."""

    def __post_init__(self) -> None:
        if self.values.dtype != np.float32 or self.values.ndim != 2:
            raise ValueError(
                "AnomalyMap.values: expected float32 of shape (h, w), "
                f"got {self.values.dtype} {self.values.shape}"
            )
        if not np.isfinite(self.values).all():
            raise ValueError("AnomalyMap.values: expected finite numbers, got NaN or infinity")
        detail = self.detail
        if detail is not None and (
            detail.dtype != np.float32
            or detail.ndim != 2
            or min(np.subtract(detail.shape, self.values.shape)) < 0
            or not np.isfinite(detail).all()
        ):
            raise ValueError(
                "AnomalyMap.detail: expected finite float32 on a grid no coarser than the values', "
                f"got {detail.dtype} {detail.shape}"
            )
        for plane in self.shown:
            plane.flags.writeable = False

    @property
    def shown(self) -> tuple[NDArray[np.float32], ...]:
        """The planes whose sum over the picture is its heat: the values, and the detail if any."""
        return (self.values,) if self.detail is None else (self.values, self.detail)


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A good picture as a model sees it: the canvas, and which of its pixels count.

    `canvas` is (H, W, 3) RGB uint8; `valid` is (H, W) bool, False over padding and ignored places.
    """

    canvas: Canvas
    valid: NDArray[np.bool_]


class AnomalyModel(ABC):
    """Learns what good parts look like and measures how far a picture is from it.

    Keyword hyperparameters are stored unchanged; what is learned ends in `_`. `fit` twice equals
    `fit` once: same pictures, same seed, same bits. A file here that does not begin with `_` is a
    model, and its name there is its name everywhere.
    """

    name: str
    backbone: str
    weights: Path | None
    seed: int
    smoothing_patches: float
    level: float

    @abstractmethod
    def __init__(
        self, *, backbone: str = ..., weights: Path | None = None, seed: int = 0
    ) -> None: ...

    @abstractmethod
    def fit(
        self,
        pictures: Sequence[Picture],
        *,
        folds: NDArray[np.intp],
        progress: Progress = lambda what, done, of: None,
    ) -> Self:
        """Learn from good pictures, read one at a time and as often as needed.

        `folds` (n,) puts each picture in a fold. Sets `held_out_maps_`, each picture's distances
        (h, w) by a model taught without its fold, and `descriptors_` (n, d), a summary of each.
        """

    @abstractmethod
    def distances(self, canvas: Canvas) -> NDArray[np.float32]:
        """Measure one canvas with the trained model itself: (h, w). Raises NotFitted."""

    @abstractmethod
    def program(self) -> openvino.Model:
        """Give the trained model as one program: canvas in, `distances` and `descriptor` out.

        A third output, `detail` (1, h', w'), is drawn and never scored; a model need not give it.
        """

    @abstractmethod
    def card(self) -> dict[str, Any]:
        """Give what made this model, for the recipe: hyperparameters, weights, sizes."""

    @classmethod
    def missing(cls) -> str | None:
        """Say in one line what must be installed before this model can be trained, or None."""
        return None

    held_out_maps_: NDArray[np.float32]
    descriptors_: NDArray[np.float32]


def to_grid(valid: NDArray[np.bool_], height: int, width: int) -> NDArray[np.bool_]:
    """Reduce pixel validity (H, W) to patches (height, width): valid where most pixels are."""
    share = cv2.resize(valid.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(share > 0.5)


def anomaly_map(
    distances: NDArray[np.float32],
    valid: NDArray[np.bool_],
    *,
    smoothing_patches: float,
    level: float,
    detail: NDArray[np.float32] | None = None,
) -> AnomalyMap:
    """Keep the distances (h, w) as the map, and score the picture by its worst neighbourhood.

    The score is the highest Gaussian-weighted mean of distances (sigma `smoothing_patches`) plus
    `level` times the mean of all: a lone noisy patch counts less than two beside each other, and a
    place in a picture unusual all over counts more. Only valid patches score; the map also has those
    beside them. An average is never above what it averages, so a picture over a limit has a
    patch above the limit less the offset.
    `detail` (h', w') says on a finer grid what stands out; it is shown, and is no part of the score.
    Raises ValueError when no patch is valid.
    """
    if not valid.any():
        raise ValueError("anomaly_map: expected at least one valid patch, got none")
    weight = valid.astype(np.float32)
    values = distances * weight
    blurred, share = (
        cv2.GaussianBlur(plane, (0, 0), sigmaX=smoothing_patches, borderType=cv2.BORDER_REFLECT_101)
        for plane in (values, weight)
    )
    smooth = blurred / np.maximum(share, 1e-6)
    offset = level * float(distances[valid].mean())
    # Patches half outside do not score, they are too noisy, but outlines should reach the edge.
    beside = cv2.dilate(weight, np.ones((3, 3), dtype=np.uint8)) > 0
    shown = np.where(beside, distances, 0.0).astype(np.float32)
    worst = float(smooth[valid].max())
    around = (smooth * weight).astype(np.float32)
    fine = None if detail is None else _standing_out(detail, valid=valid, beside=beside)
    return AnomalyMap(shown, worst + offset, offset, around, fine)


def _standing_out(
    detail: NDArray[np.float32], *, valid: NDArray[np.bool_], beside: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Give by how much `detail` (h', w') is above its mean over the `valid` patches (h, w)."""
    size = detail.shape[::-1]
    inside, near = (
        cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
        for mask in (valid, beside)
    )
    return np.where(near, np.maximum(detail - detail[inside].mean(), 0.0), 0.0).astype(np.float32)
