"""The simulated products, as a draughtsman would list them.

Every length and place is a fraction of the picture's side, x to the right and y down, so one
description serves every picture size. A feature gives its signed distance: negative in the hole.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, hypot, radians, sin
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

FloatImage = NDArray[Any]
"""Floating-point numbers over a picture, (H, W) or (H, W, C), mostly float32."""

LIP_SHADOW = 0.008
"""How far the face darkens around a hole."""


@dataclass(frozen=True, kw_only=True)
class Disc:
    """A round outline."""

    radius: float
    x: float = 0.5
    y: float = 0.5

    def distance(self, x: FloatImage, y: FloatImage) -> FloatImage:
        """The signed distance to the edge, negative inside; `x`, `y` and the result are one shape."""
        return _circle(x - self.x, y - self.y, self.radius)


@dataclass(frozen=True, kw_only=True)
class Plate:
    """A rectangular outline with rounded corners."""

    width: float
    height: float
    corner: float

    def distance(self, x: FloatImage, y: FloatImage) -> FloatImage:
        """The signed distance to the edge, negative inside; `x`, `y` and the result are one shape."""
        return _box(x - 0.5, y - 0.5, self.width / 2, self.height / 2, self.corner)


@dataclass(frozen=True, kw_only=True)
class Bore:
    """A round hole with a chamfer; `counterbore` is the radius of a flat recess around it."""

    x: float
    y: float
    radius: float
    chamfer: float
    counterbore: float = 0.0
    keyway: float = 0.0
    threaded: bool = False

    @property
    def outer_radius(self) -> float:
        """The radius of everything that was machined here."""
        return max(self.radius + self.chamfer, self.counterbore) + LIP_SHADOW

    def distance(self, x: FloatImage, y: FloatImage) -> FloatImage:
        """The signed distance to the bore's edge, negative in the hole."""
        circle = _circle(x - self.x, y - self.y, self.radius)
        if not self.keyway:
            return circle
        half_height = (self.radius + self.keyway / 2) / 2
        key = _box(x - self.x, y - self.y + half_height, self.keyway / 2, half_height, 0.002)
        return np.asarray(np.minimum(circle, key))


@dataclass(frozen=True, kw_only=True)
class Slot:
    """A long hole from one end's centre to the other's."""

    x0: float
    y0: float
    x1: float
    y1: float
    radius: float
    chamfer: float

    @property
    def middle(self) -> tuple[float, float]:
        """The point half way between the ends."""
        return (self.x0 + self.x1) / 2, (self.y0 + self.y1) / 2

    @property
    def reach(self) -> float:
        """The distance from the middle to the farthest machined point."""
        return hypot(self.x1 - self.x0, self.y1 - self.y0) / 2 + self.radius + self.chamfer

    def distance(self, x: FloatImage, y: FloatImage) -> FloatImage:
        """The signed distance to the slot's edge, negative in the hole."""
        along_x, along_y = self.x1 - self.x0, self.y1 - self.y0
        t = ((x - self.x0) * along_x + (y - self.y0) * along_y) / (along_x**2 + along_y**2)
        t = np.clip(t, 0, 1)
        return _circle(x - self.x0 - t * along_x, y - self.y0 - t * along_y, self.radius)


@dataclass(frozen=True, kw_only=True)
class Groove:
    """A turned ring around the centre, `width` wide."""

    radius: float
    width: float


@dataclass(frozen=True, kw_only=True)
class Mark:
    """Engraved letters, centred on a point."""

    text: str
    x: float
    y: float
    height: float


@dataclass(frozen=True, kw_only=True)
class DrawnProduct:
    """One kind of part: its outline, its finish and what was machined into it."""

    name: str
    outline: Disc | Plate
    edge_chamfer: float
    finish: Literal["turned", "brushed"]
    bores: tuple[Bore, ...]
    slots: tuple[Slot, ...] = ()
    grooves: tuple[Groove, ...] = ()
    marks: tuple[Mark, ...] = ()

    @property
    def removable(self) -> tuple[Bore, ...]:
        """The bores that may be missing: each small enough to be forgotten."""
        return tuple(bore for bore in self.bores if bore.radius < 0.06)


def _circle(x: FloatImage, y: FloatImage, radius: float) -> FloatImage:
    return np.asarray(np.hypot(x, y) - radius)


def _box(
    x: FloatImage, y: FloatImage, half_width: float, half_height: float, corner: float
) -> FloatImage:
    out_x = np.abs(x) - (half_width - corner)
    out_y = np.abs(y) - (half_height - corner)
    outside = np.hypot(np.maximum(out_x, 0), np.maximum(out_y, 0))
    return np.asarray(outside + np.minimum(np.maximum(out_x, out_y), 0) - corner)


def _around(angle_deg: float, *, radius: float, chamfer: float, threaded: bool = False) -> Bore:
    """Place a bore on the flange's bolt circle."""
    x, y = (0.5 + 0.330 * part(radians(angle_deg)) for part in (cos, sin))
    return Bore(x=x, y=y, radius=radius, chamfer=chamfer, threaded=threaded)


FLANGE = DrawnProduct(
    name="flange",
    outline=Disc(radius=0.435),
    edge_chamfer=0.010,
    finish="turned",
    bores=(
        Bore(x=0.5, y=0.5, radius=0.105, chamfer=0.012, keyway=0.05),
        *(_around(angle, radius=0.031, chamfer=0.013) for angle in range(0, 360, 60)),
        *(_around(angle, radius=0.016, chamfer=0.005, threaded=True) for angle in (30, 150)),
    ),
    grooves=(Groove(radius=0.178, width=0.017), Groove(radius=0.238, width=0.005)),
    marks=(
        Mark(text="FL-204", x=0.5, y=0.827, height=0.034),
        Mark(text="7B26", x=0.5, y=0.172, height=0.028),
    ),
)  # fmt: skip

BRACKET = DrawnProduct(
    name="bracket",
    outline=Plate(width=0.88, height=0.66, corner=0.05),
    edge_chamfer=0.008,
    finish="brushed",
    bores=(
        Bore(x=0.5, y=0.47, radius=0.082, chamfer=0.008, counterbore=0.128),
        *(Bore(x=x, y=y, radius=0.023, chamfer=0.016)
          for x in (0.135, 0.865) for y in (0.245, 0.755)),
        *(Bore(x=x, y=0.245, radius=0.017, chamfer=0.005, threaded=True) for x in (0.34, 0.66)),
        *(Bore(x=x, y=0.63, radius=0.013, chamfer=0.004) for x in (0.345, 0.655)),
    ),
    slots=(
        Slot(x0=0.225, y0=0.42, x1=0.225, y1=0.57, radius=0.027, chamfer=0.007),
        Slot(x0=0.775, y0=0.42, x1=0.775, y1=0.57, radius=0.027, chamfer=0.007),
    ),
    marks=(
        Mark(text="BR-117", x=0.435, y=0.755, height=0.040),
        Mark(text="A2", x=0.63, y=0.755, height=0.040),
    ),
)  # fmt: skip

PRODUCTS: dict[str, DrawnProduct] = {product.name: product for product in (FLANGE, BRACKET)}
