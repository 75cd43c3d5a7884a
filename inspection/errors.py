"""What can go wrong in the trade; every message is one line for a person.

Errors
------
InspectionError
├── RecipeError    a recipe file is damaged, foreign or newer than this program
├── SetupError     a set-up file or option asks for what cannot be
├── TrainingError  the pictures given cannot teach a recipe
└── CannotInspect  this picture cannot be judged; `reason` is what the operator is told
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from inspection.reasons import Reason


def expected(error: Exception) -> bool:
    """Whether an error's text was written for a person, by us or by a room below."""
    from cameras.base import CameraError
    from models.base import ModelError

    return isinstance(error, (InspectionError, CameraError, ModelError, OSError))


class InspectionError(Exception):
    """Something of the trade could not be done."""


class RecipeError(InspectionError):
    """A recipe file is damaged, foreign or newer than this program."""


class SetupError(InspectionError):
    """A set-up file or option asks for what cannot be."""


class TrainingError(InspectionError):
    """The pictures given cannot teach a recipe."""


class CannotInspect(InspectionError):
    """This picture cannot be judged; the text is the sentence of the reason."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.sentence)
        self.reason = reason
