"""Labelled bad parts: types on regions, and a head that only ever adds rejects."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from cameras.simulated import write_dataset
from inspection.errors import RecipeError, TrainingError
from inspection.judgement import Verdict
from inspection.judging.explain import explain
from inspection.judging.picture_files import judge_files, read_frame, record
from inspection.recipe import Recipe, open_recipe, recipe_file, write_recipe
from inspection.recipe.labelled import Labelled
from inspection.recipe.setup_file import Setup, Zone
from inspection.store import open_store
from inspection.training.options import TrainingOptions
from inspection.training.train import TrainingReport, train_recipe
from models.supervised import UNKNOWN
from tests.conftest import run_cli

KINDS = ("contamination", "dent", "missing_feature", "scratch", "stain")
EACH = 9
OPTIONS = TrainingOptions(image_size_px=192, false_reject=0.1, defect_head=True)


def bad_only(folder: Path) -> Path:
    """The bad parts of a drawn dataset, a folder for each type."""
    shutil.rmtree(folder / "test" / "good")
    return folder / "test"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("labelled")
    size = {"n_test_good": 1, "size_px": 192}
    write_dataset(folder / "parts", n_good=24, n_defective_per_kind=EACH, seed=3, **size)
    bad_only(folder / "parts")
    write_dataset(folder / "new", n_good=1, n_defective_per_kind=6, seed=77, **size)
    return folder


@pytest.fixture(scope="module")
def trained(folder: Path) -> TrainingReport:
    return train_recipe(
        folder / "parts" / "train" / "good",
        folder / "labelled.recipe",
        options=replace(OPTIONS, defects=folder / "parts" / "test"),
        setup=Setup(),
    )


@pytest.fixture(scope="module")
def taught(folder: Path, trained: TrainingReport) -> Recipe:
    assert trained.labelled is not None
    return open_recipe(folder / "labelled.recipe")


def lenient(recipe: Recipe) -> Recipe:
    """The same recipe whose head rejects at less: so many parts that it decides about some."""
    assert recipe.labelled is not None
    assert recipe.labelled.head is not None
    head = replace(recipe.labelled.head, limit=recipe.labelled.head.limit - 6.0)
    return recipe.with_labelled(replace(recipe.labelled, head=head))


def test_training_says_what_the_labels_taught(trained: TrainingReport) -> None:
    told = trained.as_json()["labelled"]
    assert told["types"] == dict.fromkeys(KINDS, EACH)
    assert told["right"] + told["unknown"] + told["wrong"] == EACH * len(KINDS)
    assert told["right"] > 2 * told["wrong"]
    assert told["notes"] == []
    head = told["defect_head"]
    assert (head["n_good"], head["n_bad"]) == (24, EACH * len(KINDS))
    assert head["false_reject_promised"] == pytest.approx(2 / 25)
    assert 0 <= head["added"] <= head["passed"] < EACH * len(KINDS)
    assert trained.labelled is not None
    first, second = trained.labelled.lines()
    assert first.startswith(
        "types: contamination 9, dent 9, missing_feature 9, scratch 9, stain 9;"
    )
    assert second.startswith(
        "the defect head: at most 8.00% of good parts more go to REVIEW; each bad"
    )


def test_regions_of_new_parts_have_their_type(folder: Path, taught: Recipe) -> None:
    right = wrong = unsure = 0
    for kind in KINDS:
        files = sorted((folder / "new" / "test" / kind).iterdir())
        for found in judge_files(files, taught):
            labels = [region.label for region in found.judgement.regions]
            assert set(labels) <= {*KINDS, UNKNOWN}
            if labels:
                right += labels[0] == kind
                unsure += labels[0] == UNKNOWN
                wrong += labels[0] not in (kind, UNKNOWN)
    assert right + wrong + unsure >= 20
    assert right >= 6
    assert right > 2 * wrong


def test_labels_never_make_a_part_pass_and_never_change_its_score(
    folder: Path, taught: Recipe
) -> None:
    """Whatever the head's limit: what is not PASS by good parts alone keeps its verdict."""
    files = sorted((folder / "new" / "test").glob("*/*.png"))
    files += sorted((folder / "parts").glob("*/*/*.png"))[::3]
    assert len(files) > 40
    limits = replace(taught.settings.calibration, fail_threshold=1e6)
    never_fails = taught.with_settings(replace(taught.settings, calibration=limits))
    for recipe in (taught, lenient(taught), never_fails):
        plain, added = recipe.with_labelled(None), 0
        for by_both, by_good in zip(
            judge_files(files, recipe), judge_files(files, plain), strict=True
        ):
            both, good = by_both.judgement, by_good.judgement
            assert (both.score, both.p_value, both.threshold) == (
                pytest.approx(good.score, abs=1e-4), good.p_value, good.threshold,
            )  # fmt: skip
            if good.verdict is not Verdict.PASS:
                assert both.verdict is good.verdict
                assert both.regions == tuple(
                    replace(
                        each, label=told.label, peak_score=pytest.approx(each.peak_score, abs=1e-4)
                    )
                    for each, told in zip(good.regions, both.regions, strict=True)
                )
                continue
            assert both.verdict in (Verdict.PASS, Verdict.REVIEW)
            if both.verdict is Verdict.REVIEW:
                added += 1
                assert both.cause.code == "known_defect"
                assert both.cause.values["score"] == both.regions[0].peak_score
                assert both.regions[0].peak_score > both.cause.values["limit"]
        assert added > 5 or recipe.labelled is taught.labelled


