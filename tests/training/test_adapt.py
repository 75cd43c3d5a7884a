"""`inspection adapt`: a backbone learns good pictures without labels, and trains and judges like any other."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from cameras.simulated import draw_part, write_dataset
from models import ModelError
from models import _adapting as adapting
from models._adapting import adapted
from models._backbone import load_backbone
from tests.conftest import run_cli

NAME = "tf_efficientnet_lite0"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("adapt")
    write_dataset(
        folder / "parts", n_good=30, n_test_good=4, n_defective_per_kind=2, size_px=192, seed=5
    )
    return folder


@pytest.fixture(scope="module")
def canvases() -> np.ndarray:
    drawn = [draw_part(seed=i, size_px=96).image for i in range(12)]
    return np.stack(drawn)


def changed(state: dict[str, torch.Tensor]) -> set[str]:
    before = load_backbone(NAME, strides=(8, 16)).network.state_dict()
    return {name for name, each in state.items() if not torch.equal(each, before[name])}


def test_views_of_a_part_become_more_alike_and_the_last_layers_alone_change(
    canvases: np.ndarray,
) -> None:
    backbone = load_backbone(NAME, strides=(8, 16))
    last = adapted(backbone, canvases, only_last=True, steps=40, seed=0)
    assert last.alike_after > last.alike_before + 0.02
    assert {name.split(".")[1] for name in changed(last.weights)} == {"3", "4"}, (
        "stride 8 ends with blocks.2"
    )
    everything = adapted(backbone, canvases, only_last=False, steps=2, seed=0)
    assert "conv_stem.weight" in changed(everything.weights)
    assert not any("running" in name for name in changed(everything.weights))
    assert not any(each.requires_grad for each in backbone.network.parameters())


def test_equal_seeds_give_equal_weights_and_scratch_begins_elsewhere(canvases: np.ndarray) -> None:
    backbone = load_backbone(NAME, strides=(8, 16))
    once, again = (
        adapted(backbone, canvases, only_last=True, steps=2, seed=3).weights for _ in range(2)
    )
    assert all(torch.equal(each, again[name]) for name, each in once.items())
    scratch = adapted(backbone, canvases, only_last=False, scratch=True, steps=1, seed=3).weights
    pretrained = backbone.network.state_dict()["conv_stem.weight"]
    assert (scratch["conv_stem.weight"] - pretrained).abs().mean() > 0.1 * pretrained.abs().mean()


def test_one_that_diverges_ends_in_a_line(
    canvases: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapting, "RATE", float("inf"))
    with pytest.raises(ModelError, match=r"adapting tf_efficientnet_lite0: it diverged after \d"):
        adapted(load_backbone(NAME, strides=(8, 16)), canvases, only_last=False, steps=5, seed=0)


def test_its_weights_train_a_recipe_that_judges(folder: Path) -> None:
    done = run_cli(
        "adapt", "parts", "--out", "own.safetensors", "--layers", "last", "--steps", 5,
        "--image-size", 192, "--json", cwd=folder,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads(done.stdout)
    assert (report["n_good"], report["steps"]) == (30, 5)
    assert report["bytes"] == (folder / "own.safetensors").stat().st_size
    assert changed(safetensors.torch.load_file(folder / "own.safetensors"))
    done = run_cli(
        "train", "parts", "--recipe", "own.recipe", "--weights", "own.safetensors",
        "--image-size", 192, "--json", cwd=folder,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["tested"]["image_auroc"] > 0.8
    (folder / "own.safetensors").unlink()  # a recipe holds what it needs
    judged = run_cli("inspect", "own.recipe", "parts/test/good", "--json", cwd=folder)
    verdicts = [json.loads(line)["verdict"] for line in judged.stdout.splitlines()]
    assert "CANNOT_INSPECT" not in verdicts
    assert len(verdicts) == 4


def test_bad_input_ends_in_a_line_and_leaves_the_file(
    folder: Path, failure: Callable[..., str], tmp_path: Path
) -> None:
    kept = tmp_path / "own.safetensors"
    kept.write_bytes(b"earlier")
    few = tmp_path / "few"
    few.mkdir()
    for file in sorted((folder / "parts/train/good").iterdir())[:6]:
        (few / file.name).write_bytes(file.read_bytes())
    assert failure("adapt", few, "--out", kept) == (
        "6 different good pictures: adapting a backbone needs at least 10"
    )
    nowhere = tmp_path / "nowhere" / "own.safetensors"
    assert failure("adapt", folder / "parts", "--out", nowhere).startswith(
        f"weights {nowhere}: there is no folder {nowhere.parent}; make it"
    )
    (tmp_path / "folder.safetensors").mkdir()
    text = failure("adapt", few, "--out", tmp_path / "folder.safetensors")
    assert "is a folder; give the name of a file" in text  # before a picture is read
    assert "timm has no network of this name" in failure(
        "adapt", folder / "parts", "--out", kept, "--backbone", "nosuch"
    )
    assert kept.read_bytes() == b"earlier"
    wrong = run_cli("adapt", "parts", "--out", "own.bin", cwd=folder)
    assert (wrong.returncode, "must end with .safetensors" in wrong.stderr) == (2, True)
