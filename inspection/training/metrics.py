"""How well scores and maps tell good from defective, and how sure a counted rate is.

Every figure is exact: nothing is binned and no threshold grid is laid. Scores are raw, higher is
worse; tied scores count half. A mask is nonzero where the part is defective, None where it is good.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

TruthMask = NDArray[np.bool_] | NDArray[np.uint8]
_Number = TypeVar("_Number", bound=np.generic)


def auroc(good: ArrayLike, defective: ArrayLike) -> float:
    """The chance that a defective image scores worse than a good one."""
    good = np.sort(_finite("good", np.asarray(good, np.float64).ravel()))
    defective = _finite("defective", np.asarray(defective, np.float64).ravel())
    if not good.size or not defective.size:
        raise ValueError(
            "auroc: expected at least one good and one defective score, "
            f"got {good.size} good and {defective.size} defective"
        )
    above, tied_or_above = _share_above(good, defective)
    return float(1.0 - (above + tied_or_above).mean() / 2.0)


def true_positive_rate(
    good: ArrayLike, defective: ArrayLike, *, max_false_positive_rate: float
) -> float:
    """Share of defective scores above all good ones but the share allowed.

    The limit is the lowest score that at most `max_false_positive_rate` of the good ones exceed; a
    defective one that equals it does not count. Raises ValueError without one of each.
    """
    good = np.sort(_finite("good", np.asarray(good, np.float64).ravel()))
    defective = _finite("defective", np.asarray(defective, np.float64).ravel())
    if not good.size or not defective.size:
        raise ValueError(
            "true_positive_rate: expected at least one good and one defective score, "
            f"got {good.size} good and {defective.size} defective"
        )
    allowed = min(int(max_false_positive_rate * good.size + 1e-9), good.size - 1)
    return float((defective > good[good.size - 1 - allowed]).mean())


@dataclass(frozen=True, slots=True, eq=False)
class LabelledPixels:
    """The pixels of all pictures of a test set, good and defective ones apart.

    `good` (n,) and `defective` (m,) are sorted float32 scores; `region` (m,) numbers the defective
    region each is of, from 0; `picture` (r,) says which picture each region lies in. Memory: 4 bytes a
    good pixel.
    """

    good: NDArray[np.float32]
    defective: NDArray[np.float32]
    region: NDArray[np.intp]
    picture: NDArray[np.intp]

    @classmethod
    def gather(
        cls,
        maps: Iterable[ArrayLike],
        masks: Sequence[TruthMask | None],
        *,
        pictures: Sequence[int] | None = None,
    ) -> LabelledPixels:
        """Take maps (H, W), which may differ in size, each of the shape of its mask.

        `pictures` are their numbers where these are not 0, 1, 2 and so on. Raises ValueError for
        another shape, numbers that are not finite, or without a defective and a good pixel.
        """
        return _gather(maps, masks, range(len(masks)) if pictures is None else pictures)

    def auroc(self) -> float:
        """The chance that a defective pixel scores worse than a good one, over all pictures."""
        above, tied_or_above = _share_above(self.good, self.defective)
        return float(1.0 - (above + tied_or_above).mean() / 2.0)

    def aupro(self, max_false_positive_rate: float) -> float:
        """Area under the per-region overlap curve up to a false positive rate, divided by that rate.

        Bergmann et al., The MVTec Anomaly Detection Dataset, IJCV 129 (2021): each 8-connected region
        weighs the same whatever its size; the rate counts the good pixels of all images; the curve is
        a straight line across tied scores and at the limit.
        """
        return float(self.overlaps(max_false_positive_rate).mean())

    def overlaps(self, max_false_positive_rate: float) -> NDArray[np.float64]:
        """What each defective region (r,) adds to `aupro`, which is their mean."""
        limit = _rate(max_false_positive_rate)
        above, tied_or_above = _share_above(self.good, self.defective)
        area = _area_of_each(above, tied_or_above, limit)
        size = np.bincount(self.region)
        each: NDArray[np.float64] = np.bincount(self.region, area) / size / limit
        return each


def pixel_auroc(maps: Iterable[ArrayLike], masks: Sequence[TruthMask | None]) -> float:
    """`LabelledPixels.auroc` of maps (H, W) and their masks."""
    return LabelledPixels.gather(maps, masks).auroc()


def aupro(
    maps: Iterable[ArrayLike],
    masks: Sequence[TruthMask | None],
    *,
    max_false_positive_rate: float = 0.3,
) -> float:
    """`LabelledPixels.aupro` of maps (H, W) and their masks."""
    limit = _rate(max_false_positive_rate)  # before the work
    return LabelledPixels.gather(maps, masks).aupro(limit)


def _rate(limit: float) -> float:
    """Check a false positive rate."""
    if not 0.0 < limit <= 1.0:
        raise ValueError(
            f"max_false_positive_rate: expected more than 0 and at most 1, got {limit}"
        )
    return limit


def _share_above(
    good: NDArray[np.floating], defective: NDArray[np.floating]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of the sorted good scores, the share above each defective one, and above or tied with it."""
    above = 1.0 - np.searchsorted(good, defective, side="right") / good.size
    tied_or_above = 1.0 - np.searchsorted(good, defective, side="left") / good.size
    return above, tied_or_above


