"""What normal looks like: good pictures in, anomaly maps out.

Importing this package loads neither torch nor OpenVINO; they come when first used.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models._devices import CPU, judging_device, processor_name, training_devices
from models._p_values import RULES
from models._scoring import AnomalyMap, PatchMaps, Scoring, score, shares, to_grid
from models.base import (
    AnomalyModel,
    ModelError,
    Needs,
    NotFitted,
    Picture,
    Progress,
    WeightsUnavailable,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from models._anomalib_list import NotTaken
    from models._program import Program, TiledProgram

# OpenVINO tells its makers, by way of Google, of each import, unless this package is not there.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

__all__ = [
    "CPU",
    "RULES",
    "AnomalyMap",
    "AnomalyModel",
    "ModelError",
    "Needs",
    "NotFitted",
    "PatchMaps",
    "Picture",
    "Program",
    "Progress",
    "Scoring",
    "TiledProgram",
    "WeightsUnavailable",
    "adapted_weights",
    "anomalib_not_taken",
    "judging_device",
    "load_program",
    "model_class",
    "model_from_card",
    "model_names",
    "processor_name",
    "program_bytes",
    "score",
    "shares",
    "to_grid",
    "trainable",
    "training_devices",
]


LEARNT_ELSEWHERE = {
    "sequence": "`inspection monitor --method` learns it from a record of parts",
    "supervised": "`inspection train --defects` learns it beside another model",
    "template": "`inspection train --template` lays each picture's own template on it, before any model",
}
"""Which command does what stands under these names in `inspection models`."""


def model_names() -> list[str]:
    """List the models: every file here that does not begin with `_`, but the base."""
    files = Path(__file__).parent.glob("*.py")
    return sorted(f.stem for f in files if not f.stem.startswith("_") and f.stem != "base")


def model_class(name: str) -> type[AnomalyModel]:
    """Import a model by name. Raises ModelError for an unknown one."""
    if (command := LEARNT_ELSEWHERE.get(name.partition("/")[0])) is not None:
        raise ModelError(f"model '{name}': is no model of pictures alone; {command}")
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


def trainable(name: str) -> type[AnomalyModel]:
    """Import a model that can be trained here. Raises ModelError with what must be installed."""
    kind = model_class(name)
    if (missing := kind.missing()) is not None:
        raise ModelError(f"model '{name}' cannot be trained here: {missing}")
    return kind


def model_from_card(card: Mapping[str, Any], *, weights: Path | None = None) -> AnomalyModel:
    """Make an untaught model with the hyperparameters of a model card, as a recipe keeps it.

    A card names only the weights file its backbone came from: `weights` says where it is now.
    Raises ModelError for an unknown model, or where the card names a file and none is given.
    """
    if card["weights"] is not None and weights is None:
        raise ModelError(
            f"model '{card['name']}': its backbone came from the weights file {card['weights']}, "
            "and it is not known where that is; train the recipe again with --weights"
        )
    kind = trainable(card["name"])
    parameters = inspect.signature(kind).parameters
    given: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in card.items()
        if name in parameters
    }
    return kind(**given | {"weights": weights if card["weights"] is not None else None})


def adapted_weights(
    canvases: NDArray[np.uint8],
    *,
    backbone: str,
    weights: Path | None,
    only_last: bool,
    steps: int,
    seed: int,
    progress: Callable[[int, int], None],
) -> tuple[bytes, float, float]:
    """Teach a backbone on canvases (n, H, W, 3) RGB without labels: a `.safetensors` file's bytes.

    Then how alike two views of a picture kept apart look, up to 1, before and after. `only_last`
    leaves the layers up to the finest map used as they are. Raises ModelError.
    """
    from safetensors.torch import save

    from models._adapting import adapted
    from models._backbone import load_backbone

    network = load_backbone(backbone, strides=(8, 16), weights=weights)
    found = adapted(
        network, canvases, only_last=only_last, steps=steps, seed=seed, progress=progress
    )
    return save(found.weights), found.alike_before, found.alike_after


def anomalib_not_taken() -> list[NotTaken]:
    """The image models of the installed anomalib that are none of ours, each with why."""
    from models._anomalib_list import not_taken

    return not_taken()


def load_program(
    files: Sequence[bytes], *, telling: Sequence[str] = (), device: str = "CPU"
) -> Program | TiledProgram:
    """Compile a program from its files, without torch. Raises ModelError when it is none.

    `telling` names what it tells beside its maps, where it can: `near`, the memory's points nearest to
    each patch, and `distance` to the nearest; `points`, its whitened features; `rebuilt`, the picture
    a network rebuilt (3, h, w). `device` is one of OpenVINO's.
    """
    from models._program import from_bytes

    return from_bytes(files, telling, device)


def program_bytes(model: AnomalyModel) -> tuple[bytes, ...]:
    """A trained model's program as files: xml and weights, then those of its tiles if it has any.

    Raises NotFitted.
    """
    from models._program import to_bytes

    return tuple(data for each in model.programs() for data in to_bytes(each))
