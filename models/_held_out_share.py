"""The good pictures that a model dear to teach is calibrated on, and never sees."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

HELD_OUT_SHARE = 0.25
"""Of the good pictures, for models that are taught once."""


def hold_out(folds: NDArray[np.intp], seed: int) -> NDArray[np.bool_]:
    """Choose whole folds until HELD_OUT_SHARE of the pictures is held out; equal pictures stay together."""
    order = np.random.default_rng([seed, 7]).permutation(int(folds.max()) + 1)
    apart = np.zeros(len(folds), dtype=bool)
    for fold in order[: max(1, len(order) - 1)]:
        if apart.mean() >= HELD_OUT_SHARE:
            break
        apart |= folds == fold
    return apart if not apart.all() else np.arange(len(folds)) % 4 == 0
