"""What one question of the set-up page is about: who asks, and all that is known of the draft."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from inspection.errors import SetupError
from inspection.jobs import TRAIN, TRY, Job
from inspection.recipe.setup_file import Setup
from ui.core.context import Context
from ui.core.deploy import on_line, target_of
from ui.core.panel import Asker
from ui.core.trials import trainings_of, trial_of
from ui.pages.setup.draft import SetupDraft
from ui.pages.setup.training import Options, options_of


class Asked:
    """Read once and when it is wanted, in a thread: the disk may be slow."""

    def __init__(self, context: Context, me: Asker, draft: SetupDraft) -> None:
        self.context, self.me, self.draft = context, me, draft

    @property
    def status(self) -> Mapping[str, Any] | None:
        """How the station is doing; None while it is silent."""
        return self.context.hub.status

    @property
    def paused(self) -> bool:
        """Whether the cameras may be used."""
        return self.status is not None and self.status.get("paused") is True

    @cached_property
    def names(self) -> list[str]:
        """The good parts, the reference first."""
        return self.draft.names()

    @cached_property
    def note(self) -> dict[str, Any]:
        """What else was chosen."""
        return self.draft.note

    @cached_property
    def options(self) -> Options:
        """What was chosen for training, else what the recipe on the line was learnt with."""
        return options_of(self.draft, self.target)

    @property
    def target(self) -> Path:
        """The file the station reads the recipe from."""
        return target_of(self.context, self.draft.product, self.draft.view)

    @cached_property
    def setup(self) -> tuple[Setup | None, str | None]:
        """Where to look, or why its file cannot be read."""
        try:
            return self.draft.setup(), None
        except SetupError as error:
            return None, str(error)

    @cached_property
    def training(self) -> Job | None:
        """The newest training of this product and view."""
        found = trainings_of(self.context.jobs, self.draft.product, self.draft.view)
        return next(iter(found), None)

    @property
    def done(self) -> Job | None:
        """The newest training, if it is done."""
        return self.training if self.training is not None and self.training.result else None

    @cached_property
    def trial(self) -> Job | None:
        """The newest trial of that training."""
        return None if self.training is None else trial_of(self.context.jobs, self.training)

    @cached_property
    def running(self) -> Job | None:
        """The training or trial at work, of any product."""
        return self.context.jobs.running(TRAIN, TRY)

    @cached_property
    def line(self) -> dict[str, Any]:
        """Which recipe is on the line, and what was before."""
        return on_line(self.context, self.draft.product, self.draft.view)
