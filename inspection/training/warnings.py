"""What a training report says first: that a recipe cannot find what it is shown, and what to try."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from inspection.training.drawn_defects import DrawnEscapes
from inspection.training.statistics import Evaluation

NEAR_CHANCE = 0.65
MOST_ESCAPES = 0.2
LARGE = 0.08
"""From this share of the picture's longer side on, a drawn-in defect should be found."""

WHAT_TO_TRY = "try --effort thorough, a region of interest, alignment, or more good pictures"


def shown_escapes(evaluation: Evaluation) -> list[str]:
    """What is wrong with a recipe by the labelled defects of its own dataset."""
    figures = evaluation.as_json()
    lines = []
    auroc, escapes = figures["image_auroc"], figures["escape_rate"]
    if auroc is not None and auroc < NEAR_CHANCE:
        lines.append(
            f"this recipe hardly tells defective parts from good ones (AUROC {auroc:.2f}, 0.5 is "
            f"chance); {WHAT_TO_TRY}"
        )
    if escapes is not None and escapes > MOST_ESCAPES:
        lines.append(f"{escapes:.0%} of the defective test pictures would pass; {WHAT_TO_TRY}")
    return lines


def drawn_warnings(drawn: Sequence[DrawnEscapes]) -> list[str]:
    """What is wrong with a recipe by defects drawn into its good pictures."""
    large = [each for each in drawn if each.length_share >= LARGE]
    count, escapes = sum(each.drawn for each in large), sum(each.escapes for each in large)
    if not count or escapes <= MOST_ESCAPES * count:
        return []
    return [
        f"{escapes} of {count} drawn-in defects {large[0].length_px:.0f} px long or longer would pass; "
        f"{WHAT_TO_TRY}"
    ]


def variants(descriptors: NDArray[np.float32]) -> list[str]:
    """Whether good pictures (n, d) fall into two groups far apart: two variants in one folder."""
    n = len(descriptors)
    if n < 10:
        return []
    centred = descriptors - descriptors.mean(0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    along = np.sort(centred @ axes[0])
    sums = np.cumsum(along)[:-1]
    sizes = np.arange(1, n)
    between = sums**2 * n / (sizes * (n - sizes))
    cut = int(between.argmax())
    share = float(between[cut] / max(float((along**2).sum()), 1e-12))
    smaller = min(cut + 1, n - cut - 1)
    if share < SPLIT or smaller < max(3, n // 20):
        return []
    return [
        f"the good pictures look like two variants ({smaller} and {n - smaller} pictures); train a "
        "recipe for each, unless both may come along the line in any order"
    ]


SPLIT = 0.85
"""Share of the variance along the main axis that two groups explain; a Gaussian's halves explain 0.64."""
