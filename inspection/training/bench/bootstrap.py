"""How sure a figure is: test pictures drawn again and again, the same draws for all contenders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inspection.training.metrics import auroc, true_positive_rate
from inspection.training.statistics import GOOD

DRAWS = 1000
Numbers = NDArray[np.float64]
Figure = Callable[[Numbers, Numbers], float]
"""A figure of good and of defective scores."""

FIGURES: dict[str, Figure] = {
    "image_auroc": auroc,
    "tpr_at_1": lambda good, bad: true_positive_rate(good, bad, max_false_positive_rate=0.01),
    "tpr_at_5": lambda good, bad: true_positive_rate(good, bad, max_false_positive_rate=0.05),
}


@dataclass(frozen=True, slots=True, eq=False)
class Draws:
    """Test pictures drawn with replacement, good (draws, g) and defective (draws, d) ones apart."""

    good: NDArray[np.intp]
    defective: NDArray[np.intp]

    @classmethod
    def of(cls, kinds: Sequence[str], *, seed: int = 0, draws: int = DRAWS) -> Draws:
        """Draw pictures of these kinds (n); as many good and as many defective ones as there are."""
        rng = np.random.default_rng(seed)
        is_good = np.array([kind == GOOD for kind in kinds])
        return cls(
            *(
                rng.choice(np.flatnonzero(among), (draws, int(among.sum())))
                for among in (is_good, ~is_good)
            )
        )

    def figures(self, scores: Numbers, figure: Figure) -> Numbers:
        """A figure of scores (n,) in each draw."""
        drawn = zip(self.good, self.defective, strict=True)
        return np.array([figure(scores[good], scores[bad]) for good, bad in drawn])

    def overlaps(self, each: Numbers) -> Numbers:
        """The mean overlap in each draw, from the sums and counts (n, 2) of each picture's regions.

        The good pixels it is measured against stay those of all pictures.
        """
        sums, counts = each[self.defective].sum(1).T
        return np.asarray(sums / np.maximum(counts, 1))


def interval(values: Numbers) -> list[float]:
    """The 95 % interval of what the draws gave."""
    return [float(end) for end in np.quantile(values, [0.025, 0.975])]


def score_interval(area: float, n_good: int, n_defective: int) -> list[float]:
    """95 % interval of an AUROC, also where no draw differs because it is 0 or 1.

    R. G. Newcombe, Statistics in Medicine 25 (2006) 559-573, method 5.
    """
    from scipy.optimize import brentq
    from scipy.stats import norm

    z, middle = norm.ppf(0.975), (n_good + n_defective) / 2 - 1

    def apart(true: float) -> float:
        spread = 1 + middle * (1 - true) / (2 - true) + middle * true / (1 + true)
        variance = true * (1 - true) * spread / (n_good * n_defective)
        return float((area - true) ** 2 - z * z * variance)

    low = 0.0 if area <= 0 else float(brentq(apart, 0.0, area - 1e-12))
    high = 1.0 if area >= 1 else float(brentq(apart, area + 1e-12, 1.0))
    return [low, high]
