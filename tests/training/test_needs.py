"""What a training needs and is not there is refused in one line, before any network is loaded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import pytest

import models
from cameras.simulated import draw_part
from inspection.errors import InspectionError
from inspection.recipe.setup_file import Setup
from inspection.training import needs
from inspection.training.free_memory import _NAMES, free_memory_mb
from inspection.training.needs import needs_of
from inspection.training.options import CANDIDATES, TrainingOptions
from inspection.training.train import train_recipe
from models import Needs, _backbone


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Seven good parts, and no network that could be loaded."""
    monkeypatch.setattr(_backbone, "load_backbone", lambda *_, **__: pytest.fail("a network"))
    (tmp_path / "good").mkdir()
    for number in range(7):
        image = draw_part(number, size_px=64).image
        cv2.imwrite(str(tmp_path / "good" / f"{number}.png"), image)
    return tmp_path


def refusal(folder: Path, model: str, device: str = "cpu") -> str:
    out = folder / "a.recipe"
    options = TrainingOptions(model=model, image_size_px=64, device=device)
    with pytest.raises(InspectionError) as caught:
        train_recipe(folder / "good", out, options=options, setup=Setup())
    assert not out.exists()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_too_few_pictures_for_a_model(folder: Path) -> None:
    assert refusal(folder, "dfkde") == (
        "7 usable good pictures of 7 given; at least 8 are needed by this model, take more or another --model"
    )


def test_too_little_memory(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(needs, "free_memory_mb", lambda: 312)
    least = models.model_class("kmeans").needs.memory_mb
    assert refusal(folder, "kmeans") == (
        f"model 'kmeans': 312 MB of memory are free, at least {least:,} are needed; close other programs, "
        "or use another --model (`inspection models` says what each needs)"
    )


def test_a_graphics_card_that_is_not_asked_for(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = models.model_class("kmeans")
    monkeypatch.setattr(kind, "needs", replace(kind.needs, gpu=True))
    assert refusal(folder, "kmeans").startswith(
        "model 'kmeans': needs a graphics card, got --device cpu; "
    )


def test_members_need_the_most_of_each_and_the_time_of_all() -> None:
    each = [Needs(least_pictures=8, minutes=0.5, memory_mb=900), Needs(minutes=2, memory_mb=1200)]
    found = Needs.together(each)
    assert found == Needs(least_pictures=8, minutes=2.5, memory_mb=1200)
    assert Needs.together([*each, Needs(gpu=True)]) == Needs(least_pictures=8, gpu=True)
    options = TrainingOptions(model="ensemble", members=("dfkde", "kmeans"))
    names = ("dfkde", "kmeans")
    assert needs_of(options) == Needs.together([models.model_class(n).needs for n in names])
    tried = [models.model_class(name).needs for name in CANDIDATES]
    assert needs_of(TrainingOptions(model="auto")) == Needs.together(tried)


def test_the_free_memory_is_known_here() -> None:
    assert free_memory_mb() > 100


GB = 2**30


def group(folder: Path, names: tuple[str, str, str], *, most: str, used: int, files: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    limit, now, inactive = names
    (folder / limit).write_text(f"{most}\n")
    (folder / now).write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon 7\n{inactive} {files}\n")


@pytest.mark.parametrize("version", [0, 1])
def test_a_group_that_has_less_than_the_machine_counts(version: int, tmp_path: Path) -> None:
    root, own, names = tmp_path / "cgroup", tmp_path / "own", _NAMES[version]
    base = root if version == 0 else root / "memory"
    own.write_text(
        ("0::" if version == 0 else "3:cpu:/x\n4:memory:") + "/line.slice/page.service\n"
    )
    group(
        base / "line.slice/page.service",
        names,
        most="max" if version == 0 else str(1 << 62),
        used=5,
        files=0,
    )
    assert free_memory_mb(root, own) == pytest.approx(free_memory_mb(tmp_path, tmp_path), rel=0.05)
    group(base / "line.slice", names, most=str(GB // 4), used=GB // 8, files=GB // 16)
    assert free_memory_mb(root, own) == 192
    group(base / "line.slice", names, most=str(GB // 4), used=GB, files=0)
    assert free_memory_mb(root, own) == 0
