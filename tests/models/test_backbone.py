"""Pretrained weights land in the network they are of, and what is missing is told in one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cameras.simulated import draw_part, write_dataset
from models import ModelError, WeightsUnavailable
from models._backbone import (
    LITE_MEAN,
    LITE_STD,
    feature_program,
    load_backbone,
    row_channels,
    torch_features,
)
from models._program import Program

LITE = {
    "tf_efficientnet_lite0": ((8, 16), (40, 112)),
    "tf_efficientnet_lite1": ((4, 8, 16), (24, 40, 112)),
    "tf_efficientnet_lite2": ((16, 32), (120, 352)),
}


def _refusal(kind: type[ModelError], name: str, **options: Any) -> str:
    with pytest.raises(kind) as caught:
        load_backbone(name, **({"strides": (8, 16)} | options))
    text = str(caught.value)
    assert text.startswith(f"backbone '{name}': ")
    assert "\n" not in text
    return text.removeprefix(f"backbone '{name}': ")


@pytest.mark.parametrize("name", LITE)
def test_packaged_weights_bring_all_that_belongs_to_them(name: str) -> None:
    import torch

    strides, channels = LITE[name]
    found = load_backbone(name, strides=strides)
    assert (found.name, found.strides) == (name, strides)
    assert found.mean == LITE_MEAN == pytest.approx((127 / 255,) * 3)
    assert found.std == LITE_STD == pytest.approx((128 / 255,) * 3)
    with torch.no_grad():
        maps = found.network(torch.zeros(1, 3, 128, 192))
    assert [tuple(m.shape) for m in maps] == [
        (1, c, 128 // s, 192 // s) for c, s in zip(found.channels, strides, strict=True)
    ]
    if name.endswith("lite0"):
        assert found.channels == channels
    assert not found.network.training
    assert not any(p.requires_grad for p in found.network.parameters())


def test_the_weights_are_trained_ones_in_their_places() -> None:
    """Features of a part stay themselves under a small shift and differ from place to place."""
    found = load_backbone("tf_efficientnet_lite0", strides=(8, 16))
    state = found.network.state_dict()
    assert all(bool(np.isfinite(value.numpy()).all()) for value in state.values())
    variances = [v.numpy() for k, v in state.items() if k.endswith("running_var")]
    assert all((v >= 0).all() for v in variances)
    assert any(not np.allclose(v, 1) for v in variances)
    image = draw_part(0, size_px=128).image
    rows, again, mirrored = (
        torch_features(found, np.ascontiguousarray(each), pool=3)[0]
        for each in (image, np.roll(image, 1, axis=1), image[::-1])
    )
    assert rows.shape == (64, row_channels(found, pool=3))
    assert np.linalg.norm(rows - again) < 0.5 * np.linalg.norm(rows - mirrored)


GOLDEN = {
    (0, 0): 2.23318, (0, 39): -9.26529, (5, 20): 4.80458, (11, 40): -3.99457, (11, 100): 0.35634,
    (17, 151): 0.55746, (17, 152): -3.27921, (23, 200): -7.27176, (23, 263): 1.76292,
}  # fmt: skip
"""Features (patch, channel) of seeded noise: layer of stride 8, of 16, and the averaged copy."""


@pytest.mark.parametrize("by", ["torch", "program"])
def test_the_features_are_what_they_have_always_been(by: str) -> None:
    """Other values mean other weights, normalisation or layout: recipes and benchmarks change."""
    found = load_backbone("tf_efficientnet_lite0", strides=(8, 16))
    canvas = np.random.default_rng(7).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    shrinks = (2, 1)
    if by == "torch":
        small, rows = torch_features(found, canvas, pool=3, shrinks=shrinks)
        (alone,) = torch_features(found, canvas, pool=3)
    else:
        size = {"height_px": 64, "width_px": 96}
        small, rows = Program(feature_program(found, **size, pool=3, shrinks=shrinks)).run(canvas)
        (alone,) = Program(feature_program(found, **size, pool=3)).run(canvas)
    assert rows.shape == (4 * 6, 40 + 112 + 112)
    assert small.shape == (2 * 3, 40 + 112 + 112)
    assert rows == pytest.approx(alone, abs=2e-3)  # a scale is what it is without the others
    assert {place: rows[place] for place in GOLDEN} == pytest.approx(GOLDEN, abs=2e-3)
    assert rows.mean() == pytest.approx(-0.56129, abs=1e-3)
    assert np.sqrt(np.square(rows).mean()) == pytest.approx(4.72311, abs=1e-3)


@pytest.mark.parametrize("name", ["efficientnet_lite9000", "", "resnet", "os.system"])
def test_an_unknown_name_is_told(name: str) -> None:
    text = _refusal(ModelError, name)
    assert text.startswith("timm has no network of this name; near it: ")


def test_near_names_are_offered() -> None:
    assert "tf_efficientnet_lite0" in _refusal(ModelError, "tf_efficientnet_lite")


@pytest.mark.parametrize(("strides", "named"), [((7,), "[7]"), ((8, 64), "[64]"), ((1,), "[1]")])
def test_a_stride_the_network_lacks_is_told(strides: tuple[int, ...], named: str) -> None:
    text = _refusal(ModelError, "tf_efficientnet_lite0", strides=strides)
    assert text == f"no features of stride {named}, it has [2, 4, 8, 16, 32]"


def test_a_weights_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    path = tmp_path / "none.safetensors"
    text = _refusal(WeightsUnavailable, "tf_efficientnet_lite0", weights=path)
    assert text == f"no weights file {path}"


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
@pytest.mark.parametrize("data", [b"", b"not weights at all", b"\x80\x04N."])
def test_a_file_that_holds_no_weights_is_told(suffix: str, data: bytes, tmp_path: Path) -> None:
    path = tmp_path / f"bad{suffix}"
    path.write_bytes(data)
    text = _refusal(ModelError, "tf_efficientnet_lite0", weights=path)
    assert text.startswith(f"{path} is not a readable weights file")
    assert "allowed: .safetensors, or .pth" in text


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_weights_from_a_file_are_used(suffix: str, tmp_path: Path) -> None:
    import safetensors.torch
    import timm
    import torch

    torch.manual_seed(0)
    state = timm.create_model("resnet18", pretrained=False).state_dict()
    path = tmp_path / f"weights{suffix}"
    if suffix == ".pth":
        torch.save(state, path)
    else:
        safetensors.torch.save_file(state, path)
    found = load_backbone("resnet18", strides=(8, 16), weights=path)
    assert found.channels == (128, 256)
    assert found.mean == pytest.approx((0.485, 0.456, 0.406))
    assert torch.equal(found.network.state_dict()["conv1.weight"], state["conv1.weight"])
    text = _refusal(ModelError, "tf_efficientnet_lite0", weights=path)
    assert text.startswith(f"the weights of {path} are of another network")
    assert text.endswith("; name the one they are of with --backbone")


def test_weights_of_another_size_of_network_are_told(tmp_path: Path) -> None:
    import safetensors.torch
    import timm

    state = timm.create_model("tf_efficientnet_lite1", pretrained=False).state_dict()
    path = tmp_path / "other.safetensors"
    safetensors.torch.save_file(state, path)
    text = _refusal(ModelError, "tf_efficientnet_lite2", weights=path)
    assert text == (
        f"the weights of {path} are of another network; name the one they are of with --backbone"
    )


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_weights_with_numbers_that_are_none_are_told(bad: float, tmp_path: Path) -> None:
    import safetensors.torch
    import timm

    state = timm.create_model("resnet18", pretrained=False).state_dict()
    state["layer2.0.conv1.weight"][0, 0] = bad
    path = tmp_path / "gone.safetensors"
    safetensors.torch.save_file(state, path)
    text = _refusal(ModelError, "resnet18", weights=path)
    assert text.startswith(
        f"{path} holds numbers that are none (NaN or infinite) in layer2.0.conv1"
    )


def saved(name: str, path: Path) -> Path:
    """A network of random weights, as a file for --weights; its blocks add as much as taught ones do."""
    import safetensors.torch
    import timm
    import torch

    torch.manual_seed(0)
    state = timm.create_model(name, pretrained=False).state_dict()
    scaled = {k: torch.ones_like(v) if k.endswith(".gamma") else v for k, v in state.items()}
    safetensors.torch.save_file(scaled, path)
    return path


TRANSFORMERS = {
    "test_vit": (64, 16),
    "test_vit2": (64, 16),  # with a register token, without a class token
    "vit_small_patch14_reg4_dinov2": (384, 16),  # patches of 14 pixels, four register tokens
}


@pytest.mark.slow
@pytest.mark.parametrize("name", TRANSFORMERS)
def test_a_vision_transformer_gives_two_blocks_on_the_grid_of_the_canvas(
    name: str, tmp_path: Path
) -> None:
    channels, stride = TRANSFORMERS[name]
    found = load_backbone(name, strides=(8, 16), weights=saved(name, tmp_path / "vit.safetensors"))
    assert (found.channels, found.strides) == ((channels,) * 2, (stride,) * 2)
    canvas = np.random.default_rng(7).integers(0, 256, (96, 160, 3), dtype=np.uint8)
    changed = canvas.copy()
    changed[:16, :16] = 0
    program = Program(feature_program(found, height_px=96, width_px=160, pool=3, shrinks=(1,)))
    (rows, *minds), (own,), (other,) = (
        program.run(canvas),
        torch_features(found, canvas, pool=3),
        torch_features(found, changed, pool=3),
    )
    assert rows.shape == (6 * 10, row_channels(found, pool=3))
    assert np.abs(rows - own).max() <= 2e-3 * np.abs(own).max()
    moved = np.abs(own - other)[:, :channels].mean(1).reshape(6, 10)
    assert moved.argmax() == 0  # what changed at the top left is seen at the top left
    assert [each.shape for each in minds] == ([(6, 10)] if name != "test_vit2" else [])
    first, second = own[:, :channels], own[:, channels : 2 * channels]
    assert np.abs(first - second).max() > 0.1


@pytest.mark.slow
@pytest.mark.parametrize("name", ["test_vit", "vit_small_patch14_reg4_dinov2"])
def test_the_class_tokens_attention_is_that_of_timm(name: str, tmp_path: Path) -> None:
    import timm
    import torch
    from torch.nn import functional as F

    found = load_backbone(name, strides=(8, 16), weights=saved(name, tmp_path / "vit.safetensors"))
    canvas = np.random.default_rng(3).integers(0, 256, (96, 160, 3), dtype=np.uint8)
    program = Program(feature_program(found, height_px=96, width_px=160, pool=3, shrinks=(1,)))
    _, minds = program.run(canvas)

    whole = timm.create_model(name, pretrained=False, num_classes=0)
    whole.load_state_dict(found.network.network.state_dict())
    patch = whole.patch_embed.patch_size[0]
    whole.set_input_size(img_size=(6 * patch, 10 * patch))
    seen: dict[str, Any] = {}
    depth = len(whole.blocks)
    last = whole.blocks[max(1, depth * 3 // 4 - 1)].attn
    last.fused_attn = False
    last.attn_drop.register_forward_hook(lambda _, given, __: seen.update(shares=given[0]))
    mean, std = (torch.tensor(each).view(1, 3, 1, 1) for each in (found.mean, found.std))
    x = (torch.from_numpy(canvas).permute(2, 0, 1)[None].float() / 255 - mean) / std
    with torch.no_grad():
        whole.eval()(F.interpolate(x, size=(6 * patch, 10 * patch), mode="bilinear"))
    (shares,) = seen["shares"].numpy()
    wanted = shares[:, 0, whole.num_prefix_tokens :].mean(0).reshape(6, 10)
    assert minds == pytest.approx(wanted, rel=2e-3)
    assert 0 < minds.sum() < 1  # the rest goes to the class token itself and the registers
    assert minds.std() > 0


@pytest.mark.slow
def test_a_model_is_taught_on_a_vision_transformer(tmp_path: Path) -> None:
    from models import Picture, load_program, model_class, program_bytes

    path = saved("test_vit2", tmp_path / "vit.safetensors")
    pictures = [draw_part(seed, size_px=192).image for seed in range(6)]
    good = [Picture(image, np.ones(image.shape[:2], dtype=bool)) for image in pictures]
    model = model_class("mahalanobis")(backbone="test_vit2", weights=path)
    model.fit(good, folds=np.arange(6) % 3)
    maps, _ = load_program(program_bytes(model)).measure(pictures[0])
    assert maps.distances.shape == (6, 6)
    assert maps.distances == pytest.approx(model.measure(pictures[0]).distances, abs=5e-3)


def test_weights_of_another_transformer_are_told(tmp_path: Path) -> None:
    path = saved("test_vit", tmp_path / "other.safetensors")
    text = _refusal(ModelError, "test_vit3", weights=path)
    assert text.startswith(f"the weights of {path} are of another network")


@pytest.mark.slow
def test_without_hub_and_weights_one_line_says_what_to_do(
    tmp_path: Path, failure: Callable[..., str]
) -> None:
    write_dataset(tmp_path / "parts", n_good=5, n_test_good=0, n_defective_per_kind=0, size_px=64)
    text = failure(
        "train", "parts", "--recipe", "a.recipe", "--backbone", "resnet18", "--image-size", 64,
        HF_HUB_OFFLINE="1", HF_HOME=str(tmp_path / "hub"), TORCH_HOME=str(tmp_path / "torch"),
    )  # fmt: skip
    assert text.startswith("backbone 'resnet18': its weights are not on this machine")
    assert "--weights" in text
    assert not (tmp_path / "a.recipe").exists()
