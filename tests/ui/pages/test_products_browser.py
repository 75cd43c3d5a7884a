"""The products page in a real browser: made of Gradio's components, the station file stays the truth."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from inspection.local_api.server import RUNTIME
from inspection.recipe import open_recipe
from tests.ui.conftest import _RUN, SERVER_GONE, _start, wait_for

pytestmark = pytest.mark.slow

PATH = "/engineer/products"
COMMENT = "# Kept by hand: which camera hangs where."


@pytest.fixture(scope="module")
def station(make_station: Callable[..., Any]) -> Iterator[Any]:
    """A station with one product and three parts of it."""
    found = make_station(top=COMMENT)
    found.trigger(3)
    yield found
    found.stop()


def products(station: Any) -> list[dict[str, Any]]:
    return list(tomllib.loads(station.station.read_text("utf-8"))["products"])


def choose(page: Any, name: str) -> None:
    page.click("#chosen input")
    page.click(f"[role=option] >> text={name}")


def bring(page: Any, file: Path) -> None:
    with page.expect_file_chooser() as asked:
        page.click("#import")
    asked.value.set_files(file)


def do(page: Any, button: str, name: str | None = None) -> None:
    if name is not None:
        page.fill("#name textarea, #name input", name)
    page.click(f"#{button}")


def test_a_product_begins_on_the_page(station: Any, open_page: Any, tmp_path: Path) -> None:
    recipe = open_recipe(station.folder / "flange.recipe")
    page = open_page(station, PATH, user="mia", wait="#cards .thumbnail-item, #cards img")
    page.wait_for_selector(f"#cards >> text={recipe.id[:8]}")
    assert not page.is_visible("#restart")
    page.set_viewport_size({"width": 1920, "height": 1080})
    page.wait_for_timeout(300)
    card = page.locator("#cards .thumbnail-item").first
    box = card.bounding_box()
    assert box["height"] <= 260
    assert box["width"] <= 320
    words = page.locator(f"#cards >> text={recipe.id[:8]}").first.bounding_box()
    assert words["y"] + words["height"] <= box["y"] + box["height"]  # the caption is in its card
    assert card.locator("img").evaluate("each => getComputedStyle(each).objectFit") == "contain"
    assert not page.is_visible("#first-steps")  # the line has a recipe
    for language, text in (
        ("ja", "レシピファイルから品種を取り込む"),
        ("ko", "레시피 파일에서 품종 가져오기"),
    ):
        spoken = open_page(station, PATH, user="mia", language=language, wait="#cards img")
        assert spoken.inner_text("#import").strip() == text
        spoken.close()
    do(page, "add", "nut M8")
    page.wait_for_selector("#cards >> text=nut M8")
    page.wait_for_selector("#restart:visible")
    choose(page, "flange")
    do(page, "copy", "flange 2")
    page.wait_for_selector("#cards >> text=flange 2")
    assert [each["name"] for each in products(station)] == ["flange", "nut M8", "flange 2"]
    assert [each["recipe"] for each in products(station)][1] == "nut-m8.recipe"
    assert COMMENT in station.station.read_text("utf-8")
    assert open_recipe(station.folder / "flange-2.recipe").id == recipe.id
    do(page, "add", "NUT m8")  # refused in one line; nothing is changed
    page.wait_for_selector("text=there is one of this name")
    page.click(".toast-close")
    page.wait_for_selector("text=there is one of this name", state="detached")
    choose(page, "flange 2")
    do(page, "rename", "flange B")
    page.wait_for_selector("#cards >> text=flange B")
    do(page, "archive")
    page.wait_for_selector("#figures >> text=archived")
    bring(page, station.folder / "flange.recipe")
    page.wait_for_selector("text=there is one of this name")  # the recipe names its product
    page.fill("#name textarea, #name input", "imported")
    bring(page, station.folder / "flange.recipe")
    page.wait_for_selector("#cards >> text=imported")
    named = {each["name"]: each for each in products(station)}
    assert list(named) == ["flange", "nut M8", "flange B", "imported"]
    assert named["flange B"]["archived"] is True
    assert open_recipe(station.folder / named["imported"]["recipe"]).id == recipe.id
    choose(page, "imported")
    with page.expect_download() as fetched:
        page.click("#export")
    assert open_recipe(Path(fetched.value.path())).id == recipe.id
    with station.record() as store:
        kinds = [each.kind for each in store.actions(limit=20)]
    assert (kinds.count("product_added"), kinds.count("change_failed")) == (5, 2)  # noted first
    assert {"product_renamed", "product_archived", "product_exported"} <= set(kinds)


def test_the_restart_asked_for_is_done_and_the_new_product_is_there(
    make_station: Callable[..., Any], open_page: Any
) -> None:
    station = make_station(start=False)
    log = station.folder / "ui.log"
    watched = _start("-c", _RUN, "ui", station.station, "--port", station.port, log=log)
    try:
        wait_for(station._answers, 180, log, watched)
        page = open_page(station, PATH, user="mia", wait="#cards img")
        open_page.allowed = (*SERVER_GONE, "network error", "errored out")
        do(page, "add", "nut")
        page.wait_for_selector("#restart:visible")
        page.click("#restart")
        page.wait_for_selector("#restart", state="hidden", timeout=120_000)
        page.wait_for_selector("#cards >> text=nut")
        wait_for((station.page_folder / RUNTIME).exists, 60, log, watched)
        station.do("product", who="mia", product="nut")
        station.trigger()
        with station.record() as store:
            part = store.parts(limit=1)[0]
            assert (part.product, part.cause.code) == ("nut", "no_recipe_yet")
            assert [each.who for each in store.actions(kind="station_restarted")] == ["mia"]
    finally:
        watched.terminate()
        watched.wait(60)


def _untaught(make_station: Callable[..., Any]) -> Any:
    """A station at work whose only product has no recipe."""
    station = make_station(start=False)
    (station.folder / "flange.recipe").unlink()
    station.start_runtime()
    station.start_page()
    return station


def test_an_engineer_is_told_the_first_steps_while_there_is_no_recipe(
    make_station: Callable[..., Any], open_page: Any
) -> None:
    station = _untaught(make_station)
    for language, word in (("en", "First steps."), ("ja", "はじめに。"), ("ko", "첫 단계.")):
        page = open_page(station, PATH, user="mia", language=language, wait="#first-steps")
        assert word in page.inner_text("#first-steps")
        page.close()
    page = open_page(station, PATH, user="mia", wait="#first-steps")
    with page.context.expect_page() as opened:  # Gradio opens links of texts in a new tab
        page.click("#first-steps a[href='/manual/training']")
    opened.value.wait_for_selector(".manual h1")
    assert opened.value.url.endswith("/manual/training")
    station.stop()


def test_a_station_without_a_recipe_waits_for_one_and_not_for_a_part(
    make_station: Callable[..., Any], open_page: Any
) -> None:
    station = _untaught(make_station)
    page = open_page(station, "/", wait=".banner[data-verdict=TROUBLE]")
    assert page.inner_text(".banner .why") == "NO RECIPE YET: flange"
    assert page.inner_text(".banner .todo").startswith("No part can be inspected")
    assert page.is_hidden(".zoom .gauge")  # a bar of no score would look like a good one
    page.close()
    page = open_page(station, "/engineer/setup", user="mia", wait=".state.no_recipe")
    assert "No recipe yet: every part is rejected" in page.inner_text(".state")
    page.close()
    station.stop()
