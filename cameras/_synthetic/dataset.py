"""Write drawn parts as a dataset in the MVTec layout."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from cameras._picture_files.reading import one_line
from cameras._synthetic.draw import DEFECTS, check_part_settings, draw_part, part_seed
from cameras.base import CameraError

_TRAIN, _TEST, _DEFECTIVE = 2, 3, 4


def write_dataset(
    folder: str | Path,
    *,
    n_good: int,
    n_test_good: int,
    n_defective_per_kind: int,
    size_px: int = 512,
    seed: int = 0,
    product: str = "flange",
    defects: Sequence[str] = DEFECTS,
    colour: bool = True,
) -> None:
    """Draw `train/good`, `test/good`, `test/<defect>` and `ground_truth/<defect>/<stem>_mask.png`.

    Every picture is a part of its own. Raises CameraError if the folder already holds something,
    ValueError for a part that cannot be drawn.
    """
    root = Path(folder)
    _check_new(root)
    for defect in (None, *defects):
        check_part_settings(seed=seed, defect=defect, size_px=size_px, product=product)
    draw = partial(draw_part, size_px=size_px, product=product, colour=colour)
    for number in range(n_good):
        _write(root / "train" / "good", number, draw(part_seed(seed, _TRAIN, number)).image)
    for number in range(n_test_good):
        _write(root / "test" / "good", number, draw(part_seed(seed, _TEST, number)).image)
    for defect in defects:
        line = _DEFECTIVE + DEFECTS.index(defect)
        for number in range(n_defective_per_kind):
            part = draw(part_seed(seed, line, number), defect=defect)
            _write(root / "test" / defect, number, part.image)
            _write(root / "ground_truth" / defect, number, part.mask, ending="_mask")


def _check_new(root: Path) -> None:
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise CameraError(f"dataset folder {one_line(str(root))} is not empty; give a new one")


def _write(folder: Path, number: int, image: NDArray[np.uint8], *, ending: str = "") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for_cv2 = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode(".png", for_cv2, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    (folder / f"{number:04d}{ending}.png").write_bytes(data.tobytes())
