"""The model that is asked for, before it has learnt anything."""

from __future__ import annotations

import models
from inspection.training.good_pictures import GoodPictures
from inspection.training.options import TrainingOptions


def untaught(options: TrainingOptions, pictures: GoodPictures) -> models.AnomalyModel:
    """Make it for the scales of these pictures. Raises ModelError where it cannot be trained here."""
    return models.trainable(options.model)(
        backbone=options.backbone,
        weights=options.weights,
        shrinks=pictures.shrinks,
        seed=options.seed,
        **options.of_model(),
    )
