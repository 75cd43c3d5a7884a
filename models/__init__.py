"""What normal looks like: good pictures in, anomaly maps out.

Importing this package loads neither torch nor OpenVINO; they come when first used.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

from models.base import (
    AnomalyMap,
    AnomalyModel,
    ModelError,
    NotFitted,
    Picture,
    Progress,
    WeightsUnavailable,
    anomaly_map,
    to_grid,
)

if TYPE_CHECKING:
    from models._program import Program

__all__ = [
    "AnomalyMap",
    "AnomalyModel",
    "ModelError",
    "NotFitted",
    "Picture",
    "Program",
    "Progress",
    "WeightsUnavailable",
    "anomaly_map",
    "load_program",
    "model_class",
    "model_names",
    "program_bytes",
    "to_grid",
]


def model_names() -> list[str]:
    """List the models: every file here that does not begin with `_`, but the base."""
    files = Path(__file__).parent.glob("*.py")
    return sorted(f.stem for f in files if not f.stem.startswith("_") and f.stem != "base")


def model_class(name: str) -> type[AnomalyModel]:
    """Import a model by name. Raises ModelError for an unknown one."""
    if name not in model_names():
        raise ModelError(f"model '{name}': unknown; there are: {', '.join(model_names())}")
    module = importlib.import_module(f"models.{name}")
    found = [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, AnomalyModel)
        and value.__module__ == module.__name__
    ]
    return found[0]


def load_program(xml: bytes, weights: bytes) -> Program:
    """Compile a program from its bytes, without torch. Raises ModelError when it is none."""
    from models._program import from_bytes

    return from_bytes(xml, weights)


def program_bytes(model: AnomalyModel) -> tuple[bytes, bytes]:
    """Give a trained model's program as the bytes of model.xml and model.bin."""
    from models._program import to_bytes

    return to_bytes(model.program())
