"""Boards that all differ, each compared with a template of its own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from cameras import CameraError
from inspection.errors import CannotInspect, RecipeError
from inspection.judgement import Verdict
from inspection.judging.explain import explain
from inspection.judging.judge import inspect, load_recipe
from inspection.recipe.setup_file import Setup
from inspection.recipe.template import (
    LEAST_NOISE,
    MOST_NOISE,
    UNCHANGED,
    Template,
    another_build,
    board,
    differences,
    learnt_noise,
)
from inspection.training.options import TrainingOptions
from inspection.training.train import train_recipe

SIDE_PX = 320
RULE = Template()


def drawn_board(seed: int) -> NDArray[np.uint8]:
    """A board (H, W) with tracks and pads that no other seed has."""
    rng = np.random.default_rng(seed)
    image = np.full((SIDE_PX, SIDE_PX), 40, np.uint8)
    for _ in range(25):
        x, y = (int(v) for v in rng.integers(10, SIDE_PX - 60, 2))
        across = bool(rng.integers(2))
        size = (50, 6) if across else (6, 50)
        cv2.rectangle(image, (x, y), (x + size[0], y + size[1]), 210, -1)
    for _ in range(12):
        x, y = (int(v) for v in rng.integers(15, SIDE_PX - 15, 2))
        cv2.circle(image, (x, y), 8, 210, -1)
    return image


def moved(image: NDArray[np.uint8], x: float, y: float) -> NDArray[np.uint8]:
    matrix = np.array([[1, 0, x], [0, 1, y]], np.float32)
    shifted = cv2.warpAffine(image, matrix, image.shape[::-1], borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(shifted, np.uint8)


def largest(found: NDArray[np.uint8]) -> int:
    inner = found[20:-20, 20:-20].astype(int)
    return int(np.abs(inner - UNCHANGED).max())


def test_a_good_board_shifted_darker_and_softer_differs_by_nothing() -> None:
    golden = drawn_board(1)
    seen = cv2.GaussianBlur(moved(golden, 6.4, -3.7), (0, 0), 1.0)
    seen = np.asarray(np.clip(seen * 0.8 + 5, 0, 255), np.uint8)
    assert largest(differences(seen, golden, RULE)) <= 8


@pytest.mark.parametrize(("level", "sign"), [(40, -1), (210, 1)])
def test_what_is_missing_or_too_much_stands_out_where_it_is(level: int, sign: int) -> None:
    golden = np.full((SIDE_PX, SIDE_PX), 40, np.uint8)
    golden[:] = drawn_board(2)
    golden[150:180, 150:180] = 210 if level == 40 else 40
    spoiled = golden.copy()
    cv2.circle(spoiled, (165, 165), 7, level, -1)
    found = differences(moved(spoiled, 4, 2), golden, RULE).astype(int) - UNCHANGED
    row, column = np.unravel_index(int((sign * found).argmax()), found.shape)
    assert abs(row - 167) <= 7
    assert abs(column - 169) <= 7
    assert sign * found[row, column] > 50


def noisy(golden: Any, levels: float, seed: int = 0) -> Any:
    drawn = np.random.default_rng(seed).normal(0, levels, golden.shape)
    return np.asarray(np.clip(golden + drawn, 0, 255), np.uint8)


def test_the_noise_is_that_of_good_pairs() -> None:
    found = [
        learnt_noise([(noisy(drawn_board(n), levels, n), drawn_board(n)) for n in range(3)], RULE)
        for levels in (0.0, 4.0, 12.0, 20.0)
    ]
    assert found == sorted(set(found))
    assert found[0] == LEAST_NOISE < 6 < found[1] < 12 < found[2] < found[3] == MOST_NOISE
    other = [(drawn_board(4), drawn_board(5)), (drawn_board(3) // 4, drawn_board(3))]
    assert learnt_noise(other[1:], RULE) is None


def test_what_is_within_the_noise_is_no_difference() -> None:
    golden = drawn_board(1)
    seen = noisy(golden, 12.0)
    seen[150:180, 150:180] = 255 - golden[150:180, 150:180]
    by_noise = {
        noise: differences(seen, golden, replace(RULE, noise=noise)).astype(int) - UNCHANGED
        for noise in (None, 8, 25)
    }
    assert np.array_equal(by_noise[None], by_noise[8]), "as recipes that have none were taught"
    calm = np.ones_like(golden, bool)
    calm[140:190, 140:190] = False
    assert (by_noise[8][calm] != 0).mean() > 10 * (by_noise[25][calm] != 0).mean()
    assert abs(by_noise[25]).max() > 60


def test_a_tolerance_of_more_pixels_forgives_more() -> None:
    golden = drawn_board(9)
    golden[100:220, 100:220] = 40
    golden[130:190, 130:190] = 210
    wider = golden.copy()
    wider[130:190, 190:194] = 210  # four pixels too wide
    strict = differences(wider, golden, Template(tolerance_px=1))
    lenient = differences(wider, golden, Template(tolerance_px=5))
    assert largest(strict) > 40 > 10 > largest(lenient)


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda image: image // 4, "too_dark"),
        (lambda image: cv2.GaussianBlur(image, (0, 0), 6), "blurred"),
        (lambda image: moved(image, 60, 0), "out_of_place"),
    ],
)
def test_what_cannot_be_compared_is_told(spoil: Any, code: str) -> None:
    with pytest.raises(CannotInspect) as caught:
        differences(np.asarray(spoil(drawn_board(3)), np.uint8), drawn_board(3), RULE)
    assert caught.value.reason.code == code


def test_a_template_of_another_board_is_never_a_pass() -> None:
    try:
        found = differences(drawn_board(4), drawn_board(5), RULE)
    except CannotInspect as error:
        assert error.reason.code in ("other_part", "out_of_place", "turned")
    else:
        assert (np.abs(found.astype(int) - UNCHANGED) > 40).mean() > 0.05


def test_another_build_is_the_same_board_and_always_the_same() -> None:
    golden = drawn_board(6)
    built = another_build(golden)
    assert not np.array_equal(built, golden)
    assert np.array_equal(built, another_build(golden))
    assert largest(differences(built, golden, RULE)) < 25


def test_templates_are_found_by_the_pictures_names(tmp_path: Path) -> None:
    assert board(Path("a/7_temp.jpg")) == board(Path("7_test.png")) == "7"
    (tmp_path / "lot").mkdir()
    cv2.imwrite(str(tmp_path / "lot" / "7_temp.png"), drawn_board(7))
    rule = Template(source=str(tmp_path))
    assert np.array_equal(rule.of(Path("elsewhere/7_test.png")), drawn_board(7))
    with pytest.raises(CameraError, match="no template named 8 in"):
        rule.of(Path("8_test.png"))
    with pytest.raises(CameraError, match="use --template"):
        Template().of(Path("8_test.png"))


@pytest.mark.slow
def test_boards_that_all_differ_are_judged_by_their_templates(
    tmp_path: Path, cli: Any, frame_of: Any
) -> None:
    good, templates = tmp_path / "parts" / "train" / "good", tmp_path / "templates"
    bad, fine = tmp_path / "parts" / "test" / "short", tmp_path / "parts" / "test" / "good"
    for folder in (good, templates, bad, fine):
        folder.mkdir(parents=True)
    for seed in range(20):
        cv2.imwrite(str(templates / f"{seed}_temp.png"), drawn_board(seed))
        shown = another_build(moved(drawn_board(seed), seed % 5, -(seed % 3)))
        if seed < 12:
            cv2.imwrite(str(good / f"{seed}_test.png"), shown)
            continue
        cv2.imwrite(str(fine / f"{seed}_test.png"), shown)
        cv2.circle(shown, (60 + 10 * (seed - 12), 160), 7, 125, -1)
        cv2.imwrite(str(bad / f"{seed}_test.png"), shown)
    done = cli("train", tmp_path / "parts", "--recipe", "b.recipe", "--template", templates)
    assert (done.returncode, done.stderr) == (0, "")
    evaluated = cli("evaluate", "b.recipe", tmp_path / "parts", "--template", templates, "--json")
    import json

    figures = json.loads(evaluated.stdout)
    assert figures["image_auroc"] >= 0.95
    assert figures["escape_rate"] == 0.0
    assert figures["region_hit_rate"] is None or figures["region_hit_rate"] >= 0.85
    alone = cli("inspect", "b.recipe", bad)
    assert alone.returncode == 3
    assert alone.stdout.count("CANNOT_INSPECT") == 8
    missing = cli("inspect", "b.recipe", bad, "--template", tmp_path / "nowhere")
    assert missing.returncode != 0
    assert "no such file or folder" in missing.stderr


@pytest.mark.slow
def test_one_template_for_all_travels_in_the_recipe(tmp_path: Path, frame_of: Any) -> None:
    good = tmp_path / "good"
    good.mkdir()
    template = tmp_path / "golden.png"
    cv2.imwrite(str(template), drawn_board(1))
    for number in range(8):
        shown = another_build(moved(drawn_board(1), number % 4, number % 3))
        cv2.imwrite(str(good / f"{number}.png"), shown)
    path = tmp_path / "b.recipe"
    setup = Setup(template=Template(source=str(template)))
    train_recipe(good, path, options=TrainingOptions(effort="fast"), setup=setup)
    recipe = load_recipe(path)
    # Where the file lay is not told.
    assert recipe.settings.setup.template == replace(RULE, noise=10)
    assert np.array_equal(recipe.template, drawn_board(1))
    spoiled = another_build(drawn_board(1))
    cv2.circle(spoiled, (160, 160), 8, 125, -1)
    assert inspect(frame_of(spoiled), recipe).verdict is Verdict.FAIL
    other = inspect(frame_of(spoiled), recipe, template=spoiled)
    assert other.score is not None
    assert other.score < inspect(frame_of(spoiled), recipe).score
    why = explain(frame_of(spoiled), recipe, name="spoiled")
    patch = why.places[0].patch
    times = SIDE_PX / recipe.settings.canvas.width_px
    assert patch.words == "middle"
    assert abs(times * (patch.x_px + patch.width_px / 2) - 160) < 24
    assert why.places[0].nearest is not None
    assert (
        np.abs(why.canvas.astype(int) - UNCHANGED)[:20].max() < 20
    )  # differences are shown, not the board
    with pytest.raises(RecipeError, match="no such file or folder"):
        recipe.comparing_with(tmp_path / "nowhere")
