"""The simulated line: the same parts each time, and a truth that is true."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest

from cameras import CameraError, EndOfStream, read_image
from cameras.simulated import DEFECTS, PRODUCTS, Simulated, draw_part, write_dataset

SIZE_PX = 192


@pytest.mark.parametrize("product", PRODUCTS)
@pytest.mark.parametrize("defect", [None, *DEFECTS])
def test_same_seed_gives_the_same_bytes(defect: str | None, product: str) -> None:
    first = draw_part(3, defect=defect, size_px=SIZE_PX, product=product)
    draw_part(4, defect="stain", size_px=SIZE_PX, product=product)
    again = draw_part(3, defect=defect, size_px=SIZE_PX, product=product)
    assert first.image.tobytes() == again.image.tobytes()
    assert first.mask.tobytes() == again.mask.tobytes()
    assert (first.defect, first.seed) == (defect, 3)


def test_drawing_leaves_the_global_random_numbers_alone() -> None:
    np.random.seed(5)
    expected = np.random.random()
    np.random.seed(5)
    draw_part(1, defect="scratch", size_px=SIZE_PX)
    assert np.random.random() == expected


@pytest.mark.parametrize("product", PRODUCTS)
def test_different_seeds_differ_a_little(product: str) -> None:
    parts = [draw_part(seed, size_px=SIZE_PX, product=product).image for seed in range(6)]
    assert len({part.tobytes() for part in parts}) == 6
    means = [float(part.mean()) for part in parts]
    assert max(means) - min(means) < 20


def test_products_differ() -> None:
    flange, bracket = (draw_part(0, size_px=SIZE_PX, product=name).image for name in PRODUCTS)
    assert np.abs(flange.astype(int) - bracket).mean() > 20


@pytest.mark.parametrize("product", PRODUCTS)
@pytest.mark.parametrize("defect", DEFECTS)
@pytest.mark.parametrize("colour", [True, False])
def test_only_the_masked_pixels_change(defect: str, product: str, colour: bool) -> None:
    for seed in range(8):
        good = draw_part(seed, size_px=SIZE_PX, product=product, colour=colour)
        bad = draw_part(seed, defect=defect, size_px=SIZE_PX, product=product, colour=colour)
        change = np.abs(good.image.astype(int) - bad.image)
        change = change.max(axis=2) if colour else change
        inside = bad.mask > 0
        assert change[inside].sum() > 0.99 * change.sum()
        assert np.percentile(change[inside], 95) >= 8, f"seed {seed} can hardly be seen"


@pytest.mark.parametrize("product", PRODUCTS)
@pytest.mark.parametrize("defect", DEFECTS)
def test_mask_is_small_and_black_or_white(defect: str, product: str) -> None:
    for seed in range(8):
        mask = draw_part(seed, defect=defect, size_px=SIZE_PX, product=product).mask
        assert mask.shape == (SIZE_PX, SIZE_PX)
        assert mask.dtype == np.uint8
        assert set(np.unique(mask)) == {0, 255}
        assert 0.0002 < (mask > 0).mean() < 0.05


def test_good_part_has_an_empty_mask() -> None:
    part = draw_part(0, size_px=SIZE_PX)
    assert part.defect is None
    assert not part.mask.any()


@pytest.mark.parametrize("size_px", [64, 255, 512])
def test_picture_has_the_size_asked_for(size_px: int) -> None:
    assert draw_part(0, size_px=size_px, defect="dent").image.shape == (size_px, size_px, 3)
    assert draw_part(0, size_px=size_px, colour=False).image.shape == (size_px, size_px)


def test_a_missing_bore_is_plain_metal() -> None:
    good = draw_part(2, size_px=SIZE_PX)
    bad = draw_part(2, size_px=SIZE_PX, defect="missing_feature")
    y, x = (round(float(axis.mean())) for axis in np.nonzero(bad.mask))
    assert good.image[y, x].max() < 60
    assert bad.image[y, x].min() > 100


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        ({"defect": "dust"}, f"defect: expected one of {', '.join(DEFECTS)} or None, got 'dust'"),
        ({"product": "cup"}, "product: expected one of flange, bracket, got 'cup'"),
        ({"size_px": 20}, "size_px: expected 64 to 2048, got 20"),
        ({"seed": -1}, "seed: expected 0 or more, got -1"),
    ],
)
def test_wrong_setting_is_named(setting: dict[str, object], text: str) -> None:
    with pytest.raises(ValueError, match=r"^[a-z_]+: expected") as caught:
        draw_part(**{"seed": 0, **setting})  # type: ignore[arg-type]
    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        ({"defect_rate": 1.5}, "camera simulated: defect_rate: expected 0 to 1, got 1.5"),
        ({"count": -1}, "camera simulated: count: expected 0 or more, or None, got -1"),
        ({"size_px": 9999}, "camera simulated: size_px: expected 64 to 2048, got 9999"),
        (
            {"defects": "dent"},
            f"camera simulated: defects: expected a list of {', '.join(DEFECTS)}, got 'dent'",
        ),
    ],
)
def test_wrong_camera_setting_is_told_at_open(setting: dict[str, object], text: str) -> None:
    camera = Simulated(**setting)  # type: ignore[arg-type]
    with pytest.raises(CameraError) as caught:
        camera.open()
    assert str(caught.value) == text


def test_camera_gives_what_the_truth_says() -> None:
    with Simulated(seed=1, size_px=64, defect_rate=0.5, count=40) as camera:
        frames = [camera.read() for _ in range(40)]
        with pytest.raises(EndOfStream, match=r"^camera simulated: all 40 parts are made$"):
            camera.read()
    truths = [camera.truth(frame.sequence) for frame in frames]
    for frame, truth in zip(frames, truths, strict=True):
        assert frame.image.tobytes() == truth.image.tobytes()
        assert (truth.defect is not None) == bool(truth.mask.any())
    assert 10 <= sum(truth.defect is not None for truth in truths) <= 30
    assert len({truth.seed for truth in truths}) == 40


def test_camera_makes_only_the_defects_asked_for() -> None:
    camera = Simulated(size_px=64, defect_rate=1.0, defects=("dent", "stain"))
    assert {camera.truth(number).defect for number in range(20)} == {"dent", "stain"}
    camera = Simulated(size_px=64, defect_rate=0.0)
    assert {camera.truth(number).defect for number in range(20)} == {None}


def test_camera_seed_chooses_the_parts() -> None:
    seeds = [[Simulated(seed=seed, size_px=64).truth(n).seed for n in range(4)] for seed in (0, 1)]
    assert not set(seeds[0]) & set(seeds[1])


def test_camera_asks_the_clock_it_is_given() -> None:
    noon = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)
    with Simulated(size_px=64, clock=lambda: noon, colour=False) as camera:
        frame = camera.read(trigger_id="T7")
    assert (frame.captured_at, frame.trigger_id, frame.image.shape) == (noon, "T7", (64, 64))


def test_dataset_has_the_mvtec_layout(tmp_path: Path) -> None:
    root = tmp_path / "Werkstück"
    write_dataset(root, n_good=3, n_test_good=2, n_defective_per_kind=2, size_px=64, seed=9)
    found = {str(path.relative_to(root)) for path in root.rglob("*.png")}
    expected = {f"train/good/000{k}.png" for k in range(3)}
    expected |= {f"test/good/000{k}.png" for k in range(2)}
    expected |= {f"test/{defect}/000{k}.png" for defect in DEFECTS for k in range(2)}
    expected |= {f"ground_truth/{defect}/000{k}_mask.png" for defect in DEFECTS for k in range(2)}
    assert found == expected
    pictures = [path.read_bytes() for path in root.rglob("*.png") if "_mask" not in path.name]
    assert len(set(pictures)) == 3 + 2 + 2 * len(DEFECTS)


def test_dataset_keeps_the_pixels(tmp_path: Path) -> None:
    kinds = ("dent",)
    settings = {"n_good": 1, "n_test_good": 0, "n_defective_per_kind": 1, "size_px": 64}
    for folder in ("a", "b"):
        write_dataset(tmp_path / folder, **settings, defects=kinds)  # type: ignore[arg-type]
    first, again = (read_image(tmp_path / folder / "test/dent/0000.png") for folder in "ab")
    assert np.array_equal(first, again)
    mask = read_image(tmp_path / "a/ground_truth/dent/0000_mask.png")
    assert set(np.unique(mask)) == {0, 255}
    stored = cv2.imread(str(tmp_path / "a/train/good/0000.png"))
    assert stored is not None
    assert np.array_equal(stored[..., ::-1], read_image(tmp_path / "a/train/good/0000.png"))


def test_dataset_is_not_mixed_with_an_old_one(tmp_path: Path) -> None:
    (tmp_path / "old.txt").write_text("mine")
    with pytest.raises(CameraError) as caught:
        write_dataset(tmp_path, n_good=1, n_test_good=0, n_defective_per_kind=0)
    assert str(caught.value) == f"dataset folder {tmp_path} is not empty; give a new one"
