"""anomalib's models on the same pictures: same backbone, same number of pixels."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from cameras import read_image
from inspection.training.bench.runs import Outcome, Scored, Task
from inspection.training.dataset_folder import TestPicture, good_files, test_files
from inspection.training.metrics import LabelledPixels
from inspection.training.statistics import ScoredTestSet
from models import Progress


def run_apart(task: Task, method: str, progress: Progress) -> Outcome:
    """Teach and time one of anomalib's models; it gives scores and maps, and no verdict.

    Raises ModelError with the last line its process said.
    """
    from models._comparison import anomalib

    items, good = test_files(task.folder), good_files(task.folder)
    size = _size_px(task, good)
    settings = anomalib.ComparisonSettings(
        size=size, backbone=task.settings.backbone, seed=task.seed
    )
    pictures = [*(item.path for item in items), *(each.path for each in task.drawn)]
    progress("anomalib at work", 0, 1)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, f"{method}.npz")
        found = anomalib.run_apart(method, good, pictures, settings, out=out)
        scores = np.asarray(found.scores, np.float64)
        test = ScoredTestSet(
            kinds=[item.kind for item in items],
            scores=scores[: len(items)],
            latency_ms=np.array([]),
            pixels=_pixels(items, found.maps),
            lengths=[item.defect_length() for item in items],
        )
    drawn = Scored(
        kinds=[each.kind for each in task.drawn],
        scores=scores[len(items) :],
        lengths=[each.length for each in task.drawn],
    )
    progress("anomalib at work", 1, 1)
    costs: dict[str, Any] = {
        "fit_seconds": found.fit_seconds,
        "ms_per_image": found.ms_per_image,
        "peak_memory_mb": found.peak_memory_mb,
        "coreset_ratio": found.coreset_ratio,
        "image_size": size,
    }
    return Outcome.of(task, test, drawn, costs=costs)


def _size_px(task: Task, good: Sequence[Path]) -> int:
    """The side of the square with as many pixels as our model sees."""
    sizes = [read_image(path).shape[:2] for path in good[:10]]
    height_px, width_px = np.median(sizes, axis=0)
    side_px, _ = task.settings.options(model="", seed=0).scales((float(height_px), float(width_px)))
    return round(side_px)


def _pixels(items: Sequence[TestPicture], maps: Sequence[Any]) -> LabelledPixels | None:
    """The pixels of all pictures by their maps (h, w); None unless every defective one has a mask."""
    if not all(item.mask for item in items if item.defective):
        return None
    truths = [item.truth() for item in items]
    masks = [
        np.zeros(read_image(item.path).shape[:2], dtype=bool) if truth is None else truth
        for item, truth in zip(items, truths, strict=True)
    ]
    sized = [
        cv2.resize(np.asarray(maps[number], np.float32), mask.shape[::-1])
        for number, mask in enumerate(masks)
    ]
    return LabelledPixels.gather(sized, masks)
