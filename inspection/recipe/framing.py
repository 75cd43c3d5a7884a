"""From the camera's picture to the canvas the model sees: straighten, place, measure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from inspection.errors import CannotInspect
from inspection.reasons import Reason
from inspection.recipe.alignment import Pose, locate
from inspection.recipe.geometry import Canvas, Placement
from inspection.recipe.image_health import measure
from inspection.recipe.prepare import prepare
from inspection.recipe.setup_file import Setup

Image = NDArray[np.uint8]

OUT_OF_VIEW = 0.02
"""Share of a region of interest that may lie outside the picture: rounding at its edges."""


@dataclass(frozen=True, slots=True, eq=False)
class CanvasLayout:
    """How pictures of one size lie on the canvas, and which canvas pixels (H, W) are inspected."""

    placement: Placement
    valid: NDArray[np.bool_]


class Framing:
    """Canvas, set-up and reference of a product, as training and judging share them.

    `reference` (H, W) or (H, W, 3) is the picture parts are aligned to, if they are.
    """

    def __init__(self, canvas: Canvas, setup: Setup, reference: Image) -> None:
        self.canvas = canvas
        self.setup = setup
        self.reference = _grey(reference)
        self.view = lru_cache(maxsize=32)(self._view)

    def straighten(self, image: Image) -> tuple[Image, Pose | None]:
        """Bring a picture, (H, W) or (H, W, 3) uint8, to the reference's place. Raises CannotInspect."""
        if self.setup.align is None:
            return image, None
        pose = locate(_grey(image), self.reference, self.setup.align)
        if pose.problem:
            raise CannotInspect(pose.problem)
        return pose.straighten(image), pose

    def canvas_of(self, image: Image) -> tuple[Image, dict[str, float], Pose | None]:
        """Straighten, place, measure and prepare a picture: its canvas, its health numbers and its pose."""
        canvas, numbers, pose = self.raw_canvas_of(image)
        return self.prepared(canvas), numbers, pose

    def raw_canvas_of(self, image: Image) -> tuple[Image, dict[str, float], Pose | None]:
        """The same, with the canvas not yet prepared."""
        straight, canvas, place, pose = self._laid(image)
        numbers = self.health_of(straight, canvas, place)
        return canvas, numbers if pose is None else numbers | {"alignment": pose.likeness}, pose

    def unmeasured_canvas_of(self, image: Image) -> Image:
        """The canvas alone, not yet prepared: measuring a large picture takes another 100 MB."""
        return self._laid(image)[1]

    def _laid(self, image: Image) -> tuple[Image, Image, Placement, Pose | None]:
        """The straightened picture, its canvas, where it lies there, and its pose."""
        straight, pose = self.straighten(image)
        place = self.placed(image.shape, pose).placement
        return straight, place.to_canvas(straight), place, pose

    def prepared(self, canvas: Image) -> Image:
        """A canvas as the model sees it, after the steps that the set-up asks for."""
        return prepare(canvas, self.setup.prepare)

    def health_of(self, straight: Image, canvas: Image, place: Placement) -> dict[str, float]:
        """Measure the whole straightened picture at the canvas's size, also where a part is seen.

        A defect may fill most of a small region of interest; it must not pass for bad light.
        """
        whole = self.canvas.place(straight.shape[0], straight.shape[1])
        return measure(whole.of_picture(canvas if place == whole else whole.to_canvas(straight)))

    def to_picture(
        self, shape: tuple[int, ...], *planes: NDArray[np.float32], pose: Pose | None
    ) -> NDArray[np.float32]:
        """Bring the sum of canvas planes (h, w) to the pixels (H, W) of a camera's picture.

        `shape` is that of the picture (H, W, ...), `pose` where judging it found the part.
        """
        over = self.view((shape[0], shape[1])).placement.to_picture(*planes)
        if pose is None:
            return over
        size = (shape[1], shape[0])
        return np.asarray(
            cv2.warpAffine(over, pose.matrix, size, flags=cv2.INTER_LINEAR), np.float32
        )

    def placed(self, shape: tuple[int, ...], pose: Pose | None) -> CanvasLayout:
        """Lay out a camera's picture (H, W, ...): what the camera did not see is not valid.

        Raises CannotInspect when a part of the region of interest is out of the picture.
        """
        view = self.view((shape[0], shape[1]))
        if pose is None:
            return view
        seen = view.valid & view.placement.valid(pose.in_view(shape[0], shape[1]))
        missing = 1.0 - seen.sum() / view.valid.sum()
        if missing > (OUT_OF_VIEW if self.setup.roi else 0.5):
            percent = round(100.0 * float(missing))
            raise CannotInspect(Reason("partly_out_of_view", {"percent": percent}))
        return CanvasLayout(view.placement, seen)

    def _view(self, size_px: tuple[int, int]) -> CanvasLayout:
        if self.setup.align is not None:
            size_px = (self.reference.shape[0], self.reference.shape[1])
        placement = self.canvas.place(*size_px, self.setup.window(size_px))
        valid = placement.valid(self.setup.inspected(size_px))
        if not valid.any():
            raise CannotInspect(Reason("nothing_to_inspect"))
        return CanvasLayout(placement, valid)


def _grey(image: Image) -> Image:
    grey = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return np.asarray(grey, dtype=np.uint8)
