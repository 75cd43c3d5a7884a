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

EVERY_MODEL = Leaderboard(
    sets=4,
    critical_difference=22.5,
    standings={
        "ensemble": Standing(2.6, 8.0),
        "patchcore": Standing(5.1, 8.6),
        "feature_autoencoder": Standing(5.2, 7.8),
        "kmeans": Standing(6.0, 6.5),
        "uflow": Standing(6.8, 6.4),
        "padim": Standing(7.8, 13.5),
        "discriminator": Standing(8.5, 16.5),
        "feature_vae": Standing(8.8, 11.6),
        "patchflow": Standing(9.2, 10.1),
        "dfm": Standing(10.2, 5.1),
        "pca": Standing(11.0, 18.6),
        "stfpm": Standing(11.0, 8.1),
        "fastflow": Standing(11.5, 8.5),
        "gaussian_mixture": Standing(11.8, 12.4),
        "fre": Standing(13.8, 8.4),
        "mahalanobis": Standing(14.5, 19.2),
        "cfa": Standing(14.5, 12.1),
        "csflow": Standing(18.5, 11.2),
        "dfkde": Standing(19.0, 19.4),
        "cflow": Standing(20.5, 16.8),
        "bands_coarse": Standing(22.0, 23.5),
        "vae": Standing(23.5, 19.8),
        "supersimplenet": Standing(23.5, 22.2),
        "bands_fine": Standing(24.0, 24.4),
        "bands_middle": Standing(24.2, 23.0),
        "ganomaly": Standing(24.5, 22.0),
        "isolation_forest": Standing(25.5, 24.0),
        "autoencoder": Standing(25.8, 23.0),
        "draem": Standing(25.8, 24.2),
    },
)
"""With one scale, for those the other tables do not have."""

LEADERBOARDS = {
    FAST: (ONE_SCALE, EVERY_MODEL),
    BALANCED: (TWO_SCALES, EVERY_MODEL),
    THOROUGH: (TWO_SCALES, EVERY_MODEL),
}
"""By effort, the nearer first; `thorough` itself was not measured."""


def measured(name: str, effort: str) -> Leaderboard | None:
    """The table that has a model, measured as near to an effort as any was."""
    return next((board for board in LEADERBOARDS[effort] if name in board.standings), None)


def by_rank(name: str) -> tuple[float, str]:
    """Sorts models as measured with two scales, then those with one, and last those that were not."""
    for worse, board in enumerate((TWO_SCALES, ONE_SCALE, EVERY_MODEL)):
        if name in board.standings:
            return 100.0 * worse + board.standings[name].by_auroc, name
    return 1000.0, name
