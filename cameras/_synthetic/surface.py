"""What a part's surface does with light, before anything of one part alone is added.

`surface_layers` draws a product once, at twice the picture's size, and keeps it; one part is this
surface moved, lit and textured. Lengths are fractions of the picture's side, as in `products`.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from cameras._synthetic.products import (
    LIP_SHADOW,
    Bore,
    DrawnProduct,
    FloatImage,
    Groove,
    Mark,
    Slot,
)

OVERSAMPLING = 2
LAYER_SCALE = 100.0
"""Layers are kept as uint8: 100 stands for 1.0."""
SHADE, METAL, GRAIN, GROUND = range(4)
"""The layers: brightness of metal; metal or hole; how much finish shows; light on the ground."""

TO_LIGHT = (-0.55, -0.83)
"""Where the lamp stands, as seen in the picture."""
_MARGIN = 0.05


@lru_cache(maxsize=8)
def surface_layers(product: DrawnProduct, size_px: int, *, drilled: bool) -> NDArray[np.uint8]:
    """The four layers (2·size, 2·size, 4) uint8, with or without the bores that may be missing."""
    canvas = _Canvas.blank(size_px * OVERSAMPLING)
    canvas.plate(product)
    for groove in product.grooves:
        canvas.around(0.5, 0.5, groove.radius + groove.width).groove(groove)
    for mark in product.marks:
        canvas.around(mark.x, mark.y, mark.height * len(mark.text)).mark(mark)
    for bore in product.bores:
        if drilled or bore not in product.removable:
            canvas.around(bore.x, bore.y, bore.outer_radius).bore(bore)
    for slot in product.slots:
        canvas.around(*slot.middle, slot.reach).slot(slot)
    return canvas.finished()


class _Canvas:
    """The four layers while they are drawn, or a window of them."""

    def __init__(self, x: FloatImage, y: FloatImage, stack: FloatImage, side_px: int) -> None:
        self.x, self.y, self.stack, self.side_px = x, y, stack, side_px

    @classmethod
    def blank(cls, side_px: int) -> _Canvas:
        """A canvas with nothing on it."""
        axis = ((np.arange(side_px) + 0.5) / side_px).astype(np.float32)
        x, y = np.meshgrid(axis, axis)
        return cls(x, y, np.zeros((side_px, side_px, 4), np.float32), side_px)

    def around(self, x: float, y: float, reach: float) -> _Canvas:
        """The window that a feature of this reach can change; it shares the canvas's arrays."""
        left, top = (max(0, int((c - reach - _MARGIN) * self.side_px)) for c in (x, y))
        right, bottom = (int((c + reach + _MARGIN) * self.side_px) for c in (x, y))
        window = np.s_[top:bottom, left:right]
        return _Canvas(self.x[window], self.y[window], self.stack[window], self.side_px)

    def finished(self) -> NDArray[np.uint8]:
        """What was drawn, (side, side, 4) uint8, with the part's soft shadow on the ground."""
        metal = np.ascontiguousarray(self.stack[::4, ::4, METAL])
        shift_px, blur_px = 0.010 * len(metal), 0.014 * len(metal)
        move = np.array([[1, 0, shift_px], [0, 1, shift_px]], np.float32)
        shadow = cv2.GaussianBlur(cv2.warpAffine(metal, move, metal.shape[::-1]), (0, 0), blur_px)
        self.stack[..., GROUND] = 1 - 0.75 * cv2.resize(shadow, (self.side_px, self.side_px))
        scaled = np.clip(self.stack * LAYER_SCALE + 0.5, 0, 255).astype(np.uint8)
        scaled.flags.writeable = False
        return scaled

    def plate(self, product: DrawnProduct) -> None:
        """Draw the blank: its face and its broken edge."""
        distance = product.outline.distance(self.x, self.y)
        inside = self._inside(distance)
        rim = inside - self._inside(distance + product.edge_chamfer)
        self._paint(inside, shade=1.0, metal=1.0, grain=1.0)
        self._paint(rim, shade=self._slope(distance, 0.42), metal=1.0, grain=0.35)

    def groove(self, groove: Groove) -> None:
        """Draw a turned ring: a darker floor between two shoulders."""
        half = groove.width / 2
        distance = np.abs(np.hypot(self.x - 0.5, self.y - 0.5) - groove.radius) - half
        self._paint(self._inside(distance), shade=0.74, metal=1.0, grain=0.7)
        shoulder = self._inside(np.abs(distance) - half * 0.34)
        self._paint(shoulder, shade=self._slope(-distance, 0.38) - 0.06, metal=1.0, grain=0.3)

    def mark(self, mark: Mark) -> None:
        """Draw engraved letters: a dark floor and walls that catch the light."""
        depth = self._letters(mark)
        walls = self._facing(depth) / self.side_px
        shade = np.clip(1 - 0.42 * depth + 0.8 * walls, 0.3, 1.3)
        self._paint(np.clip(depth * 3, 0, 1), shade=shade, metal=1.0, grain=0.5)

    def bore(self, bore: Bore) -> None:
        """Draw a round hole with what belongs to it."""
        if bore.counterbore:
            self._counterbore(bore)
        distance = bore.distance(self.x, self.y)
        self._hole(distance, bore.chamfer, wall=min(bore.radius * 0.16, 0.008))
        if bore.threaded:
            self._thread(bore, distance)

    def slot(self, slot: Slot) -> None:
        """Draw a long hole."""
        self._hole(slot.distance(self.x, self.y), slot.chamfer, wall=slot.radius * 0.16)

    def _hole(self, distance: FloatImage, chamfer: float, *, wall: float) -> None:
        self._darken_around(distance - chamfer, 0.10)
        slope = self._slope(-distance, 0.44)
        self._paint(self._inside(distance - chamfer), shade=slope, metal=1.0, grain=0.25)
        lit_wall = 0.36 + 0.30 * self._facing(-distance)
        self._paint(self._inside(distance), shade=lit_wall, metal=1.0, grain=0.0)
        self._paint(self._inside(distance + wall), shade=0.1, metal=0.0, grain=0.0)

    def _counterbore(self, bore: Bore) -> None:
        radius, turn = self._polar(bore)
        distance = radius - bore.counterbore
        self._darken_around(distance, 0.08)
        sheen = 0.14 * np.cos(turn - 0.9) ** 8
        shadow = 0.16 * np.exp(np.minimum(distance, 0) / 0.014) * self._facing(distance)
        floor = 0.9 + 0.035 * _tool_marks(radius) + sheen - shadow
        self._paint(self._inside(distance), shade=floor, metal=1.0, grain=0.15)
        edge = self._inside(np.abs(distance) - 0.003)
        self._paint(edge, shade=self._slope(-distance, 0.5) - 0.1, metal=1.0, grain=0.1)

    def _thread(self, bore: Bore, distance: FloatImage) -> None:
        depth = np.clip(-distance / bore.radius, 0, 1)
        crest = 0.5 + 0.5 * np.sin(depth / 0.16 * 2 * np.pi + self._polar(bore)[1])
        shade = 0.08 + 0.6 * crest * (0.6 + 0.4 * self._facing(-distance)) * (1 - 1.4 * depth)
        self._paint(self._inside(distance) * (depth < 0.6), shade=shade, metal=1.0, grain=0.0)

    def _letters(self, mark: Mark) -> FloatImage:
        picture = np.zeros(self.x.shape, np.uint8)
        height_px = mark.height * self.side_px
        face, scale, thick_px = cv2.FONT_HERSHEY_SIMPLEX, height_px / 22, max(1, int(height_px / 8))
        (wide, high), _ = cv2.getTextSize(mark.text, face, scale, thick_px)
        x_px, y_px = (mark.x - self.x[0, 0]) * self.side_px, (mark.y - self.y[0, 0]) * self.side_px
        at = (round(x_px - wide / 2), round(y_px + high / 2))
        cv2.putText(picture, mark.text, at, face, scale, 255, thick_px, cv2.LINE_AA)
        return cv2.GaussianBlur(picture.astype(np.float32) / 255, (0, 0), self.side_px / 800)

    def _polar(self, bore: Bore) -> tuple[FloatImage, FloatImage]:
        across, down = self.x - bore.x, self.y - bore.y
        return np.hypot(across, down), np.arctan2(down, across)

    def _inside(self, distance: FloatImage) -> FloatImage:
        return np.clip(0.5 - distance * self.side_px, 0, 1)

    def _facing(self, rise: FloatImage) -> FloatImage:
        """How far the slope in the direction `rise` grows faces the light; 1 is straight."""
        down, right = np.gradient(rise)
        return np.asarray((right * TO_LIGHT[0] + down * TO_LIGHT[1]) * self.side_px)

    def _slope(self, distance: FloatImage, strength: float) -> FloatImage:
        facing = self._facing(distance)
        glint = np.maximum(facing, 0) ** 2
        return np.asarray(0.92 + strength * facing + 0.35 * glint * glint * glint)

    def _darken_around(self, distance: FloatImage, strength: float) -> None:
        near = np.clip(1 - distance / LIP_SHADOW, 0, 1)
        self.stack[..., SHADE] *= 1 - strength * near * near

    def _paint(
        self, cover: FloatImage, *, shade: FloatImage | float, metal: float, grain: float
    ) -> None:
        for layer, value in ((SHADE, shade), (METAL, metal), (GRAIN, grain)):
            old = self.stack[..., layer]
            self.stack[..., layer] = old + cover * (value - old)


def _tool_marks(radius: FloatImage) -> FloatImage:
    """Rings that depend on the radius alone, mean 0, deviation 1."""
    profile = np.random.Generator(np.random.PCG64(7)).standard_normal(1024, dtype=np.float32)
    return np.asarray(profile[np.clip(radius * 1200, 0, 1023).astype(np.intp)])
