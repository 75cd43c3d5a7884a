"""anomalib's image models behind our interface: its networks and losses, our pictures and calibration.

Each is built without its pretrained weights, which it would fetch from a hub, and given those of our
own backbone, timm's network of the same name. Its post-processing is off: what it says of each pixel
is calibrated as every model's here is.
"""

from __future__ import annotations

import copy
import warnings
from abc import abstractmethod
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

import numpy as np

from models._backbone import Backbone, load_backbone
from models._pixel_model import PixelModel, Told
from models.base import ModelError

if TYPE_CHECKING:
    import torch

WEIGHTS_FOLDER = Path("~/.cache/inspection/weights")
"""Where weights are looked for that no package brings."""


class AnomalibModel(PixelModel):
    """A network of anomalib, taught with its own loss on our backbone."""

    strides: ClassVar[tuple[int, ...]] = (4, 8, 16)
    """Of the backbone's maps that it looks at."""

    own_backbone: ClassVar[str | None] = None
    """The network it can only be built on, whatever --backbone says; its weights must be brought."""

    reads_backbone = True
    transformer: ClassVar[bool] = False
    """Whether that network is a vision transformer, of one stride."""

    licence = "Apache-2.0 (anomalib)"

    multiple: ClassVar[int] = 16
    """What sides must be a multiple of; the picture's edge is repeated up to it."""

    learning_rate: ClassVar[float] = 1e-3
    collects: ClassVar[bool] = False
    """Whether it takes all pictures in first."""
    most_steps: ClassVar[int] = 200
    """Of descent; 0 where teaching is none."""

    least_steps: ClassVar[int] = 60
    batch: ClassVar[int] = 4

    @classmethod
    def missing(cls) -> str | None:
        """Say in one line what must be installed or brought, or None."""
        if (absent := super().missing()) is None and find_spec("anomalib") is None:
            return "anomalib is not installed; pip install 'inspection[train]'"
        if absent is None and cls.own_backbone is not None and _brought(cls.own_backbone) is None:
            return (
                f"its weights are not on this machine; put timm's weights of {cls.own_backbone} at "
                f"{WEIGHTS_FOLDER / cls.own_backbone}.safetensors"
            )
        return absent

    @abstractmethod
    def build(self, backbone: Backbone, size: tuple[int, int]) -> torch.nn.Module:
        """Make the untaught network for pictures (n, 3, h, w), normalised as the backbone wants."""

    def cost(self, network: Any, x: torch.Tensor) -> torch.Tensor:
        """The loss of a batch (n, 3, h, w), normalised."""
        raise NotImplementedError

    def told(self, network: Any, x: torch.Tensor) -> torch.Tensor:
        """How unusual each pixel of a batch is (n, 1, h, w): the raw map."""
        found: torch.Tensor = network(x).anomaly_map
        return found if found.ndim == 4 else found[:, None]

    def collect(self, network: Any, x: torch.Tensor) -> None:
        """Take in a batch (n, 3, h, w), before any descent."""

    def settle(self, network: Any) -> None:
        """End taking in."""

    def teach(self, planes: torch.Tensor, rng: np.random.Generator, told: Told) -> torch.nn.Module:
        """Build the network, give it the backbone's weights, and teach it with its own loss."""
        import torch
        from torch.nn import functional as F  # noqa: N812

        from models._pixel_networks import apart
        from models._torch_teaching import Schedule, seeded, teach

        name, weights = self.backbone, self.weights
        if self.own_backbone is not None:
            name, weights = self.own_backbone, _brought(self.own_backbone)
        backbone = load_backbone(name, strides=self.strides or (16,), weights=weights)
        if not (self.transformer or hasattr(backbone.network, "feature_info")):
            raise ModelError(
                f"{self.name}: backbone '{name}' has maps of one stride, several are needed; "
                "use a convolutional one, or --model patchcore"
            )
        model = self
        height, width = planes.shape[2:]
        size = (height + -height % self.multiple, width + -width % self.multiple)

        class Network(torch.nn.Module):
            """Normalising, and anomalib's network behind it."""

            mean: torch.Tensor
            std: torch.Tensor

            def __init__(self) -> None:
                super().__init__()
                self.network = model.build(backbone, size)
                mean, std = (backbone.mean, backbone.std) if model.strides else ((0.0,), (1.0,))
                self.register_buffer("mean", torch.tensor(mean).view(1, -1, 1, 1))
                self.register_buffer("std", torch.tensor(std).view(1, -1, 1, 1))

            def prepared(self, x: torch.Tensor) -> torch.Tensor:
                beyond = (0, size[1] - width, 0, size[0] - height)
                x = F.pad(x, beyond, mode="replicate") if any(beyond) else x
                return (x - self.mean) / self.std

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return model.told(self.network, self.prepared(x))[..., :height, :width]

        def loss(batch: torch.Tensor) -> torch.Tensor:
            measured = not network.training
            network.network.train()
            if measured:
                _still(network.network)
            return model.cost(network.network, network.prepared(apart(batch)[0]))

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of anomalib and what it brings
            network = seeded(Network, rng)
            if self.collects:
                network.train()
                with torch.no_grad():
                    for done, batch in enumerate(torch.split(planes, self.batch), 1):
                        self.collect(network.network, network.prepared(apart(batch)[0]))
                        told(min(done * self.batch, len(planes)), len(planes))
                    self.settle(network.network)
            if self.most_steps == 0:
                return network.eval()
            schedule = Schedule(
                batch=self.batch,
                least_steps=self.least_steps,
                most_steps=min(self.most_steps, max(self.least_steps, 10 * len(planes))),
                check_every=20,
                patience=3,
            )
            return teach(
                network,
                planes,
                loss,
                rng=rng,
                name=self.name,
                device=self.device,
                learning_rate=self.learning_rate,
                schedule=schedule,
                progress=told,
            )


def _brought(name: str) -> Path | None:
    """The weights file of a network that somebody put into WEIGHTS_FOLDER."""
    files = (WEIGHTS_FOLDER.expanduser() / f"{name}.{kind}" for kind in ("safetensors", "pth"))
    return next((file for file in files if file.is_file()), None)


def _still(network: torch.nn.Module) -> None:
    """Keep the running statistics of a network that is only measured in its training mode."""
    from torch.nn.modules.batchnorm import _BatchNorm

    for module in network.modules():
        if isinstance(module, _BatchNorm):
            module.eval()


def extractor(backbone: Backbone, *, taught: bool = True) -> Any:
    """anomalib's feature extractor of our backbone's maps; untaught, with random weights to teach."""
    from anomalib.models.components import TimmFeatureExtractor

    network = cast(Any, backbone.network)
    made = TimmFeatureExtractor(
        backbone.name,
        layers=network.feature_info.module_name(),
        pre_trained=False,
        requires_grad=not taught,
    )
    if taught:
        made.feature_extractor.load_state_dict(network.state_dict())
        made.eval().requires_grad_(requires_grad=False)
    return made


def copied(backbone: Backbone) -> torch.nn.Module:
    """The backbone's network, frozen, as a part of another: the backbone itself is shared by all."""
    return copy.deepcopy(backbone.network).eval().requires_grad_(requires_grad=False)
