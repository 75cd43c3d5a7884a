"""What a station compares its pictures with: the code names a template, or nothing passes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from cameras import Frame
from cameras.simulated import Simulated
from inspection.errors import SetupError
from inspection.judgement import Verdict
from inspection.judging.judge import load_recipe
from inspection.recipe import Recipe
from inspection.recipe.setup_file import Setup
from inspection.recipe.template import Template
from inspection.station.build import make_view
from inspection.station.code_reader import missing
from inspection.station.rejudge import StoredPartRejudge
from inspection.station.station_file import (
    IdentitySettings,
    ProductSettings,
    StationFile,
    ViewSettings,
    read_station,
)
from inspection.training.options import TrainingOptions
from inspection.training.train import train_recipe
from tests.recipe.test_template import drawn_board, moved

if (problem := missing()) is not None:
    pytest.skip(problem, allow_module_level=True)

BY_CODE = IdentitySettings(pattern="(?P<template>[A-Z]+[0-9]+)")
Image = NDArray[np.uint8]


def coded(text: str, seed: int) -> Image:
    """A board with its design's code on it."""
    import zxingcpp

    image = drawn_board(seed)
    if not text:
        return image
    code = zxingcpp.create_barcode(text, zxingcpp.barcode_format_from_str("DataMatrix"))
    drawn = np.asarray(zxingcpp.write_barcode_to_image(code, scale=4))
    small = np.pad(drawn, 10, constant_values=255)
    image[: small.shape[0], : small.shape[1]] = small
    return image


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write(path: Path, image: Image) -> None:
    assert cv2.imwrite(str(path), image)


def seen(image: Image, seed: int) -> Image:
    """A board as a camera sees it: a little out of place, softer, and noisy."""
    rng = np.random.default_rng(seed)
    soft = cv2.GaussianBlur(moved(image, *rng.uniform(-2.5, 2.5, 2)), (0, 0), 0.7)
    return np.clip(soft + rng.normal(0, 5, soft.shape), 0, 255).astype(np.uint8)


class Boards(Simulated):
    """A line of these boards."""

    def __init__(self, images: Sequence[Image]) -> None:
        super().__init__(size_px=256, defect_rate=0.0)
        self.images = list(images)

    def read(self, *, timeout_s: float = 5.0, trigger_id: str | None = None) -> Frame:
        frame = super().read(timeout_s=timeout_s, trigger_id=trigger_id)
        return replace(frame, image=self.images.pop(0))


