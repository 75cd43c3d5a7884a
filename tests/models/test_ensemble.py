"""Several models as one: p-values as they should be, and one program that agrees with the members."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import norm

from cameras.simulated import draw_part, write_dataset
from inspection.recipe import open_recipe
from models import (
    ModelError,
    PatchMaps,
    Picture,
    load_program,
    model_from_card,
    program_bytes,
    score,
)
from models._joint import planes_of
from models._p_values import RULES, learn_tail
from models._scoring import maps_by_place
from models.combination import Combination, no_match
from models.ensemble import Ensemble
from tests.conftest import run_cli

SIZE_PX, N = 192, 12
OF_ALL_KINDS = ("patchcore", "bands_middle", "kmeans", "vae")


def drawn(seed: int, defect: str | None = None) -> Picture:
    image = draw_part(seed, defect=defect, size_px=SIZE_PX).image
    return Picture(image, np.ones(image.shape[:2], dtype=bool))


@pytest.fixture(scope="module")
def pictures() -> list[Picture]:
    return [drawn(seed) for seed in range(N)]


@pytest.fixture(scope="module")
def members(pictures: list[Picture]) -> Any:
    """Members of four kinds, taught once: of one network, of filters, and a network of pixels."""
    ensemble = Ensemble(members=OF_ALL_KINDS, seed=4)
    return ensemble.fit(pictures, folds=np.arange(N, dtype=np.intp) % 4).members_


def joined(members: Any, pictures: list[Picture], rule: str) -> Ensemble:
    ensemble = Ensemble(members=OF_ALL_KINDS, rule=rule, seed=4)
    return ensemble._join(members, pictures)


def test_a_tail_gives_how_often_good_patches_deviate_so_much() -> None:
    values = np.random.default_rng(0).standard_normal(60_000).astype(np.float32)
    tail = learn_tail(values)
    at = np.linspace(-1, 3, 41, dtype=np.float32)
    assert tail.apply(at) == pytest.approx(-norm.logsf(at), abs=0.12)
    beyond = tail.apply(np.array([3.5, 5.0, 50.0], np.float32))
    assert 6.5 < beyond[0] < beyond[1] < beyond[2] < 400  # an exponential, not a Gaussian tail
    assert tail.apply(np.array([-9.0], np.float32)) == 0


@pytest.mark.parametrize("values", [np.zeros(500), np.arange(8.0)], ids=["all equal", "few"])
def test_a_tail_of_odd_values_is_finite_and_rises(values: Any) -> None:
    tail = learn_tail(values.astype(np.float32))
    costs = tail.apply(np.linspace(-2, 20, 50, dtype=np.float32))
    assert np.isfinite(costs).all()
    assert (np.diff(costs) >= 0).all()
    assert costs[-1] > costs[0]


def test_the_rules_are_those_of_their_names() -> None:
    p = np.random.default_rng(1).uniform(0.01, 1, (3, 4, 5))
    found = {name: rule(list(-np.log(p).astype(np.float32))) for name, rule in RULES.items()}
    assert found["fisher"] == pytest.approx(-np.log(p).sum(0), rel=1e-4)
    assert np.exp(-found["harmonic"]) == pytest.approx(3 / (1 / p).sum(0), rel=1e-4)
    assert np.exp(-found["maximum"]) == pytest.approx(p.min(0), rel=1e-4)
    assert found["mean_rank"] == pytest.approx((1 - p).mean(0), abs=1e-5)
    assert found["mean"] == pytest.approx(-np.log(p).mean(0), rel=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("rule", RULES)
def test_models_of_any_kind_are_one_program(
    members: Any, pictures: list[Picture], rule: str
) -> None:
    model = joined(members, pictures, rule)
    assert model.card()["rule"] == rule
    program = load_program(program_bytes(model), telling=("near", "points"))
    for seed, defect in ((50, None), (51, "stain"), (52, "missing_feature")):
        picture = drawn(seed, defect)
        compiled, _ = program.measure(picture.canvas)
        reference = model.measure(picture.canvas)
        pairs = [(compiled.distances, reference.distances)]
        for ours, theirs in zip(compiled.finer, reference.finer, strict=True):
            pairs += [(ours.plain, theirs.plain), (ours.density, theirs.density)]
        for ours, theirs in pairs:
            assert np.abs(ours - theirs).max() <= 2e-3 * np.abs(theirs).max()
    assert {"near_0", "near_1", "points_0"} <= set(compiled.told)
    held_out = np.stack([model.held_out(int(i)).distances for i in model.calibrated_])
    assert held_out.mean() == pytest.approx(0, abs=1e-3)
    assert held_out.std() == pytest.approx(1, abs=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("rule", RULES)
def test_finished_programs_are_one_as_their_models_are(
    members: Any, pictures: list[Picture], rule: str
) -> None:
    model = joined(members, pictures, rule)
    combination = Combination([program_bytes(each) for each in members])
    files = combination.program_bytes(model.joint_)
    program = load_program(files, telling=("near", "points"))
    for seed, defect in ((50, None), (52, "missing_feature")):
        canvas = drawn(seed, defect).canvas
        (ours, _), theirs = program.measure(canvas), model.measure(canvas)
        for name, plane in planes_of(theirs).items():
            difference = np.abs(planes_of(ours)[name] - plane).max()
            assert difference <= 2e-3 * np.abs(plane).max(), name
    assert {"near_0", "near_1", "points_0"} <= set(ours.told)
    own = [len(program_bytes(each)[1]) for each in members]
    assert (
        len(files[1]) < len(program_bytes(model)[1]) * 1.01 < sum(own)
    )  # the network is kept once


def test_patches_that_do_not_lie_on_each_other_are_told() -> None:
    one, other = np.zeros((8, 6), np.float32), np.zeros((4, 3), np.float32)
    assert no_match(PatchMaps(one), PatchMaps(one)) is None
    assert no_match(PatchMaps(one), PatchMaps(other)) == (
        "measures 4 x 3 patches in 1 scale, the first 8 x 6 in 1 scale"
    )
    assert no_match(PatchMaps(one), maps_by_place([one, np.zeros((16, 12), np.float32)])) == (
        "measures 8 x 6 patches in 2 scales, the first 8 x 6 in 1 scale"
    )


@pytest.mark.slow
@pytest.mark.parametrize("rule", RULES)
def test_each_rule_tells_drawn_defects(members: Any, pictures: list[Picture], rule: str) -> None:
    program = load_program(program_bytes(joined(members, pictures, rule)))
    scoring = Ensemble().scoring

    def scores(defect: str | None, seeds: range) -> Any:
        found = (program.measure(drawn(seed, defect).canvas)[0] for seed in seeds)
        valid = np.ones((SIZE_PX, SIZE_PX), bool)
        return np.array([score(maps, valid, scoring).score for maps in found])

    good = scores(None, range(100, 112))
    bad = np.concatenate([scores(each, range(200, 206)) for each in ("missing_feature", "stain")])
    assert (bad[:, None] > good[None]).mean() >= (0.8 if rule == "mean_rank" else 0.9)


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"rule": "vote"}, "no rule 'vote'; allowed are mean, fisher, harmonic, maximum, mean_rank"),
        ({"members": ("patchcore",)}, "two different members at least are needed, each once, got patchcore"),
        ({"members": ("kmeans", "kmeans")}, "two different members at least are needed, each once, got kmeans, kmeans"),
        ({"members": ("kmeans", "ensemble")}, "it cannot be a member of itself; name its members"),
    ],
)  # fmt: skip
def test_what_cannot_be_combined_is_one_line(
    pictures: list[Picture], given: dict[str, Any], line: str
) -> None:
    with pytest.raises(ModelError) as caught:
        Ensemble(**given).fit(pictures, folds=np.arange(N, dtype=np.intp) % 4)
    assert str(caught.value) == f"ensemble: {line}"


def test_the_command_makes_a_recipe_of_members_and_rule(tmp_path: Path) -> None:
    write_dataset(
        tmp_path / "parts", n_good=8, n_test_good=1, n_defective_per_kind=1, size_px=128, seed=5
    )
    good = tmp_path / "parts" / "train" / "good"
    words = ("train", good, "--recipe", "two.recipe", "--image-size", 128, "--rule", "fisher")
    asked = run_cli(
        *words, "--model", "ensemble", "--members", "kmeans, patchcore", "--json", cwd=tmp_path
    )
    assert (asked.returncode, asked.stderr) == (0, "")
    recipe = open_recipe(tmp_path / "two.recipe")
    card = recipe.settings.model
    assert (card["members"], card["rule"]) == (["kmeans", "patchcore"], "fisher")
    again = model_from_card(card)
    assert isinstance(again, Ensemble)
    assert (again.members, again.rule) == (("kmeans", "patchcore"), "fisher")
    assert recipe.origins is not None  # of the memory among them
    wrong = run_cli(*words, cwd=tmp_path)
    assert wrong.returncode == 2
    assert "needs --model ensemble" in wrong.stderr
