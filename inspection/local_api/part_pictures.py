"""The picture and the heat of a part just inspected."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from inspection.judging.encode import encoded_jpeg, encoded_png
from inspection.judging.multi_view import side_by_side
from inspection.judging.overlay import heat_over
from inspection.recipe import Recipe
from inspection.station.part import InspectedPart


def picture_jpeg(part: InspectedPart) -> bytes | None:
    """Encode a part's picture, all views side by side; None where it has none."""
    if not part.frames:
        return None
    image = side_by_side(part.frames).frame.image
    return encoded_jpeg(image)


def heat_png(part: InspectedPart, recipes: Mapping[str, Recipe]) -> bytes | None:
    """Encode the heat of all views as one transparent picture; None where there is none.

    `recipes` are those the views judged by; a view without its own cannot be drawn, and an empty
    picture would say that nothing was unusual.
    """
    if not part.frames:
        return None
    look = side_by_side(part.frames)
    whole = np.zeros((*look.frame.image.shape[:2], 4), dtype=np.uint8)
    for view, judgement in part.judgements.items():
        if judgement.anomaly_map is None:
            continue
        if view not in recipes:
            return None
        image = part.frames[view].image
        left = look.left_px[view]
        colours = heat_over(image, judgement, recipes[view])
        whole[: image.shape[0], left : left + image.shape[1]] = colours
    return encoded_png(whole)
