"""Several views of one part as one picture and one judgement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import cv2
import numpy as np
from numpy.typing import NDArray

from cameras import Frame
from inspection.judgement import Judgement, Verdict
from inspection.reasons import Reason
from inspection.recipe import Recipe

WORST_FIRST = (Verdict.FAIL, Verdict.CANNOT_INSPECT, Verdict.REVIEW, Verdict.PASS)


@dataclass(frozen=True, slots=True, eq=False)
class Montage:
    """All views of one part side by side: one picture, `left_px` of each view in it."""

    frame: Frame
    left_px: Mapping[str, int]


def side_by_side(frames: Mapping[str, Frame]) -> Montage:
    """Put the pictures of several views beside each other, as the record keeps them.

    (H, sum of widths, 3) RGB uint8, H that of the highest; black below a lower one. One view stays as it is.
    """
    first = next(iter(frames.values()))
    if len(frames) == 1:
        return Montage(first, dict.fromkeys(frames, 0))
    images = [_rgb(frame.image) for frame in frames.values()]
    height = max(image.shape[0] for image in images)
    widths = [image.shape[1] for image in images]
    whole = np.zeros((height, sum(widths), 3), dtype=np.uint8)
    lefts = np.cumsum([0, *widths[:-1]])
    for image, left in zip(images, lefts, strict=True):
        whole[: image.shape[0], left : left + image.shape[1]] = image
    places = {name: int(left) for name, left in zip(frames, lefts, strict=True)}
    return Montage(replace(first, image=whole, camera="+".join(frames)), places)


def combine_judgements(
    judgements: Mapping[str, Judgement], look: Montage, latency_ms: Mapping[str, float]
) -> Judgement:
    """The judgement of the part: the worst view's, with the regions of all."""
    if len(judgements) == 1:
        (only,) = judgements.values()
        return replace(only, latency_ms=MappingProxyType({**only.latency_ms, **latency_ms}))
    name, worst = min(judgements.items(), key=_badness)
    regions = [
        region.moved(look.left_px[view])
        for view, judgement in judgements.items()
        for region in judgement.regions
    ]
    return replace(
        worst,
        cause=replace(worst.cause, view=name),
        regions=tuple(sorted(regions, key=lambda region: -region.peak_score)),
        latency_ms=MappingProxyType(dict(latency_ms)),
        anomaly_map=None,
        pose=None,
    )


def cannot_inspect(reason: Reason, recipe: Recipe | None) -> Judgement:
    """The judgement of a part that was never looked at."""
    return Judgement(
        verdict=Verdict.CANNOT_INSPECT,
        cause=reason,
        recipe_id="" if recipe is None else recipe.id,
        threshold=None if recipe is None else recipe.settings.calibration.threshold,
    )


def _badness(item: tuple[str, Judgement]) -> tuple[int, float]:
    verdict, score = item[1].verdict, item[1].score or 0.0
    limit = item[1].threshold or 1.0
    return WORST_FIRST.index(verdict), -score / limit


def _rgb(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if image.ndim == 3:
        return image
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2RGB), dtype=np.uint8)
