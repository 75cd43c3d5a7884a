"""Bring a torch network to OpenVINO, the same way for every model, and tell it from any other."""

from __future__ import annotations

import copy
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import openvino
    import torch


def to_openvino(network: torch.nn.Module, example: torch.Tensor) -> openvino.Model:
    """Convert a copy of `network`, traced on `example`, whose shape (any, fixed) its input keeps.

    Raises what torch's tracer and OpenVINO's frontend raise, which are errors of their own.
    """
    import openvino
    import torch

    own = copy.deepcopy(network).eval()
    with torch.no_grad(), warnings.catch_warnings(), _log_kept():
        warnings.simplefilter("ignore")  # OpenVINO wants torch.jit, which torch deprecates
        own(example)  # a transformer learns the size
        # Without its own check, which takes a second: parity is checked on real pictures.
        traced = torch.jit.trace(own, example, check_trace=False)  # type: ignore[no-untyped-call]
        frozen = torch.jit.freeze(traced)
        return openvino.convert_model(frozen, example_input=example, input=[tuple(example.shape)])


def fingerprint(network: torch.nn.Module) -> str:
    """The SHA-256 of all weights, by name, which tells them from any others."""
    found = sha256()
    for name, values in network.state_dict().items():
        found.update(name.encode())
        found.update(np.ascontiguousarray(values.numpy()).data)
    return found.hexdigest()


@contextmanager
def _log_kept() -> Iterator[None]:
    """OpenVINO silences the whole program's log while it converts, and for good where it fails."""
    root = logging.getLogger()
    level, filters, handlers = root.level, root.filters[:], root.handlers[:]
    try:
        yield
    finally:
        root.setLevel(level)
        root.filters, root.handlers = filters, handlers
