"""An explanation as one HTML file with its pictures in it: nothing is loaded from elsewhere."""

from __future__ import annotations

from base64 import b64encode
from html import escape
from importlib.metadata import version

import cv2
import numpy as np
from numpy.typing import NDArray

from cameras import decode_image
from inspection.judgement import Judgement
from inspection.judging.encode import encoded_jpeg
from inspection.judging.explain import Explained, Explanation, Place
from inspection.judging.explain_words import Telling
from inspection.judging.overlay import beside_heat
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


def page(
    found: Explanation, image: Image, recipe: Recipe, *, name: str, language: str = "en"
) -> str:
    """The whole page of a picture (H, W[, 3]) of this name."""
    judged, tell = found.judgement, Telling(language=language, scales=len(found.scales))
    told = f"{tell.verdict(judged)}: {name}"
    parts = [
        f"<h1>{escape(told)}</h1><p>{escape(tell.reason(judged))}</p>"
        f"<p>{escape(_numbers(judged, recipe, tell))}</p>",
        _figure(beside_heat(image, judged, recipe), tell.say("explain.as_judged"), width_px=900),
        *([] if found.pairs else [f"<p>{escape(_capital(tell.no_pairs(recipe)))}</p>"]),
        *(_place(found, recipe, tell, n, each) for n, each in enumerate(found.places, 1)),
        f"<h2>{escape(tell.say('explain.measured'))}</h2>",
        *_maps(found, tell),
    ]
    return (
        f'<!doctype html>\n<html lang="{escape(language)}"><head><meta charset="utf-8"><title>{escape(told)}</title>'
        f"<style>{STYLE}</style></head>\n<body>{chr(10).join(parts)}\n</body></html>\n"
    )


def _numbers(judged: Judgement, recipe: Recipe, tell: Telling) -> str:
    limits = recipe.settings.calibration
    return tell.say(
        "explain.numbers",
        score=f"{judged.score:.3g}",
        pass_limit=f"{limits.threshold:.3g}",
        fail_limit=f"{limits.fail_threshold:.3g}",
        share=f"{judged.p_value:.1%}",
        recipe=recipe.id[:12],
        model=recipe.settings.model["name"],
        version=version("inspection"),
    )


def _place(found: Explanation, recipe: Recipe, tell: Telling, number: int, each: Explained) -> str:
    """One place: the pair of patches, and what its score is made of."""
    key = "explain.no_region" if each.region is None else "explain.region"
    title = tell.say(key, number=number, score=f"{each.score:.3g}")
    rows = "".join(
        f"<tr><td>{escape(tell.measure(name))}</td><td>{value:+.2f}</td><td>{_bar(value, each)}</td></tr>"
        for name, value in each.shares.items()
    )
    return (
        f"<h2>{escape(title)}</h2>"
        f"<p>{escape(_capital(tell.sentence(each)))}</p><p>{escape(_capital(tell.spoke(each)))}</p>"
        f"{_pair(found, recipe, tell, each)}<table>{rows}<tr><td><b>{escape(tell.say('explain.together'))}</b></td>"
        f"<td><b>{each.score:.2f}</b></td></tr></table>"
    )


def _pair(found: Explanation, recipe: Recipe, tell: Telling, each: Explained) -> str:
    """The part's patch, and beside it the nearest good one where it can be shown."""
    caption = tell.say("explain.this_part", place=tell.place(each.patch))
    own = _figure(_crop(found.canvas, each.patch), caption)
    near, origins = each.nearest, recipe.origins
    if near is None or origins is None:
        return f"<div>{own}</div>"
    caption = tell.say(
        "explain.good_part",
        picture=near.picture,
        place=tell.place(near.place),
        distance=f"{near.distance:.2f}",
    )
    thumbnail = origins.thumbnails.get(near.number)
    if thumbnail is None:
        return f"<div>{own}<p>{escape(caption)} {escape(tell.say('explain.no_room'))}</p></div>"
    small = decode_image(thumbnail, near.picture)
    size = found.canvas.shape[1], found.canvas.shape[0]
    good = cv2.resize(small, size, interpolation=cv2.INTER_CUBIC)
    return f"<div>{own}{_figure(_crop(np.asarray(good, np.uint8), near.place), caption)}</div>"


def _maps(found: Explanation, tell: Telling) -> list[str]:
    """Each scale's map, coarsest first, where a transformer looks, and the picture rebuilt beside the one seen."""
    high = max(4.0, *(float(plane.max()) for plane in found.scales))
    shown = [
        _figure(
            _heat(plane, high, found.canvas.shape),
            _capital(tell.say("explain.map", scale=tell.scale(k), high=f"{high:.1f}")),
        )
        for k, plane in enumerate(found.scales)
    ]
    shown += [
        _figure(_over(found.canvas, each.shares), _capital(tell.looks(each)))
        for each in found.attention
    ]
    if found.mute:
        shown.append(f"<p>{escape(_capital(tell.say('explain.no_attention')))}</p>")
    if found.rebuilt is None:
        return shown
    size = found.rebuilt.shape[1], found.rebuilt.shape[0]
    seen = np.asarray(cv2.resize(found.canvas, size, interpolation=cv2.INTER_AREA), np.uint8)
    wrong = np.abs(seen.astype(np.int16) - found.rebuilt).astype(np.uint8)
    return [
        *shown,
        _figure(seen, tell.say("explain.seen")),
        _figure(found.rebuilt, tell.say("explain.rebuilt")),
        _figure(wrong, tell.say("explain.difference")),
    ]


def _heat(
    plane: NDArray[np.float32], high: float, shape: tuple[int, ...], *, smooth: bool = False
) -> Image:
    grey = np.clip(255 * plane / high, 0, 255).astype(np.uint8)
    coloured = cv2.cvtColor(cv2.applyColorMap(grey, cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB)
    size = round(SHOWN_PX * shape[1] / max(shape[:2])), round(SHOWN_PX * shape[0] / max(shape[:2]))
    method = cv2.INTER_LINEAR if smooth else cv2.INTER_NEAREST
    return np.asarray(cv2.resize(coloured, size, interpolation=method), np.uint8)


def _over(canvas: Image, shares: NDArray[np.float32]) -> Image:
    """The picture in grey, coloured by shares (h, w) where there are some; the most is brightest."""
    heat = _heat(shares, float(shares.max()) or 1.0, canvas.shape, smooth=True)
    seen = cv2.resize(canvas, (heat.shape[1], heat.shape[0]), interpolation=cv2.INTER_AREA)
    grey = cv2.cvtColor(cv2.cvtColor(seen, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return np.asarray(cv2.addWeighted(grey, 0.4, heat, 0.6, 0), np.uint8)


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
