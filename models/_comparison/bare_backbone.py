"""The bare backbone, timed beside ours: what seeing costs before anything is judged."""

from __future__ import annotations

import numpy as np
import openvino
from numpy.typing import NDArray

from models._conversion import to_openvino
from models._program import SETTINGS


def load_libraries() -> None:
    """Import what takes long to import, so that it is not timed."""
    import timm  # noqa: F401
    import torch  # noqa: F401


class BareBackbone:
    """timm's whole network compiled by OpenVINO as it is: the measure that judging is held against.

    Its weights are random, which takes the same time.
    """

    def __init__(self, name: str, *, height_px: int, width_px: int) -> None:
        import timm
        import torch

        network = timm.create_model(name, pretrained=False)
        model = to_openvino(network, torch.zeros(1, 3, height_px, width_px))
        self._request = openvino.Core().compile_model(model, "CPU", SETTINGS).create_infer_request()

    def run_planes(self, planes: NDArray[np.float32]) -> None:
        """Pass float32 planes (1, 3, H, W) through: nothing but the network."""
        self._request.infer({0: planes}, share_inputs=True)