@pytest.fixture(scope="module")
def boards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Templates of two boards named by their codes, and a recipe that compares."""
    folder = tmp_path_factory.mktemp("boards")
    for place in ("learn", "golden", "codes"):
        (folder / place).mkdir()
    for number in range(20):
        board = coded(f"L{number}", 50 + number)
        write(folder / "golden" / f"L{number}.png", board)
        write(folder / "learn" / f"L{number}.png", seen(board, number))
    for number, name in enumerate(("B1", "B2")):
        write(folder / "codes" / f"{name}.png", coded(name, number))
    train_recipe(
        folder / "learn",
        folder / "board.recipe",
        options=TrainingOptions(image_size_px=320, false_reject=0.05),
        setup=Setup(template=Template(source=str(folder / "golden"))),
    )
    return folder


@pytest.fixture(scope="module")
def comparing(boards: Path) -> Recipe:
    return load_recipe(boards / "board.recipe")


def spoilt(image: Image) -> Image:
    bad = image.copy()
    cv2.circle(bad, (200, 200), 12, 125, -1)
    return bad


def station_of(
    build: Any, recipe: Recipe, images: Sequence[Image], template: Path, **more: Any
) -> Any:
    product = ProductSettings(name="flange", recipe=Path("x.recipe"), template=template)
    fields = {"identity": BY_CODE} | more
    return build(Boards(images), recipes={"flange": recipe}, product_tables=(product,), **fields)


def test_the_code_names_the_template_and_without_one_nothing_passes(
    build: Any, boards: Path, comparing: Recipe
) -> None:
    first, second = coded("B1", 0), coded("B2", 1)
    images = [
        seen(first, 101),
        seen(second, 102),
        spoilt(seen(second, 103)),
        seen(coded("B1", 1), 104),  # the code of another board
        seen(coded("B3", 2), 105),
        seen(coded("", 0), 106),
    ]
    with station_of(build, comparing, images, boards / "codes") as built:
        for number in range(len(images)):
            assert built.trigger(serial="told")
            built.settle(number + 1)
        results = built.answers.results
        verdicts = [result.verdict for result in results]
        assert verdicts[:2] == [Verdict.PASS, Verdict.PASS]
        assert verdicts[2] in (Verdict.FAIL, Verdict.REVIEW)
        assert verdicts[3] is not Verdict.PASS
        assert verdicts[4:] == [Verdict.CANNOT_INSPECT] * 2
        assert [result.reason for result in results[4:]] == [
            "the code names the template 'B3': there is none in folder 'codes'",
            "no code in the picture names its template",
        ]
        recorded = [
            part.capture.get("template_sha256") for part in built.store.parts(newest_first=False)
        ]
        one, two = (sha256(boards / "codes" / f"{name}.png") for name in ("B1", "B2"))
        assert recorded == [one, two, two, one, None, None]


def test_a_template_that_is_added_or_mended_counts_from_the_next_part(
    build: Any, boards: Path, comparing: Recipe, tmp_path: Path
) -> None:
    folder = tmp_path / "codes"
    folder.mkdir()
    board = coded("N7", 9)
    with station_of(build, comparing, [seen(board, n) for n in (111, 112, 113)], folder) as built:
        assert built.trigger()
        built.settle(1)
        (folder / "N7.png").write_bytes(b"not a picture")
        assert built.trigger()
        built.settle(2)
        write(folder / "N7.png", board)
        assert built.trigger()
        built.settle(3)
        results = built.answers.results
        assert [result.verdict.value for result in results] == [
            "CANNOT_INSPECT", "CANNOT_INSPECT", "PASS",
        ]  # fmt: skip
        assert "there is none in folder" in results[0].reason
        assert results[1].reason.startswith("its template cannot be read: ")


def test_a_file_is_the_template_of_every_part_and_needs_no_code(
    build: Any, boards: Path, comparing: Recipe
) -> None:
    images = [seen(coded("B1", 0), 121), seen(coded("B2", 1), 122)]
    golden = boards / "codes" / "B1.png"
    with station_of(build, comparing, images, golden, identity=None) as built:
        for number in range(2):
            assert built.trigger()
            built.settle(number + 1)
        verdicts = [result.verdict for result in built.answers.results]
        assert verdicts[0] is Verdict.PASS
        assert verdicts[1] is not Verdict.PASS


def test_a_recorded_part_is_judged_again_beside_its_template(
    build: Any, boards: Path, comparing: Recipe, tmp_path: Path
) -> None:
    bad = spoilt(seen(coded("B2", 1), 131))
    with station_of(build, comparing, [bad], boards / "codes") as built:
        assert built.trigger()
        built.settle(1)
        (record,) = built.store.parts()
        settings = replace(
            built.station.settings,
            products=(replace(built.station.settings.products[0], recipe=boards / "board.recipe"),),
        )
        again = StoredPartRejudge(settings, tmp_path / "kept")
        judged = again.judge(record, built.store.image_path(record))
        assert judged is not None
        assert judged[1].score == pytest.approx(record.score, rel=1e-3)
        assert "Region 1" in str(again.why_page(record, built.store.image_path(record), "en"))


FILE = """station = "s"
record = "s.db"
[[views]]
camera = "simulated"
[[products]]
name = "board"
recipe = "board.recipe"
template = "{template}"
"""


@pytest.mark.parametrize(
    ("more", "template", "line"),
    [
        ("", "no.png", r"products\.board\.template: .*no\.png: no such file or folder"),
        ("", "codes", r"products\.board\.template: .*codes: is a folder of templates, and no code says which"),
        ("[identity]\npattern = '(?P<serial>.+)'\n", "codes", "is a folder of templates, and no code says which"),
        ("[products.templates]\nside = 'codes'\n", "codes/B1.png", "products.board: no view 'side'"),
    ],
)  # fmt: skip
def test_a_station_file_whose_templates_cannot_be_is_refused(
    boards: Path, more: str, template: str, line: str
) -> None:
    path = boards / "station.toml"
    path.write_text(FILE.format(template=template) + more)
    with pytest.raises(SetupError, match=line) as caught:
        read_station(path)
    assert "\n" not in str(caught.value)


def test_templates_are_read_from_the_station_files_folder(boards: Path) -> None:
    path = boards / "station.toml"
    table = "[products.templates]\nmain = 'codes/B1.png'\n"
    path.write_text(
        FILE.format(template="codes") + table + "[identity]\npattern = '(?P<template>.+)'\n"
    )
    (product,) = read_station(path).products
    assert product.template == boards / "codes"
    assert product.template_of("main") == boards / "codes" / "B1.png"


def test_a_recipe_that_compares_nothing_takes_no_template(line: Any, boards: Path) -> None:
    view = ViewSettings(camera="simulated")
    product = ProductSettings(
        name="flange", recipe=line.recipe_path, template=boards / "codes" / "B1.png"
    )
    settings = StationFile(station="s", record="s.db", views=(view,), products=(product,))
    with pytest.raises(SetupError, match=r"products\.flange\.template: recipe .* compares nothing"):
        make_view(view, settings)
