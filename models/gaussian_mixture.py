"""A mixture of Gaussians over good patches: how unlikely a patch is.

Dempster, Laird, Rubin, "Maximum likelihood from incomplete data via the EM algorithm", 1977.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from models._head_model import HeadModel, Patches
from models.base import Needs

if TYPE_CHECKING:
    import torch

COMPONENTS, TAUGHT_ON = 16, 8_000


class GaussianMixture(HeadModel):
    """Minus the log-likelihood of each patch under a mixture of 16 Gaussians."""

    name = "gaussian_mixture"
    family = "Gaussian"
    needs = Needs(minutes=0.22, memory_mb=1100)

    def teach(self, patches: Patches, rng: np.random.Generator) -> torch.nn.Module:
        """Fit the mixture, each Gaussian with a variance of its own in each direction."""
        from sklearn.mixture import GaussianMixture as Mixture

        from models._torch_heads import mixture

        chosen = rng.permutation(len(patches.points))[:TAUGHT_ON]
        count = min(COMPONENTS, max(1, len(chosen) // 20))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it could still improve a little
            found = Mixture(
                count, covariance_type="diag", reg_covar=0.02, max_iter=25,
                init_params="k-means++", random_state=int(rng.integers(2**31)),
            ).fit(patches.points[chosen])  # fmt: skip
        return mixture(found.means_, found.covariances_, found.weights_)
