"""What known defects look like: log-odds of each patch, by shrunk discriminants against good patches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from models.base import ModelError
from models.supervised._discriminant import class_means, whitener
from models.supervised.classifier import missing

Array = NDArray[np.float32]

LEAST_DEFECTS = 30
"""Bad parts from which on a head is worth teaching (arXiv 2601.00005, read 2026-11)."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class DefectHead:
    """How much more a patch looks like a known defect than like a good one: it adds rejects, and takes none away.

    `weights` (d,) and `offset` make log-odds of whitened patch features; above `limit` a part is not PASS.
    """

    name: ClassVar[str] = "defect_head"
    family: ClassVar[str] = "supervised"
    weights: Array
    offset: float
    limit: float = np.inf

    def measure(self, points: Array) -> Array:
        """The log-odds (n,) of patches by their features (n, d); equal odds are 0."""
        return np.asarray(points @ self.weights + np.float32(self.offset), np.float32)

    @classmethod
    def missing(cls) -> str | None:
        """Say in one line what must be installed to teach it, or None."""
        return missing()


def teach_head(good: Array, bad: Array) -> DefectHead:
    """Learn to tell patches (m, d) in defects from good ones (n, d). Raises ModelError where that fails."""
    features = np.concatenate([good, bad])
    classes = np.repeat([0, 1], [len(good), len(bad)])
    whiten = whitener(features, classes, 2)
    usual, defect = class_means(features, classes, 2) @ whiten
    weights = whiten @ (defect - usual)
    offset = -0.5 * float(defect @ defect - usual @ usual)
    if not np.isfinite(weights).all():
        raise ModelError(
            "defect_head: it diverged, its values are not finite; leave it out, or add more bad parts"
        )
    return DefectHead(weights=np.asarray(weights, np.float32), offset=offset)
