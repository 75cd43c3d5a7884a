"""The gallery: its filters and orders over a real record, and labels of many parts in a real browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inspection.judgement import Verdict
from inspection.labels.labels import Truth, read_labels
from inspection.labels.part_selection import labelled_ng, latest, to_try
from inspection.store import Store, open_store, open_to_read
from inspection.store.event_kinds import EventKind
from inspection.store.filters import ALL_PARTS, PartFilter
from tests.reports.recorded import recorded
from ui.pages.gallery import dataset
from ui.pages.gallery.dataset import CHOSEN_RGB, Entry, entries, large, page_of, pages_of, thumbnail
from ui.words import Words

PATH = "/engineer/gallery"
PARTS = 24


@pytest.fixture(scope="module")
def folder(line: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recorded(tmp_path_factory.mktemp("gallery"), line).parent


@pytest.fixture
def store(folder: Path) -> Iterator[Store]:
    with open_to_read(str(folder / "parts.db")) as opened:
        yield opened


def of(store: Store, asked: PartFilter = ALL_PARTS, **more: Any) -> list[Entry]:
    return entries(store, asked, read_labels(store).parts, **more)


def test_parts_stand_in_the_order_asked_for(store: Store) -> None:
    scores = [each.score or 0.0 for each in of(store)]
    assert scores == sorted(scores, reverse=True)
    assert [each.score for each in of(store, sort="score_up")] == scores[::-1]
    assert [each.number for each in of(store, sort="newest")] == list(range(PARTS, 0, -1))
    assert [each.number for each in of(store, sort="oldest")] == list(range(1, PARTS + 1))


def test_parts_are_filtered_by_verdict_label_type_and_lot(store: Store) -> None:
    truths = {part_id: part.truth for part_id, part in read_labels(store).parts.items()}
    every = of(store)
    assert len(of(store, verdicts=["PASS"])) == sum(each.verdict is Verdict.PASS for each in every)
    assert len(of(store, verdicts=["PASS", "FAIL"])) == PARTS
    for label, truth in (("good", Truth.OK), ("bad", Truth.NG), ("differ", Truth.DISPUTED)):
        found = {each.part_id for each in of(store, label=label)}
        assert found == {part_id for part_id, said in truths.items() if said is truth}, label
        assert found
    assert {each.part_id for each in of(store, label="none")} == {
        each.part_id for each in every if each.part_id not in truths
    }
    stains = of(store, label="bad", defect="stain")
    assert stains
    assert {each.defect for each in stains} == {"stain"}
    assert len(of(store, PartFilter(lot="L<1>"))) == PARTS * 2 // 3


def test_what_contradicts_its_verdict_is_odd(store: Store) -> None:
    odd = {each.part_id for each in of(store, label="odd")}
    truths = read_labels(store).parts
    assert odd == {
        part.part_id
        for part in store.parts(limit=100)
        if part.part_id in truths
        and (part.verdict is Verdict.PASS, truths[part.part_id].truth)
        in ((True, Truth.NG), (False, Truth.OK))
    }


def test_pages(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset, "PAGE", 10)
    found = of(store)
    assert pages_of(found) == 3
    assert [len(page_of(found, page)) for page in (1, 2, 3, 9, 0)] == [10, 10, 4, 4, 10]
    assert page_of(found, 2)[0] is found[10]
    assert (pages_of([]), list(page_of([], 1))) == (1, [])


def test_the_chosen_have_a_frame_and_the_large_one_its_places(store: Store) -> None:
    entry = of(store)[0]
    plain, chosen = (thumbnail(store, entry, chosen=each) for each in (False, True))
    assert plain.shape == chosen.shape == (dataset.SIDE_PX, dataset.SIDE_PX, 3)
    assert chosen[2, 100].tolist() == list(CHOSEN_RGB)
    assert (plain[100, 100] == chosen[100, 100]).all()
    record = store.part(entry.part_id)
    assert record is not None
    picture = large(store, record)
    assert picture is not None
    region = next(each for each in record.regions if not each.accepted)
    across, down = (round(side) for side in region.corners[0])
    edge = picture[down, across].astype(int)
    assert np.abs(edge - dataset.REGION_RGB).max() < 5


def test_what_is_ignored_is_in_no_training_trial_or_dataset(line: Any, tmp_path: Path) -> None:
    recorded(tmp_path, line)
    which = {"station": "line-1", "product": "flange"}
    with open_store(tmp_path / "parts.db") as store:
        good = [record.part_id for record, _ in latest(store, **which, count=50, good=True)]
        bad = [record.part_id for record, *_ in labelled_ng(store, **which, most=50)]
        for part_id in (good[0], bad[0]):
            store.add_event(part_id, EventKind.LABEL, "jo", detail={"label": None, "ignore": True})
        assert [r.part_id for r, _ in latest(store, **which, count=50, good=True)] == good[1:]
        assert [r.part_id for r, *_ in labelled_ng(store, **which, most=50)] == bad[1:]
        tried = [r.part_id for r, _ in to_try(store, **which, newest=50, earlier_ng=50)]
        assert (len(tried), {good[0], bad[0]} & set(tried)) == (PARTS - 2, set())
        assert {each.part_id for each in of(store, label="ignored")} == {good[0], bad[0]}
        labels = read_labels(store)
        assert labels.of(bad[0]).truth is Truth.NG  # what others said is not gone
        # Whoever labels it again takes it back in.
        store.add_event(good[0], EventKind.LABEL, "mia", detail={"label": "OK"})
        assert [r.part_id for r, _ in latest(store, **which, count=50, good=True)] == good
        assert [each.part_id for each in of(store, label="ignored")] == [bad[0]]


@pytest.fixture(scope="module")
def station(make_station: Callable[..., Any], line: Any) -> Iterator[Any]:
    made = make_station(start=False)
    recorded(made.folder, line)
    made.start_runtime()
    made.start_page()
    yield made
    made.stop()


TOLD = "document.querySelector('#told textarea, #told input').value"


def told(page: Any, text: str) -> None:
    page.wait_for_function(f"{TOLD}.includes('{text}')")


def choose(page: Any, field: str, text: str) -> None:
    page.click(f"#{field} input")
    page.click(f"[role=option]:visible >> text={text}")


def labels_of(station: Any, who: str) -> list[tuple[str, Any]]:
    with station.record() as store:
        return [
            (event.part_id, event.detail["label"])
            for part in store.parts(limit=100)
            for event in store.events(part.part_id)
            if event.kind == EventKind.LABEL and event.who == who
        ]


@pytest.mark.slow
def test_many_parts_are_labelled_at_once(station: Any, open_page: Any) -> None:
    page = open_page(station, PATH, user="jo", wait="#parts .thumbnail-item")
    told(page, "24 parts (pages: 1)")
    page.click("#bad")
    page.wait_for_selector("text=No part is chosen; click pictures first.")
    page.click(".toast-close")
    choose(page, "label", "not labelled")
    told(page, "6 parts")
    page.click("#parts .thumbnail-item >> nth=0")
    told(page, "1 chosen")
    page.wait_for_selector("#large img")
    page.click("#parts .thumbnail-item >> nth=1")
    told(page, "2 chosen")
    page.click("#parts .thumbnail-item >> nth=0")  # again: it is let go
    told(page, "1 chosen")
    page.click("#all")
    told(page, "6 chosen")
    page.click("#none")
    told(page, "0 chosen")
    page.click("#parts .thumbnail-item >> nth=0")
    told(page, "1 chosen")
    page.click("#parts .thumbnail-item >> nth=2")
    told(page, "2 chosen")
    choose(page, "kind", "scratch")
    page.click("#bad")
    told(page, "4 parts")
    said = labels_of(station, "jo")
    assert [label for _, label in said] == ["NG", "NG"]
    with station.record() as store:
        labels = read_labels(store)
    assert {labels.of(part_id).truth for part_id, _ in said} == {Truth.NG}
    assert {each.defect for part_id, _ in said for each in labels.of(part_id).given} == {"scratch"}
    page.click("#all")
    told(page, "4 chosen")
    page.click("#good")
    told(page, "0 parts")
    assert sorted(label for _, label in labels_of(station, "jo")) == ["NG", "NG"] + ["OK"] * 4
    choose(page, "label", "good (OK)")
    good = labels_good(station)
    told(page, f"{good} parts")
    page.click("#all")
    told(page, f"{good} chosen")
    page.click("#back")  # only one's own labels go
    told(page, f"{good - 4} parts")
    with station.record() as store:
        labels = read_labels(store)
    choose(page, "label", "bad (NG)")
    page.wait_for_function(f"{TOLD}.includes('0 chosen')")
    page.click("#parts .thumbnail-item >> nth=0")
    told(page, "1 chosen")
    page.click("#ignore")
    told(page, "0 chosen")
    choose(page, "label", "to be ignored")
    told(page, "1 parts")
    assert "⊘" in page.inner_text("#parts .thumbnail-item >> nth=0")
    mine = [part_id for part_id, label in said]
    assert all(labels.of(part_id).truth is Truth.NG for part_id in mine)
    assert not [
        part for part in labels.parts.values() if "jo" in part.latest and part.truth is Truth.OK
    ]


def labels_good(station: Any) -> int:
    with station.record() as store:
        return sum(part.truth is Truth.OK for part in read_labels(store).parts.values())


@pytest.mark.slow
def test_a_station_that_is_gone_is_said_and_nothing_is_lost(
    make_station: Callable[..., Any], open_page: Any, line: Any
) -> None:
    made = make_station(start=False)
    recorded(made.folder, line)
    made.start_runtime()
    made.start_page()
    page = open_page(made, PATH, user="jo", wait="#parts .thumbnail-item")
    page.click("#parts .thumbnail-item >> nth=0")
    told(page, "1 chosen")
    made.kill_runtime()
    page.click("#good")
    page.wait_for_selector("text=0 of 1 parts were labelled")
    assert labels_of(made, "jo") == []
    told(page, "1 chosen")
    page.context.close()
    made.stop()


@pytest.mark.slow
@pytest.mark.parametrize("language", ["ja", "ko"])
def test_the_page_speaks_the_language(station: Any, open_page: Any, language: str) -> None:
    page = open_page(station, PATH, user="mia", language=language, wait="#parts .thumbnail-item")
    words = Words()
    for button in ("good", "bad", "back"):
        assert page.inner_text(f"#{button}").strip() == words.say(f"gallery.{button}", language)
    assert page.input_value("#sort input") == words.say("gallery.sort_score_down", language)


@pytest.mark.slow
def test_a_small_picture_is_whole_and_its_words_stand_below_it(
    station: Any, open_page: Any
) -> None:
    page = open_page(station, PATH, user="jo", wait="#parts .thumbnail-item img")
    found = page.evaluate("""[...document.querySelectorAll('#parts .thumbnail-item')].map((item) => [
        getComputedStyle(item.querySelector('img')).objectFit,
        item.querySelector('img').getBoundingClientRect().bottom
            - item.querySelector('.caption-label').getBoundingClientRect().top,
        item.querySelector('.caption-label').scrollWidth - item.querySelector('.caption-label').clientWidth])""")
    assert len(found) == PARTS
    for fit, covered_px, cut_px in found:
        assert (fit, cut_px <= 1, covered_px < 8) == ("contain", True, True), found
