"""Find a shifted or turned part: where the reference picture's part lies in this one.

Coarse: phase correlation (Kuglin, Hines 1975) at each of a fan of angles. Fine: enhanced correlation
coefficient (Evangelidis, Psarakis 2008).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from inspection.judgement import Region
from inspection.reasons import Reason

COARSE_PX, FINE_PX = 128, 256
ANGLE_STEP_DEG = 4.0
MIN_LIKENESS = 0.4
"""Lowest correlation with the reference at which a part counts as found."""

Matrix = NDArray[np.float32]


class Reach(Protocol):
    """How far a part may be from where the reference shows it."""

    @property
    def max_shift_px(self) -> float:
        """Its centre's shift."""

    @property
    def max_rotation_deg(self) -> float:
        """Its turn, either way."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Pose:
    """Where a part lies: `matrix` (2, 3) takes reference pixels to picture pixels."""

    matrix: Matrix
    size: tuple[int, int]
    likeness: float
    problem: Reason | None = None

    @property
    def numbers(self) -> dict[str, float]:
        """How far the middle of the reference lies from its place (px), and the turn (degrees)."""
        middle = np.array([self.size[1] / 2, self.size[0] / 2])
        shift = self.matrix[:, :2] @ middle + self.matrix[:, 2] - middle
        turn = np.degrees(np.arctan2(self.matrix[1, 0], self.matrix[0, 0]))
        return {
            "alignment": self.likeness,
            "shift_x_px": float(shift[0]),
            "shift_y_px": float(shift[1]),
            "turn_deg": float(turn),
        }

    def straighten(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Bring a picture, (H, W) or (H, W, 3) uint8, to the reference's place and size."""
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        height, width = self.size
        straight = cv2.warpAffine(
            image, self.matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE
        )
        return np.asarray(straight, dtype=np.uint8)

    def in_view(self, height_px: int, width_px: int) -> NDArray[np.bool_]:
        """Which reference pixels (H, W) lie inside a picture of this size."""
        everything = np.ones((height_px, width_px), dtype=np.uint8)
        flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
        inside = cv2.warpAffine(everything, self.matrix, self.size[::-1], flags=flags)
        return np.asarray(inside > 0)

    def to_picture(self, region: Region) -> Region:
        """Bring a region of the straightened picture to the camera's: the box around it."""
        x0, y0 = region.x_px, region.y_px
        x1, y1 = x0 + region.width_px, y0 + region.height_px
        corners = np.array([[x0, y0, 1], [x1, y0, 1], [x1, y1, 1], [x0, y1, 1]]) @ self.matrix.T
        left, top = np.maximum(np.floor(corners.min(0)), 0).astype(int)
        right, bottom = np.ceil(corners.max(0)).astype(int)
        return replace(
            region,
            x_px=int(left),
            y_px=int(top),
            width_px=max(1, int(right - left)),
            height_px=max(1, int(bottom - top)),
            outline=_moved(region.outline, self.matrix),
        )


def known_pose(numbers: Mapping[str, float], size: tuple[int, ...]) -> Matrix:
    """The matrix of a pose from its `numbers`; `size` is the reference's (H, W)."""
    turn = np.radians(numbers["turn_deg"])
    turned = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    middle = np.array([size[1] / 2, size[0] / 2])
    moved = np.array([numbers["shift_x_px"], numbers["shift_y_px"]])
    shift = middle + moved - turned @ middle
    return np.column_stack([turned, shift]).astype(np.float32)


def _moved(
    points: Sequence[tuple[float, float]], matrix: NDArray[np.float32]
) -> tuple[tuple[float, float], ...]:
    """Points (x, y) moved by an affine matrix (2, 3)."""
    return tuple(
        (float(matrix[0] @ (x, y, 1.0)), float(matrix[1] @ (x, y, 1.0))) for x, y in points
    )


