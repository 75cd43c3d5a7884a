"""Which directions good patches vary in: a mean and a projection that evens them out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

SHRINKAGE = 1.0
"""Added to each variance before whitening, as a share of their mean: quiet directions stay quiet."""


BATCH_ROWS = 16_384
"""Rows waited for before they are multiplied: small products on several cores mostly wait."""


class Moments:
    """Running count, sum and product sum of feature rows."""

    def __init__(self, channels: int) -> None:
        self.count = 0
        self._sum = np.zeros(channels)
        self._products = np.zeros((channels, channels))
        self._waiting: list[Array] = []
        self._waiting_rows = 0

    def add(self, rows: Array) -> None:
        """Take in feature rows (n, C)."""
        self.count += len(rows)
        self._waiting.append(rows)
        self._waiting_rows += len(rows)
        if self._waiting_rows >= BATCH_ROWS:
            self._work_off()

    def mean_and_covariance(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The mean (C,) and the covariance (C, C) of all rows."""
        self._work_off()
        count = max(self.count, 1)
        mean = self._sum / count
        return mean, self._products / count - np.outer(mean, mean)

    def _work_off(self) -> None:
        if self._waiting:
            import torch

            rows = torch.from_numpy(np.concatenate(self._waiting))
            self._sum += rows.sum(0).numpy()
            self._products += torch.mm(rows.T, rows).numpy()
        self._waiting.clear()
        self._waiting_rows = 0


def whitening(moments: Moments, components: int) -> tuple[Array, Array]:
    """Mean (C,) and projection (C, d) so that projected good patches have variance 1 or less."""
    mean, covariance = moments.mean_and_covariance()
    variances, axes = np.linalg.eigh(covariance)
    variances, axes = variances[::-1][:components].clip(0), axes[:, ::-1][:, :components]
    floor = SHRINKAGE * max(float(np.trace(covariance)) / len(covariance), 1e-12)
    projection = axes / np.sqrt(variances + floor)
    return mean.astype(np.float32), np.ascontiguousarray(projection, dtype=np.float32)
