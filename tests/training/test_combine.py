"""Finished recipes made one: it measures what they measure, promises by new good pictures, and refuses the rest."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from cameras import list_images, read_image
from cameras.simulated import draw_part
from inspection.errors import InspectionError, RecipeError, TrainingError
from inspection.jobs.trial import held_out
from inspection.judgement import Verdict
from inspection.judging.judge import inspect, load_recipe
from inspection.recipe import Recipe, open_recipe, write_recipe
from inspection.recipe.setup_file import Alignment, Setup, Zone
from inspection.training.combine import CombineReport, combine_recipes
from inspection.training.good_pictures import read_good
from inspection.training.options import TrainingOptions
from inspection.training.train import TAUGHT, train_recipe
from models import ModelError, score
from models._joint import Joint
from models._p_values import RULES
from models._program import read_model
from models.combination import Combination
from tests.conftest import run_cli

SIZE_PX, N_NEW = 128, 14
MEMBERS = ("patchcore", "padim", "vae")


def draw(folder: Path, seeds: range, *, size_px: int = SIZE_PX) -> Path:
    folder.mkdir()
    for seed in seeds:
        part = draw_part(seed, size_px=size_px).image
        assert cv2.imwrite(str(folder / f"{seed:03d}.png"), cv2.cvtColor(part, cv2.COLOR_RGB2BGR))
    return folder


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """Three recipes of one product, taught on the same pictures, and good pictures they have not seen."""
    folder = tmp_path_factory.mktemp("members")
    taught, new = draw(folder / "taught", range(12)), draw(folder / "new", range(100, 100 + N_NEW))
    setup = Setup(product="flange")
    for model in MEMBERS:
        options = TrainingOptions(model=model, image_size_px=SIZE_PX, false_reject=0.2)
        train_recipe(taught, folder / f"{model}.recipe", options=options, setup=setup)
    recipes = {model: open_recipe(folder / f"{model}.recipe") for model in MEMBERS}
    return SimpleNamespace(folder=folder, taught=taught, new=new, recipes=recipes)


def combined(
    members: dict[str, Recipe], good: Path, out: Path, *, rule: str = "fisher"
) -> CombineReport:
    return combine_recipes(members, good, out, rule=rule, false_reject=0.1, review=0.2)


def nodes(recipe: Recipe, kind: str) -> int:
    ops = read_model(*recipe.program_bytes).get_ordered_ops()
    return sum(node.get_type_name() == kind for node in ops)


@pytest.mark.slow
@pytest.mark.parametrize("rule", RULES)
def test_one_recipe_measures_what_its_members_measure(
    made: SimpleNamespace, tmp_path: Path, rule: str
) -> None:
    report = combined(made.recipes, made.new, tmp_path / "one.recipe", rule=rule)
    recipe = load_recipe(tmp_path / "one.recipe")
    assert recipe.settings.model["members"] == list(MEMBERS)
    assert recipe.settings.model["rule"] == rule
    assert report.parity < 1e-3
    combination = Combination([each.program_bytes for each in made.recipes.values()])
    new = [read_image(path) for path in list_images(made.new)]
    canvases = [recipe.framing.canvas_of(image)[0] for image in new]
    masks = [np.ones((SIZE_PX, SIZE_PX), bool)] * N_NEW
    joint = Joint.learn([combination.measure(each)[0] for each in canvases], masks, rule=rule)
    maps, _ = recipe.program.measure(canvases[0])
    wanted = joint.apply(combination.measure(canvases[0])[0])
    difference = np.abs(maps.distances - wanted.distances).max()
    assert difference <= 2e-3 * np.abs(wanted.distances).max()


@pytest.mark.slow
def test_the_promise_is_that_of_new_pictures_and_cost_and_gain_are_told(
    made: SimpleNamespace, tmp_path: Path, frame_of: Callable[..., Any]
) -> None:
    out = tmp_path / "one.recipe"
    members = {name: made.recipes[name] for name in ("patchcore", "padim")}
    report = combined(members, made.new, out)
    assert report.calibration.n_good == N_NEW
    assert report.calibration.false_reject_promised == pytest.approx(1 / (N_NEW + 1))
    assert [each.name for each in report.judged] == ["combined, fisher", "patchcore", "padim"]
    assert all(each.milliseconds > 0 and 0 <= each.escapes <= each.of for each in report.judged)
    assert {each.of for each in report.judged} == {2 * 4 * 12}  # the same flaws for all
    assert (report.seen, report.unfit, report.warnings) == (0, 0, ())
    recipe = open_recipe(out)
    assert recipe.origins is not None  # pairs of patches, from the memory among them
    assert len(recipe.scores) == N_NEW
    assert nodes(recipe, "Convolution") == nodes(made.recipes["patchcore"], "Convolution")
    sizes = [len(each.program_bytes[1]) for each in (recipe, *members.values())]
    assert sizes[0] < 0.8 * (sizes[1] + sizes[2])
    bad = draw_part(7, defect="missing_feature", size_px=SIZE_PX).image
    assert inspect(frame_of(bad), recipe).verdict is not Verdict.PASS
    again = combined(members, made.new, tmp_path / "again.recipe")
    assert again.recipe_id == report.recipe_id


def test_a_picture_does_not_say_itself_what_is_usual(made: SimpleNamespace, tmp_path: Path) -> None:
    out = tmp_path / "one.recipe"
    members = {name: made.recipes[name] for name in ("patchcore", "padim")}
    combined(members, made.new, out, rule="mean")
    recipe = open_recipe(out)
    pictures = read_good(list_images(made.new), recipe.framing, progress=lambda *_: None)
    canvases = [pictures[i].canvas for i in range(N_NEW)]
    inside = [
        score(recipe.program.measure(each)[0], pictures.valid(i), recipe.settings.scoring).score
        for i, each in enumerate(canvases)
    ]
    assert not np.allclose(np.sort(inside), recipe.scores, rtol=1e-3)
    assert np.sort(inside) == pytest.approx(recipe.scores, rel=0.25)


def test_pictures_that_a_member_was_taught_on_set_no_limit(
    made: SimpleNamespace, tmp_path: Path
) -> None:
    members = {name: made.recipes[name] for name in ("patchcore", "padim")}
    assert len(made.recipes["padim"].settings.training[TAUGHT]) == 12
    both = draw(tmp_path / "both", range(6, 18))
    report = combined(members, both, tmp_path / "one.recipe")
    assert (report.seen, report.calibration.n_good) == (6, 6)
    with pytest.raises(
        TrainingError, match=r"^combine: 0 good pictures .* 12 were taught to a recipe"
    ):
        combined(members, made.taught, tmp_path / "none.recipe")
    assert not (tmp_path / "none.recipe").exists()


def test_a_member_that_does_not_say_what_it_was_taught_on_is_doubted(
    made: SimpleNamespace, tmp_path: Path
) -> None:
    old = {"padim": changed(made.recipes["padim"], tmp_path, forget=True)}
    members = {"patchcore": made.recipes["patchcore"]} | old
    report = combined(members, made.new, tmp_path / "one.recipe")
    assert report.warnings == (
        "padim does not say which pictures it was taught on; the promise holds only if these were not among them",
    )
    old["patchcore"] = changed(made.recipes["patchcore"], tmp_path, forget=True)
    report = combined(old, made.taught, tmp_path / "seen.recipe")
    assert any("so they probably were" in each for each in report.warnings)


def changed(recipe: Recipe, folder: Path, *, forget: bool = False, **fields: Any) -> Recipe:
    """A recipe with other settings, written and read again, so that it has an id of its own."""
    settings = replace(recipe.settings, **fields)
    if forget:
        settings = replace(
            settings, training={k: v for k, v in settings.training.items() if k != TAUGHT}
        )
    path = folder / "changed.recipe"
    write_recipe(recipe.with_settings(settings), path)
    return open_recipe(path)


@pytest.mark.parametrize(
    ("setup", "line"),
    [
        ({"product": "nut"}, "combine: other has another product, 'nut' and not 'flange', than first"),
        ({"prepare": ("denoise",)}, r"combine: other has another prepare, \('denoise',\) and not \(\), than first"),
        ({"roi": (((0, 0), (90, 0), (0, 90)),)}, "combine: other has another roi, "),
        ({"zones": (Zone(name="rim", polygon=((0, 0), (9, 0), (0, 9))),)}, "combine: other has another zones, "),
        ({"align": Alignment()}, "combine: other has another align, "),
    ],
)  # fmt: skip
def test_recipes_of_another_setup_are_refused(
    made: SimpleNamespace, tmp_path: Path, setup: dict[str, Any], line: str
) -> None:
    first = made.recipes["patchcore"]
    other = made.recipes["padim"]
    members = {
        "first": first,
        "other": changed(other, tmp_path, setup=replace(other.settings.setup, **setup)),
    }
    with pytest.raises(RecipeError, match=line):
        combined(members, made.new, tmp_path / "one.recipe")
    assert not (tmp_path / "one.recipe").exists()


def test_what_cannot_be_combined_is_one_line(made: SimpleNamespace, tmp_path: Path) -> None:
    first, other = made.recipes["patchcore"], made.recipes["padim"]
    small = tmp_path / "small.recipe"
    options = TrainingOptions(model="kmeans", image_size_px=64, false_reject=0.2)
    train_recipe(made.taught, small, options=options, setup=Setup(product="flange"))
    for members, good, rule, line in (
        ({"a": first}, made.new, "fisher", "combine: two different recipes at least are needed"),
        ({"a": first, "b": first}, made.new, "fisher", "combine: two different recipes at least are needed"),
        ({"a": first, "b": other}, made.new, "vote", "combine: no rule 'vote'; allowed are mean, fisher, harmonic"),
        ({"a": first, "b": other}, tmp_path / "no", "fisher", "no: no such folder"),
        ({"a": first, "b": changed(other, tmp_path, format=1)}, made.new, "fisher", "combine: b is of format 1, "),
        ({"a": first, "b": open_recipe(small)}, made.new, "fisher", "combine: b has another canvas, 64 x 64 and not"),
    ):  # fmt: skip
        with pytest.raises((InspectionError, ModelError), match=line) as caught:
            combined(members, good, tmp_path / "one.recipe", rule=rule)
        assert "\n" not in str(caught.value)
    with pytest.raises(RecipeError, match="there is no folder"):
        combined({"a": first, "b": other}, made.new, tmp_path / "no" / "one.recipe")
    assert not (tmp_path / "one.recipe").exists()


def test_a_combined_recipe_can_be_a_member_and_is_not_tried_by_teaching(
    made: SimpleNamespace, tmp_path: Path
) -> None:
    pair = {name: made.recipes[name] for name in ("patchcore", "padim")}
    combined(pair, made.new, tmp_path / "one.recipe")
    one = open_recipe(tmp_path / "one.recipe")
    report = combined({"one": one, "vae": made.recipes["vae"]}, made.new, tmp_path / "two.recipe")
    assert report.parity < 1e-3
    pictures = read_good(list_images(made.new), one.framing, progress=lambda *_: None)
    with pytest.raises(TrainingError, match="combined of finished recipes"):
        next(held_out(pictures, one, lambda *_: None))


def test_the_command_prints_cost_and_gain(made: SimpleNamespace, tmp_path: Path) -> None:
    paths = [made.folder / f"{name}.recipe" for name in ("patchcore", "padim")]
    words = ("combine", *paths, "--good", made.new, "--out", "one.recipe", "--false-reject", 0.1)
    done = run_cli(*words, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"2 recipes as one, limits from {N_NEW} good parts, " in done.stdout
    assert re.search(r"combined, fisher: [\d.]+ ms a picture, \d+ of 96 would pass", done.stdout)
    assert re.search(r"padim\.recipe: [\d.]+ ms a picture, \d+ of 96 would pass", done.stdout)
    assert "Promise: at most 6.67% of good parts fail on average" in done.stdout
    found = json.loads(run_cli(*words, "--json", cwd=tmp_path).stdout)
    assert (found["n_good"], found["seen"], found["recipe_id"]) == (
        N_NEW, 0, open_recipe(tmp_path / "one.recipe").id,
    )  # fmt: skip
    assert len(found["members"]) == 2
    wrong = run_cli(*words[:-2], "--rule", "vote", cwd=tmp_path)
    assert wrong.returncode == 1
    assert wrong.stderr.startswith("inspection: combine: no rule 'vote'")
    assert wrong.stderr.count("\n") == 1
