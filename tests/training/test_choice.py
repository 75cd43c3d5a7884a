"""`--model auto`: the default stays unless another is clearly better by drawn-in defects."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from cameras.simulated import write_dataset
from inspection.recipe import open_recipe
from inspection.recipe.prepare import colour
from inspection.recipe.setup_file import Setup
from inspection.training import choice
from inspection.training.choice import CANDIDATES, Tried, choose_model, decided
from inspection.training.dataset_folder import good_files
from inspection.training.good_pictures import GoodPictures, read_pictures
from inspection.training.leaderboard import ONE_SCALE, TWO_SCALES, Leaderboard
from inspection.training.options import TrainingOptions
from tests.conftest import run_cli

OPTIONS = TrainingOptions(image_size_px=128)


def quiet(what: str, done: int, of: int) -> None:
    """Report nothing."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("choice")
    write_dataset(
        folder / "parts", n_good=20, n_test_good=2, n_defective_per_kind=1, size_px=128, seed=5
    )
    return folder


def read(good: Path) -> GoodPictures:
    return read_pictures(good_files(good), options=OPTIONS, setup=Setup(), progress=quiet)


def tried(shift: float, *, pictures: int = 24, seed: int = 0) -> Tried:
    """Scores of pictures whose defects raise them by so many deviations."""
    rng = np.random.default_rng(seed)
    good = rng.standard_normal(pictures)
    return Tried(good=good, spoiled=shift + rng.standard_normal((pictures, 8)))


def test_another_model_is_taken_where_its_gain_is_clear() -> None:
    found = decided({"patchcore": tried(0.5), "padim": tried(2.0, seed=1)}, left_out=(), seed=0)
    assert (found.chosen, found.ranking) == ("padim", ("padim", "patchcore"))
    assert found.gain == pytest.approx(found.aurocs["padim"] - found.aurocs["patchcore"])
    assert found.gain > 0.12
    assert found.margin == found.gain
    assert found.margin_ci95 is not None
    low, high = found.margin_ci95
    assert 0 < low < found.gain < high
    assert found.ahead is not None
    assert found.ahead > 0.99
    assert "padim is ahead of patchcore by" in found.lines()[1]


@pytest.mark.parametrize(
    ("shift", "pictures"),
    [(1.3, 300), (1.9, 3)],
    ids=["a gain too small to trust", "a gain that may be chance"],
)
def test_the_default_stays_where_it_is_not(shift: float, pictures: int) -> None:
    found = decided(
        {
            "patchcore": tried(1.0, pictures=pictures),
            "padim": tried(shift, pictures=pictures, seed=2),
        },
        left_out=("kmeans was not tried: 900 s were over",),
        seed=0,
    )
    assert found.ranking[0] == "padim"
    assert found.margin_ci95 is not None
    assert (found.gain >= 0.12, found.margin_ci95[0] > 0) == (pictures == 3, pictures == 300)
    assert found.chosen == "patchcore"
    assert found.lines()[2].startswith("patchcore stays: padim gains 0.")
    assert found.lines()[3] == "kmeans was not tried: 900 s were over"
    assert found.as_json()["left_out"] == ["kmeans was not tried: 900 s were over"]


def test_defects_are_drawn_into_pictures_that_no_candidate_was_taught(folder: Path) -> None:
    pictures = read(folder / "parts" / "train" / "good")
    shares = choice.Shares(pictures, seed=0)
    assert (len(shares.taught), len(shares.held_out)) == (15, 5)
    taught = {picture.canvas.tobytes() for picture in shares.taught}
    assert not taught & {picture.canvas.tobytes() for picture in shares.held_out}
    for good, spoiled in zip(shares.held_out, shares.spoiled, strict=True):
        assert len(spoiled) == 8
        assert all((each.canvas != good.canvas).any() for each in spoiled)


def test_defects_are_drawn_in_before_a_picture_is_prepared(folder: Path) -> None:
    pictures = read(folder / "parts" / "train" / "good")
    plain = choice.Shares(pictures, seed=0)
    made = choice.Shares(pictures.preparing(("colour",)), seed=0)
    for before, after in zip(plain.spoiled, made.spoiled, strict=True):
        for raw, prepared in zip(before, after, strict=True):
            assert np.array_equal(colour(raw.canvas), prepared.canvas)


@pytest.mark.parametrize("board", [ONE_SCALE, TWO_SCALES])
def test_the_three_first_of_those_measured_are_tried(board: Leaderboard) -> None:
    by_auroc = sorted(board.standings, key=lambda name: board.standings[name].by_auroc)
    assert set(by_auroc[:3]) <= set(CANDIDATES)


def test_after_the_time_allowed_no_other_is_begun(folder: Path) -> None:
    pictures = read(folder / "parts" / "train" / "good")
    found = choose_model(pictures, options=OPTIONS, most_seconds=0.0, progress=quiet)
    assert (found.chosen, found.ranking, found.margin) == ("patchcore", ("patchcore",), None)
    assert 0.6 < found.aurocs["patchcore"] <= 1.0
    assert list(found.left_out) == [
        f"{name} was not tried: 0 s were over" for name in CANDIDATES[1:]
    ]


def test_few_good_pictures_leave_the_default(folder: Path, tmp_path: Path) -> None:
    few = tmp_path / "few"
    few.mkdir()
    for path in good_files(folder / "parts")[:9]:
        shutil.copy(path, few)
    found = choose_model(read(few), options=OPTIONS, progress=quiet)
    assert (found.chosen, found.ranking) == ("patchcore", ())
    assert found.lines() == [
        "patchcore is taken",
        "9 different good pictures: at least 10 are needed to choose by",
    ]


@pytest.mark.slow
def test_the_command_tries_all_and_never_looks_at_labelled_pictures(
    folder: Path, tmp_path: Path
) -> None:
    """The same choice with test pictures of other labels, and without any."""
    bare = tmp_path / "bare"
    shutil.copytree(folder / "parts" / "train", bare / "train")
    swapped = tmp_path / "swapped"
    shutil.copytree(folder / "parts", swapped)
    (swapped / "test" / "good").rename(swapped / "test" / "aside")
    (swapped / "test" / "dent").rename(swapped / "test" / "good")
    told = []
    for dataset in (bare, swapped):
        done = run_cli(
            "train", dataset, "--recipe", "auto.recipe", "--model", "auto", "--image-size", 128, "--json",
            cwd=tmp_path,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
        told.append(json.loads(done.stdout)["model_choice"])
    assert told[0] == told[1]
    assert set(told[0]["image_auroc"]) == set(told[0]["ranking"]) == set(CANDIDATES)
    assert told[0]["held_out"] == 5
    assert told[0]["left_out"] == []
    assert open_recipe(tmp_path / "auto.recipe").settings.model["name"] == told[0]["chosen"]
    default = told[0]["image_auroc"]["patchcore"]
    assert (
        told[0]["chosen"] == "patchcore" or max(told[0]["image_auroc"].values()) >= default + 0.12
    )
