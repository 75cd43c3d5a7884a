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
from inspection.judging import lettering
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
NARROWEST_PX = 256
"""So wide a judged picture is at least, for its words."""
EMPTY = 32
"""Grey of what stands beside a picture that is smaller than its words."""


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
    """The picture (H, W, 3) below a banner that says the verdict in English; a narrow one gets room beside it."""
    picture = beside_heat(image, judgement, recipe)
    picture = _padded(picture, picture.shape[0], max(picture.shape[1], NARROWEST_PX))
    return np.vstack([_banner(picture.shape[1], judgement), picture])


def beside_heat(image: Image, judgement: Judgement, recipe: Recipe) -> Image:
    """The picture (H, W, 3); of a part at fault also its heat beside it, with a scale."""
    rgb = cv2.cvtColor(image, cv2.COLOR_GRAY2RGB) if image.ndim == 2 else image
    picture: Image = np.array(rgb, dtype=np.uint8)
    if judgement.verdict in (Verdict.FAIL, Verdict.REVIEW):
        marked = _marked(_blend(picture, judgement, recipe), judgement)
        pair = np.hstack([picture, marked])
        scale = _scale(pair.shape[0], pair.shape[1], judgement)
        picture = np.hstack([_padded(pair, scale.shape[0], pair.shape[1]), scale])
    return picture


def _padded(picture: Image, height_px: int, width_px: int) -> Image:
    """The picture at the top left of a larger empty one."""
    out = np.full((height_px, width_px, 3), EMPTY, dtype=np.uint8)
    out[: picture.shape[0], : picture.shape[1]] = picture
    return out


def _marked(picture: Image, judgement: Judgement) -> Image:
    """Draw the contour of each region."""
    thickness = max(1, round(min(picture.shape[:2]) / 250))
    for region in judgement.regions:
        colour = (150, 150, 150) if region.accepted else COLOURS[judgement.verdict]
        points = np.array(region.corners).round().astype(np.int32)
        cv2.polylines(picture, [points], True, (0, 0, 0), thickness + 2, cv2.LINE_AA)
        cv2.polylines(picture, [points], True, colour, thickness, cv2.LINE_AA)
    return picture


def _scale(height_px: int, width_px: int, judgement: Judgement) -> Image:
    """A bar (H, w, 3) of the heat's colours, from the limit below to the peak above, with both numbers.

    It is higher than asked where the numbers and some of the bar need it.
    """
    limit, peak = judgement.threshold or 0.0, judgement.score or 0.0
    capitals = lettering.capitals_px(width_px)
    line, words = lettering.line_px(capitals), (f"{peak:.3g}", f"{limit:.3g}")
    height = max(height_px, 4 * line)
    wide = max(height // 8, *(lettering.width_px(each, capitals) + capitals for each in words))
    bar = np.full((height, wide, 3), 255, dtype=np.uint8)
    ramp = np.linspace(peak, limit, height - 2 * line, dtype=np.float32)[:, None]
    colours = heat(ramp + np.float32(1e-6), limit=limit, peak=peak)[..., :3]
    bar[line:-line, wide // 4 : 3 * wide // 4] = colours
    for text, top in zip(words, (0, height - line), strict=True):
        lettering.write(bar, text, top_px=top, capitals=capitals, ink=(0, 0, 0))
    return bar


def overlay_names(paths: Sequence[Path]) -> list[str]:
    """Name each picture's overlay: its folder and stem, with a number where two share them."""
    taken: set[str] = set()
    names = []
    for path in paths:
        whole = "_".join(filter(None, (path.absolute().parent.name, path.stem)))
        numbered = (f"{whole}_{number}" for number in count(2))
        name = next(each for each in chain([whole], numbered) if each not in taken)
        taken.add(name)
        names.append(name)
    return names


def write_overlay(
    folder: Path, name: str, image: Image, judgement: Judgement, recipe: Recipe
) -> Path:
    """Draw a judged picture into `folder`/`name`_VERDICT.png; gives the file written.

    One of an earlier, other verdict goes. Raises InspectionError.
    """
    drawn = cv2.cvtColor(draw(image, judgement, recipe), cv2.COLOR_RGB2BGR)
    path, *others = (
        folder / f"{name}_{verdict}.png"
        for verdict in (judgement.verdict, *(each for each in Verdict if each != judgement.verdict))
    )
    try:
        replace_file(path, cv2.imencode(".png", drawn)[1].tobytes(), sync=False)
        for other in others:
            other.unlink(missing_ok=True)
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
    """Write the verdict as large as the width allows, the reason below it in as many lines as it needs."""
    words, capitals = WORDS[judgement.verdict], lettering.capitals_px(width_px)
    room = round(0.96 * width_px)
    large = min(4 * capitals, 4 * capitals * room // lettering.width_px(words, 4 * capitals))
    lines = lettering.wrapped(judgement.reason, capitals, room)
    head, line = lettering.line_px(large), lettering.line_px(capitals)
    height = head + len(lines) * line + capitals // 2
    banner = np.full((height, width_px, 3), COLOURS[judgement.verdict], dtype=np.uint8)
    ink = (0, 0, 0) if judgement.verdict in (Verdict.REVIEW, Verdict.CANNOT_INSPECT) else (255,) * 3
    lettering.write(banner, words, top_px=0, capitals=large, ink=ink)
    for place, text in enumerate(lines):
        lettering.write(banner, text, top_px=head + place * line, capitals=capitals, ink=ink)
    return banner
