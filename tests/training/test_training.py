"""What is wrong with the pictures given is listed; what cannot teach is refused in one line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

import models
from cameras import read_image
from cameras.simulated import draw_part
from inspection.errors import TrainingError
from inspection.judgement import Verdict
from inspection.judging.judge import inspect
from inspection.judging.picture_files import judge_files, record
from inspection.recipe import Recipe, open_recipe
from inspection.recipe.framing import Framing
from inspection.recipe.geometry import Canvas
from inspection.recipe.setup_file import Setup
from inspection.store import open_store
from inspection.training import good_pictures
from inspection.training.dataset_folder import good_files
from inspection.training.good_pictures import MIN_GOOD, read_good
from inspection.training.options import TrainingOptions
from inspection.training.train import train_recipe

OPTIONS = TrainingOptions(image_size_px=64, false_reject=0.2)
Image = NDArray[np.uint8]


def quiet(what: str, done: int, of: int) -> None:
    """Say nothing."""


def save(path: Path, image: NDArray[Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    bgr = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    assert cv2.imwrite(str(path), bgr)


def parts(folder: Path, count: int = 12, *, size_px: int = 128) -> Path:
    for number in range(count):
        save(folder / f"{number:02d}.png", draw_part(number, size_px=size_px).image)
    return folder


def test_everything_wrong_is_listed(tmp_path: Path) -> None:
    folder = parts(tmp_path / "good")
    (folder / "20_text.png").write_text("not a picture", encoding="utf-8")
    jpeg = cv2.imencode(".jpg", draw_part(20, size_px=128).image)[1].tobytes()
    (folder / "21_cut.jpg").write_bytes(jpeg[: len(jpeg) // 2])
    (folder / "22_empty.png").write_bytes(b"")
    save(folder / "23_small.png", draw_part(23, size_px=96).image)
    (folder / "24_copy.png").write_bytes((folder / "03.png").read_bytes())
    spoilt = cv2.circle(draw_part(25, size_px=128).image, (40, 70), 9, (220, 20, 20), -1)
    save(folder / "25_spoilt.png", spoilt)
    path = tmp_path / "a.recipe"
    report = train_recipe(folder, path, options=OPTIONS, setup=Setup())
    hygiene = report.as_json()["hygiene"]
    assert [name for name, _ in hygiene["unreadable"]] == [
        "20_text.png", "21_cut.jpg", "22_empty.png",
    ]  # fmt: skip
    assert all(str(folder / name) in why for name, why in hygiene["unreadable"])
    assert hygiene["off_size"] == (("23_small.png", "96 x 96 px"),)
    assert hygiene["duplicates"] == (("03.png", "24_copy.png"),)
    assert hygiene["suspicious"][0][0] == "25_spoilt.png"
    _, score, limit = hygiene["suspicious"][0]
    assert score > limit > 0
    assert report.n_good == 14
    assert open_recipe(path).id == report.recipe_id
    assert [each.name for each in tmp_path.iterdir() if each.is_file()] == ["a.recipe"]


def test_bad_parts_among_the_good_are_told_first_and_do_not_move_the_pass_limit(
    tmp_path: Path,
) -> None:
    folder = parts(tmp_path / "good", 20)
    for number, colour in enumerate(((220, 20, 20), (20, 220, 20), (20, 20, 220))):
        image = draw_part(30 + number, size_px=128).image
        spoilt = cv2.circle(image, (40 + 20 * number, 70), 9, colour, -1)
        save(folder / f"spoilt_{number}.png", spoilt)
    report = train_recipe(folder, tmp_path / "a.recipe", options=OPTIONS, setup=Setup())
    found = report.as_json()
    assert (found["odd_good"], found["n_good"]) == (3, 23)
    assert {name for name, *_ in found["hygiene"]["suspicious"]} == {
        "spoilt_0.png", "spoilt_1.png", "spoilt_2.png",
    }  # fmt: skip
    assert found["threshold"] < found["threshold_with_odd"] <= found["fail_threshold"]
    warned = next(each for each in found["warning_keys"] if each["key"] == "odd_good")
    assert warned["values"]["with_odd"] == found["threshold_with_odd"]
    assert str(report.warnings[found["warning_keys"].index(warned)]).startswith(
        "3 of 23 good pictures score so unlike the others that defects may be among them"
    )


def test_equal_pictures_are_in_one_fold(tmp_path: Path) -> None:
    folder = parts(tmp_path, 8, size_px=64)
    for number in range(8):
        (folder / f"{number:02d}_again.png").write_bytes(
            (folder / f"{number:02d}.png").read_bytes()
        )
    framing = Framing(Canvas(height_px=64, width_px=64), Setup(), draw_part(0, size_px=64).image)
    pictures = read_good(good_files(folder), framing, progress=quiet)
    for seed in range(20):
        folds = pictures.folds(seed=seed)
        of = {good.path.name: fold for good, fold in zip(pictures.used, folds, strict=True)}
        assert all(of[f"{n:02d}.png"] == of[f"{n:02d}_again.png"] for n in range(8))
        assert len(set(of.values())) == 8


def test_large_pictures_are_read_without_holding_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = good_files(parts(tmp_path / "good", 24))
    framing = Framing(Canvas(height_px=128, width_px=128), Setup(), read_image(files[0]))
    small = read_good(files, framing, progress=quiet)
    canvases: list[weakref.ref[NDArray[np.uint8]]] = []
    alive, canvas_of = [], Framing.raw_canvas_of

    def watched(self: Framing, image: NDArray[np.uint8]) -> Any:
        found = canvas_of(self, image)
        canvases.append(weakref.ref(found[0]))
        alive.append(sum(canvas() is not None for canvas in canvases))
        return found

    monkeypatch.setattr(Framing, "raw_canvas_of", watched)
    monkeypatch.setattr(good_pictures, "MOST_BYTES", framing.canvas.nbytes - 1)
    large = read_good(files, framing, progress=quiet)
    assert len(alive) == 24
    assert max(alive) <= 2 * good_pictures.READERS
    assert large.used == small.used
    assert np.array_equal(large[5].canvas, small[5].canvas)


def test_the_same_training_twice_gives_the_same(tmp_path: Path) -> None:
    folder = parts(tmp_path / "good", 8)
    first, again = (
        open_recipe(_trained(folder, tmp_path / f"{name}.recipe")) for name in ("a", "b")
    )
    assert first.program_bytes[1] == again.program_bytes[1]
    assert first.scores.tobytes() == again.scores.tobytes()
    assert first.settings.calibration == again.settings.calibration
    assert first.settings.references == again.settings.references


def test_the_same_training_twice_gives_the_same_recipe_id(tmp_path: Path) -> None:
    folder = parts(tmp_path / "good", 5, size_px=64)
    first, again = (
        open_recipe(_trained(folder, tmp_path / f"{name}.recipe")) for name in ("a", "b")
    )
    assert first.program_bytes[0] == again.program_bytes[0]
    assert first.id == again.id


@pytest.mark.parametrize("kind", ["grey", "16 bit grey", "jpeg"])
def test_other_kinds_of_pictures_teach(kind: str, tmp_path: Path, frame_of: Any) -> None:
    def saved(number: int, path: Path) -> None:
        image = draw_part(number, size_px=128, colour=kind == "jpeg").image
        save(path, image.astype(np.uint16) * 257 if kind.startswith("16") else image)

    suffix = "jpg" if kind == "jpeg" else "png"
    for number in range(8):
        (tmp_path / "good").mkdir(exist_ok=True)
        saved(number, tmp_path / "good" / f"{number}.{suffix}")
    recipe = open_recipe(_trained(tmp_path / "good", tmp_path / "a.recipe"))
    image = draw_part(50, size_px=128, colour=kind == "jpeg").image
    spoilt = cv2.circle(image.copy(), (40, 70), 12, (250,) * 3, -1)
    found = inspect(frame_of(spoilt), recipe)
    assert found.verdict is not Verdict.PASS, found.reason
    assert recipe.settings.calibration.n_good == 8


def test_twelve_bits_in_a_16_bit_file_need_their_number(tmp_path: Path) -> None:
    for number in range(6):
        image = draw_part(number, size_px=64, colour=False).image
        save(tmp_path / "12" / f"{number}.png", image.astype(np.uint16) * 16)
        save(tmp_path / "16" / f"{number}.png", image)
    with pytest.raises(TrainingError, match=r"nearly black: their brightest pixel is 1\d of 255"):
        _trained(tmp_path / "12", tmp_path / "a.recipe")

    def taught(bits: int) -> Recipe:
        path = tmp_path / f"{bits}.recipe"
        train_recipe(tmp_path / f"{bits}", path, options=OPTIONS, setup=Setup(bits=bits))
        return open_recipe(path)

    twelve, eight = taught(12), taught(16)
    limits = [recipe.settings.limits for recipe in (twelve, eight)]
    assert limits[0].low == pytest.approx(limits[1].low, rel=0.02)
    thresholds = [recipe.settings.calibration.threshold for recipe in (twelve, eight)]
    assert thresholds[0] == pytest.approx(thresholds[1], abs=0.5)  # in deviations of good parts
    found = next(judge_files([tmp_path / "12" / "3.png"], twelve))
    assert found.judgement.verdict is Verdict.PASS, found.judgement.reason
    with open_store(str(tmp_path / "parts.db")) as store:
        store.add(record(found, twelve))
        kept = read_image(store.image_path(store.parts()[0]) or "")  # whoever looks knows no bits
    assert np.abs(kept.astype(int) - read_image(tmp_path / "16" / "3.png")).max() <= 1


def test_a_pixel_too_bright_for_the_bits_is_told(tmp_path: Path) -> None:
    for number in range(6):
        image = draw_part(number, size_px=64, colour=False).image
        save(tmp_path / "good" / f"{number}.png", image.astype(np.uint16) * 16)
    with pytest.raises(TrainingError, match=r"10 bits allow 1023: give more bits"):
        train_recipe(
            tmp_path / "good", tmp_path / "a.recipe", options=OPTIONS, setup=Setup(bits=10)
        )


def test_pictures_of_many_sizes_teach(tmp_path: Path, frame_of: Any) -> None:
    image = draw_part(0, size_px=256).image
    sizes = [(128, 128), (160, 128), (128, 160), (200, 130), (130, 200), (180, 180)]
    for number, (height, width) in enumerate(sizes):
        save(tmp_path / "good" / f"{number}.png", image[:height, :width])
    report = train_recipe(tmp_path / "good", tmp_path / "a.recipe", options=OPTIONS, setup=Setup())
    assert report.n_good == 6
    assert report.data.wrong_size == ()
    recipe = open_recipe(tmp_path / "a.recipe")
    assert recipe.settings.picture.height_px == (64, 400)
    assert recipe.settings.picture.width_px == (64, 400)
    found = inspect(frame_of(np.ascontiguousarray(image[:20, :128])), recipe)
    assert found.reason == "wrong size: height 20 px, 64 to 400 px wanted"


def _nothing(folder: Path) -> None:
    folder.mkdir()


def _one(folder: Path) -> None:
    parts(folder, 1)


def _too_few(folder: Path) -> None:
    parts(folder, MIN_GOOD - 1)


def _unreadable(folder: Path) -> None:
    folder.mkdir()
    for number in range(9):
        (folder / f"{number}.png").write_bytes(b"no picture")


def _absent(folder: Path) -> None:
    """Leave it absent."""


def _file(folder: Path) -> None:
    folder.write_bytes(b"")


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (_nothing, "dataset {}: no pictures in {}; give a folder of good pictures"),
        (_one, "1 usable good pictures of 1 given; at least 5 are needed"),
        (_too_few, "4 usable good pictures of 4 given; at least 5 are needed"),
        (_unreadable, "none of 9 pictures can be read; the first: picture {}/0.png"),
        (_absent, "dataset {}: no such folder"),
        (_file, "dataset {}: is a file; give a folder of good pictures"),
    ],
)
def test_what_cannot_teach_is_refused(
    make: Callable[[Path], None], expected: str, tmp_path: Path
) -> None:
    folder, path = tmp_path / "good", tmp_path / "a.recipe"
    make(folder)
    path.write_bytes(b"the earlier recipe")
    with pytest.raises(TrainingError) as caught:
        train_recipe(folder, path, options=OPTIONS, setup=Setup())
    assert str(caught.value).startswith(expected.replace("{}", str(folder)))
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == b"the earlier recipe"


def test_one_picture_many_times_teaches_no_promise(tmp_path: Path) -> None:
    for number in range(8):
        save(tmp_path / "good" / f"{number}.png", draw_part(0, size_px=64).image)
    with pytest.raises(TrainingError):
        train_recipe(tmp_path / "good", tmp_path / "a.recipe", options=OPTIONS, setup=Setup())


@pytest.mark.slow
def test_ctrl_c_in_training_changes_nothing(line: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.recipe"
    path.write_bytes(b"the earlier recipe")
    script = (
        "import sys, inspection.training.train\n"
        "from inspection.cli import main, recipes\n"
        "class Told(recipes.ProgressBar):\n"
        "    def __call__(self, what, done, of):\n"
        "        print(what, flush=True)\n"
        "recipes.ProgressBar = Told\n"
        "main()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, "train", line.dataset, "--recipe", path],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=_environment(),
    )  # fmt: skip
    try:
        assert process.stdout is not None
        while process.stdout.readline().strip() != "Looking at good parts":
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 1
    assert errors == f"inspection: recipe {path}: training stopped by Ctrl-C; nothing was changed\n"
    assert path.read_bytes() == b"the earlier recipe"
    assert list(tmp_path.iterdir()) == [path]


def _trained(folder: Path, path: Path) -> Path:
    train_recipe(folder, path, options=OPTIONS, setup=Setup())
    return path


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}


def test_a_backbone_is_refused_by_a_model_that_looks_through_none(
    failure: Callable[..., str], tmp_path: Path
) -> None:
    weights = tmp_path / "w.safetensors"
    for words in (["--weights", weights], ["--backbone", "resnet18"]):
        text = failure(
            "train", tmp_path, "--recipe", tmp_path / "a.recipe", "--model", "bands_fine", *words
        )
        assert text == (
            "model 'bands_fine': it looks through no backbone of yours; leave out --backbone and "
            "--weights, or use another --model"
        )
    assert not models.model_class("vae").reads_backbone
    assert not models.model_class("uninet").reads_backbone
    assert models.model_class("stfpm").reads_backbone
    assert models.model_class("ensemble").reads_backbone


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("sequence/gru", "monitor"),
        ("supervised/classifier", "--defects"),
        ("template", "--template"),
    ],
)
def test_a_model_that_learns_of_something_else_names_its_command(
    name: str, command: str, failure: Callable[..., str], tmp_path: Path
) -> None:
    text = failure("train", tmp_path, "--recipe", tmp_path / "a.recipe", "--model", name)
    assert text.startswith(f"model '{name}': is no model of pictures alone; ")
    assert command in text
