"""Steps before the model: what each does, that training and station do the same, and when one is kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from cameras.simulated import draw_part
from inspection.errors import SetupError
from inspection.judging.explain import explain
from inspection.judging.judge import check_parity, inspect, load_recipe
from inspection.recipe.prepare import colour, denoise, flat_field, prepare
from inspection.recipe.setup_file import Setup, setup_from
from inspection.training.options import TrainingOptions
from inspection.training.train import train_recipe, with_steps
from models import score

SIDE = 128


def lit(image: NDArray[np.uint8], least: float, angle: float = 0.0) -> NDArray[np.uint8]:
    """A picture under light that falls to `least` from one side to the other."""
    down, across = np.mgrid[: image.shape[0], : image.shape[1]] / image.shape[0]
    way = np.clip(across * np.cos(angle) + down * np.sin(angle), 0, 1)
    return np.clip(image * (1 - (1 - least) * way)[..., None], 0, 255).astype(np.uint8)


def part(seed: int, defect: str | None = None) -> NDArray[np.uint8]:
    return draw_part(seed, size_px=SIDE, defect=defect).image


def test_a_flat_field_takes_uneven_light_away_and_leaves_the_part() -> None:
    even = np.full((SIDE, SIDE, 3), 150, np.uint8)
    even[40:60, 40:60] = 220
    shaded = lit(even, 0.5)
    flat = flat_field(shaded)
    surface = [flat[90, 15].mean(), flat[90, 64].mean(), flat[90, 112].mean()]
    before = [shaded[90, 15].mean(), shaded[90, 64].mean(), shaded[90, 112].mean()]
    assert np.ptp(surface) < 0.5 * np.ptp(before)
    assert flat[50, 50].mean() > flat[50, 80].mean() + 30


def test_denoising_takes_noise_and_leaves_edges() -> None:
    rng = np.random.default_rng(0)
    clean = np.full((SIDE, SIDE, 3), 90, np.uint8)
    clean[:, 64:] = 180
    noisy = np.clip(clean + rng.normal(0, 6, clean.shape), 0, 255).astype(np.uint8)
    smooth = denoise(noisy)
    assert smooth[:, 10:50].std() < 0.6 * noisy[:, 10:50].std()
    assert smooth[:, 70].mean() - smooth[:, 57].mean() > 85


def test_colour_brings_pictures_of_another_light_together() -> None:
    image = part(1)
    warm = np.clip(image * np.array([1.1, 0.9, 0.7]), 0, 255).astype(np.uint8)
    apart = np.abs(image.astype(int) - warm).mean()
    assert np.abs(colour(image).astype(int) - colour(warm)).mean() < 0.3 * apart
    assert np.isfinite(colour(np.full((8, 8, 3), 7, np.uint8))).all()


def test_steps_follow_each_other_and_none_changes_nothing() -> None:
    image = part(2)
    assert prepare(image, ()) is image
    assert np.array_equal(prepare(image, ("denoise", "colour")), colour(denoise(image)))


def test_a_step_there_is_not_is_one_line() -> None:
    with pytest.raises(
        SetupError, match=r"^prepare: no step 'sharpen'; allowed: flat_field, denoise"
    ):
        with_steps(Setup(), TrainingOptions(prepare=("sharpen",)))
    with pytest.raises(SetupError, match="prepare"):
        setup_from({"prepare": ["blur"]}, where="set-up")
    with pytest.raises(SetupError, match="each step once"):
        setup_from({"prepare": ["denoise", "denoise"]}, where="set-up")


@pytest.mark.slow
def test_a_recipe_keeps_its_steps_and_judges_by_them(
    tmp_path: Path, cli: Any, frame_of: Any
) -> None:
    good = tmp_path / "parts" / "train" / "good"
    good.mkdir(parents=True)
    for seed in range(12):
        cv2.imwrite(str(good / f"{seed:02}.png"), lit(part(seed), 0.8)[..., ::-1])
    done = cli(
        "train", tmp_path / "parts", "--recipe", "p.recipe", "--prepare", "flat_field,colour",
        "--effort", "fast", "--image-size", "128", "--json",
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["prepare_choice"] is None
    recipe = load_recipe(tmp_path / "p.recipe")
    assert recipe.settings.setup.prepare == ("flat_field", "colour")
    assert check_parity(recipe) < 2e-3
    image = lit(part(50, "contamination"), 0.8)
    judged = inspect(frame_of(image), recipe)
    raw, _, _ = recipe.framing.raw_canvas_of(image)
    maps, _ = recipe.program.measure(colour(flat_field(raw)))
    scored = score(maps, recipe.framing.placed(image.shape, None).valid, recipe.settings.scoring)
    assert judged.score == scored.score
    assert np.array_equal(
        explain(frame_of(image), recipe, name="x").canvas, colour(flat_field(raw))
    )


@pytest.mark.slow
@pytest.mark.parametrize(("name", "kept"), [("even", ()), ("lamps", ("colour",))])
def test_auto_keeps_a_step_where_light_hides_defects_and_none_where_it_does_not(
    tmp_path: Path, name: str, kept: tuple[str, ...]
) -> None:
    """Under lamps of every colour and strength, defects are lost among what differs anyway."""
    good = tmp_path / name
    good.mkdir()
    rng = np.random.default_rng(5)
    for seed in range(24):
        lamp = rng.uniform(0.1, 1.0, 3) if name == "lamps" else np.ones(3)
        cv2.imwrite(str(good / f"{seed:02}.png"), (part(seed) * lamp).astype(np.uint8)[..., ::-1])
    options = TrainingOptions(prepare=("auto",), effort="fast", image_size_px=SIDE)
    report = train_recipe(good, tmp_path / "p.recipe", options=options, setup=Setup())
    assert report.steps is not None
    assert list(report.steps.aurocs)[:2] == ["none", "flat_field"]
    assert report.steps.kept == kept, report.steps
    assert load_recipe(tmp_path / "p.recipe").settings.setup.prepare == kept


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "good", "bad", "kept", "told_by"),
    [
        ("lamps", 24, 12, True, 12),
        ("even", 24, 12, False, 12),
        ("lamps", 19, 12, None, 0),  # too few good pictures to tell bad parts from
        ("lamps", 24, 9, None, 0),
    ],
)
def test_auto_goes_by_bad_parts_where_there_are_enough(
    tmp_path: Path, name: str, good: int, bad: int, kept: bool | None, told_by: int
) -> None:
    rng = np.random.default_rng(5)

    def write(folder: Path, seed: int, defect: str | None = None) -> None:
        folder.mkdir(exist_ok=True)
        lamp = rng.uniform(0.3, 1.0, 3) if name == "lamps" else np.ones(3)
        image = (part(seed, defect) * lamp).astype(np.uint8)[..., ::-1]
        cv2.imwrite(str(folder / f"{seed:03}.png"), image)

    for seed in range(good):
        write(tmp_path / "good", seed)
    for seed in range(bad):
        write(
            tmp_path / "bad", 200 + seed, "contamination" if name == "lamps" else "missing_feature"
        )
    options = TrainingOptions(
        prepare=("auto",), effort="fast", image_size_px=SIDE, defects=tmp_path / "bad"
    )
    report = train_recipe(tmp_path / "good", tmp_path / "p.recipe", options=options, setup=Setup())
    steps = report.steps
    assert steps is not None
    assert steps.bad == told_by
    assert report.as_json()["prepare_choice"]["bad"] == told_by
    if kept is None:
        assert "AUROC by drawn-in defects" in steps.lines()[0]
        return
    assert list(steps.aurocs) == [
        "none", "flat_field", "denoise", "colour", "flat_field+denoise+colour",
    ]  # fmt: skip
    assert bool(steps.kept) == kept, steps
    assert "AUROC by 12 bad parts" in steps.lines()[0]
    gain = max(steps.aurocs.values()) - steps.aurocs["none"]
    assert (gain >= 0.04) == kept
    assert load_recipe(tmp_path / "p.recipe").settings.setup.prepare == steps.kept
