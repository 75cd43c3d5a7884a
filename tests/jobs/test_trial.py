"""A trial scores good parts by the model that the recipe was taught with, rebuilt from its card."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from cameras import list_images
from cameras.simulated import draw_part
from inspection.errors import TrainingError
from inspection.jobs.trial import held_out
from inspection.recipe import open_recipe
from inspection.recipe.setup_file import Setup
from inspection.training.good_pictures import read_good
from inspection.training.options import TrainingOptions
from inspection.training.train import train_recipe
from models import ModelError, model_class, score
from models._backbone import _packaged_weights

BACKBONE = "tf_efficientnet_lite0"


def quiet(what: str, done: int, of: int) -> None:
    """Say nothing."""


def weights_file(path: Path, *, factor: float) -> Path:
    """Write the packaged weights with the first layer's multiplied."""
    import torch

    state = dict(_packaged_weights(BACKBONE))
    first = next(name for name, value in state.items() if value.ndim == 4)
    state[first] = factor * state[first]
    torch.save(state, path)
    return path


@pytest.mark.slow
def test_the_model_has_the_weights_the_recipe_was_taught_with(tmp_path: Path) -> None:
    folder, path = tmp_path / "good", tmp_path / "a.recipe"
    folder.mkdir()
    for number in range(8):
        cv2.imwrite(str(folder / f"{number}.png"), draw_part(number, size_px=64).image)
    weights = weights_file(tmp_path / "w.pth", factor=3.0)
    options = TrainingOptions(image_size_px=64, false_reject=0.2, weights=weights)
    train_recipe(folder, path, options=options, setup=Setup())
    recipe = open_recipe(path)
    pictures = read_good(list_images(folder), recipe.framing, progress=quiet)
    tried = {each.good.path: each.score for each in held_out(pictures, recipe, quiet)}

    folds = pictures.folds(seed=0)
    for half in (0, 1):
        others = np.flatnonzero(folds % 2 != half)
        model = model_class("patchcore")(backbone=BACKBONE, weights=weights, shrinks=(1,))
        model.fit([pictures[int(i)] for i in others], folds=folds[others])
        for i in map(int, np.flatnonzero(folds % 2 == half)):
            maps = model.measure(pictures[i].canvas)
            expected = score(maps, pictures.valid(i), recipe.settings.scoring).score
            assert tried[pictures.used[i].path] == expected

    weights_file(weights, factor=1.0)
    with pytest.raises(TrainingError, match="are no longer those of the recipe"):
        list(held_out(pictures, recipe, quiet))
    weights.unlink()
    with pytest.raises(ModelError, match=r"no weights file .*w\.pth"):
        list(held_out(pictures, recipe, quiet))


@pytest.mark.slow
def test_a_recipe_of_before_there_were_scales_wants_to_be_trained_again(tmp_path: Path) -> None:
    """Its model cannot be rebuilt: what it measured is no longer measured so."""
    folder, path = tmp_path / "good", tmp_path / "a.recipe"
    folder.mkdir()
    for number in range(6):
        cv2.imwrite(str(folder / f"{number}.png"), draw_part(number, size_px=64).image)
    options = TrainingOptions(image_size_px=64, false_reject=0.2)
    train_recipe(folder, path, options=options, setup=Setup())
    recipe = open_recipe(path)
    card = {name: value for name, value in recipe.settings.model.items() if name != "shrinks"}
    old = recipe.with_settings(replace(recipe.settings, format=1, model=card))
    pictures = read_good(list_images(folder), old.framing, progress=quiet)
    with pytest.raises(TrainingError) as caught:
        next(held_out(pictures, old, quiet))
    assert str(caught.value) == (
        "model 'patchcore': the recipe was made by an earlier version, whose model this one cannot "
        "rebuild to try its good parts; train the recipe again"
    )
