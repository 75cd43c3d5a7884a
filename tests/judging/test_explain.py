"""Why a part scored as it did: the pair of patches is the nearest there is, and the shares add up."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from cameras import Frame, read_image
from cameras.simulated import write_dataset
from inspection.errors import InspectionError
from inspection.judging.explain import explain
from inspection.judging.explain_page import page
from inspection.judging.explain_words import Telling
from inspection.recipe import Recipe, open_recipe
from inspection.recipe.origins import Origins
from inspection.recipe.setup_file import Setup
from inspection.training.options import TrainingOptions
from inspection.training.train import train_recipe
from models import load_program
from tests.conftest import run_cli
from tests.models.test_backbone import saved

N = 8


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Drawn parts, and a recipe of two scales learnt from them, one of a network that rebuilds."""
    folder = tmp_path_factory.mktemp("explained")
    write_dataset(
        folder / "parts", n_good=N, n_test_good=1, n_defective_per_kind=1, size_px=384, seed=3
    )
    for model, size_px in (("patchcore", 384), ("autoencoder", 128)):
        train_recipe(
            folder / "parts" / "train" / "good",
            folder / f"{model}.recipe",
            options=TrainingOptions(model=model, image_size_px=size_px, false_reject=0.1),
            setup=Setup(),
        )
    return folder


@pytest.fixture(scope="module")
def taught(folder: Path) -> Recipe:
    return open_recipe(folder / "patchcore.recipe")


def frame_of(image: Any) -> Frame:
    return Frame(image=image, camera="top", sequence=0, captured_at=datetime.now(UTC))


def spoilt(folder: Path, *, x: int, y: int) -> Any:
    """A good part with a spot, at a place of the picture of 384 x 384."""
    image = read_image(folder / "parts" / "test" / "good" / "0000.png").copy()
    cv2.circle(image, (x, y), 14, (10, 200, 10), -1)
    return image


def points(recipe: Recipe, image: Any) -> list[Any]:
    """The whitened features of a picture's patches (n, d) at each scale, by the compiled program."""
    program = load_program(recipe.program_bytes, telling=("points",))
    maps, _ = program.measure(recipe.framing.canvas_of(image)[0])
    return [maps.told[f"points_{k}"] for k in range(1 + len(maps.finer))]


