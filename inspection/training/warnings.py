"""What a training report says first: that a recipe cannot find what it is shown, and what to try."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspection.recipe.calibration import Calibration
from inspection.training.drawn_defects import DrawnEscapes
from inspection.training.statistics import Evaluation

NEAR_CHANCE = 0.65
MOST_ESCAPES = 0.2
LARGE = 0.08
"""From this share of the picture's longer side on, a drawn-in defect should be found."""

WHAT_TO_TRY = "try --effort thorough, a region of interest, alignment, or more good pictures"

SENTENCES = {
    "near_chance": "this recipe hardly tells defective parts from good ones (AUROC {auroc:.2f}, 0.5 is "
    f"chance); {WHAT_TO_TRY}",
    "test_escapes": f"{{share:.0%}} of the defective test pictures would pass; {WHAT_TO_TRY}",
    "drawn_escapes": "{escapes} of {drawn} drawn-in defects {length_px:.0f} px long or longer would "
    f"pass; {WHAT_TO_TRY}",
    "bad_near_chance": "the bad parts given score like good ones (AUROC {auroc:.2f}, 0.5 is chance): no "
    f"limit tells them apart, none is proposed; {WHAT_TO_TRY}",
    "bad_escapes": f"{{escapes}} of the {{of}} bad parts given would pass; {WHAT_TO_TRY}",
    "bad_few": "{scored} bad parts that can be judged are too few to choose a limit by; {useful} or "
    "more are useful",
    "bad_not_judged": "{count} of the {of} bad parts given cannot be judged and count as rejected",
    "odd_good": "{odd} of {of} good pictures score so unlike the others that defects may be among them: "
    "look at them first; with them PASS would go up to {with_odd:.3g} instead of {threshold:.3g}",
    "variants": "the good pictures look like two variants ({smaller} and {larger} pictures); train a "
    "recipe for each, unless both may come along the line in any order",
}
"""Each warning in English, by its key; the set-up page has them in the person's language."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingWarning:
    """One warning: the key of its sentence, and the numbers in it."""

    key: str
    values: Mapping[str, float]

    def __str__(self) -> str:
        return SENTENCES[self.key].format(**self.values)


def as_keys(warning: TrainingWarning | str) -> dict[str, Any]:
    """The key and the numbers of a warning, for whoever says it in another language."""
    if isinstance(warning, str):
        return {"key": "", "values": {}}
    return {"key": warning.key, "values": dict(warning.values)}


def shown_escapes(evaluation: Evaluation) -> list[TrainingWarning]:
    """What is wrong with a recipe by the labelled defects of its own dataset."""
    figures = evaluation.as_json()
    lines = []
    auroc, escapes = figures["image_auroc"], figures["escape_rate"]
    if auroc is not None and auroc < NEAR_CHANCE:
        lines.append(TrainingWarning(key="near_chance", values={"auroc": auroc}))
    if escapes is not None and escapes > MOST_ESCAPES:
        lines.append(TrainingWarning(key="test_escapes", values={"share": escapes}))
    return lines


def drawn_warnings(drawn: Sequence[DrawnEscapes]) -> list[TrainingWarning]:
    """What is wrong with a recipe by defects drawn into its good pictures."""
    large = [each for each in drawn if each.length_share >= LARGE]
    count, escapes = sum(each.drawn for each in large), sum(each.escapes for each in large)
    if not count or escapes <= MOST_ESCAPES * count:
        return []
    values = {"escapes": escapes, "drawn": count, "length_px": large[0].length_px}
    return [TrainingWarning(key="drawn_escapes", values=values)]


def odd_good(limits: Calibration) -> list[TrainingWarning]:
    """Whether defects may be among the good pictures, and what that would do to the PASS limit."""
    if limits.threshold_with_odd is None:
        return []
    values = {
        "odd": limits.odd,
        "of": limits.n_good,
        "with_odd": limits.threshold_with_odd,
        "threshold": limits.threshold,
    }
    return [TrainingWarning(key="odd_good", values=values)]


def variants(descriptors: NDArray[np.float32]) -> list[TrainingWarning]:
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
    if share < SPLIT + SPLIT_OF_FEW / n or smaller < max(3, n // 20):
        return []
    values = {"smaller": smaller, "larger": n - smaller}
    return [TrainingWarning(key="variants", values=values)]


SPLIT = 0.85
"""Share of the variance along the main axis that two groups explain; a Gaussian's halves explain 0.64."""

SPLIT_OF_FEW = 0.7
"""Added to it for one picture: chance splits a few well, 8 % of sets of ten by more than SPLIT."""
