"""What a training needs, and a machine that has not enough: refused before anything is read."""

from __future__ import annotations

import models
from inspection.errors import TrainingError
from inspection.training.free_memory import free_memory_mb
from inspection.training.options import AUTO, CANDIDATES, TrainingOptions
from models import Needs


def needs_of(options: TrainingOptions) -> Needs:
    """What the model asked for needs; an ensemble what its members do, AUTO what those tried do. Raises ModelError."""
    members = CANDIDATES if options.model == AUTO else options.members or (options.model,)
    return Needs.together([models.model_class(name).needs for name in members])


def check_machine(options: TrainingOptions) -> None:
    """Refuse a training that this machine has no memory or no graphics card for. Raises TrainingError, ModelError."""
    needs = needs_of(options)
    if needs.gpu and models.training_devices(options.device)[0] == models.CPU:
        raise TrainingError(
            f"model '{options.model}': needs a graphics card, got --device {options.device}; use --device cuda on a "
            "machine that has one, or another --model"
        )
    free_mb = free_memory_mb()
    if needs.memory_mb is not None and free_mb < needs.memory_mb:
        raise TrainingError(
            f"model '{options.model}': {free_mb:,} MB of memory are free, at least {needs.memory_mb:,} are needed; "
            "close other programs, or use another --model (`inspection models` says what each needs)"
        )
