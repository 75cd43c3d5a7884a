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
from inspection.judgement import Judgement, Verdict
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
HEAT_OPACITY = 0.6


def heat(values: NDArray[np.float32], *, threshold: float, fail_threshold: float) -> Image:
    """Colour anomaly values (H, W) as RGBA on a scale fixed to the thresholds.

    Nothing is coloured up to the threshold; yellow just above it, red from the fail threshold on.
    """
    span = max(fail_threshold - threshold, 0.05 * abs(threshold), 1e-9)
    excess = np.clip((values - threshold) / span, 0.0, 1.0)
    out = np.zeros((*values.shape, 4), dtype=np.uint8)
    out[..., 0] = 240
    out[..., 1] = (200 * (1 - excess)).astype(np.uint8)
    out[..., 3] = np.where(values > threshold, 255 * HEAT_OPACITY, 0).astype(np.uint8)
    return out


def draw(image: Image, judgement: Judgement, recipe: Recipe) -> Image:
    """Draw a picture (H, W, 3) RGB uint8, or (H, W), with heat, outlined regions and a banner above."""
    rgb = cv2.cvtColor(image, cv2.COLOR_GRAY2RGB) if image.ndim == 2 else image
    picture: Image = np.array(rgb, dtype=np.uint8)
    picture = _blend(picture, judgement, recipe)
    thickness = max(2, round(min(picture.shape[:2]) / 200))
    for region in judgement.regions:
        colour = (150, 150, 150) if region.accepted else COLOURS[judgement.verdict]
        corner = (region.x_px + region.width_px, region.y_px + region.height_px)
        cv2.rectangle(picture, (region.x_px, region.y_px), corner, (0, 0, 0), thickness + 2)
        cv2.rectangle(picture, (region.x_px, region.y_px), corner, colour, thickness)
    return np.vstack([_banner(picture.shape[1], judgement), picture])


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
    """Colour a judged picture's heat as RGBA (H, W, 4) of its size.

    Nothing is coloured outside the regions at fault, and nothing at all on a part that passed.
    """
    found = judgement.anomaly_map
    if judgement.verdict not in (Verdict.FAIL, Verdict.REVIEW) or found is None:
        return np.zeros((*image.shape[:2], 4), dtype=np.uint8)
    calibration = recipe.settings.calibration
    over = recipe.framing.to_picture(image.shape, *found.shown, pose=judgement.pose)
    # Detail says where within a place the heat is; how strong it is, the distances alone say.
    values = np.minimum(over, found.values.max()) + np.float32(found.offset)
    values[~_inside(judgement, values.shape)] = 0.0
    return heat(values, threshold=calibration.threshold, fail_threshold=calibration.fail_threshold)


def _blend(picture: Image, judgement: Judgement, recipe: Recipe) -> Image:
    """Lay the heat over the picture."""
    colours = heat_over(picture, judgement, recipe)
    share = colours[..., 3:].astype(np.float32) / 255
    mixed = picture * (1 - share) + colours[..., :3] * share
    return mixed.astype(np.uint8)


def _inside(judgement: Judgement, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Which pixels lie in the box of a region at fault."""
    mask = np.zeros(shape, dtype=bool)
    for region in judgement.regions:
        if not region.accepted:
            rows = slice(region.y_px, region.y_px + region.height_px)
            mask[rows, region.x_px : region.x_px + region.width_px] = True
    return mask


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