def locate(grey: NDArray[np.uint8], reference: NDArray[np.uint8], alignment: Reach) -> Pose:
    """Find the reference (H, W) in a picture (H, W); a part not found is told in `problem`."""
    small, target, scale = _shrink(grey, reference, FINE_PX)
    start = _coarse(grey, reference, alignment)
    start[:, 2] *= scale
    matrix, likeness = _refine(small, target, start)
    matrix[:, 2] /= scale
    angle = float(np.degrees(np.arctan2(matrix[1, 0], matrix[0, 0])))
    centre = np.array([reference.shape[1] / 2, reference.shape[0] / 2, 1.0])
    shift = float(np.linalg.norm(matrix @ centre - centre[:2]))
    problem = None
    if likeness < MIN_LIKENESS:
        problem = Reason("other_part", {"value": likeness, "limit": MIN_LIKENESS})
    elif shift > alignment.max_shift_px:
        problem = Reason("out_of_place", {"value": shift, "limit": alignment.max_shift_px})
    elif abs(angle) > alignment.max_rotation_deg:
        problem = Reason("turned", {"value": angle, "limit": alignment.max_rotation_deg})
    return Pose(matrix=matrix, size=reference.shape[:2], likeness=likeness, problem=problem)


def _shrink(
    grey: NDArray[np.uint8], reference: NDArray[np.uint8], size_px: int
) -> tuple[NDArray[np.float32], NDArray[np.float32], float]:
    """Bring both pictures to one small scale, as float."""
    scale = min(1.0, size_px / max(reference.shape))

    def small(image: NDArray[np.uint8]) -> NDArray[np.float32]:
        size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
        return cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.float32)

    return small(grey), small(reference), scale


def _coarse(grey: NDArray[np.uint8], reference: NDArray[np.uint8], alignment: Reach) -> Matrix:
    """Try a fan of angles; returns the best (2, 3) matrix in full-size pixels."""
    small, target, scale = _shrink(grey, reference, COARSE_PX)
    height, width = target.shape
    padded = np.full(target.shape, np.median(small), dtype=np.float32)
    rows, columns = min(height, small.shape[0]), min(width, small.shape[1])
    padded[:rows, :columns] = small[:rows, :columns]
    window = cv2.createHanningWindow((width, height), cv2.CV_32F)
    centre = (width / 2, height / 2)
    steps = int(np.ceil(alignment.max_rotation_deg / ANGLE_STEP_DEG))
    best: tuple[float, Matrix] = (-np.inf, np.eye(2, 3, dtype=np.float32))
    for angle in np.linspace(
        -alignment.max_rotation_deg, alignment.max_rotation_deg, 2 * steps + 1
    ):
        turn = cv2.getRotationMatrix2D(centre, -float(angle), 1.0)
        turned = cv2.warpAffine(target, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
        (dx, dy), _ = cv2.phaseCorrelate(turned, padded, window)
        matrix = turn.astype(np.float32)
        matrix[:, 2] += (dx, dy)
        likeness = _likeness(padded, target, matrix)
        if likeness > best[0]:
            best = (likeness, matrix)
    matrix = best[1].copy()
    matrix[:, 2] /= scale
    return matrix


def _refine(
    small: NDArray[np.float32], target: NDArray[np.float32], start: Matrix
) -> tuple[Matrix, float]:
    """Sharpen a pose; the start stays when there is nothing better."""
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 30, 1e-4)
    inside = np.full(small.shape, 255, dtype=np.uint8)
    before = _likeness(small, target, start)
    try:
        _, matrix = cv2.findTransformECC(
            target, small, start.copy(), cv2.MOTION_EUCLIDEAN, criteria, inside, 5
        )
    except cv2.error:  # it did not converge
        return start, before
    found = np.asarray(matrix, dtype=np.float32)
    after = _likeness(small, target, found)
    return (found, after) if after > before else (start, before)


def _likeness(small: NDArray[np.float32], target: NDArray[np.float32], matrix: Matrix) -> float:
    """Correlation of the reference with the picture brought to its place, -1 to 1."""
    height, width = target.shape
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    moved = cv2.warpAffine(
        small, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    value = float(cv2.matchTemplate(moved, target, cv2.TM_CCOEFF_NORMED)[0, 0])
    return value if np.isfinite(value) else 0.0
