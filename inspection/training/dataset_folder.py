"""Folders of pictures, plain or in the MVTec layout."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from cameras import list_images, read_image
from inspection.errors import TrainingError


@dataclass(frozen=True, slots=True, kw_only=True)
class TestPicture:
    """A test picture: `kind` is "good" or the name of its folder; `mask` the truth's file or None."""

    path: Path
    kind: str
    mask: Path | None = None

    @property
    def defective(self) -> bool:
        """Whether the picture shows a defect."""
        return self.kind != "good"

    def truth(self) -> NDArray[np.bool_] | None:
        """Where the defects are (H, W), or None without a mask."""
        if self.mask is None:
            return None
        image = read_image(self.mask)
        return np.asarray((image if image.ndim == 2 else image.max(-1)) > 127)

    def defect_length(self) -> float | None:
        """Longest side of the largest defect's box, as a share of the picture's; None without one."""
        truth = self.truth()
        if truth is None or not truth.any():
            return None
        _, _, boxes, _ = cv2.connectedComponentsWithStats(truth.astype(np.uint8), connectivity=8)
        return float(boxes[1:, cv2.CC_STAT_WIDTH : cv2.CC_STAT_HEIGHT + 1].max() / max(truth.shape))


def good_files(dataset: Path) -> list[Path]:
    """List the good pictures of a folder, or of `train/good` in the MVTec layout. Raises TrainingError."""
    if not dataset.exists():
        raise TrainingError(f"dataset {dataset}: no such folder")
    if not dataset.is_dir():
        raise TrainingError(f"dataset {dataset}: is a file; give a folder of good pictures")
    folder = dataset / "train" / "good"
    folder = folder if folder.is_dir() else dataset
    files = list_images(folder)
    if not files:
        raise TrainingError(
            f"dataset {dataset}: no pictures in {folder}; "
            "give a folder of good pictures, or one with train/good"
        )
    return files


def test_files(dataset: Path) -> list[TestPicture]:
    """List the pictures of `test/*` with their masks; none when there is no such folder."""
    found = []
    for folder in sorted((dataset / "test").glob("*/")):
        for path in list_images(folder):
            mask = dataset / "ground_truth" / folder.name / f"{path.stem}_mask.png"
            found.append(
                TestPicture(path=path, kind=folder.name, mask=mask if mask.is_file() else None)
            )
    return found
