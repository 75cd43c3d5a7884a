"""Shifted and turned parts are found, and what is found on them is told where it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from cameras.simulated import draw_part
from inspection.judgement import Verdict
from inspection.judging.judge import inspect
from inspection.judging.overlay import draw, heat_over
from inspection.labels.mask_proposal import from_heat
from inspection.recipe.alignment import locate
from inspection.recipe.setup_file import Alignment, Setup
from inspection.training.evaluate import evaluate

WIDE = Alignment(max_shift_px=60, max_rotation_deg=20)
POSES = [(0, 0, 0), (12, -8, 0), (0, 0, 9), (-15, 10, -6), (20, 18, 12)]


def moved(image: NDArray[np.uint8], dx: float, dy: float, angle: float) -> Any:
    """Turn a picture about its middle, then shift it; give it and the (2, 3) matrix used."""
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1.0)
    matrix[:, 2] += (dx, dy)
    return cv2.warpAffine(image, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE), matrix


def grey(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)


@pytest.mark.parametrize("pose", POSES)
def test_a_moved_part_is_found(pose: tuple[float, float, float]) -> None:
    image = draw_part(0, size_px=256, product="bracket").image
    picture, matrix = moved(image, *pose)
    found = locate(grey(picture), grey(image), WIDE)
    assert found.problem is None
    corners = np.array([[40, 40, 1], [215, 40, 1], [128, 215, 1]])
    assert np.abs(corners @ found.matrix.T - corners @ matrix.T).max() < 1.5
    dx, dy, angle = pose
    place = [found.numbers[name] for name in ("shift_x_px", "shift_y_px", "turn_deg")]
    assert place == pytest.approx([dx, dy, -angle], abs=1.0)


@pytest.fixture(scope="module")
def bracket(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A recipe of a part without symmetry, learnt from parts that lie as they like."""
    from inspection.recipe import open_recipe
    from inspection.training.options import TrainingOptions
    from inspection.training.train import train_recipe

    folder = tmp_path_factory.mktemp("bracket")
    for number in range(15):
        image = draw_part(number, size_px=256, product="bracket").image
        turned = moved(image, *POSES[number % len(POSES)])[0]
        cv2.imwrite(str(folder / f"{number:02d}.png"), cv2.cvtColor(turned, cv2.COLOR_RGB2BGR))
    options = TrainingOptions(image_size_px=256, false_reject=0.2)
    train_recipe(folder, folder / "a.recipe", options=options, setup=Setup(align=WIDE))
    return open_recipe(folder / "a.recipe")


@pytest.mark.slow
@pytest.mark.parametrize("pose", POSES)
def test_a_defect_on_a_moved_part_is_told_where_the_camera_sees_it(
    pose: tuple[float, float, float], bracket: Any, frame_of: Any, spotted: Any
) -> None:
    fresh = draw_part(40, size_px=256, product="bracket").image  # not one it was taught with
    near = cv2.GaussianBlur(grey(fresh), (0, 0), 8)[60:196, 60:196]
    left, top = cv2.minMaxLoc(near)[3]  # the middle of a bright face of the part
    spot = (left + 60, top + 60)
    picture, matrix = moved(spotted(fresh, *spot), *pose)
    found = inspect(frame_of(picture), bracket)
    assert found.verdict in (Verdict.FAIL, Verdict.REVIEW), found.reason
    x, y = matrix @ (*spot, 1)
    worst = found.regions[0]
    assert worst.x_px - 4 <= x <= worst.x_px + worst.width_px + 4
    assert worst.y_px - 4 <= y <= worst.y_px + worst.height_px + 4
    assert found.health["alignment"] > 0.8
    dx, dy, angle = pose
    place = [found.health[name] for name in ("shift_x_px", "shift_y_px", "turn_deg")]
    assert place == pytest.approx([dx, dy, -angle], abs=3.0)  # parts differ