@pytest.mark.parametrize(
    ("x", "y", "words"),
    [(90, 90, "upper left"), (192, 300, "lower centre"), (300, 192, "middle right")],
)
def test_the_patch_named_is_the_nearest_of_all_that_are_kept(
    folder: Path, taught: Recipe, x: int, y: int, words: str
) -> None:
    image = spoilt(folder, x=x, y=y)
    found = explain(frame_of(image), taught, name="spoilt")
    place = found.places[0]
    assert place.patch.words == words
    assert found.pairs
    assert place.nearest is not None
    assert taught.origins is not None

    goods = [
        points(taught, read_image(folder / "parts" / "train" / "good" / name))[place.scale]
        for name in taught.origins.pictures
    ]
    kept = np.array([goods[i][patch] for i, patch in taught.origins.scales[place.scale]])
    across = taught.settings.canvas.width_px // place.patch.width_px
    own_row = place.patch.y_px // place.patch.height_px * across
    own = points(taught, image)[place.scale][own_row + place.patch.x_px // place.patch.width_px]
    distances = np.sqrt(np.square(kept - own).sum(1))
    near = place.nearest
    row = near.place.y_px // near.place.height_px * across + near.place.x_px // near.place.width_px
    named = goods[taught.origins.pictures.index(near.picture)][row]
    assert near.distance == pytest.approx(float(distances.min()), rel=1e-3)
    assert float(np.sqrt(np.square(named - own).sum())) == pytest.approx(near.distance, rel=1e-3)
    assert (near.of, near.number) == (N, taught.origins.pictures.index(near.picture))
    told = Telling(scales=2).sentence(place)
    assert told.startswith(f"least like anything in {N} good parts; the nearest is 00")


@pytest.mark.slow
def test_a_head_names_the_nearest_of_the_patches_it_keeps(folder: Path) -> None:
    """They do not score: the same head without them judges alike."""
    path = folder / "padim.recipe"
    train_recipe(
        folder / "parts" / "train" / "good",
        path,
        options=TrainingOptions(model="padim", image_size_px=384, false_reject=0.1),
        setup=Setup(),
    )
    head, image = open_recipe(path), spoilt(folder, x=90, y=90)
    found = explain(frame_of(image), head, name="spoilt")
    place, origins = found.places[0], head.origins
    assert found.pairs
    assert origins is not None
    assert place.nearest is not None
    assert [len(each) for each in origins.points] == [len(each) for each in origins.scales]
    assert 0 < len(origins.scales[-1]) <= 1000
    across = head.settings.canvas.width_px // place.patch.width_px
    row = place.patch.y_px // place.patch.height_px * across
    own = points(head, image)[place.scale][row + place.patch.x_px // place.patch.width_px]
    distances = np.linalg.norm(origins.points[place.scale] - own, axis=1)
    assert place.nearest.distance == pytest.approx(float(distances.min()), rel=1e-4)
    picture, patch = origins.scales[place.scale][int(distances.argmin())]
    assert place.nearest.picture == origins.pictures[picture]
    there = place.nearest.place
    assert there.y_px // there.height_px * across + there.x_px // there.width_px == patch
    good = read_image(folder / "parts" / "train" / "good" / origins.pictures[picture])
    named = points(head, good)[place.scale][patch]
    assert named == pytest.approx(origins.points[place.scale][int(distances.argmin())], abs=0.02)
    told = Telling(scales=2).sentence(place)
    assert told.startswith(f"least like anything in {N} good parts; the nearest is 00")
    bare = explain(frame_of(image), head.with_origins(None), name="spoilt")
    assert bare.judgement.score == found.judgement.score
    assert not bare.pairs


def test_the_shares_add_up_to_the_score_of_each_region(folder: Path, taught: Recipe) -> None:
    image = spoilt(folder, x=90, y=90)
    cv2.circle(image, (300, 300), 9, (200, 10, 10), -1)
    found = explain(frame_of(image), taught, name="spoilt")
    assert len(found.places) == len(found.judgement.regions) >= 2
    assert found.judgement.score == pytest.approx(found.places[0].score, abs=1e-4)
    for place in found.places:
        assert place.region is not None
        assert sum(place.shares.values()) == pytest.approx(place.region.peak_score, abs=1e-4)
        assert set(place.shares) == {"scale_0", "scale_1", "speck_1", "whole"}
        assert place.shares[place.measure] == max(
            value for name, value in place.shares.items() if name != "whole"
        )


def test_a_part_that_passes_is_explained_by_its_least_usual_place(
    folder: Path, taught: Recipe
) -> None:
    image = read_image(folder / "parts" / "train" / "good" / "0005.png")
    found = explain(frame_of(image), taught, name="good")
    (place,) = found.places
    assert found.judgement.verdict == "PASS"
    assert place.region is None
    assert place.score == pytest.approx(found.judgement.score, abs=1e-4)
    assert place.nearest is not None
    assert place.nearest.distance < 4  # it is among those kept, or like one


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("ja", ("不合格: spoilt", "左上", f"良品 {N} 個のどれにも")),
        ("ko", ("불합격: spoilt", "왼쪽 위", f"양품 {N}개 중")),
    ],
)
def test_the_page_is_told_in_the_language_asked_for(
    folder: Path, taught: Recipe, language: str, words: tuple[str, ...]
) -> None:
    image = spoilt(folder, x=90, y=90)
    found = explain(frame_of(image), taught, name="spoilt")
    html = page(found, image, taught, name="spoilt", language=language)
    assert html.startswith(f'<!doctype html>\n<html lang="{language}">')
    for each in words:
        assert each in html
    no_words = (
        rf"(?s)<style>.*?</style>|<[^>]*>|spoilt|inspection|patchcore|{taught.id[:12]}|\w+\.png"
    )
    assert set(re.findall(r"[A-Za-z]{2,}", re.sub(no_words, " ", html))) <= {"px"}


def test_a_recipe_that_does_not_know_its_patches_says_so(folder: Path, taught: Recipe) -> None:
    older = taught.with_origins(None)
    found = explain(frame_of(spoilt(folder, x=90, y=90)), older, name="spoilt")
    assert found.places[0].nearest is None
    assert not found.pairs
    html = page(found, spoilt(folder, x=90, y=90), older, name="spoilt.png")
    assert "No pairs: model patchcore" in html


def test_a_model_that_rebuilds_shows_what_it_rebuilt(folder: Path) -> None:
    recipe = open_recipe(folder / "autoencoder.recipe")
    image = spoilt(folder, x=90, y=90)
    found = explain(frame_of(image), recipe, name="spoilt")
    assert found.rebuilt is not None
    canvas = recipe.settings.canvas
    assert found.rebuilt.shape == (canvas.height_px, canvas.width_px, 3)
    wrong = np.abs(found.canvas.astype(int) - found.rebuilt).mean(2)
    spot = wrong[27:33, 27:33].mean()
    assert wrong.mean() < 40  # it is the picture
    assert spot > 2 * wrong.mean()  # but not the spot
    html = page(found, image, recipe, name="spoilt.png")
    assert "What it rebuilt." in html


