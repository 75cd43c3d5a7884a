"""A converted network is kept on disk; a damaged copy, or no place for one, costs time and nothing else."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openvino
import pytest
from openvino import opset13 as ops

from models import _backbone
from models import _conversion_cache as _converted
from models._backbone import feature_program, load_backbone
from models._conversion import fingerprint
from models._conversion_cache import converted
from models._program import to_bytes


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(_converted, "cache_folder", lambda: tmp_path / "networks")
    return tmp_path / "networks"


class Converter:
    """Makes a model that adds `amount`, and counts how often."""

    def __init__(self, amount: float = 1.0) -> None:
        self.amount, self.calls = amount, 0

    def __call__(self) -> openvino.Model:
        self.calls += 1
        given = ops.parameter([1, 4], np.float32)
        added = ops.add(given, ops.constant(np.full(4, self.amount, np.float32)))
        model = openvino.Model([ops.result(added)], [given], "adder")
        for port, name in ((model.inputs[0], "given"), (model.outputs[0], "sum")):
            port.get_tensor().set_names({name})
        return model


def test_what_was_converted_is_read_again(folder: Path) -> None:
    convert = Converter()
    first, again = converted("a", convert), converted("a", convert)
    assert convert.calls == 1
    assert to_bytes(first) == to_bytes(again)
    assert [path.suffix for path in folder.iterdir()] == [".network"]


def test_another_key_is_another_network(folder: Path) -> None:
    one, two = converted("a", Converter(1.0)), converted("b", Converter(2.0))
    assert to_bytes(one)[1] != to_bytes(two)[1]
    assert len(list(folder.iterdir())) == 2


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    "damage",
    [
        _flip,
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"no network"),
        lambda path: os.truncate(path, path.stat().st_size - 1),
    ],
)
def test_a_damaged_file_is_made_anew(folder: Path, damage: Callable[[Path], Any]) -> None:
    convert = Converter()
    wanted = to_bytes(converted("a", convert))
    (path,) = folder.iterdir()
    damage(path)
    assert to_bytes(converted("a", convert)) == wanted
    assert convert.calls == 2
    assert to_bytes(converted("a", convert)) == wanted
    assert convert.calls == 2


def test_without_a_home_or_a_place_to_write_it_is_converted_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"")
    for place in (None, tmp_path / "file" / "networks"):
        monkeypatch.setattr(_converted, "cache_folder", lambda place=place: place)
        convert = Converter()
        assert to_bytes(converted("a", convert)) == to_bytes(converted("a", convert))
        assert convert.calls == 2


def test_only_the_newest_are_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_converted, "KEPT_FILES", 2)
    for number, key in enumerate("abc"):
        before = set(folder.glob("*"))
        converted(key, Converter())
        for path in set(folder.glob("*")) - before:
            os.utime(path, (number, number))
    newest = Converter()
    converted("c", newest)
    assert newest.calls == 0
    assert len(list(folder.iterdir())) == 2


def test_each_size_of_a_backbone_is_kept_and_gives_the_same(folder: Path) -> None:
    backbone = load_backbone("tf_efficientnet_lite0", strides=(8, 16))
    made = _programs(backbone)
    assert len(list(folder.iterdir())) == 2
    again = _programs(backbone)
    assert len(list(folder.iterdir())) == 2
    assert again == made


def test_other_weights_are_another_network() -> None:
    import torch

    backbone = load_backbone("tf_efficientnet_lite0", strides=(8, 16))
    before = fingerprint(backbone.network)
    name, values = next(iter(backbone.network.state_dict().items()))
    with torch.no_grad():
        values[0].neg_()
    try:
        assert fingerprint(backbone.network) != before, name
    finally:
        with torch.no_grad():
            values[0].neg_()
    assert fingerprint(backbone.network) == before


def _programs(backbone: _backbone.Backbone) -> list[tuple[bytes, bytes]]:
    feature_program.cache_clear()
    return [
        to_bytes(feature_program(backbone, height_px=64, width_px=width_px, pool=3))
        for width_px in (64, 96)
    ]