def test_what_the_camera_did_not_see_does_not_count(bracket: Any, frame_of: Any) -> None:
    image, _ = moved(draw_part(41, size_px=256, product="bracket").image, 30, 0, 0)
    found = inspect(frame_of(image), bracket)
    assert found.anomaly_map is not None
    assert (found.anomaly_map.neighbourhood[:, -1] == 0).all()  # shifted out on the right
    assert (found.anomaly_map.neighbourhood[:, 3] != 0).all()


def test_a_part_is_found_once_and_all_that_is_drawn_over_it_uses_its_pose(
    bracket: Any, frame_of: Any, spotted: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[Any] = []

    def counted(*given: Any) -> Any:
        calls.append(given)
        return locate(*given)

    monkeypatch.setattr("inspection.recipe.framing.locate", counted)
    picture, _ = moved(
        spotted(draw_part(40, size_px=256, product="bracket").image, 128, 128), 12, -8, 4
    )
    found = inspect(frame_of(picture), bracket)
    assert found.verdict is not Verdict.PASS
    assert found.pose is not None
    assert heat_over(picture, found, bracket)[..., 3].any()
    draw(picture, found, bracket)
    assert from_heat(picture, found) is not None
    assert len(calls) == 1


def test_evaluating_finds_each_part_once(
    bracket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[Any] = []

    def counted(*given: Any) -> Any:
        calls.append(given)
        return locate(*given)

    monkeypatch.setattr("inspection.recipe.framing.locate", counted)
    for kind, number in (("good", 40), ("spot", 41)):
        image = draw_part(number, size_px=256, product="bracket").image
        mask = np.zeros(image.shape[:2], np.uint8)
        if kind == "spot":
            cv2.circle(mask, (128, 128), 9, 255, -1)
            image = np.where(mask[..., None] > 0, np.uint8(20), image)
            save(tmp_path / "ground_truth" / kind / "0_mask.png", moved(mask, 6, 4, 3)[0])
        save(tmp_path / "test" / kind / "0.png", moved(image, 6, 4, 3)[0])
    assert evaluate(bracket, tmp_path).values["pixel_auroc"] > 0.9
    assert len(calls) == 2


def save(path: Path, image: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    bgr = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    assert cv2.imwrite(str(path), bgr)


def test_a_part_partly_out_of_view_cannot_be_inspected(
    recipe: Any, with_setup: Any, frame_of: Any
) -> None:
    reference = next(iter(recipe.references.values()))
    height, width = reference.shape[:2]
    corners = ((0.0, 0.0), (width, 0.0), (width, height), (0.0, height))
    whole = with_setup(align=WIDE, roi=(corners,))
    found = inspect(frame_of(moved(reference, 30, 0, 0)[0]), whole)
    assert found.verdict is Verdict.CANNOT_INSPECT
    assert found.reason.startswith("part partly out of view: ")


@pytest.mark.parametrize(
    ("pose", "allowed", "reason"),
    [
        ((40, 0, 0), Alignment(max_shift_px=10, max_rotation_deg=5), "part out of place: shifted"),
        ((0, 0, 14), Alignment(max_shift_px=60, max_rotation_deg=4), ""),
    ],
)
def test_a_part_too_far_from_its_place_cannot_be_inspected(
    pose: tuple[float, float, float],
    allowed: Alignment,
    reason: str,
    recipe: Any,
    with_setup: Any,
    frame_of: Any,
) -> None:
    reference = next(iter(recipe.references.values()))
    found = inspect(frame_of(moved(reference, *pose)[0]), with_setup(align=allowed))
    assert found.verdict is Verdict.CANNOT_INSPECT, found.reason
    assert found.reason.startswith(reason)
    assert any(sign.isdigit() for sign in found.reason)


@pytest.mark.parametrize(
    "picture",
    [
        draw_part(0, size_px=256, product="bracket").image,
        np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8),
        np.full((256, 256, 3), 90, np.uint8),
    ],
    ids=["another part", "noise", "nothing"],
)
def test_what_is_not_the_part_is_not_found(
    picture: NDArray[np.uint8], with_setup: Any, frame_of: Any
) -> None:
    found = inspect(frame_of(picture), with_setup(align=WIDE))
    assert found.verdict is Verdict.CANNOT_INSPECT
    assert found.reason.startswith("no part or a different part in view: ")
