"""The model that is asked for, before it has learnt anything."""

from __future__ import annotations

import models
from inspection.training.good_pictures import GoodPictures
from inspection.training.options import TrainingOptions


def check_backbone(options: TrainingOptions) -> None:
    """Refuse a model that cannot be trained here, and a backbone it would not look through.

    Raises ModelError.
    """
    asked = options.weights is not None or options.backbone != TrainingOptions().backbone
    if not models.trainable(options.model).reads_backbone and asked:
        raise models.ModelError(
            f"model '{options.model}': it looks through no backbone of yours; leave out --backbone and "
            "--weights, or use another --model"
        )


def untaught(options: TrainingOptions, pictures: GoodPictures) -> models.AnomalyModel:
    """Make it for the scales of these pictures. Raises ModelError where it cannot be trained here."""
    return models.trainable(options.model)(
        backbone=options.backbone,
        weights=options.weights,
        shrinks=pictures.shrinks,
        seed=options.seed,
        **options.of_model(),
    )
