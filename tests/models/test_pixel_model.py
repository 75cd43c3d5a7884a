"""What networks over the whole canvas refuse in one line, and on which grids they tell."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pytest
import torch

from cameras.simulated import draw_part
from models import ModelError, Picture, _pixel_model, load_program, model_class, program_bytes
from models._pixel_model import PixelModel, Told
from models._pixel_networks import dissimilarity


class Brightness(PixelModel):
    """How bright a pixel is: a network that needs no teaching."""

    name = "brightness"
    family = "test"

    def teach(self, planes: torch.Tensor, rng: np.random.Generator, told: Told) -> torch.nn.Module:
        return Layer(lambda x: x.mean(1, keepdim=True))


class Layer(torch.nn.Module):
    def __init__(self, work: Any) -> None:
        super().__init__()
        self.work = work

    def forward(self, x: torch.Tensor) -> Any:
        return self.work(x)


def good(count: int, size_px: int = 96) -> list[Picture]:
    images = [draw_part(seed, size_px=size_px).image for seed in range(count)]
    return [Picture(image, np.ones(image.shape[:2], dtype=bool)) for image in images]


def fitted(model: PixelModel, pictures: list[Picture]) -> PixelModel:
    return model.fit(pictures, folds=np.arange(len(pictures), dtype=np.intp) % 3)


def refusal(model: PixelModel, pictures: list[Picture]) -> str:
    with pytest.raises(ModelError) as caught:
        program_bytes(fitted(model, pictures))
    text = str(caught.value)
    assert text.startswith(f"{model.name}: ")
    assert "\n" not in text
    return text.removeprefix(f"{model.name}: ")


def test_too_few_pictures_are_refused_before_it_starts() -> None:
    text = refusal(model_class("autoencoder")(), good(4))  # type: ignore[arg-type]
    assert text.startswith("4 good pictures, at least 5 are needed")
    assert refusal(model_class("dfkde")(), good(7)).startswith(
        "7 good pictures, at least 8 are needed"
    )  # type: ignore[arg-type]


def test_a_large_canvas_is_refused_before_it_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_pixel_model, "MOST_PIXELS", 48 * 48 - 1)
    assert "megapixels at its coarsest scale" in refusal(Brightness(), good(5))


def test_an_empty_region_is_refused() -> None:
    empty = [Picture(each.canvas, np.zeros_like(each.valid)) for each in good(5)]
    assert "region of interest is empty" in refusal(Brightness(), empty)


def test_what_diverged_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Brightness, "teach", lambda *_: Layer(lambda x: x[:, :1] * torch.inf))
    assert refusal(Brightness(), good(6)).startswith("it diverged, its values are not finite")


def test_a_loss_that_is_no_number_ends_the_teaching(monkeypatch: pytest.MonkeyPatch) -> None:
    from models import vae

    monkeypatch.setattr(vae, "BETA", float("nan"))
    text = refusal(model_class("vae")(), good(6))  # type: ignore[arg-type]
    assert text.startswith("it diverged after 20 steps (its loss is nan)")


def test_what_openvino_cannot_take_is_told_and_the_log_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        Brightness, "teach", lambda *_: Layer(lambda x: torch.special.bessel_j0(x)[:, :1])
    )
    root = logging.getLogger()
    before = root.level, root.filters[:], root.handlers[:]
    assert refusal(Brightness(), good(6)).startswith("OpenVINO cannot take its network (")
    assert (root.level, root.filters, root.handlers) == before


@pytest.mark.parametrize("shrinks", [(1,), (2, 1), (3, 1), (4, 2, 1)])
def test_each_scale_tells_of_its_own_grid(shrinks: tuple[int, ...]) -> None:
    side = 16 * shrinks[0]
    pictures = [
        Picture(np.full((side, 2 * side, 3), 10 * n, np.uint8), np.ones((side, 2 * side), bool))
        for n in range(6)
    ]
    model = fitted(Brightness(shrinks=shrinks), pictures)
    canvas = np.zeros((side, 2 * side, 3), np.uint8)
    canvas[:, side:] = 200
    compiled, summary = load_program(program_bytes(model)).measure(canvas)
    for maps in (model.measure(canvas), compiled):
        found = [maps.distances, *(each.plain for each in maps.finer)]
        assert [each.shape for each in found] == [
            (shrinks[0] // n, 2 * shrinks[0] // n) for n in shrinks
        ]
        assert all(each[:, -1].min() > each[:, 0].max() for each in found)
    assert summary.reshape(3, 4, 4)[:, :, 2:] == pytest.approx(200 / 255, abs=1e-4)


def test_dissimilarity_is_none_of_equal_pictures_and_more_of_moved_ones() -> None:
    picture = torch.rand((1, 3, 32, 32), generator=torch.Generator().manual_seed(0))
    assert dissimilarity(picture, picture).abs().max() < 1e-5
    assert dissimilarity(picture, picture.roll(1, 3)).mean() > 0.5
    assert dissimilarity(picture, (picture + 0.05).clamp(0, 1)).mean() < 0.1
