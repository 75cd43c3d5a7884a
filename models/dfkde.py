"""A kernel density of whole pictures' features: how unlikely a picture is, without saying where.

Kernel density of Rosenblatt, 1956, and Parzen, 1962, on deep features; components and kernels are anomalib's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models._anomalib_model import AnomalibModel, extractor
from models.base import Needs

if TYPE_CHECKING:
    import torch

    from models._backbone import Backbone

COMPONENTS = 16


class Dfkde(AnomalibModel):
    """Unlikelihood of the whole picture's mean features under a kernel density; it says not where."""

    name = "dfkde"
    family = "Gaussian"
    needs = Needs(least_pictures=8, minutes=0.2, memory_mb=1200)
    strides = (8, 16)
    collects = True
    most_steps = 0

    def build(self, backbone: Backbone, size: tuple[int, int]) -> torch.nn.Module:
        """The backbone's maps averaged, and the density behind them."""
        from anomalib.models.components.classification import KDEClassifier
        from anomalib.models.image.dfkde.torch_model import DfkdeModel
        from torch import nn

        class Model(DfkdeModel):  # type: ignore[misc]
            """anomalib's, with our backbone; all maps of a picture make one row."""

            def __init__(self) -> None:
                nn.Module.__init__(self)
                self.feature_extractor = extractor(backbone)
                self.classifier = KDEClassifier(n_pca_components=COMPONENTS)
                self.memory_bank: list[torch.Tensor] = []

            def get_features(self, batch: torch.Tensor) -> torch.Tensor:
                import torch

                maps = self.feature_extractor(batch).values()
                return torch.cat([each.mean((2, 3)) for each in maps], 1).detach()

        return Model()

    def collect(self, network: Any, x: torch.Tensor) -> None:
        """Keep the batch's features."""
        network(x)

    def settle(self, network: Any) -> None:
        """Find the components and the kernels; a third as many components as pictures at most."""
        pictures = sum(len(each) for each in network.memory_bank)
        network.classifier.pca_model.n_components = min(COMPONENTS, max(1, pictures // 3))
        network.classifier.n_pca_components = network.classifier.pca_model.n_components
        network.fit()

    def told(self, network: Any, x: torch.Tensor) -> torch.Tensor:
        """Minus the log-density everywhere; anomalib's probability is 1 for all that is not good."""
        import torch

        components, kernels = network.classifier.pca_model, network.classifier.kde_model
        rows = (network.get_features(x) - components.mean) @ components.singular_vectors
        rows = (rows / network.classifier.max_length) @ kernels.bw_transform
        apart = (rows[:, None] - kernels.dataset[None]).square().sum(2)
        unlikely = -torch.logsumexp(-0.5 * apart, 1)
        height, width = x.shape[2:]
        return unlikely[:, None, None, None].expand(-1, 1, height, width)
