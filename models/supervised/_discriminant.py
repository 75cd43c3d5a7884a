"""Linear discriminants with a shrunk common covariance, for few examples of many numbers.

Fisher, 1936; shrinkage: Ledoit and Wolf, "A well-conditioned estimator", Journal of Multivariate Analysis 88 (2004).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Rows = NDArray[np.intp]

MOST_FOLDS = 20


def class_means(features: Array, classes: Rows, count: int) -> Array:
    """The mean (count, d) of the features (n, d) of each class."""
    return np.stack([features[classes == c].mean(0) for c in range(count)]).astype(np.float32)


def whitener(features: Array, classes: Rows, count: int) -> Array:
    """A projection (d, d) that makes what varies within the classes of features (n, d) even."""
    from sklearn.covariance import ledoit_wolf

    within = features - class_means(features, classes, count)[classes]
    covariance, _ = ledoit_wolf(within.astype(np.float64), assume_centered=True)
    freedom = len(features) / max(1, len(features) - count)  # the means were taken from the same
    ridge = 1e-6 * max(float(np.trace(covariance)) / len(covariance), 1e-12)
    precision = np.linalg.inv(freedom * covariance + ridge * np.eye(len(covariance)))
    return np.linalg.cholesky(precision).astype(np.float32)


def leaving_out(groups: Rows, *, seed: int) -> Iterator[NDArray[np.bool_]]:
    """Which of n examples are left out in turn; those of a group together, in MOST_FOLDS turns at most."""
    order = np.random.default_rng(seed).permutation(int(groups.max()) + 1)
    count = min(MOST_FOLDS, len(order))
    for fold in range(count):
        yield order[groups] % count == fold
