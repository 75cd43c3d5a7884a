"""The trainings page in a real browser, over two real trainings: listed, named, compared, tried, released."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cameras import list_images
from inspection.intervals import exact_interval
from inspection.jobs import Jobs
from inspection.labels.part_selection import labelled_ng
from inspection.recipe import open_recipe
from inspection.store.event_kinds import ActionKind
from tests.reports.recorded import recorded
from tests.ui.conftest import wait_for
from ui.core.drafts import draft_folder
from ui.pages.setup.draft import SetupDraft
from ui.pages.setup.training import Options, start_training
from ui.pages.trainings.handlers import COLUMNS
from ui.words import Words

pytestmark = pytest.mark.slow

PATH = "/engineer/trainings"
GOOD = 24


@pytest.fixture(scope="module")
def station(make_station: Callable[..., Any], line: Any) -> Iterator[Any]:
    """A station with labelled parts and two trainings of 24 good pictures, at two sizes."""
    made = make_station(start=False)
    recorded(made.folder, line, repeat=2)
    good = draft_folder(made.page_folder, "flange", "main") / "good"
    good.mkdir(parents=True)
    for path in list_images(line.dataset / "train" / "good")[:GOOD]:
        shutil.copy(path, good / path.name)
    made.start_runtime()
    made.start_page()
    jobs, draft = Jobs(made.page_folder / "jobs"), SetupDraft(made.page_folder, "flange", "main")
    with made.record() as store:
        found = labelled_ng(store, station="line-1", product="flange", most=200)
    bad = [(record.part_id, path, defect) for record, path, defect in found]
    for size, share in ((96, 0.2), (128, 0.1)):
        options = Options(
            effort="fast", image_size=size, false_reject=share, labelled_bad=size == 128
        )
        job = start_training(jobs, draft, options, who="mia", bad=bad if size == 128 else ())
        wait_for(lambda: jobs.running() is None, 200, made.folder / "page.log")
        done = jobs.find(job.id)
        assert done is not None and done.state == "done", done
    yield made
    made.stop()


def jobs_of(station: Any, kind: str) -> list[dict[str, Any]]:
    cards = sorted((station.page_folder / "jobs").glob("*/job.json"))
    found = [json.loads(path.read_text()) for path in cards]
    return [card for card in found if card["kind"] == kind]


def rows(page: Any, table: str) -> list[list[str]]:
    found: dict[str, dict[str, str]] = {}
    cells = page.eval_on_selector_all(
        f"#{table} [role=gridcell]",
        "cells => cells.map((cell) => [cell.dataset.row, cell.dataset.col, cell.innerText.trim()])",
    )
    for row, column, text in cells:
        found.setdefault(row, {})[column] = text
    return [[row[column] for column in sorted(row)] for row in found.values()]


def figures(page: Any) -> dict[str, list[str]]:
    return {row[0]: row[1:] for row in rows(page, "compared") if row and row[0]}


def test_trainings_are_listed_compared_named_and_tried(station: Any, open_page: Any) -> None:
    page = open_page(station, PATH, user="mia", wait="#compared :text('Recipe file'):visible")
    older, newer = jobs_of(station, "train")
    assert page.input_value("#first input").startswith(newer["at"][:16].replace("T", " "))
    assert page.input_value("#second input").startswith(older["at"][:16].replace("T", " "))
    found = figures(page)
    assert found["Picture size"] == ["128 × 128 px", "96 × 96 px"]
    assert found["Good parts"] == ["24", "24"]
    assert found["Good parts that may fail (asked)"] == ["10.0 %", "20.0 %"]
    assert found["Effort"] == ["fast", "fast"]
    # The newer one took the parts labelled NG along; the older one was not told of any.
    result = json.loads((station.page_folder / "jobs" / newer["id"] / "status.json").read_text())[
        "result"
    ]
    missed, of = result["defects"]["escapes"], result["defects"]["n"]
    low, high = exact_interval(missed, of)
    label = "Escapes, labelled NG (95 %)"
    assert found[label] == [f"{missed} / {of} ({100 * low:.0f}–{100 * high:.0f} %)", "–"]
    recipe = open_recipe(station.page_folder / "jobs" / newer["id"] / "new.recipe")
    assert found["Recipe"][0] == recipe.id[:12]
    assert found["PASS limit"][0] == f"{recipe.settings.calibration.threshold:.4g}"
    assert found["Model"][0].startswith("patchcore · tf_efficientnet_lite0")
    page.fill("#name textarea, #name input", "sharper")
    page.fill("#note textarea", "after the new lens")
    page.click("#keep")
    page.wait_for_selector("#trainings :text('sharper'):visible")
    assert figures(page)["Note"][0] == "after the new lens"
    # The older one is tried on the recorded parts: its escapes are those of the trial.
    page.click("#first input")
    page.click("#first [role=option] >> nth=1")
    page.wait_for_function("document.querySelector('#name textarea, #name input').value === ''")
    page.click("#try")
    page.wait_for_function(
        "document.querySelector('#told textarea, #told input').value.startsWith('mia tries')"
    )
    page.wait_for_function(
        "document.querySelector('#told textarea, #told input').value.startsWith('No training')",
        timeout=120_000,
    )
    tried = figures(page)[label][0]
    assert "/ 23 (" in tried or "/ 24 (" in tried, tried
    overkill = figures(page)["Overkill, labelled OK (95 %)"]
    assert ("/ 5 (" in overkill[0] or "/ 6 (" in overkill[0], overkill[1]) == (True, "–")
    with station.record() as store:
        kinds = {each.kind: each for each in store.actions(limit=30)}
    assert kinds[ActionKind.TRAINING_NAMED].detail["name"] == "sharper"
    assert kinds[ActionKind.RECIPE_TRIED].detail["training"] == older["id"]


def test_a_chosen_training_goes_on_the_line_only_when_one_is_sure(
    station: Any, open_page: Any
) -> None:
    page = open_page(station, PATH, user="mia", wait="#compared :text('Recipe file'):visible")
    newer = jobs_of(station, "train")[-1]
    recipe = open_recipe(station.page_folder / "jobs" / newer["id"] / "new.recipe")
    page.click("#release")
    page.wait_for_selector("text=Tick “Judge by the chosen one")
    assert open_recipe(station.folder / "flange.recipe").id != recipe.id
    page.click(".toast-close")
    page.check("#sure input")
    page.click("#release")
    page.wait_for_selector("#trainings :text('on the line'):visible", timeout=60_000)
    assert open_recipe(station.folder / "flange.recipe").id == recipe.id
    station.trigger()
    with station.record() as store:
        assert store.parts(limit=1)[0].recipe_id == recipe.id
        (put, *_) = store.actions(kind=ActionKind.RECIPE_ON_LINE)
    assert (put.who, put.detail["recipe_id"]) == ("mia", recipe.id)


def test_columns_are_sorted_by_numbers_and_moments(station: Any, open_page: Any) -> None:
    page = open_page(station, PATH, user="mia", wait="#compared :text('Recipe file'):visible")
    older, newer = jobs_of(station, "train")

    def column(name: str) -> list[str]:
        place = COLUMNS.index(name)
        cells = page.locator(f"#trainings [role=gridcell][data-col='{place}']")
        return [text.strip() for text in cells.all_inner_texts()]

    def sort(name: str, first: str) -> None:
        head = f"#trainings [role=columnheader][data-heading='{COLUMNS.index(name)}']:visible"
        page.hover(head)
        page.click(f"{head} .cell-menu-button")
        page.click("[role=menu] button >> nth=0")
        page.wait_for_function(
            "([place, first]) => document.querySelector("
            "`#trainings [role=gridcell][data-col='${place}']`).innerText.trim() === first",
            arg=[COLUMNS.index(name), first],
        )

    sizes = ["96 × 96 px", "128 × 128 px"]
    assert column("size") == sizes[::-1]
    sort("size", sizes[0])
    assert column("size") == sizes
    moments = [each["at"][:16].replace("T", " ") for each in (older, newer)]
    sort("at", moments[0])
    assert column("at") == moments


@pytest.mark.parametrize("language", ["ja", "ko"])
def test_the_page_speaks_the_language(station: Any, open_page: Any, language: str) -> None:
    words = Words()
    last = words.say("trainings.column_bytes", language)
    page = open_page(
        station, PATH, user="mia", language=language, wait=f"#compared :text('{last}'):visible"
    )
    assert page.inner_text("#try").strip() == words.say("trainings.try", language)
    assert words.say("trainings.effort_fast", language) in page.inner_text("#trainings")


def test_without_a_training_it_is_said_and_nothing_can_be_pressed(
    make_station: Callable[..., Any], open_page: Any
) -> None:
    station = make_station()
    for language in ("en", "ja", "ko"):
        page = open_page(station, PATH, user="mia", language=language, wait="#trainings")
        told = "document.querySelector('#told textarea, #told input').value"
        page.wait_for_function(f"{told} === {json.dumps(Words().say('trainings.none', language))}")
        for button in ("keep", "try", "release"):
            assert page.is_disabled(f"#{button}")
        assert all(not "".join(row) for row in rows(page, "compared"))
        page.close()
    page = open_page(station, PATH, user="mia", wait="#trainings")
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_timeout(500)
    head = page.locator("#trainings [role=columnheader]:visible").first.bounding_box()
    assert head["width"] >= 80
    station.stop()
