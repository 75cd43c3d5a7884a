"""Where the fault is, how large, in which zone, and what the rules make of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from inspection.errors import SetupError
from inspection.judgement import Region, Verdict, core_mask
from inspection.judging.judge import inspect
from inspection.judging.overlay import heat_over
from inspection.judging.regions import find_regions
from inspection.recipe import Recipe, open_recipe
from inspection.recipe.framing import CanvasLayout
from inspection.recipe.geometry import Canvas
from inspection.recipe.setup_file import Alignment, Setup, Zone, read_setup, setup_from
from inspection.training.options import TrainingOptions
from inspection.training.train import train_recipe
from models import AnomalyMap

SPOT = (64, 100)
AROUND = ((34, 70), (94, 70), (94, 130), (34, 130))
ELSEWHERE = ((150, 150), (200, 150), (200, 200), (150, 200))
ANYWHERE = Setup()
PLACE = Canvas(height_px=128, width_px=256).place(256, 512)


def hot(*boxes: tuple[int, int, int, int], value: float = 9.0) -> NDArray[np.float32]:
    """Give a 16 x 32 map of 1, with boxes (row, column, height, width) of `value`."""
    values = np.ones((16, 32), np.float32)
    for row, column, height, width in boxes:
        values[row : row + height, column : column + width] = value
    return values


def regions_of(
    values: NDArray[np.float32], setup: Setup = ANYWHERE, threshold: float = 5.0
) -> tuple[Region, ...]:
    found = AnomalyMap(values, score=float(values.max()), offset=0.0, neighbourhood=values.copy())
    view = CanvasLayout(PLACE, np.ones((128, 256), dtype=bool))
    return find_regions(found, view, setup, threshold=threshold)


def test_size_and_place_are_in_pixels_of_the_picture() -> None:
    (region,) = regions_of(hot((4, 10, 4, 6)))
    patch_px = 16  # canvas patches of 8 px, the picture twice as large
    assert region.x_px == pytest.approx(10 * patch_px, abs=patch_px / 2)
    assert region.y_px == pytest.approx(4 * patch_px, abs=patch_px / 2)
    assert region.width_px == pytest.approx(6 * patch_px, abs=patch_px)
    assert region.height_px == pytest.approx(4 * patch_px, abs=patch_px)
    assert region.area_px == pytest.approx(24 * patch_px**2, rel=0.15)
    assert region.area_px <= region.width_px * region.height_px
    assert region.area_mm2 is None
    assert region.peak_score == pytest.approx(9.0, rel=1e-3)
    assert (region.zone, region.accepted) == (None, False)


def test_square_millimetres_follow_the_scale() -> None:
    (region,) = regions_of(hot((4, 10, 4, 6)), Setup(scale_mm_per_px=0.5))
    assert region.area_mm2 == pytest.approx(region.area_px * 0.25, rel=1e-12)


def test_places_apart_are_given_worst_first() -> None:
    values = np.maximum(hot((1, 1, 3, 3), value=7), hot((10, 20, 3, 3), value=8))
    first, second = regions_of(values)
    assert first.peak_score > second.peak_score > 5
    assert (first.x_px > second.x_px, first.y_px > second.y_px) == (True, True)


def test_the_worst_place_is_given_however_small_or_near_the_limit() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        noise = rng.random((16, 32), dtype=np.float32)
        row, column = (int(rng.integers(n)) for n in noise.shape)
        x, y = 16 * (column + 0.5), 16 * (row + 0.5)
        for values in (3 * noise, 5 * noise):
            values[row, column] = 5.0 + 1e-4
            regions = regions_of(values)
            assert len(regions) == 1
            assert regions[0].x_px <= x <= regions[0].x_px + regions[0].width_px
            assert regions[0].y_px <= y <= regions[0].y_px + regions[0].height_px
        quiet = 3 * noise
        quiet[row, column] = 5.0 + 1e-4
        (region,) = regions_of(quiet)
        assert abs(region.x_px + region.width_px / 2 - x) < 16
        assert abs(region.y_px + region.height_px / 2 - y) < 16


@pytest.mark.parametrize("box", [(0, 0, 2, 2), (14, 30, 2, 2), (0, 0, 16, 32)])
def test_a_region_at_the_border_stays_in_the_picture(box: tuple[int, int, int, int]) -> None:
    (region,) = regions_of(hot(box))
    assert region.x_px >= 0
    assert region.y_px >= 0
    assert region.x_px + region.width_px <= 512
    assert region.y_px + region.height_px <= 256


def blob(row: float, column: float, *, radius: float, value: float = 9.0) -> NDArray[np.float32]:
    """A 16 x 32 map with the heat of a disc: 1 far from it, `value` on it, falling off over a patch."""
    y, x = np.mgrid[:16, :32] + 0.5
    away = np.maximum(np.hypot(y - row, x - column) - radius, 0)
    return np.asarray(1 + (value - 1) * np.exp(-(away**2)), np.float32)


@pytest.mark.parametrize("radius", [2.0, 3.0, 4.0, 5.0])
@pytest.mark.parametrize("value", [6.0, 9.0, 50.0])
@pytest.mark.parametrize("place", [(8.0, 12.0), (7.3, 20.6), (2.0, 3.0)])
def test_one_disc_gives_one_region_of_about_its_area(
    radius: float, value: float, place: tuple[float, float]
) -> None:
    (region,) = regions_of(blob(*place, radius=radius, value=value))
    y, x = np.mgrid[:256, :512] + 0.5
    disc = np.hypot(y - 16 * place[0], x - 16 * place[1]) <= 16 * radius
    assert 0.5 <= region.area_px / disc.sum() <= 2
    core = core_mask([region], disc.shape)
    assert (core & disc).sum() > 0.7 * disc.sum()
    assert 0.5 <= core.sum() / disc.sum() <= 2
    assert region.x_px <= 16 * place[1] <= region.x_px + region.width_px
    assert region.y_px <= 16 * place[0] <= region.y_px + region.height_px


def test_a_strong_defect_far_above_the_limit_is_no_larger_for_it() -> None:
    """The outline of a core follows the peak: what is a halo beside it is none of it."""
    areas = [regions_of(blob(8, 12, radius=2, value=v))[0].area_px for v in (6.0, 20.0, 1000.0)]
    assert areas == pytest.approx([areas[0]] * 3, rel=0.05)


def test_the_halo_of_a_strong_defect_is_no_second_region() -> None:
    values = blob(8, 12, radius=2, value=100.0)
    values[7:9, 15:18] = 40.0  # far above the limit of 5, yet below half of the peak
    rows = regions_of(values)
    assert len(rows) == 1
    assert rows[0].peak_score == pytest.approx(100.0)


def test_two_places_above_the_limit_within_one_core_are_one_region() -> None:
    values = np.maximum(blob(8, 10, radius=1.5), blob(8, 15, radius=1.5, value=8.5))
    values[:, 12] = np.minimum(values[:, 12], 4.9)  # between them nothing is above the limit of 5
    values[8, 12] = 4.9
    fine = np.maximum(values, 0)
    found = AnomalyMap(
        np.maximum(fine, np.where(blob(8, 12.5, radius=4) > 7, 8.0, 1.0)).astype(np.float32),
        score=float(values.max()),
        neighbourhood=values.copy(),
    )
    view = CanvasLayout(PLACE, np.ones((128, 256), dtype=bool))
    (region,) = find_regions(found, view, ANYWHERE, threshold=5.0)
    assert region.peak_score == pytest.approx(float(values.max()))


def test_nothing_outside_what_is_inspected_is_in_a_region() -> None:
    valid = np.zeros((128, 256), dtype=bool)
    valid[:, :100] = True  # 12.5 patches across
    values = blob(8, 13, radius=3)  # the hottest point lies outside
    found = AnomalyMap(values, score=9.0, neighbourhood=np.where(np.arange(32) < 12, values, 0))
    (region,) = find_regions(found, CanvasLayout(PLACE, valid), ANYWHERE, threshold=5.0)
    assert region.x_px + region.width_px <= 200
    core = core_mask([region], (256, 512))
    assert core.any()
    assert not core[:, 202:].any()
    assert region.area_px <= 3 * 32 * 16 * 6


def test_what_is_not_inspected_is_no_place_at_fault_where_all_is_below_the_usual() -> None:
    """Deviations of good parts are negative; patches that are not inspected hold 0."""
    values = np.zeros((16, 32), dtype=np.float32)
    values[:, :12] = -3.0
    values[10, 5] = -1.0
    valid = np.zeros((128, 256), dtype=bool)
    valid[:, :96] = True
    score_map = AnomalyMap(values, score=-1.0, neighbourhood=values.copy())
    (region,) = find_regions(score_map, CanvasLayout(PLACE, valid), ANYWHERE, threshold=-1.5)
    assert 64 <= region.x_px <= region.x_px + region.width_px <= 112  # around its patch, 80 to 96
    assert region.peak_score == -1.0


def test_an_outline_is_closed_around_its_core_and_moves_with_the_part() -> None:
    (region,) = regions_of(blob(8, 12, radius=3))
    corners = np.array(region.outline)
    assert len(corners) >= 8
    assert corners[:, 0].min() >= region.x_px - 1
    assert corners[:, 0].max() <= region.x_px + region.width_px + 1
    assert corners.mean(0) == pytest.approx([12 * 16, 8 * 16], abs=8)
    bare = Region(
        x_px=3, y_px=4, width_px=5, height_px=6, area_px=30.0, area_mm2=None, peak_score=1.0
    )
    assert list(bare.corners) == [(3, 4), (8, 4), (8, 10), (3, 10)]
    accepted = replace(bare, accepted=True)
    assert core_mask([bare], (20, 20)).sum() > 0
    assert core_mask([accepted], (20, 20)).sum() == 0


def test_the_regions_of_a_finer_map_are_in_the_same_pixels() -> None:
    coarse, fine = blob(8, 12, radius=3), cv2.resize(blob(8, 12, radius=3), (64, 32))
    rows = [
        find_regions(
            AnomalyMap(values, score=9.0, neighbourhood=coarse.copy()),
            CanvasLayout(PLACE, np.ones((128, 256), dtype=bool)),
            ANYWHERE,
            threshold=5.0,
        )
        for values in (coarse.copy(), fine)
    ]
    (one,), (other,) = rows
    assert other.area_px == pytest.approx(one.area_px, rel=0.1)
    assert (other.x_px, other.y_px) == (
        pytest.approx(one.x_px, abs=8),
        pytest.approx(one.y_px, abs=8),
    )


@pytest.fixture(scope="module")
def two_scales(line: Any, tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    """A recipe of the shared line that looks at two scales."""
    path = tmp_path_factory.mktemp("two") / "two.recipe"
    options = TrainingOptions(image_size_px=512, false_reject=0.1)
    report = train_recipe(line.dataset, path, options=options, setup=Setup())
    assert report.parity <= 1e-3
    recipe = open_recipe(path)
    assert recipe.settings.model["shrinks"] == [2, 1]
    return recipe


@pytest.mark.slow
def test_of_a_part_with_one_defect_one_core_of_about_its_area_is_told(
    line: Any, frame_of: Any, spotted: Any, two_scales: Recipe
) -> None:
    good = line.good(_passing(line, two_scales, frame_of))
    ratios = []
    for x, y in ((64, 100), (190, 80), (150, 60), (120, 200), (90, 180)):
        found = inspect(frame_of(spotted(good, x, y, radius_px=30)), two_scales)
        assert found.verdict is Verdict.FAIL
        (region,) = found.regions
        disc = cv2.circle(np.zeros(good.shape[:2], np.uint8), (x, y), 30, 1, -1) > 0
        assert (core_mask(found.regions, good.shape) & disc).any()
        assert found.score == pytest.approx(region.peak_score)
        ratios.append(region.area_px / disc.sum())
    assert 0.5 <= np.median(ratios) <= 2


def test_a_weaker_place_whose_core_reaches_a_worse_one_is_judged_by_its_own_zone() -> None:
    values = np.maximum(hot((6, 4, 3, 3), value=20), hot((6, 14, 3, 3), value=8))
    values[7, 7:14] = 4.9  # what joins them is below the limit of 5, yet hotter than half of 8
    allowing = Zone(name="left", polygon=((0, 0), (200, 0), (200, 256), (0, 256)), max_area_px=1e5)
    worse, weaker = regions_of(values, Setup(zones=(allowing,)))
    assert (worse.zone, worse.accepted, weaker.zone, weaker.accepted) == ("left", True, None, False)
    assert weaker.peak_score == pytest.approx(8.0)
    assert weaker.x_px > worse.x_px + worse.width_px


def test_zones_name_and_allow() -> None:
    left = ((0, 0), (256, 0), (256, 256), (0, 256))
    right = ((256, 0), (512, 0), (512, 256), (256, 256))
    two = hot((2, 4, 2, 2), (10, 4, 2, 2), (5, 24, 2, 2))

    def accepted(**rules: Any) -> dict[str, list[bool]]:
        zones = (Zone(name="left", polygon=left, **rules), Zone(name="right", polygon=right))
        found: dict[str, list[bool]] = {"left": [], "right": []}
        for region in regions_of(two, Setup(zones=zones, scale_mm_per_px=0.1)):
            found[region.zone or ""].append(region.accepted)
        return found

    refused = {"left": [False, False], "right": [False]}
    allowed = {"left": [True, True], "right": [False]}
    assert accepted() == refused
    assert accepted(max_area_px=3000) == allowed
    assert accepted(max_area_px=100) == refused
    assert accepted(max_area_mm2=30) == allowed
    assert accepted(max_area_mm2=1) == refused
    assert accepted(max_area_px=3000, max_count=2) == allowed
    assert accepted(max_area_px=3000, max_count=1) == refused
    assert accepted(max_area_px=3000, max_area_mm2=1) == refused
    peaks = {region.zone: region.peak_score for region in regions_of(two, Setup(zones=()))}
    assert set(peaks.values()) == {9.0}, peaks
    assert accepted(max_peak_percent=181) == allowed
    assert accepted(max_peak_percent=179) == refused
    assert accepted(max_peak_percent=181, max_count=1) == refused
    assert accepted(max_peak_percent=181, max_area_px=100) == refused


def test_a_spot_is_found_where_it_is(line: Any, recipe: Any, frame_of: Any, spotted: Any) -> None:
    found = inspect(frame_of(spotted(line.good(), *SPOT)), recipe)
    assert found.verdict is Verdict.FAIL
    assert found.score > recipe.settings.calibration.fail_threshold
    assert found.p_value == pytest.approx(1 / 41)
    worst = found.regions[0]
    assert worst.x_px <= SPOT[0] <= worst.x_px + worst.width_px
    assert worst.y_px <= SPOT[1] <= worst.y_px + worst.height_px
    assert worst.area_mm2 == pytest.approx(worst.area_px * 0.25**2)
    assert f"score {worst.peak_score:.3g}" in found.reason


def test_an_ignored_place_is_not_judged(
    line: Any, frame_of: Any, spotted: Any, with_setup: Any, recipe: Any
) -> None:
    good = line.good(_passing(line, recipe, frame_of))
    frame = frame_of(spotted(good, *SPOT))
    wide = ((10, 46), (118, 46), (118, 154), (10, 154))
    seen = inspect(frame, with_setup(ignore=(ELSEWHERE,)))
    assert seen.verdict is Verdict.FAIL
    masked = inspect(frame, with_setup(ignore=(wide,)))
    assert masked.verdict is not Verdict.FAIL
    assert masked.score < seen.score
    for region in masked.regions:
        x, y = region.x_px + region.width_px / 2, region.y_px + region.height_px / 2
        assert not (10 < x < 118 and 46 < y < 154)


@pytest.mark.parametrize("align", [None, Alignment()])
def test_only_the_region_of_interest_is_judged_and_it_fills_the_canvas(
    line: Any, frame_of: Any, spotted: Any, recipe: Any, tmp_path: Path, align: Alignment | None
) -> None:
    good = line.good(_passing(line, recipe, frame_of))
    frame = frame_of(spotted(good, *SPOT, radius_px=6))

    def taught(polygon: Any) -> Recipe:
        setup = Setup(roi=(polygon,), align=align)
        options = TrainingOptions(image_size_px=128, false_reject=0.05)
        train_recipe(line.dataset, tmp_path / "roi.recipe", options=options, setup=setup)
        return open_recipe(tmp_path / "roi.recipe")

    around = taught(AROUND)
    assert around.framing.view(good.shape[:2]).placement.scale[0] > 1.8  # 68 of 256 px on 128
    found = inspect(frame, around)
    assert found.verdict is Verdict.FAIL
    worst = found.regions[0]
    assert worst.x_px < SPOT[0] < worst.x_px + worst.width_px
    assert worst.y_px < SPOT[1] < worst.y_px + worst.height_px
    assert found.anomaly_map is not None
    heat = around.framing.to_picture(frame.image.shape, *found.anomaly_map.shown, pose=found.pose)
    assert heat.shape == good.shape[:2]
    assert (heat[180:] == 0).all()
    inside = np.zeros(good.shape[:2], np.uint8)
    cv2.fillPoly(inside, [np.array(AROUND, np.int32)], 1)
    beside = cv2.dilate(inside, np.ones((9, 9), np.uint8)) == 0  # a patch is 8 px here
    assert not core_mask(found.regions, good.shape)[beside].any()
    colours = heat_over(frame.image, found, around)
    assert not colours[beside][:, 3].any()
    row, column = np.unravel_index(int(colours[..., 3].argmax()), heat.shape)
    assert (column, row) == (pytest.approx(SPOT[0], abs=10), pytest.approx(SPOT[1], abs=10))
    assert inspect(frame, taught(ELSEWHERE)).verdict is Verdict.PASS


def test_the_model_sees_what_is_inspected_and_a_margin() -> None:
    setup = Setup(roi=(AROUND, ELSEWHERE), ignore=(ELSEWHERE,), reference_size_px=(256, 256))
    window = setup.window((512, 512))  # twice the picture the polygons were drawn on
    margin = round(121 / 16)
    assert (window.left_px, window.top_px) == (68 - margin, 140 - margin)
    assert window.size_px == (121 + 2 * margin, 121 + 2 * margin)
    corner = Setup(roi=(((0, 0), (80, 0), (80, 40), (0, 40)),)).window((256, 256))
    assert (corner.top_px, corner.left_px, *corner.size_px) == (0, 0, 46, 86)
    assert Setup(ignore=(AROUND,)).window((256, 200)).size_px == (256, 200)


def test_an_empty_region_of_interest_cannot_be_inspected(
    line: Any, frame_of: Any, with_setup: Any
) -> None:
    outside = ((900, 900), (950, 900), (950, 950))
    found = inspect(frame_of(line.good()), with_setup(roi=(outside,)))
    assert found.verdict is Verdict.CANNOT_INSPECT
    assert "region of interest is empty" in found.reason


def test_a_zone_that_allows_it_passes_the_part(
    line: Any, frame_of: Any, spotted: Any, with_setup: Any, recipe: Any
) -> None:
    frame = frame_of(spotted(line.good(_passing(line, recipe, frame_of)), *SPOT))

    def judged(**rules: Any) -> Any:
        return inspect(frame, with_setup(zones=(Zone(name="rim", polygon=whole, **rules),)))

    whole = ((0, 0), (256, 0), (256, 256), (0, 256))
    lax = judged(max_area_px=65_536)
    assert lax.verdict is Verdict.PASS
    assert lax.reason.endswith(" within what the zone allows")
    assert {(region.zone, region.accepted) for region in lax.regions} == {("rim", True)}
    for rules in ({}, {"max_area_px": 10}, {"max_area_mm2": 0.5}):
        strict = judged(**rules)
        assert strict.verdict is Verdict.FAIL
        assert "in zone rim" in strict.reason
        assert not strict.regions[0].accepted


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("scale_mm = 1", "scale_mm: unknown key"),
        ("scale_mm_per_px = 0", "scale_mm_per_px: "),
        ("scale_mm_per_px = -1", "scale_mm_per_px: "),
        ("roi = [[[0, 0], [1, 1]]]", "roi.0: "),
        ("zones = [{name = 'a'}]", "zones.0.polygon: "),
        ("scale_mm_per_px = 'a\\nb'", "scale_mm_per_px: "),
        ("x = ", "not readable as TOML"),
        (
            "zones = [{name = 'a', polygon = [[0,0],[1,0],[1,1]], max_area_mm2 = 1}]",
            "max_area_mm2 needs scale_mm_per_px",
        ),
        (
            "zones = [{name = 'a', polygon = [[0,0],[1,0],[1,1]], max_count = 1}]",
            "max_count needs max_area_px, max_area_mm2 or max_peak_percent beside it",
        ),
    ],
)
def test_a_wrong_set_up_is_told_in_one_line(text: str, expected: str, tmp_path: Any) -> None:
    path = tmp_path / "setup.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SetupError) as caught:
        read_setup(path)
    message = str(caught.value)
    assert message.startswith(f"set-up {path}: ")
    assert expected in message
    assert "\n" not in message


def test_zones_with_one_name_are_refused() -> None:
    zone = {"name": "rim", "polygon": [[0, 0], [1, 0], [1, 1]]}
    with pytest.raises(SetupError, match="each needs a name of its own"):
        setup_from({"zones": [zone, zone]}, where="set-up")


def _passing(line: Any, recipe: Any, frame_of: Any) -> int:
    """Give the number of a good test picture that passes."""
    verdicts = [inspect(frame_of(line.good(n)), recipe).verdict for n in range(12)]
    return verdicts.index(Verdict.PASS)
