"""An explanation as one HTML file with its pictures in it: nothing is loaded from elsewhere."""

from __future__ import annotations

from base64 import b64encode
from html import escape
from importlib.metadata import version

import cv2
import numpy as np
from numpy.typing import NDArray

from cameras import decode_image
from inspection.judging.encode import encoded_jpeg
from inspection.judging.explain import Explained, Explanation, Place, said, scale_name
from inspection.judging.overlay import draw
from inspection.recipe import Recipe

Image = NDArray[np.uint8]

SHOWN_PX = 320
"""Side of a crop on the page."""

AROUND = 3.0
"""Sides of a patch that a crop is wide, at least."""

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; color: #1a1a1a;
  background: #fff; }
figure { display: inline-block; margin: 0 1rem 1rem 0; vertical-align: top; max-width: 100%; }
figcaption { color: #444; max-width: 320px; }
img { max-width: 100%; height: auto; border: 1px solid #ccc; }
table { border-collapse: collapse; }
td { padding: .15rem .8rem .15rem 0; }
.bar { display: inline-block; height: .8rem; background: #d55e00; }
.less { background: #56b4e9; }
"""


def page(found: Explanation, image: Image, recipe: Recipe, *, name: str) -> str:
    """The whole page of a picture (H, W[, 3]) of this name."""
    judged, calibration = found.judgement, recipe.settings.calibration
    told = f"{judged.verdict}: {name}"
    numbers = (
        f"Score {judged.score:.3g}; PASS up to {calibration.threshold:.3g}, FAIL above "
        f"{calibration.fail_threshold:.3g}. Of good parts, {judged.p_value:.1%} score as high or higher. "
        f"Recipe {recipe.id[:12]}, model {recipe.settings.model['name']}. Made by inspection {version('inspection')}."
    )
    parts = [
        f"<h1>{escape(told)}</h1><p>{escape(judged.reason)}</p><p>{escape(numbers)}</p>",
        _figure(draw(image, judged, recipe), "The part as judged.", width_px=900),
        *([] if found.no_pairs is None else [f"<p>{escape(_capital(found.no_pairs))}.</p>"]),
        *(_place(found, recipe, n, each) for n, each in enumerate(found.places, 1)),
        "<h2>What was measured</h2>",
        *_maps(found),
    ]
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(told)}</title>'
        f"<style>{STYLE}</style></head>\n<body>{chr(10).join(parts)}\n</body></html>\n"
    )


def _place(found: Explanation, recipe: Recipe, number: int, each: Explained) -> str:
    """One place: the pair of patches, and what its score is made of."""
    count = len(found.scales)
    title = f"Region {number}" if each.region is not None else "The least usual place"
    spoke = f"{_capital(scale_name(each.scale, count))} spoke; what drove the score is {said(each.measure, count)}."
    rows = "".join(
        f"<tr><td>{escape(said(name, count))}</td><td>{value:+.2f}</td><td>{_bar(value, each)}</td></tr>"
        for name, value in each.shares.items()
    )
    return (
        f"<h2>{title}, score {each.score:.3g}</h2><p>{escape(_capital(each.sentence))}. {escape(spoke)}</p>"
        f"{_pair(found, recipe, each)}"
        f"<table>{rows}<tr><td><b>together</b></td><td><b>{each.score:.2f}</b></td></tr></table>"
    )


def _pair(found: Explanation, recipe: Recipe, each: Explained) -> str:
    """The part's patch, and beside it the nearest good one where it can be shown."""
    own = _figure(_crop(found.canvas, each.patch), f"This part, {each.patch.words}.")
    near, origins = each.nearest, recipe.origins
    if near is None or origins is None:
        return f"<div>{own}</div>"
    caption = f"Good part {near.picture}, {near.place.words}; {near.distance:.2f} away."
    thumbnail = origins.thumbnails.get(near.number)
    if thumbnail is None:
        return f"<div>{own}<p>{escape(caption)} The recipe has no room for its picture.</p></div>"
    small = decode_image(thumbnail, near.picture)
    size = found.canvas.shape[1], found.canvas.shape[0]
    good = cv2.resize(small, size, interpolation=cv2.INTER_CUBIC)
    return f"<div>{own}{_figure(_crop(np.asarray(good, np.uint8), near.place), caption)}</div>"


def _maps(found: Explanation) -> list[str]:
    """Each scale's map, coarsest first, and the picture rebuilt beside the one that was seen."""
    count = len(found.scales)
    high = max(4.0, *(float(plane.max()) for plane in found.scales))
    shown = [
        _figure(
            _heat(plane, high, found.canvas.shape),
            f"{_capital(scale_name(k, count))}: deviations of good patches, dark is usual, bright is {high:.1f}.",
        )
        for k, plane in enumerate(found.scales)
    ]
    if found.rebuilt is None:
        return shown
    size = found.rebuilt.shape[1], found.rebuilt.shape[0]
    seen = np.asarray(cv2.resize(found.canvas, size, interpolation=cv2.INTER_AREA), np.uint8)
    wrong = np.abs(seen.astype(np.int16) - found.rebuilt).astype(np.uint8)
    return [
        *shown,
        _figure(seen, "What the network saw."),
        _figure(found.rebuilt, "What it rebuilt."),
        _figure(wrong, "The difference, as it is."),
    ]


def _heat(plane: NDArray[np.float32], high: float, shape: tuple[int, ...]) -> Image:
    grey = np.clip(255 * plane / high, 0, 255).astype(np.uint8)
    coloured = cv2.cvtColor(cv2.applyColorMap(grey, cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB)
    size = round(SHOWN_PX * shape[1] / max(shape[:2])), round(SHOWN_PX * shape[0] / max(shape[:2]))
    return np.asarray(cv2.resize(coloured, size, interpolation=cv2.INTER_NEAREST), np.uint8)


def _crop(canvas: Image, place: Place) -> Image:
    """The surroundings of a patch, with its box drawn, SHOWN_PX wide."""
    side = max(int(AROUND * max(place.width_px, place.height_px)), max(canvas.shape[:2]) // 4)
    centre = place.y_px + place.height_px // 2, place.x_px + place.width_px // 2
    top, left = (
        max(0, min(at - side // 2, length - side))
        for at, length in zip(centre, canvas.shape[:2], strict=True)
    )
    part = canvas[top : top + side, left : left + side]
    times = SHOWN_PX / max(part.shape[:2])
    size = round(part.shape[1] * times), round(part.shape[0] * times)
    large = cv2.resize(part, size, interpolation=cv2.INTER_CUBIC)
    corners = [
        (round(times * (place.x_px - left + dx)), round(times * (place.y_px - top + dy)))
        for dx, dy in ((0, 0), (place.width_px, place.height_px))
    ]
    for colour, thickness in (((0, 0, 0), 4), ((240, 228, 66), 2)):
        cv2.rectangle(large, corners[0], corners[1], colour, thickness)
    return np.asarray(large, np.uint8)


def _figure(image: Image, caption: str, *, width_px: int | None = None) -> str:
    if width_px is not None and image.shape[1] > width_px:
        size = width_px, max(1, round(image.shape[0] * width_px / image.shape[1]))
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    data = b64encode(encoded_jpeg(image)).decode()
    return (
        f'<figure><img src="data:image/jpeg;base64,{data}" alt="{escape(caption)}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def _bar(value: float, each: Explained) -> str:
    most = max(abs(share) for share in each.shares.values()) or 1.0
    kind = "bar" if value >= 0 else "bar less"
    return f'<span class="{kind}" style="width: {abs(value) / most * 16:.1f}rem"></span>'


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
