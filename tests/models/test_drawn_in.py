"""Defects that models are taught on: where they show, and which good pictures they are drawn into."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from cameras.simulated import draw_part
from models import Picture
from models._drawn_in import LEAST_STEP, draw_blobs
from models._head_model import Patches
from models.discriminator import Discriminator


def good(count: int) -> list[Picture]:
    images = [draw_part(seed, size_px=256).image for seed in range(count)]
    valid = np.zeros((256, 256), dtype=bool)
    valid[16:240, 8:248] = True
    return [Picture(image, valid) for image in images]


def test_a_blob_is_told_where_it_shows_and_lies_inside_the_region() -> None:
    picture, other = good(2)
    for seed in range(20):
        canvas, shows = draw_blobs(picture, other.canvas, np.random.default_rng(seed))
        step = np.abs(canvas.astype(int) - picture.canvas.astype(int)).max(2)
        assert np.array_equal(shows, step >= LEAST_STEP)
        assert np.array_equal(canvas[~picture.valid], picture.canvas[~picture.valid])
        again, _ = draw_blobs(picture, other.canvas, np.random.default_rng(seed))
        assert np.array_equal(canvas, again)
    assert draw_blobs(picture, picture.canvas, np.random.default_rng(0))[1].any()


def test_the_discriminator_learns_from_blobs_in_pictures_it_is_taught_on_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    taught: list[Patches] = []
    sizes: dict[int, list[int]] = {}
    pictures = good(12)

    def head(self: Discriminator, patches: Patches, rng: np.random.Generator) -> torch.nn.Module:
        taught.append(patches)
        return torch.nn.Flatten(0)

    def take(self: Discriminator, seen: Any, index: int, *rest: Any) -> None:
        look(self, seen, index, *rest)
        sizes[index] = [len(scale.drawn[-1]) for scale in seen]

    look = Discriminator._look_at_drawn
    monkeypatch.setattr(Discriminator, "teach", head)
    monkeypatch.setattr(Discriminator, "_look_at_drawn", take)
    monkeypatch.setattr("models._head_model._measured", lambda _, points: points[:, 0])
    model = Discriminator()
    model.fit(pictures, folds=np.arange(12, dtype=np.intp) % 3)
    apart = set(model.calibrated_)
    assert set(sizes) == set(range(12)) > apart > set()
    for scale, patches in enumerate(taught):
        own = sum(count[scale] for index, count in sizes.items() if index not in apart)
        assert len(patches.drawn) == own > 0
        assert patches.drawn.shape[1] == patches.points.shape[1]
