"""Who takes part, by name: our models, each of `inspection models`, ensembles by rule, and anomalib's."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

import models
from inspection.errors import InspectionError
from inspection.training.bench import ours, rivals
from inspection.training.bench.runs import BenchSettings, Outcome, Task
from inspection.training.bench.templates import TEMPLATE
from inspection.training.options import TrainingOptions
from models import Progress

OURS = "ours"
"""Our default model."""

ALL = "all"

ENSEMBLE = "ensemble"
"""Members and rule, where they are not its own, follow: `ensemble:patchcore+kmeans:fisher`."""

RIVALS = ("patchcore", "mh_patchcore", "padim")
"""anomalib's; a model of ours that has the name of one of these is called `ours:NAME`."""

Run = Callable[[Task, Progress], Outcome]


def contender_names() -> list[str]:
    """Everybody that can take part here: ours first, an ensemble by each rule, anomalib's last."""
    default = TrainingOptions().model
    names = [name for name in models.model_names() if name != default]
    ready = [name for name in names if models.model_class(name).missing() is None]
    others = [f"{OURS}:{name}" if name in RIVALS else name for name in ready]
    rules = [f"{ENSEMBLE}:{rule}" for rule in [*models.RULES][1:]] if ENSEMBLE in ready else []
    return [OURS, TEMPLATE, *others, *rules, *(RIVALS if find_spec("anomalib") else ())]


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
    default = TrainingOptions().model
    model = default if name in (OURS, TEMPLATE) else name.removeprefix(f"{OURS}:")
    if not _known(model):
        raise InspectionError(
            f"bench: no contender {name!r}; there are: {', '.join(contender_names())}, and "
            "ensemble:A+B:RULE of any members and rule"
        )
    models.trainable(model.partition(":")[0])
    return lambda task, progress: ours.run_apart(task, model, progress)


def _known(model: str) -> bool:
    """Whether there is such a model; an ensemble may name members, a rule, or both."""
    options = BenchSettings().options(model=model, seed=0)
    more = (options.members is not None) + (options.rule is not None)
    return (
        model.count(":") == more
        and (more == 0 or options.model == ENSEMBLE)
        and {options.model, *(options.members or ())} <= set(models.model_names())
        and options.rule in (None, *models.RULES)
    )
