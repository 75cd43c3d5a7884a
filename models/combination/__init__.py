"""Finished programs made one: each measures the same canvas, what they share runs once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models._joint import Joint, must_be_rule, planes_of
from models._p_values import RULES
from models._scoring import PatchMaps
from models.base import CanvasImage, ModelError

if TYPE_CHECKING:
    from models._program import Program

__all__ = ["RULES", "Combination", "Joint", "must_be_rule", "no_match"]


class Combination:
    """The compiled programs of several recipes, beside each other on one canvas.

    `files` are each program's xml and weights. Raises ModelError where one is no program.
    """

    def __init__(self, files: Sequence[Sequence[bytes]]) -> None:
        from models import load_program
        from models._program import Program

        self._files = files
        loaded = [load_program(each) for each in files]
        if not all(isinstance(each, Program) for each in loaded):
            raise ModelError("combination: a program of pictures looked at in tiles cannot be one")
        self._programs: list[Program] = [each for each in loaded if isinstance(each, Program)]

    def measure(self, canvas: CanvasImage) -> tuple[list[PatchMaps], NDArray[np.float32]]:
        """The maps of each member of a canvas (H, W, 3), and the first's descriptor (d,)."""
        found = [each.measure(canvas) for each in self._programs]
        return [maps for maps, _ in found], found[0][1]

    def program_bytes(self, joint: Joint) -> tuple[bytes, bytes]:
        """All of it as one program, as the bytes of its model.xml and model.bin."""
        from models._program import all_told, combined, named, read_model, to_bytes
        from models.combination._shared import merge_equal

        parts = [read_model(*each) for each in self._files]
        outputs = [all_told(each) for each in parts]
        now = merge_equal(parts)
        outputs = [{name: now(each) for name, each in own.items()} for own in outputs]
        return to_bytes(named(combined(outputs, joint), parts[0], "combination"))


def no_match(first: PatchMaps, other: PatchMaps) -> str | None:
    """Why the patches of two models do not lie on each other, or None."""
    shapes = [{name: each.shape for name, each in planes_of(m).items()} for m in (other, first)]
    if shapes[0] == shapes[1]:
        return None
    scales = [(len(shape) + 1) // 2 for shape in shapes]
    grids = [" x ".join(map(str, shape["distances"])) for shape in shapes]
    return (
        f"measures {grids[0]} patches in {_counted(scales[0])}, the first {grids[1]} in "
        f"{_counted(scales[1])}"
    )


def _counted(scales: int) -> str:
    return f"{scales} scale{'s' * (scales > 1)}"