def test_a_zone_may_allow_what_looks_like_a_known_defect(folder: Path, taught: Recipe) -> None:
    recipe = lenient(taught)
    files = sorted((folder / "parts" / "train" / "good").iterdir())
    found = [f.path for f in judge_files(files, recipe) if f.judgement.verdict is Verdict.REVIEW]
    assert found
    whole = ((0, 0), (192, 0), (192, 192), (0, 192))
    zone = Zone(name="all", polygon=whole, max_area_mm2=1e6)
    setup = replace(recipe.settings.setup, zones=(zone,), scale_mm_per_px=0.1)
    allowed = recipe.with_settings(replace(recipe.settings, setup=setup))
    assert all(f.judgement.verdict is Verdict.PASS for f in judge_files(found, allowed))


def test_a_part_of_the_head_is_explained_and_recorded_with_its_type(
    folder: Path, taught: Recipe, tmp_path: Path
) -> None:
    recipe = lenient(taught)
    files = sorted((folder / "new" / "test").glob("*/*.png"))
    kept = [f for f in judge_files(files, recipe) if f.judgement.cause.code == "known_defect"]
    found = kept[0]
    text = found.judgement.reason
    assert text.startswith("looks like ")
    assert text.endswith("; a person should look")
    frame, _ = read_frame(found.path, recipe)
    why = explain(frame, recipe, name="part")
    assert why.places[0].region is None  # its score is within the limit, and is taken apart as such
    assert why.places[0].score == pytest.approx(found.judgement.score, abs=1e-4)
    with open_store(tmp_path / "parts.db") as store:
        part_id = store.add(record(found, recipe)).part_id
        back = store.part(part_id)
        assert back is not None
        assert back.verdict is Verdict.REVIEW
        assert back.cause == found.judgement.cause
        assert [r.label for r in back.regions] == [r.label for r in found.judgement.regions]


def test_labels_come_back_from_the_file_and_damaged_ones_do_not(
    taught: Recipe, tmp_path: Path
) -> None:
    assert taught.labelled is not None
    again = Labelled.from_bytes(taught.labelled.to_bytes())
    assert again.to_bytes() == taught.labelled.to_bytes()
    assert Labelled.from_bytes(Labelled().to_bytes()).types is None
    head = taught.labelled.head
    assert head is not None
    endless = replace(taught.labelled, head=replace(head, limit=float("inf")))
    path = tmp_path / "endless.recipe"
    write_recipe(taught.with_labelled(endless), path)
    with pytest.raises(RecipeError, match=f"member {recipe_file.LABELLED} is not readable"):
        open_recipe(path)


def test_too_few_bad_parts_for_a_head_are_refused_before_training(
    folder: Path, tmp_path: Path
) -> None:
    few = tmp_path / "few"
    shutil.copytree(folder / "parts" / "test" / "dent", few / "dent")
    good, out = folder / "parts" / "train" / "good", tmp_path / "no.recipe"
    with pytest.raises(TrainingError) as caught:
        train_recipe(good, out, options=replace(OPTIONS, defects=few), setup=Setup())
    assert str(caught.value) == (
        "defect head: 9 bad parts can be used, at least 30 are needed; "
        "add more to --defects, or leave --defect-head out"
    )
    with pytest.raises(
        TrainingError, match="model 'autoencoder' has no patch features to learn on"
    ):
        train_recipe(
            good,
            out,
            options=replace(OPTIONS, defects=folder / "parts" / "test", model="autoencoder"),
            setup=Setup(),
        )
    assert not out.exists()


def test_types_of_too_few_pictures_are_said_and_not_learnt(folder: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad"
    shutil.copytree(folder / "parts" / "test" / "dent", bad / "dent")
    for kind, count in (("scratch", 1), ("stain", 2)):
        (bad / kind).mkdir()
        for path in sorted((folder / "parts" / "test" / kind).iterdir())[:count]:
            shutil.copy(path, bad / kind)
    good = folder / "parts" / "train" / "good"
    done = run_cli(
        "train", good, "--recipe", "few.recipe", "--image-size", 192, "--defects", bad, "--json",
        cwd=tmp_path,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)["labelled"]
    assert (told["types"], told["defect_head"]) == ({}, None)
    assert told["notes"] == [
        "type scratch is not learnt: 1 picture, at least 3 are needed",
        "type stain is not learnt: 2 pictures, at least 3 are needed",
        "no types are told: there are enough pictures of dent only, two types at least are needed",
    ]
    assert open_recipe(tmp_path / "few.recipe").labelled is None
    wrong = run_cli("train", good, "--recipe", "no.recipe", "--defect-head", cwd=tmp_path)
    assert wrong.returncode == 2
    assert "needs --defects" in wrong.stderr