def _area_of_each(
    above: NDArray[np.float64], tied_or_above: NDArray[np.float64], limit: float
) -> NDArray[np.float64]:
    """The area, up to the limit, below the curve of one defective pixel.

    Its curve rises from 0 to 1 between the two rates: a step where nothing ties. The overlap
    curve is the mean of these, so its area needs no thresholds at all.
    """
    rise = np.minimum(tied_or_above, limit) - np.minimum(above, limit)
    width = np.maximum(tied_or_above - above, np.finfo(np.float64).tiny)
    area: NDArray[np.float64] = np.maximum(limit - tied_or_above, 0.0) + rise * rise / (2.0 * width)
    return area


def _gather(
    maps: Iterable[ArrayLike], masks: Sequence[TruthMask | None], pictures: Sequence[int]
) -> LabelledPixels:
    good: list[NDArray[np.float32]] = []
    defective: list[NDArray[np.float32]] = []
    region: list[NDArray[np.intp]] = []
    picture: list[int] = []
    regions = 0
    for index, (given, mask) in enumerate(zip(maps, masks, strict=True)):
        values = _finite(f"maps[{index}]", np.asarray(given, np.float32))
        if mask is None:
            good.append(values.ravel())
            continue
        if values.shape != mask.shape:
            raise ValueError(
                f"maps[{index}]: expected the shape of its mask, {mask.shape}, got {values.shape}"
            )
        count, numbers = _number_regions(mask)
        found = numbers > 0
        good.append(values[~found])
        defective.append(values[found])
        region.append(numbers[found] - 1 + regions)
        regions += count
        picture += [pictures[index]] * count
    if not regions or not sum(part.size for part in good):
        raise ValueError(
            f"masks: expected defective and good pixels, got {regions} defective regions "
            f"and {sum(part.size for part in good)} good pixels in {len(masks)} masks"
        )
    return _sort(_joined(good), _joined(defective), _joined(region), np.array(picture, np.intp))


def _sort(
    good: NDArray[np.float32],
    defective: NDArray[np.float32],
    region: NDArray[np.intp],
    picture: NDArray[np.intp],
) -> LabelledPixels:
    good.sort()
    order = np.argsort(defective)  # looking up sorted values is several times quicker
    return LabelledPixels(good, defective[order], region[order], picture)


def _joined(parts: list[NDArray[_Number]]) -> NDArray[_Number]:
    """Concatenated, letting each part go as it is copied so that memory is not held twice."""
    joined = np.empty(sum(part.size for part in parts), parts[0].dtype)
    end = joined.size
    while parts:
        part = parts.pop()
        joined[end - part.size : end] = part
        end -= part.size
    return joined


def _number_regions(mask: TruthMask) -> tuple[int, NDArray[np.intp]]:
    """How many 8-connected regions, and each pixel's number from 1; 0 is good."""
    import cv2

    count, numbers = cv2.connectedComponents((mask != 0).astype(np.uint8), connectivity=8)
    return count - 1, numbers.astype(np.intp)


def _finite(name: str, values: NDArray[_Number]) -> NDArray[_Number]:
    if not np.isfinite(values).all():
        raise ValueError(f"{name}: expected finite numbers, got NaN or infinity")
    return values
