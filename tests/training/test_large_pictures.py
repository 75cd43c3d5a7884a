"""Strips are looked at in full height, large pictures in tiles; specks are found, at seams too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from inspection.judgement import Judgement, Verdict
from inspection.judging.explain import explain
from inspection.judging.judge import inspect, load_recipe
from inspection.recipe import Recipe
from inspection.recipe.setup_file import Setup
from inspection.training.options import TrainingOptions
from inspection.training.train import train_recipe
from models import load_program
from models._tiles import Tiles

pytestmark = pytest.mark.slow
N_GOOD, DOT_PX = 8, 12


def cloth(seed: int, size_px: tuple[int, int]) -> NDArray[np.uint8]:
    """A woven surface (H, W) with noise and a slow change of light."""
    rng = np.random.default_rng(seed)
    down, across = np.ogrid[: size_px[0], : size_px[1]]
    weave = 12 * np.sin(down / 5 + rng.uniform(0, 6)) * np.sin(across / 5 + rng.uniform(0, 6))
    light = rng.uniform(-4, 4) * np.sin(across / size_px[1] * np.pi)
    noise = cv2.GaussianBlur(rng.normal(0, 8, size_px).astype(np.float32), (0, 0), 1.0)
    return np.clip(128 + weave + light + noise, 0, 255).astype(np.uint8)


def taught(folder: Path, size_px: tuple[int, int], effort: str) -> Recipe:
    good = folder / "parts" / "train" / "good"
    good.mkdir(parents=True)
    for seed in range(N_GOOD):
        cv2.imwrite(str(good / f"{seed}.png"), cloth(seed, size_px))
    recipe = folder / "cloth.recipe"
    train_recipe(folder / "parts", recipe, options=TrainingOptions(effort=effort), setup=Setup())
    return load_recipe(recipe)


def judged(recipe: Recipe, frame_of: Any, at: tuple[int, int] | None) -> Judgement:
    image = cloth(100, recipe.references["reference_0.png"].shape[:2])
    if at is not None:
        cv2.circle(image, at, DOT_PX // 2, 10, -1)
    return inspect(frame_of(image), recipe)


def test_a_dot_on_a_strip_of_sixteen_to_one_is_found(tmp_path: Path, frame_of: Any) -> None:
    recipe = taught(tmp_path, (256, 4096), "balanced")
    canvas = recipe.settings.canvas
    assert (canvas.height_px, canvas.width_px) == (256, 4096)
    assert recipe.settings.model["shrinks"] == [4, 2, 1]
    found = judged(recipe, frame_of, (2900, 60))
    assert found.verdict is Verdict.FAIL
    assert _touches(found, (2900, 60))
    assert found.score > judged(recipe, frame_of, None).score + 5


def test_a_dot_at_the_seam_of_two_tiles_of_a_large_picture_is_found(
    tmp_path: Path, frame_of: Any
) -> None:
    recipe = taught(tmp_path, (1344, 1920), "thorough")
    canvas = recipe.settings.canvas
    cut = Tiles.of((canvas.height_px, canvas.width_px), 16)
    assert (canvas.height_px, canvas.width_px, cut.count) == (1344, 1920, 4)
    plain = judged(recipe, frame_of, None).score
    across = cut._spans()[1]
    seam, within = across[0].own[1], (across[0].own[0] + across[0].own[1]) // 2
    scores = []
    for column in (seam, within):
        found = judged(recipe, frame_of, (column, 500))
        assert found.verdict is Verdict.FAIL
        assert _touches(found, (column, 500))
        scores.append(found.score - plain)
    assert min(scores) > 5
    assert min(scores) > 0.6 * max(scores)
    _explained(recipe, frame_of, (within, 500))


def _explained(recipe: Recipe, frame_of: Any, at: tuple[int, int]) -> None:
    """The patch shown holds the dot, and the good one named is as far away as told, in its own tile."""
    image = cloth(100, (1344, 1920))
    cv2.circle(image, at, 2, 10, -1)  # a speck that the fine scale alone sees
    found = explain(frame_of(image), recipe, name="dot")
    (place, *_), near = found.places, found.places[0].nearest
    assert place.scale == len(found.scales) - 1  # the one looked at in tiles
    assert place.patch.x_px - DOT_PX < at[0] < place.patch.x_px + place.patch.width_px + DOT_PX
    assert place.patch.y_px - DOT_PX < at[1] < place.patch.y_px + place.patch.height_px + DOT_PX
    assert near is not None
    program = load_program(recipe.program_bytes, telling=("points",))
    own, good = (
        program.measure(recipe.framing.canvas_of(each)[0])[0].told[f"points_{place.scale}"]
        for each in (image, cloth(int(Path(near.picture).stem), (1344, 1920)))
    )
    across = 1920 // place.patch.width_px
    here, there = (
        each.y_px // each.height_px * across + each.x_px // each.width_px
        for each in (place.patch, near.place)
    )
    assert near.distance == pytest.approx(float(np.linalg.norm(own[here] - good[there])), rel=1e-3)


def _touches(found: Judgement, at: tuple[int, int]) -> bool:
    """Whether the box of the worst region holds the dot, and not much else."""
    worst = found.regions[0]
    across, down = at[0] - worst.x_px, at[1] - worst.y_px
    within = 0 <= across < worst.width_px and 0 <= down < worst.height_px
    return within and max(worst.width_px, worst.height_px) < 12 * DOT_PX
