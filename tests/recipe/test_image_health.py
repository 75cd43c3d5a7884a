"""What cannot be judged is CANNOT_INSPECT with the reason and the number, and never PASS."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from cameras.simulated import draw_part
from inspection.judgement import Verdict
from inspection.judging.judge import inspect
from inspection.recipe.image_health import learn_appearance, learn_limits, measure

Image = NDArray[np.uint8]
SPOILT: dict[str, tuple[Callable[[Image], Image], str]] = {
    "dark": (lambda image: (image * 0.1).astype(np.uint8), "too dark: brightness "),
    "bright": (
        lambda image: cv2.convertScaleAbs(image, alpha=1.0, beta=130),
        "too bright: brightness ",
    ),
    "blurred": (lambda image: cv2.GaussianBlur(image, (0, 0), 3), "blurred: sharpness "),
    "noisy": (
        lambda image: cv2.add(
            image, np.random.default_rng(0).integers(0, 120, image.shape, dtype=np.uint8)
        ),
        "",
    ),
    "grey fog": (lambda image: np.full_like(image, 100), "too flat: no part in view"),
    "black": (np.zeros_like, "too dark: brightness 0, at least "),
    "white": (lambda image: np.full_like(image, 255), "too bright: brightness 255, at most "),
    "flipped top to bottom and inverted": (lambda image: 255 - image, ""),
}
TINT = np.array([1.15, 1.0, 0.7])


@pytest.mark.parametrize("spoilt", SPOILT)
def test_a_picture_that_cannot_be_judged_is_told_with_its_number(
    spoilt: str, line: Any, recipe: Any, frame_of: Any
) -> None:
    spoil, reason = SPOILT[spoilt]
    found = inspect(frame_of(spoil(line.good())), recipe)
    assert found.verdict is Verdict.CANNOT_INSPECT
    assert found.reason.startswith(reason)
    number, limit = re.findall(r" (-?\d[\d.e+-]*)", found.reason)
    assert any(value == pytest.approx(float(number), rel=1e-3) for value in found.health.values())
    assert np.isfinite(float(limit))
    assert (found.score, found.p_value, found.regions) == (None, None, ())
    assert found.threshold == recipe.settings.calibration.threshold
    assert found.recipe_id == recipe.id


def test_a_picture_with_wild_colours_never_passes(line: Any, recipe: Any, frame_of: Any) -> None:
    wild = np.clip(line.good() * TINT, 0, 255).astype(np.uint8)
    found = inspect(frame_of(wild), recipe)
    assert found.verdict is Verdict.CANNOT_INSPECT
    assert found.reason.startswith("colours too strong: colour ")


@pytest.mark.parametrize("seed", range(3))
def test_another_part_in_view_is_told(seed: int, recipe: Any, frame_of: Any) -> None:
    other = draw_part(seed, size_px=256, product="bracket").image
    found = inspect(frame_of(other), recipe)
    assert found.verdict is Verdict.CANNOT_INSPECT
    assert "different part" in found.reason or "no part" in found.reason


def test_an_empty_belt_never_passes(line: Any, recipe: Any, frame_of: Any) -> None:
    corner = line.good()[:24, :24]
    belt = cv2.resize(corner, (256, 256), interpolation=cv2.INTER_CUBIC)
    tiled = np.tile(corner, (11, 11, 1))[:256, :256]
    for image in (belt, np.ascontiguousarray(tiled)):
        found = inspect(frame_of(image), recipe)
        assert found.verdict is Verdict.CANNOT_INSPECT, found.reason


def test_a_frozen_camera_is_told(line: Any, recipe: Any, frame_of: Any) -> None:
    first, same = frame_of(line.good()), frame_of(line.good(), sequence=1)
    other = frame_of(line.good(1), sequence=2)
    found = inspect(same, recipe, previous=first)
    assert found.verdict is Verdict.CANNOT_INSPECT
    assert found.reason == "frozen camera: the picture is identical to the one before it"
    assert inspect(other, recipe, previous=first).verdict is not Verdict.CANNOT_INSPECT
    assert inspect(same, recipe).verdict is not Verdict.CANNOT_INSPECT


@pytest.mark.parametrize(
    ("size", "reason"),
    [
        ((128, 256), "wrong size: height 128 px, 256 px wanted"),
        ((256, 300), "wrong size: width 300 px, 256 px wanted"),
        ((1, 1), "wrong size: height 1 px, 256 px wanted"),
    ],
)
def test_another_size_is_told(
    size: tuple[int, int], reason: str, line: Any, recipe: Any, frame_of: Any
) -> None:
    found = inspect(frame_of(cv2.resize(line.good(), size[::-1])), recipe)
    assert (found.verdict, found.reason) == (Verdict.CANNOT_INSPECT, reason)


@pytest.mark.parametrize("status", ["incomplete", "corrupt"])
def test_a_frame_that_did_not_come_whole_is_told(
    status: str, line: Any, recipe: Any, frame_of: Any
) -> None:
    found = inspect(frame_of(line.good(), status=status, frame_id=77), recipe)
    assert found.verdict is Verdict.CANNOT_INSPECT
    assert found.reason == f"{status} picture from camera top"


def test_fair_pictures_are_judged(line: Any, recipe: Any, frame_of: Any) -> None:
    for image in [line.good(n) for n in range(12)] + [line.learnt(n) for n in range(8)]:
        found = inspect(frame_of(image), recipe)
        assert found.verdict is not Verdict.CANNOT_INSPECT, found.reason
        assert 0 < found.p_value <= 1
        assert {"brightness", "contrast", "sharpness", "strangeness"} <= set(found.health)
        at = [found.health[f"embedding_{k}"] for k in range(1, 7)]
        assert np.abs(at).max() < 6  # of the good parts' deviations


@pytest.mark.parametrize("change", [-12, 12])
def test_a_little_more_or_less_light_is_judged(
    change: int, line: Any, recipe: Any, frame_of: Any
) -> None:
    image = np.clip(line.good().astype(int) + change, 0, 255).astype(np.uint8)
    assert inspect(frame_of(image), recipe).verdict is not Verdict.CANNOT_INSPECT


def test_numbers_by_hand() -> None:
    half = np.zeros((40, 40, 3), np.uint8)
    half[:, 20:] = 255
    found = measure(half)
    assert found["brightness"] == 127.5
    assert found["contrast"] == 127.5
    assert found["saturated_share"] == 0.5
    assert found["colour"] == 0.0
    assert found["sharpness"] == pytest.approx(255 * 2 * 40 / 1600)
    red = np.zeros((8, 8, 3), np.uint8)
    red[..., 0] = 200
    assert measure(red)["colour"] == 200.0


def test_parts_that_are_all_alike_leave_room_for_one_that_lacks_a_piece() -> None:
    alike = {"brightness": 200.0, "contrast": 40.0, "sharpness": 5.0, "saturated_share": 0.6}
    limits = learn_limits([alike | {"colour": 0.0}] * 20)
    assert limits.high["saturated_share"] == pytest.approx(0.7)
    assert limits.problem(alike | {"saturated_share": 0.69}) is None
    problem = limits.problem(alike | {"saturated_share": 0.71})
    assert problem is not None
    assert problem.code == "over_exposed"


def test_the_pictures_learnt_from_are_within_their_own_limits() -> None:
    rng = np.random.default_rng(0)
    names = ("brightness", "contrast", "sharpness", "saturated_share", "colour")
    for spread in (0.0, 1.0, 30.0):
        rows = [{name: float(40 + spread * rng.random()) for name in names} for _ in range(9)]
        limits = learn_limits(rows)
        assert [limits.problem(row) for row in rows] == [None] * 9
        problem = limits.problem(rows[0] | {"brightness": 300.0})
        assert problem.sentence.startswith("too bright: brightness 300, at most ")


def test_strangeness_limit_is_above_every_picture_learnt_from() -> None:
    descriptors = np.random.default_rng(0).standard_normal((12, 30)).astype(np.float32)
    likeness, most = learn_appearance(descriptors)
    assert max(likeness.distance(row) for row in descriptors) <= most
    assert likeness.distance(descriptors[0] + 20) > most
    assert likeness.embedding(descriptors[0]).keys() == {f"embedding_{k}" for k in range(1, 7)}
    same, most = learn_appearance(np.ones((5, 4), np.float32))
    assert same.distance(np.ones(4, np.float32)) == 0.0
    assert same.distance(np.full(4, 2.0, np.float32)) > most


def test_the_embedding_of_good_pictures_is_in_their_own_deviations() -> None:
    rng = np.random.default_rng(1)
    look = rng.standard_normal((40, 1)) @ rng.standard_normal((1, 30))
    descriptors = (look + 0.1 * rng.standard_normal((40, 30))).astype(np.float32)
    appearance, _ = learn_appearance(descriptors)
    rows = np.array([[*appearance.embedding(each).values()] for each in descriptors])
    assert rows.shape == (40, 6)
    np.testing.assert_allclose(rows.mean(0), 0, atol=1e-3)
    np.testing.assert_allclose(rows.std(0), 1, atol=1e-3)
    assert abs(np.corrcoef(rows[:, 0], look[:, 0])[0, 1]) > 0.99
    few, _ = learn_appearance(descriptors[:9])
    assert few.embedding(descriptors[0]) == {}
    alike, _ = learn_appearance(np.ones((12, 4), np.float32))
    assert alike.embedding(np.ones(4, np.float32)) == {}
