"""What may lie on a part that does not belong there, with the shadow it throws."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.random import Generator

from cameras._synthetic.patch import (
    OVERSAMPLING,
    Patch,
    bent_line,
    downsampled,
    log_uniform,
    make_patch,
    oversampled_side,
    rotated,
    shifted,
    to_fixed_point,
)
from cameras._synthetic.products import FloatImage


def contamination(scale: float, rng: Generator) -> Patch:
    """Something that lies on the part: a fibre, a chip or a few particles, with its shadow."""
    drawer = (_fibre, _chip, _particles)[int(rng.integers(3))]
    return drawer(scale, rng)


def _fibre(scale: float, rng: Generator) -> Patch:
    length = log_uniform(rng, 35, 95) * scale
    side = oversampled_side(length * 1.2 + 14 * scale)
    path = bent_line(length, rng.uniform(0, np.pi), rng.uniform(-0.35, 0.35), rng, wander=0.09)
    cover = np.zeros((side, side), np.uint8)
    width = max(1, round(rng.uniform(0.8, 1.8) * scale * OVERSAMPLING))
    cv2.polylines(cover, [to_fixed_point(path, side)], False, 255, width, cv2.LINE_AA, 4)
    colour = ((26, 28, 34), (48, 66, 120), (226, 226, 220))[int(rng.choice([0, 0, 1, 2]))]
    return _on_part(downsampled(cover / np.float32(255)), np.array(colour, np.float32), scale)


def _chip(scale: float, rng: Generator) -> Patch:
    """A curl of swarf: a bright helix, seen from the side, that narrows to one end."""
    length, coil = log_uniform(rng, 14, 34) * scale, rng.uniform(2.6, 4.6) * scale
    side = oversampled_side(length * 1.3 + 20 * scale)
    turns = max(2.0, length / coil / 1.9)
    t = np.linspace(0, 1, int(24 * turns))
    phase = 2 * np.pi * turns * t
    along = (t - 0.5) * length + 0.5 * coil * np.sin(phase)
    across = coil * (1.05 - 0.5 * t) * np.cos(phase) + 0.1 * length * (t - 0.5) ** 2
    path = rotated(along, across, rng.uniform(0, 2 * np.pi))
    cover, glow = np.zeros((side, side), np.uint8), np.zeros((side, side), np.uint8)
    points, width = (
        to_fixed_point(path, side),
        max(1, round(rng.uniform(1.0, 1.7) * scale * OVERSAMPLING)),
    )
    lit = 70 + 175 * np.clip(0.45 + 0.55 * np.sin(phase), 0, 1) ** 2
    for k, level in enumerate(lit[1:].tolist()):
        start, end = points[k : k + 2, 0].tolist()
        cv2.line(cover, start, end, 255, width, cv2.LINE_AA, 4)
        cv2.line(glow, start, end, level, width + 1, cv2.LINE_8, 4)
    glow_field = downsampled(np.where(glow > 0, glow, 110))
    colour = glow_field[..., None] * np.array((1.0, 0.985, 0.95), np.float32)
    return _on_part(downsampled(cover / np.float32(255)), colour, scale)


def _particles(scale: float, rng: Generator) -> Patch:
    spread = log_uniform(rng, 12, 36) * scale
    side = oversampled_side(spread * 3.2 + 12 * scale)
    cover = np.zeros((side, side), np.uint8)
    for _ in range(int(rng.integers(5, 22))):
        middle = np.clip(rng.standard_normal(2) * 0.5, -1.2, 1.2) * spread
        radius = min(rng.gamma(2.0, 0.75) + 0.7, 4.5) * scale
        turn = np.sort(rng.uniform(0, 2 * np.pi, 7))
        corners = middle + rotated(radius * rng.uniform(0.6, 1.2, 7), np.zeros(7), turn)
        cv2.fillPoly(cover, [to_fixed_point(corners, side)], 255, cv2.LINE_AA, 4)
    colour = ((30, 29, 28), (58, 42, 30), (218, 216, 208))[int(rng.choice([0, 1, 2]))]
    cover = downsampled(cover / np.float32(255))
    return _on_part(cover, np.array(colour, np.float32), scale, on_metal=True)


def _on_part(
    cover: FloatImage, colour: FloatImage, scale: float, *, on_metal: bool = False
) -> Patch:
    """Put a thing of a colour on the part, with the shadow it throws away from the lamp."""
    thrown = shifted(cover, np.array([[1.5, 2.2]]) * scale)
    shadow = 0.42 * np.clip(cv2.GaussianBlur(thrown, (0, 0), 1.1 * scale) - 0.03, 0, 1)
    clear = (1 - cover) * (1 - shadow)
    return make_patch(clear, add=cover[..., None] * colour, on_metal=on_metal)
