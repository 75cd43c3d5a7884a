"""What every model promises; a new file in models/ is under test by being there."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from cameras.simulated import draw_part
from models import (
    AnomalyModel,
    ModelError,
    NotFitted,
    PatchMaps,
    Picture,
    Scoring,
    _features,
    _tiles,
    load_program,
    model_class,
    model_from_card,
    model_names,
    program_bytes,
    score,
)

SIZE_PX, N, FOLDS = 192, 12, 3
ODD = 4
"""The picture that is made odd."""
TOLERANCE = 1e-3
CAUGHT = ("missing_feature", "stain")
SHRINKS = {"one scale": (1,), "two scales": (2, 1), "the finest in tiles": (2, 1)}


def drawn(seed: int, defect: str | None = None) -> Picture:
    image = draw_part(seed, defect=defect, size_px=SIZE_PX).image
    return Picture(image, np.ones(image.shape[:2], dtype=bool))


@pytest.fixture(scope="module")
def pictures() -> list[Picture]:
    return [drawn(seed) for seed in range(N)]


@pytest.fixture(scope="module")
def folds() -> Any:
    return np.arange(N, dtype=np.intp) % FOLDS


def planes(maps: PatchMaps) -> list[Any]:
    """Every map that a score is made of, coarsest first."""
    return [maps.distances, *(each for s in maps.finer for each in (s.plain, s.density))]


def held_out(model: AnomalyModel) -> list[Any]:
    """The held-out maps of all pictures: of each plane an array (N, h, w)."""
    maps = (planes(model.held_out(int(i))) for i in model.calibrated_)
    return [np.stack(each) for each in zip(*maps, strict=True)]


DEFAULT = "patchcore"
BRINGING = {"reverse_distillation", "uninet", "dinomaly", "inp_former", "l2bt", "efficient_ad"}
"""Those whose weights no package has: tested with random ones in test_anomalib_model.py."""
CASES = [
    pytest.param(
        (name, scales), marks=() if name == DEFAULT else pytest.mark.slow, id=f"{name}, {scales}"
    )
    for name in model_names()
    for scales in SHRINKS
    if (name == DEFAULT or scales == "two scales") and name not in BRINGING
]
FLOORS = {
    "bands_coarse": 0.75,
    "bands_fine": 0.75,
    "bands_middle": 0.75,
    "isolation_forest": 0.55,
    "autoencoder": 0.7,
    "vae": 0.65,
    "ganomaly": 0.6,
    "cflow": 0.75,
    "csflow": 0.7,
    "dfkde": 0.6,
    "draem": 0.7,
    "patchflow": 0.8,
    "supersimplenet": 0.6,
}
"""AUROC on drawn parts, where less than 0.85 is all a method can; more threads move it by some hundredths."""


@pytest.fixture(scope="module", params=CASES)
def taught(
    request: pytest.FixtureRequest, pictures: list[Picture], folds: Any
) -> Iterator[AnomalyModel]:
    name, scales = request.param
    with pytest.MonkeyPatch.context() as patch:
        if scales == "the finest in tiles":
            patch.setattr(_features, "WHOLE_PIXELS", SIZE_PX**2 - 1)
            patch.setattr(_tiles, "TILE_PX", 128)
            patch.setattr(_tiles, "OVERLAP_PX", 32)
        model = model_class(name)(shrinks=SHRINKS[scales], seed=4)
        assert model.fit(pictures, folds=folds) is model
        yield model


@dataclass(frozen=True)
class Astray:
    """A model taught an odd picture among the good ones, and what that gave."""

    model: AnomalyModel
    calibrated: list[int]
    held_out: list[Any]


@pytest.fixture(scope="module")
def astray(taught: AnomalyModel, pictures: list[Picture], folds: Any) -> Astray:
    odd = pictures[ODD].canvas.copy()
    odd[60:110, 60:110] = (200, 30, 30)
    mixed = [*pictures]
    mixed[ODD] = Picture(odd, pictures[ODD].valid)
    model = model_from_card(json.loads(json.dumps(taught.card())))
    assert type(model) is type(taught)
    assert not [each for each in vars(model) if each.endswith("_")]
    assert model.shrinks == taught.shrinks
    model.fit(mixed, folds=folds)
    return Astray(model, [int(i) for i in model.calibrated_], held_out(model))


@pytest.mark.parametrize("name", model_names())
def test_hyperparameters_are_stored_unchanged(name: str) -> None:
    kind = model_class(name)
    parameters = inspect.signature(kind).parameters
    assert {p.kind for p in parameters.values()} == {inspect.Parameter.KEYWORD_ONLY}
    assert {"backbone", "weights", "shrinks", "seed"} <= set(parameters)
    given = {each: object() for each in parameters}
    model = kind(**given)
    assert {each: getattr(model, each) for each in given} == given
    assert not [each for each in vars(model) if each.endswith("_")]
    defaults = kind()
    assert all(getattr(defaults, p.name) is p.default for p in parameters.values())


@pytest.mark.parametrize("name", model_names())
def test_it_is_called_as_its_file(name: str) -> None:
    kind = model_class(name)
    assert kind.name == name
    assert kind.missing() is None or name in BRINGING
    assert kind.__doc__


@pytest.mark.parametrize("name", model_names())
def test_it_names_what_it_needs(name: str) -> None:
    """Only the default model's stand in the base: another one's costs are not its own."""
    kind = model_class(name)
    own = [each for each in kind.__mro__ if "needs" in vars(each)]
    assert own[0] is not AnomalyModel or name == DEFAULT
    assert kind.needs.least_pictures >= 5
    if kind.needs.minutes is not None:
        assert kind.needs.minutes > 0
    if kind.needs.memory_mb is not None:
        assert kind.needs.memory_mb > 500


@pytest.mark.parametrize("name", model_names())
@pytest.mark.parametrize(
    "ask",
    [
        lambda m: m.measure(drawn(0).canvas),
        lambda m: m.held_out(0),
        lambda m: m.programs(),
    ],
)
def test_an_untaught_model_scores_nothing(name: str, ask: Callable[[Any], Any]) -> None:
    with pytest.raises(NotFitted) as caught:
        ask(model_class(name)())
    assert str(caught.value).startswith(f"{name}: ")


def test_held_out_maps_and_descriptors_are_of_every_picture(taught: AnomalyModel) -> None:
    measured = planes(taught.measure(drawn(0).canvas))
    assert len(measured) == 2 * len(taught.shrinks) - 1
    coarse = measured[0].shape
    for plane, measure in zip(held_out(taught), measured, strict=True):
        assert plane.shape == (len(taught.calibrated_), *measure.shape)
        assert plane.dtype == measure.dtype == np.float32
        assert np.isfinite(plane).all()
        assert not any(map(np.array_equal, plane, plane[1:]))
    for k, finer in enumerate(taught.measure(drawn(0).canvas).finer, 1):
        times = taught.shrinks[0] // taught.shrinks[k]
        assert finer.plain.shape == finer.density.shape == (times * coarse[0], times * coarse[1])
    assert taught.descriptors_.shape[0] == N
    assert np.isfinite(taught.descriptors_).all()


def test_held_out_maps_are_deviations_of_good_patches(taught: AnomalyModel) -> None:
    """So that scales can be averaged: each has mean 0 and deviation 1 over the good pictures."""
    for plane in held_out(taught):
        assert plane.mean() == pytest.approx(0.0, abs=1e-3)
        assert plane.std() == pytest.approx(1.0, abs=1e-3)


def test_the_compiled_program_is_the_trained_model(taught: AnomalyModel) -> None:
    program = load_program(program_bytes(taught))
    for seed, defect in ((50, None), (51, "stain"), (52, "scratch")):
        picture = drawn(seed, defect)
        compiled, descriptor = program.measure(picture.canvas)
        reference = taught.measure(picture.canvas)
        for ours, theirs in zip(planes(compiled), planes(reference), strict=True):
            assert ours.shape == theirs.shape
            assert np.abs(ours - theirs).max() <= TOLERANCE * np.abs(theirs).max()
        scores = [score(m, picture.valid, taught.scoring).score for m in (compiled, reference)]
        assert scores[0] == pytest.approx(scores[1], rel=TOLERANCE)
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
def test_a_model_rebuilt_from_its_card_and_taught_again_is_the_same(
    taught: AnomalyModel, astray: Astray, pictures: list[Picture], folds: Any
) -> None:
    """What it was taught before, an odd picture among it, is forgotten."""

    def learnt(model: AnomalyModel) -> list[bytes]:
        return [plane.tobytes() for plane in [*held_out(model), model.descriptors_]]

    canvas = drawn(99).canvas
    files = program_bytes(taught)
    before = planes(load_program(files).measure(canvas)[0])
    again = astray.model.fit(pictures, folds=folds)
    assert again.card() == taught.card()
    assert learnt(again) == learnt(taught)
    after_files = program_bytes(again)
    assert after_files[1::2] == files[1::2]
    after = planes(load_program(after_files).measure(canvas)[0])
    assert [a.tobytes() for a in after] == [b.tobytes() for b in before]


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
    program = load_program(program_bytes(taught))

    def means(shown: list[Picture]) -> list[Any]:
        each = [[p.mean() for p in planes(program.measure(s.canvas)[0])] for s in shown]
        return list(np.array(each).T)

    new = means([drawn(seed) for seed in range(100, 110)])
    seen = means([pictures[int(i)] for i in taught.calibrated_])
    for own, other, fresh in zip(held_out(taught), seen, new, strict=True):
        unseen = own.mean((1, 2))
        # Never lower, or more would fail than is promised; with so few pictures a little higher.
        if taught.name == DEFAULT:
            assert (unseen > other + 2).all()
            assert -0.1 < np.median(unseen) - np.median(fresh) < 0.7
        else:  # some forget a lone picture at once, some were calibrated on four
            assert mannwhitneyu(unseen, fresh, alternative="less").pvalue > 0.005
            assert np.median(unseen) - np.median(fresh) < 1.5


@pytest.mark.slow
def test_a_held_out_map_is_that_of_a_model_without_the_fold(
    taught: AnomalyModel, pictures: list[Picture], folds: Any
) -> None:
    if taught.name != DEFAULT:
        pytest.skip("its heads are taught for each fold, or once: the bank alone is shared")
    others = [picture for picture, fold in zip(pictures, folds, strict=True) if fold != 0]
    apart = model_class(taught.name)(shrinks=taught.shrinks, seed=4)
    apart.fit(others, folds=np.arange(len(others), dtype=np.intp) % 2)
    program = load_program(program_bytes(apart))
    for index in np.flatnonzero(folds == 0):
        measured = planes(program.measure(pictures[index].canvas)[0])
        for own, other in zip(planes(taught.held_out(int(index))), measured, strict=True):
            # What is unusual is the same; the other model's zero is that of half as many pictures.
            shift = own.mean() - other.mean()
            assert np.abs(own - other - shift).mean() <= 0.4 * own.std()
            assert np.corrcoef(own.ravel(), other.ravel())[0, 1] > 0.85


def test_the_least_accuracy(taught: AnomalyModel) -> None:
    program = load_program(program_bytes(taught))

    def scored(picture: Picture) -> float:
        return score(program.measure(picture.canvas)[0], picture.valid, taught.scoring).score

    good = np.array([scored(drawn(seed)) for seed in range(200, 212)])
    bad = np.array([scored(drawn(seed, d)) for seed in range(300, 306) for d in CAUGHT])
    auroc = (bad[:, None] > good[None]).mean()
    assert auroc >= FLOORS.get(taught.name, 0.85)


@pytest.mark.slow
def test_an_odd_picture_among_the_good_stands_out(astray: Astray) -> None:
    if ODD not in astray.calibrated or astray.model.name in FLOORS:
        pytest.skip("it was not held out, or the method is too weak")
    for plane in astray.held_out:
        peaks = plane.max((1, 2))
        assert astray.calibrated[peaks.argmax()] == ODD
        assert peaks.max() > 1.5 * np.median(peaks)
