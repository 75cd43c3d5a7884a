"""What anomalib's models need beyond what is installed, and how it is brought."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cameras.simulated import draw_part
from models import (
    ModelError,
    Picture,
    _anomalib_model,
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


@pytest.mark.slow
@pytest.mark.parametrize("name", BRINGING)
def test_brought_weights_are_used(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_anomalib_model, "WEIGHTS_FOLDER", tmp_path)
    weights(BRINGING[name], tmp_path / f"{BRINGING[name]}.safetensors")
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
    pictures = [Picture(np.zeros((64, 64, 3), np.uint8), np.ones((64, 64), bool))] * 4
    model = model_class("stfpm")(backbone="test_vit", weights=path)
    with pytest.raises(ModelError, match="stfpm: backbone 'test_vit' has maps of one stride"):
        model.fit(pictures, folds=np.arange(4))
