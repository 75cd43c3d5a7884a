"""Devices: a card that is not there is refused, and what runs elsewhere agrees."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import openvino
import pytest
import torch

from cameras import read_image
from inspection.errors import SetupError
from inspection.judging.judge import check_parity
from inspection.recipe import Recipe, open_recipe
from inspection.station.station_file import read_station
from models import ModelError, judging_device, load_program, training_devices
from models._torch_teaching import Schedule, teach

ONLY_CPU = not torch.cuda.is_available() and openvino.Core().available_devices == ["CPU"]
without_a_card = pytest.mark.skipif(not ONLY_CPU, reason="NOT TESTED: a graphics card is here")


@without_a_card
def test_without_a_card_auto_is_the_processor_and_a_card_is_refused() -> None:
    assert training_devices("auto") == training_devices("cpu") == ("cpu", "CPU")
    assert judging_device("auto") == "CPU"
    for name in ("cuda", "gpu"):
        with pytest.raises(ModelError, match=f"^device '{name}': there is none on this machine"):
            training_devices(name)


def test_unknown_devices_are_refused_with_those_there_are() -> None:
    with pytest.raises(ModelError, match=r"^device 'tpu': unknown; allowed: auto, cpu, cuda, gpu$"):
        training_devices("tpu")
    with pytest.raises(ModelError, match=r"^device 'cuda': pictures are not judged on it"):
        judging_device("cuda")


@without_a_card
def test_commands_refuse_a_card_before_they_read_anything(
    tmp_path: Path, cli: Any, line: Any
) -> None:
    for command in (
        ("train", "no_folder", "--recipe", "n.recipe", "--device", "cuda"),
        ("train", "no_folder", "--recipe", "n.recipe", "--device", "gpu"),
        ("evaluate", "no.recipe", tmp_path, "--device", "gpu"),
        ("explain", "no.recipe", "no.png", "--device", "gpu"),
        ("inspect", line.recipe_path, line.dataset / "test" / "good", "--device", "gpu"),
    ):
        done = cli(*command)
        assert (done.returncode, done.stdout) == (1, ""), done.stderr
        assert "there is none on this machine" in done.stderr
        assert done.stderr.count("\n") == 1
    assert not (tmp_path / "n.recipe").exists()


@without_a_card
def test_a_station_file_that_asks_for_a_card_is_refused(tmp_path: Path) -> None:
    text = (
        'station = "s"\nrecord = "p.db"\ndevice = "{}"\n[[views]]\ncamera = "simulated"\n'
        '[[products]]\nname = "f"\nrecipe = "f.recipe"\n'
    )
    path = tmp_path / "station.toml"
    path.write_text(text.format("gpu"))
    with pytest.raises(SetupError, match="device 'gpu': there is none on this machine"):
        read_station(path)
    path.write_text(text.format("auto"))
    assert read_station(path).device == "auto"


def test_another_device_of_openvino_passes_parity_and_gives_the_same_maps(
    recipe: Recipe, line: Any
) -> None:
    """HETERO is a device of its own, that hands all it is given to those it names."""
    elsewhere = open_recipe(line.recipe_path)
    elsewhere.device = "HETERO:CPU"
    assert check_parity(elsewhere) < 1e-5
    assert elsewhere.with_settings(elsewhere.settings).device == "HETERO:CPU"
    picture = read_image(next((line.dataset / "test" / "good").glob("*.png")))
    canvas, *_ = recipe.framing.canvas_of(picture)
    own, _ = recipe.program.measure(canvas)
    there, _ = elsewhere.program.measure(canvas)
    assert np.allclose(own.distances, there.distances, atol=1e-5)


def test_a_device_openvino_does_not_have_is_one_line(recipe: Recipe) -> None:
    with pytest.raises(ModelError, match=r"^program: OpenVINO cannot .*on NOWHERE"):
        load_program(recipe.program_bytes, device="NOWHERE")


def test_teaching_says_its_device_to_torch_and_comes_back() -> None:
    seen = []

    def loss(batch: torch.Tensor) -> torch.Tensor:
        seen.append((batch.device.type, torch.zeros(1).device.type))
        found: torch.Tensor = network(batch).square().mean()
        return found

    network = torch.nn.Linear(2, 1)
    schedule = Schedule(batch=4, least_steps=1, most_steps=2, check_every=1)
    rng = np.random.default_rng(0)
    taught = teach(network, torch.ones(40, 2), loss, rng=rng, name="n", schedule=schedule)
    assert set(seen) == {("cpu", "cpu")}
    assert next(taught.parameters()).device.type == "cpu"
