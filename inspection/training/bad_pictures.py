"""Bad parts as a model sees them while it is taught, and how well it tells them from good ones."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

import models
from cameras import CameraError
from inspection.errors import CannotInspect
from inspection.training.defects import FEWEST, BadParts
from inspection.training.good_pictures import GoodPictures
from inspection.training.metrics import auroc
from models import PatchMaps, Picture, Progress, Scoring

MOST_BAD = 100
"""Bad parts looked at; more would not change what is chosen by them."""

Measured = Iterable[tuple[PatchMaps, NDArray[np.bool_]]]
"""What a model measured of pictures, and which of their pixels count."""


def seen(bad: BadParts | None, pictures: GoodPictures, *, progress: Progress) -> list[Picture]:
    """The bad parts on the canvas; none where fewer than FEWEST can be brought there."""
    if bad is None or len(bad.parts) < FEWEST:
        return []
    framing, found = pictures.framing, []
    parts = bad.parts[:: -(-len(bad.parts) // MOST_BAD)]
    for number, part in enumerate(parts):
        with suppress(CameraError, CannotInspect):  # judged and counted later
            image = framing.setup.read_picture(part.path)
            canvas, _, pose = framing.canvas_of(image)
            found.append(Picture(canvas, framing.placed(image.shape, pose).valid))
        progress("Looking at bad parts", number + 1, len(parts))
    return found if len(found) >= FEWEST else []


def told_apart(good: Measured, bad: Measured, scoring: Scoring) -> float:
    """AUROC of bad pictures against good ones."""
    of_good, of_bad = (
        [models.score(maps, valid, scoring).score for maps, valid in pairs] for pairs in (good, bad)
    )
    return auroc(of_good, of_bad)
