"""A recipe with a PASS limit that somebody chose, instead of the one estimated from its good parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from inspection.recipe.calibration import calibrate
from inspection.recipe.recipe_file import Recipe

CHOSEN = "pass_limit"
"""Where a recipe says, among what it was trained with, who or what chose its PASS limit."""


def with_pass_limit(recipe: Recipe, threshold: float, *, chosen: Mapping[str, Any]) -> Recipe:
    """The recipe with another PASS limit, not yet written; promise and estimate are made anew.

    A limit above that of FAIL raises it. Raises ValueError for one that is not finite.
    """
    settings, asked = recipe.settings, recipe.settings.calibration
    calibration = calibrate(
        recipe.scores,
        false_reject=asked.false_reject_asked,
        review=asked.review_asked or 0.05,
        threshold=threshold,
    )
    training = settings.training | {CHOSEN: dict(chosen)}
    return recipe.with_settings(replace(settings, calibration=calibration, training=training))
