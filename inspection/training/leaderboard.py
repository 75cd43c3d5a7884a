"""What was measured of models on real parts: the tables of the manual's benchmarks, for advice before a training.

docs/benchmarks.md, "Models against each other"; a test holds that these figures are those.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from inspection.training.options import BALANCED, FAST, THOROUGH


@dataclass(frozen=True, slots=True)
class Standing:
    """A model's mean ranks over the sets, 1 for the first: by AUROC, and by escapes at the PASS limit."""

    by_auroc: float
    by_escapes: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaderboard:
    """Models on the same sets with 40 good pictures, or all where there are fewer.

    Mean ranks nearer than `critical_difference` tell no model from another.
    """

    sets: int
    critical_difference: float
    standings: Mapping[str, Standing]


ONE_SCALE = Leaderboard(
    sets=6,
    critical_difference=3.1,
    standings={
        "patchcore": Standing(2.5, 2.4),
        "kmeans": Standing(2.7, 1.9),
        "feature_autoencoder": Standing(2.8, 2.0),
        "pca": Standing(3.8, 5.2),
        "padim": Standing(4.0, 4.3),
        "mahalanobis": Standing(5.2, 5.2),
    },
)

TWO_SCALES = Leaderboard(
    sets=3,
    critical_difference=5.2,
    standings={
        "patchcore": Standing(1.8, 1.7),
        "feature_autoencoder": Standing(2.5, 2.5),
        "kmeans": Standing(3.2, 1.8),
        "pca": Standing(3.8, 4.7),
        "gaussian_mixture": Standing(4.5, 5.3),
        "mahalanobis": Standing(5.2, 5.0),
        "isolation_forest": Standing(7.0, 7.0),
    },
)

LEADERBOARDS = {FAST: ONE_SCALE, BALANCED: TWO_SCALES, THOROUGH: TWO_SCALES}
"""By effort; `thorough` itself was not measured."""


def by_rank(name: str) -> tuple[float, str]:
    """Sorts models as measured with two scales, then those with one, and last those that were not."""
    for worse, board in enumerate((TWO_SCALES, ONE_SCALE)):
        if name in board.standings:
            return 100.0 * worse + board.standings[name].by_auroc, name
    return 1000.0, name
