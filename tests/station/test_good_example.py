"""The good part beside a part at fault: which it is, and that it lies as the part does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from cameras.simulated import draw_part
from inspection.judgement import Judgement, Verdict
from inspection.reasons import Reason
from inspection.recipe import Recipe, write_recipe
from inspection.recipe.setup_file import Alignment
from inspection.station.good_example import GoodExample, GoodExamples, Kind
from inspection.station.station_file import ProductSettings, StationFile, ViewSettings
from inspection.store import NewPart, PartRecord, Store, open_store
from inspection.store.event_kinds import EventKind

SIZE_PX = 256
Pose = tuple[float, float, float]
BAD, GOOD, STILL = (14.0, -9.0, 8.0), (-11.0, 6.0, -7.0), (0.0, 0.0, 0.0)
"""Shift to the right and down in px, turn to the left in degrees."""


def moved(image: NDArray[np.uint8], pose: Pose) -> NDArray[np.uint8]:
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), pose[2], 1.0)
    matrix[:, 2] += np.array(pose[:2])
    return np.asarray(cv2.warpAffine(image, matrix, (width, height)), np.uint8)


class Line:
    """A station's record, a recipe on its line, and what is compared there."""

    def __init__(self, folder: Path, recipe: Recipe, store: Store, frame_of: Any) -> None:
        self.folder, self.store, self.frame_of = folder, store, frame_of
        self.recipe = write_recipe(recipe, folder / "flange.recipe")
        self.settings = StationFile(
            station="line-1",
            record=str(folder / "parts.db"),
            views=(ViewSettings(camera="simulated"),),
            products=(ProductSettings(name="flange", recipe=folder / "flange.recipe"),),
        )
        self.examples = GoodExamples(self.settings, folder, store)

    def part(
        self, verdict: str, image: NDArray[np.uint8], pose: Pose | None, **about: Any
    ) -> PartRecord:
        numbers = {}
        if pose is not None:
            names = ("shift_x_px", "shift_y_px", "turn_deg")
            numbers = dict(zip(names, (*pose[:2], -pose[2]), strict=True))
        judgement = Judgement(
            verdict=Verdict(verdict),
            cause=Reason("nothing_unusual", {"score": 1.0, "limit": 2.0}),
            recipe_id=self.recipe.id,
            score=1.0,
            p_value=0.5,
            threshold=2.0,
            health=MappingProxyType(numbers),
        )
        frame = self.frame_of(image if pose is None else moved(image, pose))
        about = {"station": "line-1", "product": "flange"} | about
        return self.store.add(NewPart(judgement=judgement, frame=frame, **about))

    def label(self, part: PartRecord, said: str | None) -> None:
        self.store.add_event(part.part_id, EventKind.LABEL, "jo", detail={"label": said})

    def of(self, part: PartRecord) -> GoodExample:
        found = self.examples.of(part)
        assert found is not None
        return found


@pytest.fixture
def line_of(tmp_path: Path, frame_of: Any) -> Iterator[Callable[[Recipe], Line]]:
    with open_store(tmp_path / "parts.db") as store:
        yield lambda recipe: Line(tmp_path, recipe, store, frame_of)


@pytest.fixture
def aligned(line_of: Any, with_setup: Callable[..., Recipe]) -> Any:
    return line_of(with_setup(align=Alignment()))


BRACKET = draw_part(3, size_px=SIZE_PX, product="bracket").image


def unlike(found: GoodExample, good: NDArray[np.uint8], part: NDArray[np.uint8]) -> float:
    """How far a good picture brought to the part's place differs from the part's, in grey levels."""
    matrix = np.eye(2, 3) if found.to_part is None else found.to_part
    there = cv2.warpAffine(good, matrix, (SIZE_PX, SIZE_PX))
    middle = np.s_[70:186, 70:186]
    return float(np.abs(there[middle].astype(float) - part[middle]).mean())


