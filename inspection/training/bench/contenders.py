"""Who takes part, by name: our models, each of `inspection models`, and anomalib's."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

import models
from inspection.errors import InspectionError
from inspection.training.bench import ours, rivals
from inspection.training.bench.runs import Outcome, Task
from inspection.training.options import TrainingOptions
from models import Progress

OURS = "ours"
"""Our default model."""

ALL = "all"

RIVALS = ("patchcore", "mh_patchcore", "padim")
"""anomalib's; a model of ours that has the name of one of these is called `ours:NAME`."""

Run = Callable[[Task, Progress], Outcome]


def contender_names() -> list[str]:
    """Everybody that can take part here: ours first, then anomalib's."""
    default = TrainingOptions().model
    names = [name for name in models.model_names() if name != default]
    ready = [name for name in names if models.model_class(name).missing() is None]
    others = [f"{OURS}:{name}" if name in RIVALS else name for name in ready]
    return [OURS, *others, *(RIVALS if find_spec("anomalib") else ())]


def chosen(names: str) -> list[str]:
    """Who a list with commas, or `all`, means. Raises InspectionError for one who is not there."""
    asked = [name.strip() for name in names.split(",")]
    asked = contender_names() if asked == [ALL] else list(dict.fromkeys(asked))
    for name in asked:
        contender(name)
    return asked


def contender(name: str) -> Run:
    """What teaches and measures a contender.

    Raises InspectionError for one who is not there, ModelError with what must be installed.
    """
    if name in RIVALS:
        if find_spec("anomalib") is None:
            raise InspectionError(
                f"bench: {name} is anomalib's, which is not installed; pip install 'inspection[train]'"
            )
        return lambda task, progress: rivals.run_apart(task, name, progress)
    model = TrainingOptions().model if name == OURS else name.removeprefix(f"{OURS}:")
    if model not in models.model_names():
        raise InspectionError(
            f"bench: no contender {name!r}; there are: {', '.join(contender_names())}"
        )
    models.trainable(model)
    return lambda task, progress: ours.run_apart(task, model, progress)
