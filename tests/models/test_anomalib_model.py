"""Every model of anomalib is listed; what some need beyond what is installed, and how it is brought."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from cameras.simulated import draw_part
from models import (
    ModelError,
    Picture,
    _anomalib_list,
    _anomalib_model,
    anomalib_not_taken,
    efficient_ad,
    load_program,
    model_class,
    model_names,
    program_bytes,
    trainable,
)
from models._anomalib_model import AnomalibModel

BRINGING = {
    name: str(kind.own_backbone)
    for name in model_names()
    if issubclass(kind := model_class(name), AnomalibModel) and kind.own_backbone is not None
}


def weights(name: str, path: Path) -> Path:
    import safetensors.torch
    import timm
    import torch

    torch.manual_seed(0)
    safetensors.torch.save_file(timm.create_model(name, pretrained=False).state_dict(), path)
    return path


@pytest.mark.parametrize("name", BRINGING)
def test_missing_weights_are_told_with_their_place(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_anomalib_model, "WEIGHTS_FOLDER", tmp_path)
    with pytest.raises(ModelError) as caught:
        trainable(name)
    place = tmp_path / f"{BRINGING[name]}.safetensors"
    assert str(caught.value) == (
        f"model '{name}' cannot be trained here: its weights are not on this machine; "
        f"put timm's weights of {BRINGING[name]} at {place}"
    )


def photographs(folder: Path, count: int) -> None:
    """Noise that stands for photographs of anything."""
    folder.mkdir(exist_ok=True)
    rng = np.random.default_rng(0)
    for number in range(count):
        noise = rng.integers(0, 255, (9, 12, 3), dtype=np.uint8)
        assert cv2.imwrite(str(folder / f"{number}.jpg"), cv2.resize(noise, (80, 60)))


def bring(name: str, folder: Path) -> None:
    """Put what a model needs there, with random weights."""
    if name in BRINGING:
        weights(BRINGING[name], folder / f"{BRINGING[name]}.safetensors")
        return
    import torch
    from anomalib.models.image.efficient_ad.torch_model import SmallPatchDescriptionNetwork

    torch.manual_seed(0)
    torch.save(SmallPatchDescriptionNetwork(384).state_dict(), folder / efficient_ad.TEACHER)
    photographs(folder / efficient_ad.PHOTOGRAPHS, efficient_ad.FEWEST)


def test_efficient_ad_says_what_to_bring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_anomalib_model, "WEIGHTS_FOLDER", tmp_path)
    kind = model_class("efficient_ad")
    teacher = tmp_path / "pretrained_teacher_small.pth"
    assert kind.missing() == (
        "its teacher is not on this machine; put it, from anomalib's release efficientad_pretrained_weights.zip, at "
        f"{teacher}"
    )
    teacher.write_bytes(b"not weights")
    photographs(tmp_path / "photographs", 3)
    assert kind.missing() == (
        "it needs photographs of anything beside the good pictures, such as imagenette2's, 3 are there; "
        f"put at least 50 (.jpg or .png) into {tmp_path / 'photographs'}"
    )
    photographs(tmp_path / "photographs", 50)
    assert kind.missing() is None
    pictures = [Picture(np.zeros((64, 64, 3), np.uint8), np.ones((64, 64), bool))] * 5
    with pytest.raises(ModelError, match=r"^efficient_ad: .* is not the teacher's weights"):
        kind().fit(pictures, folds=np.arange(5))


def test_every_model_of_anomalib_is_listed() -> None:
    """A model that a newer anomalib brings fails here: take it, or say why not in _anomalib_list."""
    import anomalib.models.image as theirs

    known = {*_anomalib_list.OURS, *(each.name for each in _anomalib_list.NOT_TAKEN)}
    assert set(_anomalib_list.installed()) == known
    exported = [getattr(theirs, name) for name in theirs.__all__]
    folders = {each.__module__.split(".")[3] for each in exported}
    assert folders <= known
    assert len(exported) >= 30
    listed = {each.name for each in anomalib_not_taken()}
    adapted = {theirs for theirs, ours in _anomalib_list.OURS.items() if theirs == ours} - listed
    assert listed | adapted == known
    assert all(each.why and "\n" not in each.why for each in anomalib_not_taken())
    assert set(_anomalib_list.OURS.values()) <= set(model_names())


def test_one_that_nobody_knows_is_listed_as_new(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_anomalib_list, "installed", lambda: ["cfa", "winclip", "next_year"])
    assert {each.name: each.about for each in anomalib_not_taken()} == {
        "winclip": "CLIP's pictures and words for good and damaged.",
        "next_year": "New in this anomalib.",
    }


HEAVY = {"uninet": 3, "efficient_ad": 3}
"""Steps of those that take seconds a step."""


@pytest.mark.slow
@pytest.mark.parametrize("name", [*BRINGING, "efficient_ad"])
def test_brought_weights_are_used(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_anomalib_model, "WEIGHTS_FOLDER", tmp_path)
    bring(name, tmp_path)
    if name in HEAVY:
        monkeypatch.setattr(model_class(name), "least_steps", HEAVY[name])
        monkeypatch.setattr(model_class(name), "most_steps", HEAVY[name])
    images = [draw_part(seed, size_px=64).image for seed in range(8)]
    pictures = [Picture(image, np.ones(image.shape[:2], dtype=bool)) for image in images]
    model = trainable(name)(shrinks=(2, 1), seed=4)
    model.fit(pictures, folds=np.arange(8, dtype=np.intp) % 4)
    spoilt = images[0].copy()
    spoilt[35:50, 30:50] = (255, 0, 255)
    maps, _ = load_program(program_bytes(model)).measure(spoilt)
    reference = model.measure(spoilt)
    for ours, theirs in (
        (maps.distances, reference.distances),
        (maps.finer[0].plain, reference.finer[0].plain),
    ):
        assert np.abs(ours - theirs).max() <= 1e-3 * np.abs(theirs).max()
    assert maps.distances.shape == (2, 2)


@pytest.mark.slow
def test_a_backbone_of_one_stride_is_refused(tmp_path: Path) -> None:
    path = weights("test_vit", tmp_path / "vit.safetensors")
    pictures = [Picture(np.zeros((64, 64, 3), np.uint8), np.ones((64, 64), bool))] * 5
    model = model_class("stfpm")(backbone="test_vit", weights=path)
    with pytest.raises(ModelError, match="stfpm: backbone 'test_vit' has maps of one stride"):
        model.fit(pictures, folds=np.arange(5))
