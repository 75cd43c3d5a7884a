"""What may lie on a part that does not belong there, with the shadow it throws."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.random import Generator

from cameras._synthetic.parts import Field
from cameras._synthetic.patch import (
    FINE,
    Patch,
    bent_line,
    between,
    brought_down,
    fine_side,
    fixed_points,
    make_patch,
    moved,
    turned,
)


def contamination(scale: float, rng: Generator) -> Patch:
    """Something that lies on the part: a fibre, a chip or a few particles, with its shadow."""
    drawer = (_fibre, _chip, _particles)[int(rng.integers(3))]
    return drawer(scale, rng)


def _fibre(scale: float, rng: Generator) -> Patch:
    length = between(rng, 35, 95) * scale
    side = fine_side(length * 1.2 + 14 * scale)
    path = bent_line(length, rng.uniform(0, np.pi), rng.uniform(-0.35, 0.35), rng, wander=0.09)
    cover = np.zeros((side, side), np.uint8)
    width = max(1, round(rng.uniform(0.8, 1.8) * scale * FINE))
    cv2.polylines(cover, [fixed_points(path, side)], False, 255, width, cv2.LINE_AA, 4)
    colour = ((26, 28, 34), (48, 66, 120), (226, 226, 220))[int(rng.choice([0, 0, 1, 2]))]
    return _lying(brought_down(cover / np.float32(255)), np.array(colour, np.float32), scale)


def _chip(scale: float, rng: Generator) -> Patch:
    """A curl of swarf: a bright helix, seen from the side, that narrows to one end."""
    length, coil = between(rng, 14, 34) * scale, rng.uniform(2.6, 4.6) * scale
    side = fine_side(length * 1.3 + 20 * scale)
    turns = max(2.0, length / coil / 1.9)
    t = np.linspace(0, 1, int(24 * turns))
    phase = 2 * np.pi * turns * t
    along = (t - 0.5) * length + 0.5 * coil * np.sin(phase)
    across = coil * (1.05 - 0.5 * t) * np.cos(phase) + 0.1 * length * (t - 0.5) ** 2
    path = turned(along, across, rng.uniform(0, 2 * np.pi))
    cover, glow = np.zeros((side, side), np.uint8), np.zeros((side, side), np.uint8)
    points, width = fixed_points(path, side), max(1, round(rng.uniform(1.0, 1.7) * scale * FINE))
    lit = 70 + 175 * np.clip(0.45 + 0.55 * np.sin(phase), 0, 1) ** 2
    for k, level in enumerate(lit[1:].tolist()):
        start, end = points[k : k + 2, 0].tolist()
        cv2.line(cover, start, end, 255, width, cv2.LINE_AA, 4)
        cv2.line(glow, start, end, level, width + 1, cv2.LINE_8, 4)
    glow_field = brought_down(np.where(glow > 0, glow, 110))
    colour = glow_field[..., None] * np.array((1.0, 0.985, 0.95), np.float32)
    return _lying(brought_down(cover / np.float32(255)), colour, scale)


def _particles(scale: float, rng: Generator) -> Patch:
    spread = between(rng, 12, 36) * scale
    side = fine_side(spread * 3.2 + 12 * scale)
    cover = np.zeros((side, side), np.uint8)
    for _ in range(int(rng.integers(5, 22))):
        middle = np.clip(rng.standard_normal(2) * 0.5, -1.2, 1.2) * spread
        radius = min(rng.gamma(2.0, 0.75) + 0.7, 4.5) * scale
        turn = np.sort(rng.uniform(0, 2 * np.pi, 7))
        corners = middle + turned(radius * rng.uniform(0.6, 1.2, 7), np.zeros(7), turn)
        cv2.fillPoly(cover, [fixed_points(corners, side)], 255, cv2.LINE_AA, 4)
    colour = ((30, 29, 28), (58, 42, 30), (218, 216, 208))[int(rng.choice([0, 1, 2]))]
    cover = brought_down(cover / np.float32(255))
    return _lying(cover, np.array(colour, np.float32), scale, on_metal=True)


def _lying(cover: Field, colour: Field, scale: float, *, on_metal: bool = False) -> Patch:
    """Put a thing of a colour on the part, with the shadow it throws away from the lamp."""
    thrown = moved(cover, np.array([[1.5, 2.2]]) * scale)
    shadow = 0.42 * np.clip(cv2.GaussianBlur(thrown, (0, 0), 1.1 * scale) - 0.03, 0, 1)
    clear = (1 - cover) * (1 - shadow)
    return make_patch(clear, add=cover[..., None] * colour, on_metal=on_metal)
