"""Recipes tried on recorded parts that people labelled: a real record, a real trial, what the page is told."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from inspection.jobs import TRY, Job, Jobs
from inspection.labels import part_selection as setup_record
from inspection.labels.labels import read_labels
from inspection.plant.messages import TriggerRequest
from inspection.recipe import Recipe
from inspection.station.station import Station
from inspection.station.station_file import read_station
from inspection.store import PartRecord, open_store
from tests.ui.conftest import having_inspected, station_folder, wait_for
from tests.ui.pages.test_setup import STATION, Asking, trained
from ui.core import trials
from ui.core.context import Context
from ui.live.station_client import StationClient
from ui.pages.setup import result as setup_result
from ui.pages.setup import training_actions
from ui.pages.setup.draft import SetupDraft
from ui.pages.setup.result_step import score_histogram
from ui.words import Words

PARTS = 12
TRAINING = "20260301-120000-000000"
Tried = Callable[[Job], dict[str, Any]]


@pytest.fixture(scope="module")
def folder(line: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return station_folder(tmp_path_factory.mktemp("tried"), line, STATION)


@pytest.fixture(scope="module")
def station(folder: Path) -> Iterator[Station]:
    requests = [TriggerRequest(source="test") for _ in range(PARTS)]
    with having_inspected(folder, requests) as at_work:
        yield at_work


@pytest.fixture(scope="module")
def ask(
    station: Station, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Asking]:
    settings = read_station(folder / "station.toml")
    with open_store(folder / "parts.db", read_only=True) as store:
        given: dict[str, Any] = dict.fromkeys(Context.__dataclass_fields__)
        given |= {"settings": settings, "store": store, "words": Words()}
        given |= {
            "runtime": StationClient(settings.page_folder),
            "station_path": folder / "station.toml",
        }
        made = Asking(Context(**given), tmp_path_factory.mktemp("inbox"))
        with made.client as client:
            yield made
            assert client.portal is not None
            client.portal.call(given["runtime"].close)


@pytest.fixture(scope="module")
def parts(ask: Asking) -> list[PartRecord]:
    """All parts of the record, newest first."""
    return ask.context.store.parts(limit=PARTS + 1)


@pytest.fixture(scope="module")
def passed(parts: list[PartRecord]) -> list[PartRecord]:
    return [part for part in parts if part.verdict == "PASS"]


@pytest.fixture(scope="module")
def rejected(parts: list[PartRecord]) -> list[PartRecord]:
    return [part for part in parts if part.verdict != "PASS"]


@pytest.fixture(scope="module")
def good(ask: Asking, line: Any, passed: list[PartRecord]) -> Path:
    """The good pictures of the training: drawn ones, and that of the oldest part that passed."""
    made = ask.context.folder / "jobs" / TRAINING / "good"
    made.mkdir(parents=True)
    for number in range(6):
        shutil.copy(line.dataset / "train" / "good" / f"{number:04d}.png", made)
    learnt = ask.context.store.image_path(passed[-1])
    assert learnt is not None
    shutil.copy(learnt, made / "0 part.png")
    return made


def trial(ask: Asking, recipe: Recipe, threshold: float) -> Job:
    """Try the shared recipe with another limit, in a process of its own as the page does."""
    calibration = replace(
        recipe.settings.calibration, threshold=threshold, fail_threshold=threshold
    )
    trained(ask, recipe, calibration=calibration)
    job_id = ask.did("/try", job=TRAINING).id
    jobs = Jobs(ask.context.folder / "jobs")
    wait_for(lambda: jobs.running() is None, 120)
    done = jobs.find(job_id)
    assert done is not None
    assert (done.state, done.error) == ("done", None)
    return done


@pytest.fixture(scope="module")
def lax(ask: Asking, recipe: Recipe, good: Path) -> Job:
    """A trial of a recipe that lets every part pass."""
    return trial(ask, recipe, 1e6)


@pytest.fixture(scope="module")
def strict(ask: Asking, recipe: Recipe, good: Path, passed: list[PartRecord]) -> Job:
    """A trial of a recipe that lets no part pass."""
    return trial(ask, recipe, 0.5 * min(part.score or 0 for part in passed))


@pytest.fixture
def say(station: Station) -> Iterator[Callable[..., None]]:
    """Label parts; what was said is taken back afterwards."""
    labelled: set[tuple[str, str]] = set()

    def label(part: PartRecord, said: str, who: str = "jo", **detail: Any) -> None:
        station.store.add_event(part.part_id, "label", who, detail={"label": said, **detail})
        labelled.add((part.part_id, who))

    yield label
    for part_id, who in labelled:
        station.store.add_event(part_id, "label", who, detail={"label": None})


@pytest.fixture
def told(ask: Asking) -> Tried:
    """Give what the page is told of a trial."""
    return lambda job: setup_result.trial_message(job, read_labels(ask.context.store))


def share(count: int, of: int, low: float, high: float) -> dict[str, Any]:
    return {"count": count, "of": of, "ci95": pytest.approx((low, high), abs=5e-5)}


NONE = {"count": 0, "of": 0, "ci95": None}


def test_ng_parts_that_would_pass_are_counted_and_listed_first(
    told: Tried, lax: Job, say: Any, passed: list[PartRecord], rejected: list[PartRecord]
) -> None:
    assert len(passed) > 3 and len(rejected) > 1
    say(passed[0], "NG")
    say(rejected[-1], "NG", defect="scratch")
    found = told(lax)
    assert found["labelled"]["recipe"]["escapes"] == share(2, 2, 0.1581, 1)
    assert found["labelled"]["line"]["escapes"] == share(1, 2, 0.0126, 0.9874)
    escapes = sorted((passed[0], rejected[-1]), key=lambda part: -part.number)
    others = [part for part in rejected if part is not rejected[-1]]
    listed = [row["part_id"] for row in found["listed"]]
    assert listed == [part.part_id for part in (*escapes, *others)]
    assert [row["escape"] for row in found["listed"]] == [True, True] + [False] * len(others)
    assert [row["part_id"] for row in found["flips"]] == [part.part_id for part in rejected]
    row = next(row for row in found["listed"] if row["part_id"] == rejected[-1].part_id)
    assert (row["label"], row["defect"], row["verdict"]) == ("NG", "scratch", "PASS")
    assert (row["before"], row["serial"]) == (rejected[-1].verdict, rejected[-1].serial)


def test_ng_parts_that_would_be_rejected_are_no_escapes(
    told: Tried, strict: Job, say: Any, passed: list[PartRecord]
) -> None:
    say(passed[0], "NG")
    found = told(strict)
    assert found["labelled"]["recipe"]["escapes"] == share(0, 1, 0, 0.975)
    assert found["labelled"]["line"]["escapes"] == share(1, 1, 0.025, 1)
    assert [row["escape"] for row in found["listed"]] == [False] * len(passed)


def test_ok_parts_that_would_be_rejected_are_counted(
    told: Tried, strict: Job, say: Any, passed: list[PartRecord], rejected: list[PartRecord]
) -> None:
    for part in (passed[0], passed[1], rejected[0]):
        say(part, "OK")
    found = told(strict)["labelled"]
    assert found["recipe"] == {"escapes": NONE, "overkill": share(3, 3, 0.2924, 1)}
    assert found["line"] == {"escapes": NONE, "overkill": share(1, 3, 0.0084, 0.9057)}


def test_disputed_and_doubted_parts_count_in_neither(
    told: Tried, lax: Job, say: Any, station: Station, passed: list[PartRecord]
) -> None:
    disputed, doubted = passed[1], passed[2]
    say(disputed, "NG")
    say(disputed, "OK", "mia")
    say(doubted, "NG")
    station.store.add_event(doubted.part_id, "disagree", "oli", detail={"comment": "it is good"})
    found = told(lax)["labelled"]
    assert (found["recipe"], found["line"]) == ({"escapes": NONE, "overkill": NONE},) * 2
    assert (found["unsettled"], found["learnt"]) == (2, 0)
    say(disputed, "NG", "ada", decides=True)
    say(doubted, "OK")
    found = told(lax)["labelled"]
    assert found["recipe"] == {
        "escapes": share(1, 1, 0.025, 1),
        "overkill": share(0, 1, 0, 0.975),
    }
    assert found["unsettled"] == 0


def test_who_differ_about_the_type_only_agree_on_ng(
    told: Tried, lax: Job, say: Any, passed: list[PartRecord]
) -> None:
    say(passed[0], "NG", defect="scratch")
    say(passed[0], "NG", "mia", defect="dent")
    found = told(lax)
    assert found["labelled"]["recipe"]["escapes"]["count"] == 1
    assert (found["listed"][0]["part_id"], found["listed"][0]["defect"]) == (
        passed[0].part_id,
        None,
    )


def test_ok_parts_the_recipe_was_learnt_from_say_nothing_of_others(
    told: Tried, strict: Job, say: Any, passed: list[PartRecord]
) -> None:
    say(passed[-1], "OK")
    found = told(strict)["labelled"]
    assert (found["learnt"], found["recipe"]["overkill"]) == (1, NONE)
    say(passed[-1], "NG")
    found = told(strict)["labelled"]
    assert (found["learnt"], found["recipe"]["escapes"]["of"]) == (0, 1)


def test_nobody_labelled_is_told_over_the_page(ask: Asking, lax: Job) -> None:
    nothing = {"escapes": NONE, "overkill": NONE}
    found = ask.tried()
    assert len(found["parts"]) == PARTS
    assert found["labelled"] == {
        "recipe": nothing, "line": nothing, "unsettled": 0, "learnt": 0,
    }  # fmt: skip


def test_earlier_parts_labelled_ng_are_tried_too(
    ask: Asking, say: Any, parts: list[PartRecord], good: Path, recipe: Recipe,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    for number in (1, 6, 9, 8):
        say(parts[number], "NG")
    say(parts[7], "OK")
    say(parts[5], "NG")
    say(parts[5], "OK", "mia")

    def chosen(product: str = "flange", station: str = "line-1", earlier_ng: int = 9) -> list[int]:
        found = setup_record.to_try(
            ask.context.store, station=station, product=product, newest=3, earlier_ng=earlier_ng
        )
        assert all(picture.is_file() for _, picture in found)
        return [PARTS - record.number for record, _ in found]

    assert chosen() == [0, 1, 2, 6, 8, 9]
    assert chosen(earlier_ng=2) == [0, 1, 2, 6, 8]
    assert chosen(product="nut") == chosen(station="line-2") == []

    asked: list[Any] = []

    def start(self: Jobs, kind: str, *, about: Any, **_: Any) -> Job:
        asked.append((kind, list(about["before"])))
        return self.newest_first()[-1]

    trained(ask, recipe)
    monkeypatch.setattr(Jobs, "start", start)
    monkeypatch.setattr(trials, "TRY_ON", 3)
    ask.did("/try", job=TRAINING)
    assert asked == [(TRY, [parts[number].part_id for number in (0, 1, 2, 6, 8, 9)])]


def test_tried_parts_labelled_ng_stand_in_the_histogram(
    ask: Asking, told: Tried, strict: Job, say: Any, rejected: list[PartRecord]
) -> None:
    me = ask.asked.me
    result = {"scores": [0.1, 0.2, 0.3], "threshold": 0.5, "fail_threshold": 0.6}
    before = score_histogram(me, result, told(strict))
    for part in rejected:
        say(part, "NG")
    found = told(strict)
    scores = {row["part_id"]: row["score"] for row in found["parts"]}
    assert rejected
    assert sorted(found["ng_scores"]) == sorted(scores[part.part_id] for part in rejected)
    name = me.say("report.label_NG")
    drawn = score_histogram(me, result, found)
    assert [name in each.to_json(ensure_ascii=False) for each in (before, drawn)] == [False, True]
    assert name not in score_histogram(me, result, None).to_json(ensure_ascii=False)


def test_a_training_ends_a_trial_of_its_product_that_runs(
    ask: Asking, recipe: Recipe, good: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained(ask, recipe)
    job_id = ask.did("/try", job=TRAINING).id
    jobs, draft = ask.context.jobs, SetupDraft(ask.context.folder, "flange", "main")
    trial = jobs.find(job_id)
    assert trial is not None
    assert training_actions.tries(trial, draft)
    assert not training_actions.tries(trial, SetupDraft(ask.context.folder, "nut", "main"))
    seen: list[str | None] = []

    def start(jobs: Jobs, *_: Any, **__: Any) -> Job:
        seen.append(None if (running := jobs.running()) is None else running.id)
        return trial

    monkeypatch.setattr(training_actions, "start_training", start)
    monkeypatch.setattr(training_actions, "planned_training", lambda draft, options: {})
    ask.did("/train", options={})
    ended = jobs.find(job_id)
    assert ended is not None
    assert (seen, ended.running, ended.state) == ([None], False, "cancelled")
