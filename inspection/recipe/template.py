"""Compare a picture with its golden template: what differs is what the model then looks at.

Boards and prints that all differ each have a template of their own: the golden sample, the drawing, the
pass before. After the variation model of industrial vision (Steger, Ulrich, Wiedemann, "Machine Vision
Algorithms and Applications", 2nd ed. 2018, 3.4.1), with tolerances for place and light, and for
noise as good pairs have it; what they still differ by is learnt by the model behind it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
from annotated_types import Ge, Gt, Le
from numpy.typing import NDArray
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from cameras import CameraError, decode_image, file_bytes, list_images
from inspection.errors import CannotInspect
from inspection.recipe.alignment import locate
from inspection.recipe.image_health import Limits

Image = NDArray[np.uint8]

MARKS = ("_temp", "_template", "_golden", "_test", "_ref")
"""Ends of a file's name that do not tell boards apart: `7_temp.jpg` is the template of `7_test.jpg`."""

NOISE = 8
"""Grey levels that are no difference where it was not learnt."""

QUIET_SHARE, LEAST_NOISE, MOST_NOISE = 0.99, 2, 40
"""So many of a good pair's pixels differ by no more than the noise that is learnt, and its ends in grey levels."""

UNCHANGED = 128
"""Grey level of what does not differ; brighter and darker stand above and below, halved."""

DARKEST, SOFTEST, LEAST_DIFFERENCE = 0.5, 0.15, 10.0
"""A picture may have this share of its template's brightness and sharpness, or that many times less."""

BLURS_PX = (0.6, 1.0, 1.6)
LEAST_GAIN, MOST_GAIN = 0.6, 1.6
ECC = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 40, 1e-5)
FINE_PX = 1024
"""Longest side at which the template is laid on the picture."""


@dataclass(frozen=True, config=ConfigDict(arbitrary_types_allowed=True))
class Golden:
    """A template (H, W[, 3]) and the sha256 of its file, as the record of a part names it."""

    image: Image
    sha256: str


def read_golden(path: Path) -> Golden:
    """Read a template's file once. Raises CameraError."""
    data = file_bytes(path)
    return Golden(decode_image(data, str(path)), hashlib.sha256(data).hexdigest())


@dataclass(frozen=True, config=ConfigDict(extra="forbid", allow_inf_nan=False), kw_only=True)
class Template:
    """How a picture is compared with its template.

    What lies within `tolerance_px` of an equal grey level in the template is no difference. `source`
    is the template, or a folder of them with the pictures' names; a recipe does not keep it. `noise` are
    grey levels beyond that which are no difference either; None: learnt from the good pairs.
    """

    tolerance_px: Annotated[int, Ge(0), Le(20)] = 2
    noise: Annotated[int, Ge(0), Le(128)] | None = None
    max_shift_px: Annotated[float, Gt(0)] = 30.0
    max_rotation_deg: Annotated[float, Ge(0), Le(180)] = 3.0
    source: Annotated[str, Field(exclude=True)] = ""

    def of(self, picture: Path) -> Image:
        """Read the template of a picture file. Raises CameraError where there is none."""
        return self.golden_of(picture).image

    def golden_of(self, picture: Path) -> Golden:
        """The same with its hash."""
        if not self.source:
            raise CameraError(
                f"picture {picture}: is compared with a template, and none is given; use --template"
            )
        source = Path(self.source)
        path = _kept_by_board(source).get(board(picture)) if source.is_dir() else source
        if path is None:
            raise CameraError(
                f"picture {picture}: no template named {board(picture)} in {source}; add it there"
            )
        return read_golden(path)


def board(path: Path) -> str:
    """What tells a picture's board from others: its name without its suffix and MARKS."""
    name = path.stem
    for mark in MARKS:
        name = name.removesuffix(mark)
    return name


def by_board(folder: Path) -> dict[str, Path]:
    """The templates below a folder by board; a file marked as a template before one that is not."""
    folders = [folder, *sorted(each for each in folder.rglob("*") if each.is_dir())]
    files = [path for each in folders for path in list_images(each)]
    ordered = sorted(files, key=lambda path: path.stem.endswith("_temp"))
    return {board(path): path for path in ordered if not path.stem.endswith("_test")}


_kept_by_board = lru_cache(maxsize=8)(by_board)


