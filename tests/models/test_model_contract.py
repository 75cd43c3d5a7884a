"""What every model promises; a new file in models/ is under test by being there."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cameras.simulated import draw_part
from models import (
    AnomalyModel,
    ModelError,
    NotFitted,
    Picture,
    Scoring,
    load_program,
    model_class,
    model_from_card,
    model_names,
    program_bytes,
    score,
)

SIZE_PX, N, FOLDS = 192, 12, 3
TOLERANCE = 1e-3
CAUGHT = ("missing_feature", "stain")


def drawn(seed: int, defect: str | None = None) -> Picture:
    image = draw_part(seed, defect=defect, size_px=SIZE_PX).image
    return Picture(image, np.ones(image.shape[:2], dtype=bool))


@pytest.fixture(scope="module")
def pictures() -> list[Picture]:
    return [drawn(seed) for seed in range(N)]


@pytest.fixture(scope="module")
def folds() -> Any:
    return np.arange(N, dtype=np.intp) % FOLDS


@pytest.fixture(scope="module", params=model_names())
def taught(request: pytest.FixtureRequest, pictures: list[Picture], folds: Any) -> AnomalyModel:
    model = model_class(request.param)(seed=4)
    assert model.fit(pictures, folds=folds) is model
    return model


@pytest.mark.parametrize("name", model_names())
def test_hyperparameters_are_stored_unchanged(name: str) -> None:
    kind = model_class(name)
    parameters = inspect.signature(kind).parameters
    assert {p.kind for p in parameters.values()} == {inspect.Parameter.KEYWORD_ONLY}
    assert {"backbone", "weights", "seed"} <= set(parameters)
    given = {each: object() for each in parameters}
    model = kind(**given)
    assert {each: getattr(model, each) for each in given} == given
    assert not [each for each in vars(model) if each.endswith("_")]
    defaults = kind()
    assert all(getattr(defaults, p.name) is p.default for p in parameters.values())


@pytest.mark.parametrize("name", model_names())
def test_it_is_called_as_its_file(name: str) -> None:
    kind = model_class(name)
    assert (kind.name, kind.missing()) == (name, None)
    assert kind.__doc__


@pytest.mark.parametrize("name", model_names())
@pytest.mark.parametrize(
    "ask",
    [
        lambda m: m.distances(drawn(0).canvas),
        lambda m: m.measure(drawn(0).canvas),
        lambda m: m.held_out(0),
        lambda m: m.program(),
    ],
)
def test_an_untaught_model_scores_nothing(name: str, ask: Callable[[Any], Any]) -> None:
    with pytest.raises(NotFitted) as caught:
        ask(model_class(name)())
    assert str(caught.value).startswith(f"{name}: ")


def test_held_out_maps_and_descriptors_have_one_row_a_picture(taught: AnomalyModel) -> None:
    canvas = drawn(0).canvas
    grid = taught.distances(canvas).shape
    assert taught.held_out_maps_.shape == (N, *grid)
    assert taught.held_out_maps_.dtype == np.float32
    assert (taught.held_out_maps_ >= 0).all()
    assert taught.descriptors_.shape[0] == N
    assert np.isfinite(taught.descriptors_).all()


@pytest.mark.slow
def test_teaching_twice_is_teaching_once(
    taught: AnomalyModel, pictures: list[Picture], folds: Any
) -> None:
    once = taught.held_out_maps_.tobytes(), taught.descriptors_.tobytes()
    canvas = drawn(99).canvas
    xml, weights = program_bytes(taught)
    before = load_program(xml, weights).run(canvas)
    again = model_class(taught.name)(seed=4).fit(pictures, folds=folds).fit(pictures, folds=folds)
    assert (again.held_out_maps_.tobytes(), again.descriptors_.tobytes()) == once
    after_xml, after_weights = program_bytes(again)
    assert after_weights == weights
    after = load_program(after_xml, after_weights).run(canvas)
    assert [a.tobytes() for a in after] == [b.tobytes() for b in before]


def test_the_compiled_program_is_the_trained_model(taught: AnomalyModel) -> None:
    program = load_program(*program_bytes(taught))
    for seed, defect in ((50, None), (51, "stain"), (52, "scratch")):
        canvas = drawn(seed, defect).canvas
        found, descriptor, *_ = program.run(canvas)
        wanted = taught.distances(canvas)
        assert found.shape == wanted.shape
        assert np.abs(found - wanted).max() <= TOLERANCE * np.abs(wanted).max()
        assert descriptor.shape == taught.descriptors_.shape[1:]


def test_the_card_can_be_written_in_a_recipe(taught: AnomalyModel) -> None:
    card = taught.card()
    assert json.loads(json.dumps(card, allow_nan=False)) == card
    assert card["name"] == taught.name
    assert {"backbone", "mean", "std", "strides", "channels", "seed"} <= set(card)
    assert len(card["weights_sha256"]) == 64


def test_every_hyperparameter_is_on_the_card_or_in_the_scoring(taught: AnomalyModel) -> None:
    parameters = set(inspect.signature(type(taught)).parameters)
    scoring = {field.name for field in fields(Scoring)}
    assert parameters - scoring <= set(taught.card())
    assert taught.scoring == Scoring(**{name: getattr(taught, name) for name in scoring})


@pytest.mark.slow
def test_a_model_rebuilt_from_its_card_has_the_same_card_and_measures_the_same(
    taught: AnomalyModel, pictures: list[Picture], folds: Any
) -> None:
    card = json.loads(json.dumps(taught.card()))
    rebuilt = model_from_card(card)
    assert type(rebuilt) is type(taught)
    assert not [each for each in vars(rebuilt) if each.endswith("_")]
    rebuilt.fit(pictures, folds=folds)
    assert rebuilt.card() == card
    assert rebuilt.held_out_maps_.tobytes() == taught.held_out_maps_.tobytes()


def test_a_card_of_a_weights_file_needs_the_file(taught: AnomalyModel, tmp_path: Path) -> None:
    card = taught.card() | {"weights": "nut.safetensors"}
    with pytest.raises(ModelError, match=r"came from the weights file nut\.safetensors"):
        model_from_card(card)
    path = tmp_path / "nut.safetensors"
    assert model_from_card(card, weights=path).weights == path
    assert model_from_card(taught.card(), weights=path).weights is None


def test_held_out_maps_are_of_pictures_not_seen(
    taught: AnomalyModel, pictures: list[Picture]
) -> None:
    """Pictures are nearer to a model that has seen them, and new ones are as far as held-out ones."""
    program = load_program(*program_bytes(taught))
    seen = np.array([program.run(picture.canvas)[0].mean() for picture in pictures])
    held_out = taught.held_out_maps_.mean(axis=(1, 2))
    new = np.array([program.run(drawn(seed).canvas)[0].mean() for seed in range(100, 110)])
    assert (held_out > 1.2 * seen).all()
    assert np.median(held_out) == pytest.approx(np.median(new), rel=0.15)


@pytest.mark.slow
def test_a_held_out_map_is_that_of_a_model_without_the_fold(
    taught: AnomalyModel, pictures: list[Picture], folds: Any
) -> None:
    others = [picture for picture, fold in zip(pictures, folds, strict=True) if fold != 0]
    apart = model_class(taught.name)(seed=4)
    apart.fit(others, folds=np.arange(len(others), dtype=np.intp) % 2)
    program = load_program(*program_bytes(apart))
    for index in np.flatnonzero(folds == 0):
        wanted = program.run(pictures[index].canvas)[0]
        assert np.abs(taught.held_out_maps_[index] - wanted).mean() <= 0.03 * wanted.mean()


def test_the_least_accuracy(taught: AnomalyModel) -> None:
    program = load_program(*program_bytes(taught))

    def scored(picture: Picture) -> float:
        return score(program.measure(picture.canvas)[0], picture.valid, taught.scoring).score

    good = np.array([scored(drawn(seed)) for seed in range(200, 212)])
    bad = np.array([scored(drawn(seed, d)) for seed in range(300, 306) for d in CAUGHT])
    auroc = (bad[:, None] > good[None]).mean()
    assert auroc >= 0.85


@pytest.mark.slow
def test_an_odd_picture_among_the_good_stands_out(
    taught: AnomalyModel, pictures: list[Picture], folds: Any
) -> None:
    odd = pictures[4].canvas.copy()
    odd[60:110, 60:110] = (200, 30, 30)
    mixed = [*pictures[:4], Picture(odd, pictures[4].valid), *pictures[5:]]
    model = model_class(taught.name)(seed=4).fit(mixed, folds=folds)
    peaks = model.held_out_maps_.max(axis=(1, 2))
    assert peaks.argmax() == 4
    assert peaks[4] > 1.5 * np.median(peaks)