def test_a_part_labelled_ok_is_brought_to_the_place_of_the_part(aligned: Any) -> None:
    labelled = aligned.part("REVIEW", BRACKET, GOOD)
    aligned.label(labelled, "OK")
    passed = aligned.part("PASS", BRACKET, STILL)
    bad = aligned.part("FAIL", BRACKET, BAD)
    found = aligned.of(bad)
    assert (found.kind, found.part.number) == (Kind.LABELLED, labelled.number) != passed.number
    there = moved(BRACKET, GOOD), moved(BRACKET, BAD)
    assert unlike(found, *there) < 4
    assert unlike(GoodExample(kind=Kind.PASSED, part=None, to_part=None), *there) > 12


def test_the_newest_part_labelled_ok_that_has_its_picture(aligned: Any) -> None:
    first, second, third = (aligned.part("PASS", BRACKET, STILL) for _ in range(3))
    other = aligned.part("PASS", BRACKET, STILL, product="bracket")
    for part in (first, second, third, other):
        aligned.label(part, "OK")
    bad = aligned.part("FAIL", BRACKET, BAD)
    aligned.label(bad, "OK")  # overkill: never beside itself
    assert aligned.of(bad).part.number == third.number
    aligned.store.image_path(third).unlink()
    assert aligned.of(bad).part.number == second.number
    aligned.label(second, "NG")
    assert aligned.of(bad).part.number == first.number
    aligned.label(first, None)
    assert aligned.of(bad).kind is Kind.REFERENCE


def test_the_reference_of_the_recipe_is_brought_to_the_place_of_the_part(aligned: Any) -> None:
    reference = next(iter(aligned.recipe.references.values()))
    aligned.part("PASS", reference, STILL)
    bad = aligned.part("FAIL", reference, BAD)
    found = aligned.of(bad)
    assert (found.kind, found.part) == (Kind.REFERENCE, None)
    assert unlike(found, reference, moved(reference, BAD)) < 2


def test_what_is_not_aligned_lies_in_the_same_place(line_of: Any, recipe: Recipe) -> None:
    line = line_of(recipe)
    bad = line.part("FAIL", BRACKET, None)
    found = line.of(bad)
    assert (found.kind, found.to_part) == (Kind.REFERENCE, None)
    good = line.part("PASS", BRACKET, None)
    line.label(good, "OK")
    found = line.of(bad)
    assert (found.kind, found.part.number, found.to_part) == (Kind.LABELLED, good.number, None)


@pytest.mark.parametrize(
    ("pose", "kind"), [(BAD, Kind.UNALIGNED), (None, Kind.PASSED)], ids=["aligned", "not aligned"]
)
def test_without_the_recipe_it_is_the_last_part_that_passed(
    pose: Pose | None, kind: Kind, line_of: Any, with_setup: Callable[..., Recipe]
) -> None:
    line = line_of(with_setup(align=Alignment() if pose else None))
    bad = line.part("FAIL", BRACKET, pose)
    (line.folder / "flange.recipe").write_bytes(b"damaged")
    assert line.examples.of(bad) is None
    passed = line.part("PASS", BRACKET, pose)
    later = line.part("FAIL", BRACKET, pose)
    found = line.of(later)
    assert (found.kind, found.part.number, found.to_part) == (kind, passed.number, None)


def test_where_views_lay_side_by_side_is_not_known(aligned: Any) -> None:
    about: Mapping[str, Any] = {"camera": "top+side"}
    views = (ViewSettings(name="top", camera="simulated"), ViewSettings(name="side", camera="simulated"))  # fmt: skip
    aligned.frame_of = lambda image, make=aligned.frame_of: make(image, **about)
    products = (
        ProductSettings(
            name="flange", recipes={each.name: aligned.folder / "flange.recipe" for each in views}
        ),
    )
    settings = StationFile(
        station="line-1", record=aligned.settings.record, views=views, products=products
    )
    examples = GoodExamples(settings, aligned.folder, aligned.store)
    passed, bad = aligned.part("PASS", BRACKET, GOOD), aligned.part("FAIL", BRACKET, BAD)
    found = examples.of(bad)
    assert found is not None
    assert found.part is not None
    assert (found.kind, found.part.number) == (Kind.UNALIGNED, passed.number)