def differences(picture: Image, template: Image, rule: Template) -> Image:
    """What a picture (H, W[, 3]) differs by from its template, as a picture of the same size.

    UNCHANGED where the picture is within the template's grey levels `tolerance_px` around, and the noise;
    brighter or darker by half of what it is beyond them. Raises CannotInspect for a template of another
    part, out of place or turned.
    """
    noise = NOISE if rule.noise is None else rule.noise
    found = beyond(picture, template, rule)
    left = np.sign(found) * np.maximum(np.abs(found) - noise, 0)
    return np.asarray(np.clip(UNCHANGED + left // 2, 0, 255), np.uint8)


def learnt_noise(pairs: Iterable[tuple[Image, Image]], rule: Template) -> int | None:
    """The grey levels by which good pictures differ from their templates; None where no pair can be compared.

    Of each pair the level that QUIET_SHARE of its pixels stay within, and of these the median.
    """
    levels = []
    for picture, template in pairs:
        with suppress(CannotInspect):
            found = np.abs(beyond(picture, template, rule))
            levels.append(float(np.quantile(found, QUIET_SHARE)))
    if not levels:
        return None
    return int(np.clip(round(float(np.median(levels))), LEAST_NOISE, MOST_NOISE))


def beyond(picture: Image, template: Image, rule: Template) -> NDArray[np.int16]:
    """By how many grey levels (H, W[, 3]) a picture is above or below its template's within `tolerance_px`.

    The template is laid on the picture and matched in light and blur. Raises CannotInspect.
    """
    golden = template if template.ndim == picture.ndim else _like(template, picture)
    _check_health(_grey(golden), _grey(picture))
    laid = _matched(_laid(golden, picture, rule), picture)
    side = 2 * rule.tolerance_px + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    low, high = (each(laid, kernel).astype(np.int16) for each in (cv2.erode, cv2.dilate))
    seen = picture.astype(np.int16)
    return np.asarray(np.maximum(seen - high, 0) + np.minimum(seen - low, 0), np.int16)


def another_build(template: Image) -> Image:
    """A second picture of the same good board, where only its template is at hand.

    Shifted by parts of a pixel, turned a little, blurred, with noise and other light, drawn from the
    picture itself; equal pictures give equal ones.
    """
    rng = np.random.default_rng(int(template[::7, ::7].astype(np.int64).sum()))
    height, width = template.shape[:2]
    move = cv2.getRotationMatrix2D((width / 2, height / 2), rng.uniform(-0.2, 0.2), 1.0)
    move = move + np.array([[0, 0, 1], [0, 0, 1]]) * rng.uniform(-1.5, 1.5, (2, 1))
    moved = cv2.warpAffine(
        template, move, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    blurred = cv2.GaussianBlur(moved, (0, 0), rng.uniform(0.3, 0.8))
    lit = blurred * rng.uniform(0.95, 1.05) + rng.normal(0, 4, blurred.shape)
    return np.asarray(np.clip(lit, 0, 255), np.uint8)


def _check_health(golden: Image, grey: Image) -> None:
    """Stop where light or focus are so unlike the template's that nothing is to be compared."""
    factors = {"brightness": DARKEST, "sharpness": SOFTEST}
    usual = {name: _measured(golden, name) for name in factors}
    limits = Limits(
        low={name: factor * usual[name] for name, factor in factors.items()},
        high={name: (usual[name] + LEAST_DIFFERENCE) / f for name, f in factors.items()},
    )
    if problem := limits.problem({name: _measured(grey, name) for name in factors}):
        raise CannotInspect(problem)


def _measured(grey: Image, number: str) -> float:
    if number == "brightness":
        return float(grey.mean())
    return float(cv2.norm(cv2.Laplacian(grey, cv2.CV_16S), cv2.NORM_L1) / grey.size)


def _laid(template: Image, picture: Image, rule: Template) -> Image:
    """The template where the picture shows it: coarse by correlation, then refined."""
    grey, golden = _grey(picture), _grey(template)
    pose = locate(grey, golden, rule)
    if pose.problem:
        raise CannotInspect(pose.problem)
    scale = min(1.0, FINE_PX / max(grey.shape))
    matrix = _refined(_small(golden, scale), _small(grey, scale), pose.matrix, scale)
    return np.asarray(
        cv2.warpAffine(
            template, matrix, grey.shape[::-1], flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        ),
        np.uint8,
    )  # fmt: skip


def _refined(
    golden: Image, grey: Image, start: NDArray[np.float32], scale: float
) -> NDArray[np.float32]:
    """An affine pose (2, 3) by enhanced correlation; the start where it does not converge."""
    matrix = start.copy()
    matrix[:, 2] *= scale
    try:
        _, found = cv2.findTransformECC(
            golden, grey, matrix, cv2.MOTION_AFFINE, ECC, np.full(grey.shape, 255, np.uint8), 3
        )
    except cv2.error:
        return start
    matrix = np.asarray(found, np.float32)
    matrix[:, 2] /= scale
    return matrix


def _matched(template: Image, picture: Image) -> Image:
    """The template in the picture's light, and as blurred as the picture where that is nearer."""
    calm, seen = (
        cv2.GaussianBlur(_grey(each), (0, 0), 3).astype(np.float64).ravel()[::16]
        for each in (template, picture)
    )
    spread = float(calm.var())
    gain = (
        float(np.mean((calm - calm.mean()) * (seen - seen.mean()))) / spread if spread > 1 else 1.0
    )
    gain = min(max(gain, LEAST_GAIN), MOST_GAIN)
    lit = template.astype(np.float32) * gain + float(seen.mean() - gain * calm.mean())
    tried = [lit, *(cv2.GaussianBlur(lit, (0, 0), sigma) for sigma in BLURS_PX)]
    best = min(
        tried, key=lambda each: float(cv2.norm(each, picture.astype(np.float32), cv2.NORM_L1))
    )
    return np.asarray(np.clip(np.rint(best), 0, 255), np.uint8)


def _like(template: Image, picture: Image) -> Image:
    """A template as grey or as coloured as the picture is."""
    if picture.ndim == 2:
        return _grey(template)
    return np.asarray(cv2.cvtColor(template, cv2.COLOR_GRAY2RGB), np.uint8)


def _grey(image: Image) -> Image:
    return (
        image if image.ndim == 2 else np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)
    )


def _small(grey: Image, scale: float) -> Image:
    size = round(grey.shape[1] * scale), round(grey.shape[0] * scale)
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)
