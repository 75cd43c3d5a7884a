"""Between the camera's picture and the model's canvas: one scale, no squashing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The part of a picture that is brought to the canvas, in its pixels."""

    top_px: int
    left_px: int
    height_px: int
    width_px: int

    @classmethod
    def whole(cls, height_px: int, width_px: int) -> Window:
        """All of a picture of this size."""
        return cls(top_px=0, left_px=0, height_px=height_px, width_px=width_px)

    @property
    def size_px(self) -> tuple[int, int]:
        """Height and width."""
        return self.height_px, self.width_px

    def of(self, picture: NDArray[Any]) -> NDArray[Any]:
        """This part of a picture (H, W, ...); a view, not a copy."""
        rows = slice(self.top_px, self.top_px + self.height_px)
        return picture[rows, self.left_px : self.left_px + self.width_px]


LONGEST_PX = 16_384
"""Of a side; no picture is longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Canvas:
    """The size all pictures are brought to; both sides are multiples of the coarsest stride."""

    height_px: int
    width_px: int

    def __post_init__(self) -> None:
        for name in ("height_px", "width_px"):
            if not 1 <= (value := getattr(self, name)) <= LONGEST_PX:
                raise ValueError(f"Canvas.{name}: expected 1 to {LONGEST_PX}, got {value}")

    @property
    def nbytes(self) -> int:
        """Of its pixels in RGB."""
        return 3 * self.height_px * self.width_px

    def times(self, factor: int) -> Canvas:
        """A canvas with sides so many times as long."""
        return Canvas(height_px=factor * self.height_px, width_px=factor * self.width_px)

    def place(self, height_px: int, width_px: int, window: Window | None = None) -> Placement:
        """Fit a picture of this size, or a window of it, in the middle, keeping its aspect."""
        part = window or Window.whole(height_px, width_px)
        scale = min(self.height_px / part.height_px, self.width_px / part.width_px)
        height = min(self.height_px, max(1, round(part.height_px * scale)))
        width = min(self.width_px, max(1, round(part.width_px * scale)))
        top, left = (self.height_px - height) // 2, (self.width_px - width) // 2
        return Placement(self, height_px, width_px, part, top, left, height, width)


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the window of a `picture_height_px` × `picture_width_px` picture lies on its canvas."""

    canvas: Canvas
    picture_height_px: int
    picture_width_px: int
    window: Window
    top_px: int
    left_px: int
    height_px: int
    width_px: int

    @property
    def scale(self) -> tuple[float, float]:
        """Canvas pixels per picture pixel, down and across; equal but for rounding."""
        return self.height_px / self.window.height_px, self.width_px / self.window.width_px

    def to_canvas(self, image: Image) -> Image:
        """Bring a (H, W, 3) or (H, W) uint8 picture to (height, width, 3); padding mirrors the edge."""
        resized = _resize(self.window.of(image), self.height_px, self.width_px)
        if resized.ndim == 2:
            resized = np.repeat(resized[..., None], 3, axis=2)
        below = self.canvas.height_px - self.height_px - self.top_px
        right = self.canvas.width_px - self.width_px - self.left_px
        if not (self.top_px or self.left_px or below or right):
            return np.ascontiguousarray(resized)
        mirrors = min(self.height_px, self.width_px) > max(below, right) + 1
        border = cv2.BORDER_REFLECT_101 if mirrors else cv2.BORDER_REPLICATE
        sides = (self.top_px, below, self.left_px, right)
        return np.asarray(cv2.copyMakeBorder(resized, *sides, border), dtype=np.uint8)

    def of_picture(self, canvas: NDArray[Any]) -> NDArray[Any]:
        """The part of a canvas (H, W, ...) that holds the picture's window; a view, not a copy."""
        rows = slice(self.top_px, self.top_px + self.height_px)
        return canvas[rows, self.left_px : self.left_px + self.width_px]

    def valid(self, mask: NDArray[np.bool_] | None = None) -> NDArray[np.bool_]:
        """Which canvas pixels hold the window, and lie inside `mask` (H, W of the picture)."""
        out = np.zeros((self.canvas.height_px, self.canvas.width_px), dtype=np.uint8)
        inside = self.of_picture(out)
        if mask is None:
            inside[:] = 1
        else:
            size = (self.width_px, self.height_px)
            shares = cv2.resize(
                self.window.of(mask).astype(np.float32), size, interpolation=cv2.INTER_AREA
            )
            inside[:] = shares > 0.5
        return out.astype(bool)

    def to_picture(self, *planes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Bring the sum of planes over the canvas, each of its own grid (h, w), to the picture (H, W).

        Outside the window it is 0.
        """
        size = (self.canvas.width_px, self.canvas.height_px)
        each = [cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR) for plane in planes]
        over = np.sum(each, axis=0)
        size = (self.window.width_px, self.window.height_px)
        picture = np.zeros((self.picture_height_px, self.picture_width_px), dtype=np.float32)
        self.window.of(picture)[:] = cv2.resize(
            self.of_picture(over), size, interpolation=cv2.INTER_LINEAR
        )
        return picture

    def picture_xy(self, x_px: float, y_px: float) -> tuple[float, float]:
        """The point of the picture, in its pixels, that lies at this point of the canvas."""
        down, across = self.scale
        x = (x_px - self.left_px) / across + self.window.left_px
        return x, (y_px - self.top_px) / down + self.window.top_px


def choose_canvas(shapes: list[tuple[int, int]], *, size_px: float, multiple: int) -> Canvas:
    """Choose the canvas of about `size_px`² pixels with the median aspect of `shapes` (H, W)."""
    aspect = float(np.median([height / width for height, width in shapes]))
    height = size_px * aspect**0.5
    sides = [max(multiple, round(side / multiple) * multiple) for side in (height, height / aspect)]
    return Canvas(height_px=sides[0], width_px=sides[1])


def _resize(image: Image, height_px: int, width_px: int) -> Image:
    shrinks = height_px < image.shape[0]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (width_px, height_px), interpolation=method), np.uint8)
