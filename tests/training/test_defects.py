"""Bad parts say what would pass and propose a limit by cost; none moves unless that was asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from cameras.simulated import draw_part
from inspection.errors import TrainingError
from inspection.judging.picture_files import judge_files
from inspection.recipe import Recipe, open_recipe, write_recipe
from inspection.recipe.setup_file import Setup
from inspection.training.dataset_folder import good_files
from inspection.training.defects import (
    WITHOUT_KIND,
    DefectReport,
    bad_files,
    propose,
    usable,
    weigh_defects,
)
from inspection.training.fine_weight import chosen_weight
from inspection.training.good_pictures import GoodPictures, read_pictures
from inspection.training.options import Costs, TrainingOptions
from inspection.training.train import teach, train_recipe
from models import PatchMaps
from models.patchcore import PatchCore

SIZE_PX = 64
OPTIONS = TrainingOptions(image_size_px=SIZE_PX, false_reject=0.06)
EVEN = Costs(escape=1.0, overkill=1.0, defect_rate=0.5)


def quiet(what: str, done: int, of: int) -> None:
    """Say nothing."""


def save(path: Path, image: NDArray[Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))


def spots(folder: Path, count: int, *, grey: int = 250) -> Path:
    """Parts with a spot; nobody misses a bright one."""
    for number in range(count):
        image = draw_part(100 + number, size_px=SIZE_PX).image
        save(folder / f"{number}.png", cv2.circle(image, (20, 35), 4, (grey,) * 3, -1))
    return folder


def good_parts(folder: Path, first: int, count: int) -> Path:
    for number in range(first, first + count):
        save(folder / f"{number}.png", draw_part(number, size_px=SIZE_PX).image)
    return folder


@dataclass(frozen=True)
class Taught:
    folder: Path
    pictures: GoodPictures
    recipe: Recipe

    def weigh(self, folder: Path, *, costs: Costs = EVEN, take: bool = False) -> Any:
        bad = usable(bad_files(folder), self.pictures)
        return weigh_defects(bad, self.recipe, costs=costs, take=take, progress=quiet)

    def report(self, folder: Path, **how: Any) -> DefectReport:
        return self.weigh(folder, **how)[1]


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Taught:
    folder = good_parts(tmp_path_factory.mktemp("taught") / "good", 0, 16)
    pictures = read_pictures(good_files(folder), options=OPTIONS, setup=Setup(), progress=quiet)
    recipe, _ = teach(pictures, options=OPTIONS, progress=quiet)
    return Taught(folder, pictures, recipe)


def test_the_limit_lies_where_the_costs_say() -> None:
    good, bad = np.arange(1.0, 11.0), np.array([6.5, 9.5, 20.0, 30.0])
    dear = propose(good, bad, costs=Costs(escape=100, overkill=1, defect_rate=0.5), highest=10.0)
    assert 6.0 < dear.threshold < 6.5
    assert (dear.escapes.count, dear.overkill.count) == (0, 4)
    assert dear.expected_cost == pytest.approx(0.5 * 0.4)
    even = propose(good, bad, costs=EVEN, highest=10.0)
    assert 9.0 < even.threshold < 9.5
    assert (even.escapes.count, even.overkill.count) == (1, 1)
    assert even.expected_cost == pytest.approx(0.5 * 0.25 + 0.5 * 0.1)
    cheap = propose(good, bad, costs=Costs(escape=1, overkill=100, defect_rate=0.5), highest=10.0)
    assert (cheap.threshold, cheap.overkill.count) == (10.0, 0)


def test_no_limit_is_proposed_above_the_promised_one_or_that_stops_most_good_parts() -> None:
    good = np.arange(1.0, 11.0)
    assert propose(good, np.array([50.0, 60.0]), costs=EVEN, highest=9.0).threshold == 9.0
    lowest = propose(good, np.array([1.5, 6.2]), costs=Costs(escape=1e6), highest=9.0)
    assert (lowest.threshold, lowest.overkill.count) == (6.1, 4)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"escape": 0.0}, "escape cost must be more than 0, got 0.0"),
        ({"overkill": -1.0}, "overkill cost must be more than 0, got -1.0"),
        ({"escape": float("nan")}, "escape cost must be more than 0, got nan"),
        ({"defect_rate": 1.0}, "defect rate must be between 0 and 1, got 1.0"),
    ],
)
def test_costs_are_more_than_nothing(fields: dict[str, float], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Costs(**fields)


def test_kinds_are_folders_and_good_ones_are_left_out(tmp_path: Path) -> None:
    spots(tmp_path, 2)
    spots(tmp_path / "spot", 3)
    good_parts(tmp_path / "good", 0, 1)
    bad = bad_files(tmp_path)
    assert [part.kind for part in bad.parts] == [WITHOUT_KIND] * 2 + ["spot"] * 3
    assert bad.left_out == (f"{tmp_path / 'good'}: left out, its pictures are of good parts",)


def test_bad_parts_are_counted_and_the_limit_stays(taught: Taught, tmp_path: Path) -> None:
    folder = spots(tmp_path / "bad" / "spot", 8).parent
    good_parts(folder / "unseen", 200, 4)  # of a kind that cannot be seen
    recipe, report = taught.weigh(folder)
    assert recipe is taught.recipe
    figures = report.as_json()
    assert (figures["n"], figures["per_kind"]["spot"]["escapes"]) == (12, 0)
    assert figures["escapes"] == figures["per_kind"]["unseen"]["escapes"] >= 2
    low, high = figures["escape_ci95"]
    assert low < figures["escape_rate"] == figures["escapes"] / 12 < high
    assert figures["not_failed"] >= figures["escapes"]
    assert figures["image_auroc"] > 0.65
    limits = taught.recipe.settings.calibration
    assert 0 < figures["proposed_threshold"] <= limits.fail_threshold
    assert figures["expected_cost"] <= figures["expected_cost_unmoved"]
    assert figures["taken"] is False
    text = "\n".join(report.lines())
    assert f"{figures['escapes']} of 12 (" in text
    assert "a proposal, not used; --take-proposed-limit would take it" in text
    assert "spot: 0 of 8 (0%, 95 % interval 0% to 37%) pass" in text


def test_the_proposed_limit_is_taken_when_asked(taught: Taught, tmp_path: Path) -> None:
    folder = spots(tmp_path / "bad" / "spot", 6).parent
    spots(folder / "faint", 6, grey=120)
    dear = Costs(escape=50.0, overkill=1.0, defect_rate=0.5)
    recipe, report = taught.weigh(folder, costs=dear, take=True)
    assert report.taken
    before, after = taught.recipe.settings.calibration, recipe.settings.calibration
    assert after.threshold == report.proposal.threshold < before.threshold
    assert report.escapes == report.proposal.escapes
    assert after.fail_threshold == before.fail_threshold
    assert after.false_reject_promised == before.false_reject_promised
    above = int((recipe.scores > after.threshold).sum())
    low, high = after.review_ci95
    assert low <= above / len(recipe.scores) <= high
    assert after.review_estimated != before.review_estimated
    write_recipe(recipe, tmp_path / "a.recipe")
    stored = open_recipe(tmp_path / "a.recipe").settings
    assert stored.calibration == after
    assert stored.training["pass_limit"] == {
        "by": "cost", "n_defects": 12, "escape": 50.0, "overkill": 1.0, "defect_rate": 0.5,
    }  # fmt: skip


def test_bad_parts_that_score_like_good_ones_are_the_first_warning(
    taught: Taught, tmp_path: Path
) -> None:
    folder = good_parts(tmp_path / "bad", 300, 12)
    recipe, report = taught.weigh(folder, take=True)
    assert recipe is taught.recipe
    assert (report.proposal, report.taken) == (None, False)
    assert report.as_json()["proposed_threshold"] is None
    assert str(report.warnings[0]).startswith("the bad parts given score like good ones (AUROC 0.")
    assert "of the 12 bad parts given would pass; try " in str(report.warnings[1])
    assert report.warnings[2] == "no limit was proposed, so --take-proposed-limit changed nothing"


def test_few_bad_parts_and_odd_costs_are_warned_of(taught: Taught, tmp_path: Path) -> None:
    costs = Costs(escape=1.0, overkill=2.0)
    assert [str(each) for each in taught.report(spots(tmp_path, 3), costs=costs).warnings] == [
        "3 bad parts that can be judged are too few to choose a limit by; 10 or more are useful",
        "an escape is said to cost less (1) than an overkill (2): "
        "the proposal lets bad parts pass to spare good ones",
    ]


def test_what_cannot_be_used_is_listed(taught: Taught, tmp_path: Path) -> None:
    folder = spots(tmp_path, 10)
    (folder / "copy.png").write_bytes((folder / "3.png").read_bytes())
    (folder / "text.png").write_text("not a picture", encoding="utf-8")
    save(folder / "large.png", draw_part(0, size_px=96).image)
    report = taught.report(folder)
    assert report.as_json()["n"] == 11
    assert str(report.warnings[0]) == (
        "1 of the 11 bad parts given cannot be judged and count as rejected"
    )
    assert str(report.warnings[1]).startswith("bad part left out, unreadable: ")
    assert str(folder / "text.png") in str(report.warnings[1])
    assert report.warnings[2] == "1 of the bad parts' pictures are copies of others and left out"


def _absent(folder: Path, good: Path) -> None:
    """Leave it absent."""


def _empty(folder: Path, good: Path) -> None:
    (folder / "scratch").mkdir(parents=True)


def _unreadable(folder: Path, good: Path) -> None:
    folder.mkdir()
    (folder / "a.png").write_bytes(b"no picture")


def _good_too(folder: Path, good: Path) -> None:
    spots(folder, 2)
    (folder / "z.png").write_bytes((good / "3.png").read_bytes())


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (_absent, "defects {}: no such folder; give one of pictures of bad parts"),
        (_empty, "defects {}: no pictures of bad parts in it or its folders"),
        (_unreadable, "defects: none of 1 pictures can be used; bad part left out, unreadable: "),
        (_good_too, "defects: {}/z.png is among the good pictures, too, as 3.png; "),
    ],
)
def test_bad_parts_that_cannot_be_are_refused(
    make: Callable[[Path, Path], None], problem: str, taught: Taught, tmp_path: Path
) -> None:
    folder, path = tmp_path / "bad", tmp_path / "a.recipe"
    make(folder, taught.folder)
    options = replace(OPTIONS, defects=folder)
    with pytest.raises(TrainingError) as caught:
        train_recipe(taught.folder, path, options=options, setup=Setup())
    assert str(caught.value).startswith(problem.replace("{}", str(folder)))
    assert "\n" not in str(caught.value)
    assert not path.exists()


def test_the_usual_weight_stays_unless_another_gains_enough() -> None:
    assert chosen_weight({}, 0.5) == 0.5
    assert chosen_weight({0.25: 0.8, 0.5: 0.9, 1.0: 0.915}, 0.5) == 0.5
    assert chosen_weight({0.25: 0.8, 0.5: 0.9, 1.0: 0.92}, 0.5) == 1.0
    assert chosen_weight({0.25: 0.95, 0.5: 0.9, 1.0: 0.92}, 0.5) == 0.25


@pytest.mark.slow
def test_ten_bad_parts_choose_how_much_the_fine_scale_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from inspection.training import fine_weight

    size_px = 256
    for number in range(22):
        image = draw_part(number, size_px=size_px).image
        if number < 10:
            speck = cv2.circle(image.copy(), (80, 140), 2, (250, 250, 250), -1)
            save(tmp_path / "bad" / f"{number}.png", speck)
        else:
            save(tmp_path / "good" / f"{number}.png", image)
    options = TrainingOptions(image_size_px=512, false_reject=0.1)
    files = good_files(tmp_path / "good")
    pictures = read_pictures(files, options=options, setup=Setup(), progress=quiet)
    bad = usable(bad_files(tmp_path / "bad"), pictures)
    monkeypatch.setattr(fine_weight, "LEAST_GAIN", 0.0)
    looked, measure = [], PatchCore.measure

    def looking(self: PatchCore, canvas: NDArray[np.uint8]) -> PatchMaps:
        looked.append(self.name)
        return measure(self, canvas)

    monkeypatch.setattr(PatchCore, "measure", looking)
    recipe, _ = teach(pictures, options=options, bad=bad, progress=quiet)
    assert looked.count("patchcore") == 10 + len(recipe.references)  # each bad part once
    _, report = weigh_defects(bad, recipe, costs=EVEN, take=False, progress=quiet)
    figures = report.as_json()
    aurocs = figures["fine_weight_auroc"]
    assert list(aurocs) == ["0.25", "0.5", "1.0"]
    assert figures["fine_weight"] == recipe.settings.fine_weight
    assert aurocs[str(figures["fine_weight"])] == max(aurocs.values())
    assert figures["image_auroc"] == pytest.approx(max(aurocs.values()), abs=0.02)
    assert f"the fine scale counts {figures['fine_weight']:g} by these parts" in str(report.lines())


def board(number: int, *, specks: int = 0) -> NDArray[np.uint8]:
    """Soft tracks that no two boards have alike, and faint specks."""
    rng = np.random.default_rng(number)
    image = np.full((384, 384), 60, np.uint8)
    for x, y, wide, high in rng.integers(20, 360, (30, 4)):
        cv2.rectangle(image, (x, y), (x + wide // 3, y + high // 6), int(rng.integers(60, 200)), -1)
    image = cv2.GaussianBlur(image, (0, 0), 3)
    for x, y in rng.integers(20, 360, (specks, 2)):
        image[y : y + 2, x : x + 2] += 24
    return np.stack([image] * 3, 2)


@pytest.mark.slow
def test_filters_join_where_ten_bad_parts_are_told_better(tmp_path: Path) -> None:
    for number in range(40):
        save(tmp_path / "good" / f"{number}.png", board(number))
        if number < 10:
            save(tmp_path / "bad" / f"{number}.png", board(100 + number, specks=2))
    options = TrainingOptions(image_size_px=384, false_reject=0.1, defects=tmp_path / "bad")
    path = tmp_path / "a.recipe"
    report = train_recipe(tmp_path / "good", path, options=options, setup=Setup())
    told = report.as_json()["defects"]
    alone, together = told["members_auroc"]["patchcore"], told["image_auroc"]
    assert told["members"] == ["patchcore", "bands_fine"]
    assert alone < 0.8 < 0.95 < together
    assert together == pytest.approx(told["members_auroc"]["patchcore + bands_fine"], abs=0.02)
    assert len(told["members_auroc"]) == 6  # alone, three with one filter, two with two
    assert "bands_fine join patchcore by these parts" in str(report.defects.lines())  # type: ignore[union-attr]
    recipe = open_recipe(path)
    assert recipe.settings.model["members"] == ["patchcore", "bands_fine"]
    scores = [
        found.judgement.score
        for found in judge_files([tmp_path / "good" / "0.png", tmp_path / "bad" / "0.png"], recipe)
    ]
    assert scores[0] < recipe.settings.calibration.threshold < scores[1]  # type: ignore[operator]


def test_no_filter_joins_where_none_gains_enough(taught: Taught, tmp_path: Path) -> None:
    bad = usable(bad_files(spots(tmp_path / "bad", 12)), taught.pictures)
    recipe, _ = teach(taught.pictures, options=OPTIONS, bad=bad, progress=quiet)
    _, report = weigh_defects(bad, recipe, costs=EVEN, take=False, progress=quiet)
    assert report.members == ("patchcore",)
    assert report.members_aurocs["patchcore"] > 0.96
    assert len(report.members_aurocs) == 4
    assert "patchcore stays alone by these parts" in str(report.lines())


def test_a_training_reports_and_takes(taught: Taught, tmp_path: Path) -> None:
    options = replace(
        OPTIONS, defects=spots(tmp_path / "bad", 4), take_proposed_limit=True, costs=EVEN
    )
    path = tmp_path / "a.recipe"
    report = train_recipe(taught.folder, path, options=options, setup=Setup())
    told = report.as_json()
    assert told["defects"]["n"] == 4
    assert told["threshold"] == told["defects"]["proposed_threshold"]
    assert open_recipe(path).settings.calibration.threshold == told["threshold"]
    assert told["warnings"][0].startswith("4 bad parts that can be judged are too few")
