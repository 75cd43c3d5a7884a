"""The parts of the record as a dataset: filtered by what people say of them, sorted, and as small pictures."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from inspection.judgement import Verdict
from inspection.labels.labels import LabelsByPart, PartLabels, Truth
from inspection.store import PartRecord, Store
from inspection.store.filters import PartFilter
from inspection.store.reading.summary import columns_of

MOST_PARTS = 20_000
"""Of so many of the latest parts those are shown that fit."""
PAGE = 48
SIDE_PX, LARGE_PX, EDGE_PX = 200, 1024, 8
CHOSEN_RGB, ODD_RGB, REGION_RGB = (86, 180, 233), (230, 159, 0), (213, 94, 0)
NO_PICTURE = np.full((SIDE_PX, SIDE_PX, 3), 60, dtype=np.uint8)
Image = NDArray[np.uint8]
_COLUMNS = ("number", "part_id", "verdict", "score", "threshold", "lot")
_NOTHING = PartLabels()

SORTS: dict[str, Callable[[Entry], float]] = {
    "score_down": lambda each: -each.order,
    "score_up": lambda each: each.order,
    "newest": lambda each: -each.number,
    "oldest": lambda each: each.number,
}
LABELS: dict[str, Callable[[Entry], bool]] = {
    "any": lambda each: True,
    "none": lambda each: each.truth is Truth.NOTHING,
    "good": lambda each: each.truth is Truth.OK,
    "bad": lambda each: each.truth is Truth.NG,
    "differ": lambda each: each.truth is Truth.DISPUTED,
    "odd": lambda each: each.odd,
    "ignored": lambda each: each.ignored,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A part of the dataset."""

    number: int
    part_id: str
    verdict: Verdict
    score: float | None
    threshold: float | None
    lot: str | None
    truth: Truth
    defect: str | None
    ignored: bool

    @property
    def order(self) -> float:
        """Its score over its limit, so that parts of several recipes can stand in one order; none: above all."""
        if self.score is None or not self.threshold:
            return float("inf")
        return self.score / self.threshold

    @property
    def odd(self) -> bool:
        """Whether its verdict and what people say of it contradict each other."""
        passed = self.verdict is Verdict.PASS
        return self.truth is (Truth.NG if passed else Truth.OK)


def entries(
    store: Store,
    asked: PartFilter,
    labels: LabelsByPart,
    *,
    verdicts: Collection[str] = (),
    label: str = "any",
    defect: str | None = None,
    sort: str = "score_down",
) -> list[Entry]:
    """The parts that fit, in the order asked for; no verdict named: any. Raises StoreError."""
    rows = columns_of(store, asked, _COLUMNS, limit=MOST_PARTS)
    found = (_entry(row, labels) for row in rows if not verdicts or row[2] in verdicts)
    fits = LABELS[label]
    kept = [each for each in found if fits(each) and (not defect or each.defect == defect)]
    return sorted(kept, key=lambda each: (SORTS[sort](each), -each.number))


def page_of(found: Sequence[Entry], page: int) -> Sequence[Entry]:
    """One page, counted from 1; the last one for a number beyond it."""
    page = max(1, min(page, pages_of(found)))
    return found[(page - 1) * PAGE : page * PAGE]


def pages_of(found: Sequence[Entry]) -> int:
    """How many pages there are, at least one."""
    return max(1, -(-len(found) // PAGE))


def thumbnail(store: Store, entry: Entry, *, chosen: bool) -> Image:
    """The small picture (H, W, 3) of a part: a frame when chosen, a thin one in orange when odd."""
    record = store.part(entry.part_id)
    small = NO_PICTURE if record is None else _small(store.image_path(record))
    if not chosen and not entry.odd:
        return small
    marked = small.copy()
    height, width = marked.shape[:2]
    colour, edge = (CHOSEN_RGB, EDGE_PX) if chosen else (ODD_RGB, EDGE_PX // 2)
    cv2.rectangle(marked, (0, 0), (width - 1, height - 1), colour, 2 * edge)
    return marked


def large(store: Store, record: PartRecord) -> Image | None:
    """The picture of a part with its places at fault framed; None where it is gone."""
    image = _read(store.image_path(record))
    if image is None:
        return None
    scale = min(1.0, LARGE_PX / max(image.shape[:2]))
    shown = _resized(image, scale)
    for region in record.regions:
        if not region.accepted:
            corners = np.round(scale * np.array(region.corners)).astype(np.int32)
            cv2.polylines(shown, [corners], True, REGION_RGB, 2)
    return shown


def _entry(row: tuple[object, ...], labels: LabelsByPart) -> Entry:
    number, part_id, verdict, score, threshold, lot = row
    part = labels.get(str(part_id), _NOTHING)
    outcome = part.outcome
    return Entry(
        number=int(str(number)),
        part_id=str(part_id),
        verdict=Verdict(str(verdict)),
        score=score if isinstance(score, float) else None,
        threshold=threshold if isinstance(threshold, float) else None,
        lot=None if lot is None else str(lot),
        truth=part.truth,
        defect=None if outcome is None else outcome.defect,
        ignored=part.ignored,
    )


@lru_cache(maxsize=512)
def _small(path: Path | None) -> Image:
    image = _read(path)
    if image is None:
        return NO_PICTURE
    return _resized(image, min(1.0, SIDE_PX / max(image.shape[:2])))


def _read(path: Path | None) -> Image | None:
    data = np.fromfile(path, dtype=np.uint8) if path is not None and path.is_file() else None
    image = None if data is None or not len(data) else cv2.imdecode(data, cv2.IMREAD_COLOR)
    return None if image is None else np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)


def _resized(image: Image, scale: float) -> Image:
    height, width = (max(1, round(scale * side)) for side in image.shape[:2])
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