@pytest.mark.slow
@pytest.mark.parametrize(
    ("network", "model", "told"), [("test_vit", "patchcore", True), ("test_vit", "kmeans", True),
                                   ("test_vit2", "kmeans", False)],
)  # fmt: skip
def test_a_vision_transformer_shows_where_it_looks(
    folder: Path, tmp_path: Path, network: str, model: str, told: bool
) -> None:
    path = tmp_path / "vit.recipe"
    options = TrainingOptions(
        model=model,
        backbone=network,
        weights=saved(network, tmp_path / "vit.safetensors"),
        image_size_px=384,
        false_reject=0.1,
    )
    train_recipe(folder / "parts" / "train" / "good", path, options=options, setup=Setup())
    image = spoilt(folder, x=90, y=90)
    recipe = open_recipe(path)
    found = explain(frame_of(image), recipe, name="spoilt")
    html = page(found, image, recipe, name="spoilt.png")
    assert ("Where the network looks, at the coarse scale" in html) == told
    assert ("No attention: the recipe stands on a vision transformer" in html) == (not told)
    assert "ネットワークの注目先" in page(found, image, recipe, name="x", language="ja") or not told
    assert found.mute != told
    assert [each.scale for each in found.attention] == ([0, 1] if told else [])
    for each in found.attention:
        assert each.shares.shape == found.scales[each.scale].shape
        assert 0 < each.shares.sum() < 1
        cell = each.shares[
            each.most.y_px // each.most.height_px, each.most.x_px // each.most.width_px
        ]
        assert cell == each.shares.max()
    cv2.imwrite(str(tmp_path / "x.png"), image[..., ::-1])
    spoken = run_cli("explain", path, tmp_path / "x.png", cwd=tmp_path)
    said = "where the network looks, at the fine scale" if told else "no attention: the recipe"
    assert said in spoken.stdout
    line = json.loads(run_cli("explain", path, tmp_path / "x.png", "--json", cwd=tmp_path).stdout)
    assert len(line["attention"]) == 2 * told


def test_a_convolutional_network_says_nothing_of_attention(folder: Path, taught: Recipe) -> None:
    image = spoilt(folder, x=90, y=90)
    found = explain(frame_of(image), taught, name="spoilt")
    assert (found.attention, found.mute) == ((), False)
    assert "attention" not in page(found, image, taught, name="spoilt.png")


def test_what_cannot_be_judged_is_not_explained(taught: Recipe) -> None:
    with pytest.raises(InspectionError, match=r"^dark\.png: cannot be judged, so there is nothing"):
        explain(frame_of(np.zeros((384, 384, 3), np.uint8)), taught, name="dark.png")


def test_the_command_writes_a_page_that_stands_alone(folder: Path, tmp_path: Path) -> None:
    picture = tmp_path / "<b>x.png"
    cv2.imwrite(str(picture), spoilt(folder, x=90, y=90)[..., ::-1])
    done = run_cli(
        "explain", folder / "patchcore.recipe", picture, "--out", tmp_path / "why.html", "--json",
        cwd=tmp_path,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert told["verdict"] == "FAIL"
    assert told["places"][0]["patch"]["words"] == "upper left"
    html = (tmp_path / "why.html").read_text("utf-8")
    assert "<b>x.png" not in html
    assert "&lt;b&gt;x.png" in html
    assert "http" not in html
    assert "<script" not in html
    pictures = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', html)
    assert html.count("src=") == len(pictures) >= 5
    for each in pictures:
        data = np.frombuffer(base64.b64decode(each), np.uint8)
        assert cv2.imdecode(data, cv2.IMREAD_COLOR).std() > 0
    spoken = run_cli("explain", folder / "patchcore.recipe", picture, cwd=tmp_path)
    assert spoken.stdout.startswith("FAIL  ")
    assert f"least like anything in {N} good parts; the nearest is 00" in spoken.stdout
    assert " scale spoke; what drove it: " in spoken.stdout

    missing = run_cli("explain", folder / "patchcore.recipe", tmp_path / "no.png", cwd=tmp_path)
    assert (missing.returncode, missing.stdout) == (1, "")
    assert missing.stderr.count("\n") == 1
    assert "no.png" in missing.stderr


def test_the_crop_of_the_good_part_is_that_part(folder: Path, taught: Recipe) -> None:
    assert taught.origins is not None
    assert sorted(taught.origins.thumbnails) == list(range(N))
    for number, data in taught.origins.thumbnails.items():
        small = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        good = read_image(folder / "parts" / "train" / "good" / taught.origins.pictures[number])
        canvas = cv2.resize(good, small.shape[1::-1], interpolation=cv2.INTER_AREA)
        assert np.abs(canvas[..., ::-1].astype(int) - small).mean() < 3


@pytest.mark.parametrize(
    ("data", "problem"),
    [(b"no zip", "pickled"), (b"", "No data left"), (b"PK\x03\x04", "not a zip")],
)
def test_damaged_origins_are_refused(data: bytes, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Origins.from_bytes(data)


def test_origins_are_small_and_come_back(taught: Recipe) -> None:
    origins = taught.origins
    assert origins is not None
    bare = replace(origins, thumbnails={})
    assert len(bare.to_bytes()) < 4 * sum(map(len, origins.scales)) + 4000
    again = Origins.from_bytes(origins.to_bytes())
    assert again.pictures == origins.pictures
    assert again.thumbnails == origins.thumbnails
    assert all(map(np.array_equal, again.scales, origins.scales))
    beyond = np.array([[N, 0]])
    with pytest.raises(ValueError, match=f"expected pictures 0 to {N - 1}, got {N} to {N}"):
        replace(origins, scales=(beyond,))
