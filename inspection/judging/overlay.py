"""The judged picture for people: heat where it matters, an outline and the verdict in words."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, count
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from inspection.durable_files import replace_file
from inspection.errors import InspectionError
from inspection.judgement import Judgement, Verdict, core_mask
from inspection.recipe import Recipe

Image = NDArray[np.uint8]

# Okabe-Ito, safe for the colour-blind; RGB. Words and shapes say the same again.
COLOURS = {
    Verdict.PASS: (0, 158, 115),
    Verdict.FAIL: (213, 94, 0),
    Verdict.REVIEW: (240, 228, 66),
    Verdict.CANNOT_INSPECT: (86, 180, 233),
}
WORDS = {
    Verdict.PASS: "PASS",
    Verdict.FAIL: "FAIL",
    Verdict.REVIEW: "REVIEW",
    Verdict.CANNOT_INSPECT: "CANNOT INSPECT",
}
BLUE = (86, 180, 233)
"""What is below the limit is never in the colours of a fault."""
FAINTEST, STRONGEST = 0.25, 0.6
"""Opacity of the heat at the limit and at the peak."""


def heat(values: NDArray[np.float32], *, limit: float, peak: float) -> Image:
    """Colour anomaly values (H, W) as RGBA: nothing up to the limit, yellow above it, red at the peak."""
    span = max(peak - limit, 0.05 * abs(limit), 1e-9)
    excess = np.clip((values - limit) / span, 0.0, 1.0)
    out = np.zeros((*values.shape, 4), dtype=np.uint8)
    out[..., 0] = 240
    out[..., 1] = (220 * (1 - excess)).astype(np.uint8)
    opacity = FAINTEST + (STRONGEST - FAINTEST) * excess
    out[..., 3] = np.where(values > limit, 255 * opacity, 0).astype(np.uint8)
    return out


def below_limit(values: NDArray[np.float32], *, usual: float, limit: float) -> Image:
    """Colour anomaly values (H, W) up to the limit as RGBA: nothing up to the usual, blue towards the limit."""
    share = np.clip((values - usual) / max(limit - usual, 1e-9), 0.0, 1.0)
    out = np.zeros((*values.shape, 4), dtype=np.uint8)
    out[..., :3] = BLUE
    out[..., 3] = (255 * STRONGEST * share).astype(np.uint8)
    return out


def draw(image: Image, judgement: Judgement, recipe: Recipe) -> Image:
    """The picture (H, W, 3) below a banner that says the verdict in English."""
    picture = beside_heat(image, judgement, recipe)
    return np.vstack([_banner(picture.shape[1], judgement), picture])


def beside_heat(image: Image, judgement: Judgement, recipe: Recipe) -> Image:
    """The picture (H, W, 3); of a part at fault also its heat beside it, with a scale."""
    rgb = cv2.cvtColor(image, cv2.COLOR_GRAY2RGB) if image.ndim == 2 else image
    picture: Image = np.array(rgb, dtype=np.uint8)
    if judgement.verdict in (Verdict.FAIL, Verdict.REVIEW):
        marked = _marked(_blend(picture, judgement, recipe), judgement)
        picture = np.hstack([picture, marked, _scale(picture.shape[0], judgement)])
    return picture


def _marked(picture: Image, judgement: Judgement) -> Image:
    """Draw the contour of each region."""
    thickness = max(1, round(min(picture.shape[:2]) / 250))
    for region in judgement.regions:
        colour = (150, 150, 150) if region.accepted else COLOURS[judgement.verdict]
        points = np.array(region.corners).round().astype(np.int32)
        cv2.polylines(picture, [points], True, (0, 0, 0), thickness + 2, cv2.LINE_AA)
        cv2.polylines(picture, [points], True, colour, thickness, cv2.LINE_AA)
    return picture


def _scale(height_px: int, judgement: Judgement) -> Image:
    """A bar (H, w, 3) of the heat's colours, from the limit below to the peak above, with both numbers."""
    limit, peak = judgement.threshold or 0.0, judgement.score or 0.0
    width = max(40, height_px // 8)
    bar = np.full((height_px, width, 3), 255, dtype=np.uint8)
    top, bottom = int(0.12 * height_px), int(0.88 * height_px)
    ramp = np.linspace(peak, limit, max(bottom - top, 1), dtype=np.float32)[:, None]
    colours = heat(ramp + np.float32(1e-6), limit=limit, peak=peak)[..., :3]
    bar[top:bottom, width // 4 : 3 * width // 4] = colours
    for text, place in ((f"{peak:.3g}", 0.0), (f"{limit:.3g}", 0.9)):
        _write(bar, text, top=place, share=0.08, ink=(0, 0, 0), bold=1)
    return bar


def overlay_names(paths: Sequence[Path]) -> list[str]:
    """Name each picture's overlay: its stem, with a number where two share it."""
    taken: set[str] = set()
    names = []
    for path in paths:
        numbered = (f"{path.stem}_{number}" for number in count(2))
        name = next(each for each in chain([path.stem], numbered) if each not in taken)
        taken.add(name)
        names.append(name)
    return names


def write_overlay(
    folder: Path, name: str, image: Image, judgement: Judgement, recipe: Recipe
) -> Path:
    """Draw a judged picture into `folder`/`name`.png; gives the file written. Raises InspectionError."""
    drawn = cv2.cvtColor(draw(image, judgement, recipe), cv2.COLOR_RGB2BGR)
    path = folder / f"{name}.png"
    try:
        replace_file(path, cv2.imencode(".png", drawn)[1].tobytes(), sync=False)
    except OSError as error:
        raise InspectionError(
            f"overlay {path}: cannot be written ({error.strerror or error}); "
            "free space, or give another folder"
        ) from error
    return path


def heat_over(image: Image, judgement: Judgement, recipe: Recipe) -> Image:
    """Colour a judged picture's heat as RGBA (H, W, 4) of its size, from the limit to the peak.

    Nothing is coloured outside the cores of the regions at fault, nor on a part that passed.
    """
    score_map = judgement.anomaly_map
    if judgement.verdict not in (Verdict.FAIL, Verdict.REVIEW) or score_map is None:
        return np.zeros((*image.shape[:2], 4), dtype=np.uint8)
    values = recipe.framing.to_picture(image.shape, *score_map.shown, pose=judgement.pose)
    cores = core_mask(judgement.regions, values.shape)
    peak, limit = judgement.score or 0.0, judgement.threshold or 0.0
    if cores.any():  # the hottest point is the score's: what it adds to the map, all points share
        values += np.float32(peak - float(values[cores].max()))
    values = np.where(cores, np.maximum(values, np.nextafter(np.float32(limit), np.inf)), -np.inf)
    return heat(values.astype(np.float32), limit=limit, peak=peak)


def _blend(picture: Image, judgement: Judgement, recipe: Recipe) -> Image:
    """Lay the heat over the picture."""
    colours = heat_over(picture, judgement, recipe)
    share = colours[..., 3:].astype(np.float32) / 255
    mixed = picture * (1 - share) + colours[..., :3] * share
    return mixed.astype(np.uint8)


def _banner(width_px: int, judgement: Judgement) -> Image:
    """Write the verdict as large as the width allows, the reason below it."""
    words = WORDS[judgement.verdict]
    height = max(48, width_px // 8)
    banner = np.full((height, width_px, 3), COLOURS[judgement.verdict], dtype=np.uint8)
    ink = (0, 0, 0) if judgement.verdict in (Verdict.REVIEW, Verdict.CANNOT_INSPECT) else (255,) * 3
    _write(banner, words, top=0.08, share=0.55, ink=ink, bold=3)
    _write(banner, judgement.reason, top=0.68, share=0.2, ink=ink, bold=1)
    return banner


def _write(
    banner: Image, text: str, *, top: float, share: float, ink: tuple[int, ...], bold: int
) -> None:
    """Write one line into a band of the banner, made smaller until it fits."""
    height, width = banner.shape[:2]
    plain = text.encode("ascii", "replace").decode().replace("mm?", "mm2")
    font = cv2.FONT_HERSHEY_SIMPLEX
    thickness = max(1, round(bold * height / 100))
    (wide, high), _ = cv2.getTextSize(plain, font, 1.0, thickness)
    scale = min(share * height / high, 0.96 * width / wide)
    x = int((width - wide * scale) / 2)
    y = int(height * (top + share / 2) + high * scale / 2)
    cv2.putText(banner, plain, (x, y), font, scale, ink, thickness, cv2.LINE_AA)
