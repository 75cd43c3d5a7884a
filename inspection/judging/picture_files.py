"""Judging picture files: from paths to judgements, nothing lost on the way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cameras import CameraError, Frame, decode_image, file_bytes, list_images
from inspection.errors import InspectionError
from inspection.judgement import Judgement, Verdict
from inspection.judging.judge import inspect
from inspection.reasons import Reason
from inspection.recipe import Recipe
from inspection.recipe.template import Golden

if TYPE_CHECKING:
    from inspection.store import NewPart


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class JudgedFile:
    """A picture file and its judgement; `frame` is None when it could not be read as a picture."""

    path: Path
    data: bytes
    frame: Frame | None
    judgement: Judgement
    golden: Golden | None = None
    """The template it was compared with, where that is not in the recipe."""


def picture_files(paths: list[Path]) -> list[Path]:
    """List the files named, and those of the folders named. Raises InspectionError when none."""
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise InspectionError(f"picture {path}: no such file or folder")
        inside = list_images(path) if path.is_dir() else [path]
        if not inside:
            raise InspectionError(f"folder {path}: holds no pictures")
        found += inside
    return found


def judge_files(paths: list[Path], recipe: Recipe) -> Iterator[JudgedFile]:
    """Judge files one after another; one that is no picture is CANNOT_INSPECT, with the reason."""
    for number, path in enumerate(paths):
        frame, golden, problem, data = None, None, "", b""
        try:
            data = file_bytes(path)
            frame = _frame(data, path, recipe, number)
            golden = _golden(path, recipe)
        except (CameraError, OSError) as error:
            frame, problem = None, str(error)
        judged = (
            inspect(frame, recipe, template=golden.image if golden else None) if frame else None
        )
        judgement = judged or _unreadable(problem, recipe)
        yield JudgedFile(path=path, data=data, frame=frame, judgement=judgement, golden=golden)


def read_frame(path: Path, recipe: Recipe) -> tuple[Frame, NDArray[np.uint8] | None]:
    """A picture file as a frame, with its template where the recipe has them at hand.

    Raises CameraError where either cannot be read.
    """
    golden = _golden(path, recipe)
    return _frame(file_bytes(path), path, recipe, 0), golden.image if golden else None


def _frame(data: bytes, path: Path, recipe: Recipe, number: int) -> Frame:
    return Frame(
        image=decode_image(data, str(path), bits=recipe.settings.setup.bits),
        camera="file",
        sequence=number,
        captured_at=datetime.now(UTC),
    )


def _golden(path: Path, recipe: Recipe) -> Golden | None:
    rule = recipe.settings.setup.template
    return rule.golden_of(path) if rule is not None and rule.source else None


def record(found: JudgedFile, recipe: Recipe) -> NewPart:
    """What the store keeps of a judged file: its bytes as they came, with the judgement.

    Where the recipe's `bits` were needed to read it, the picture as it was judged is kept instead:
    whoever looks at it later does not know them.
    """
    from inspection.store import NewPart

    as_it_came = (
        found.frame is None
        or recipe.settings.setup.bits == 16
        or np.array_equal(found.frame.image, decode_image(found.data, str(found.path)))
    )

    return NewPart(
        judgement=found.judgement,
        product=recipe.settings.product or None,
        source=str(found.path),
        template_sha256=found.golden.sha256 if found.golden else None,
        frame=found.frame,
        image_bytes=(found.data or None) if as_it_came else None,
        image_suffix=_suffix(found.path) if as_it_came else ".png",
    )


def _suffix(path: Path) -> str:
    """A suffix the archive takes; a picture may be named in any way."""
    suffix = path.suffix.lower()
    plain = suffix[1:].isascii() and suffix[1:].isalnum() and len(suffix) <= 9
    return suffix if plain else ".bin"


def _unreadable(problem: str, recipe: Recipe) -> Judgement:
    return Judgement(
        verdict=Verdict.CANNOT_INSPECT,
        cause=Reason("unreadable", {"error": problem}),
        recipe_id=recipe.id,
        threshold=recipe.settings.calibration.threshold,
        latency_ms={"total": 0.0},
    )
