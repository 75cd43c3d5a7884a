"""Sets whose pictures have templates: what of them can be compared, and good builds of what is a template itself."""

from __future__ import annotations

from pathlib import Path

import cv2

from cameras import read_image
from inspection.recipe.template import another_build, board, by_board
from inspection.training.dataset_folder import TestPicture, test_files

TEMPLATE = "template"
"""The contender that compares each picture with its template first."""

MARKS = ("_temp", "_template", "_golden")
"""Ends of a template's name; without them any two sets that count their pictures would have some."""


def compared(dataset: Path) -> list[TestPicture]:
    """The test pictures that the set has a template of; none unless defective ones are among them."""
    marked = {name for name, path in by_board(dataset).items() if is_template(path)}
    found = [item for item in test_files(dataset) if board(item.path) in marked]
    return found if any(item.defective for item in found) else []


def is_template(path: Path) -> bool:
    """Whether a file's name says that it is one."""
    return path.stem.endswith(MARKS)


def build_again(template: Path, target: Path) -> None:
    """Draw another good build of a board that only its template shows, as a PNG named after the board."""
    built = another_build(read_image(template))
    coloured = built if built.ndim == 2 else cv2.cvtColor(built, cv2.COLOR_RGB2BGR)
    target.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(target.with_name(f"{board(template)}_test.png")), coloured)
