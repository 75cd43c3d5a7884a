"""A recipe exchanged behind the page's back: the operator sees it, the engineer confirms it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from inspection.recipe import Recipe, open_recipe, write_recipe
from tests.ui.conftest import AtWork

pytestmark = pytest.mark.slow


def exchange(path: Path) -> str:
    """Put another recipe in the file's place, its hashes made anew."""
    recipe = open_recipe(path)
    made = Recipe(
        replace(recipe.settings, product="another"), scores=recipe.scores,
        appearance=recipe.appearance, program=recipe.program_bytes, references=recipe.references,
    )  # fmt: skip
    return write_recipe(made, path).id


def test_the_operator_sees_it_and_an_engineer_confirms_it(
    make_station: Any, open_page: Any
) -> None:
    at_work: AtWork = make_station()
    path = at_work.folder / "flange.recipe"
    at_work.do("recipe", who="mia", path=str(path))
    assert at_work.runtime is not None
    at_work.runtime.terminate()
    at_work.runtime.wait(30)
    exchanged = exchange(path)
    at_work.start_runtime()
    open_page.allowed = ("ERR_CONNECTION", "WebSocket")
    operator = open_page(at_work, "/", wait='li[data-trouble="recipe"]')
    assert "RECIPE NOT RELEASED: flange" in operator.inner_text('li[data-trouble="recipe"]')
    assert operator.get_attribute("[data-verdict]", "data-verdict") == "TROUBLE"
    at_work.trigger()
    operator.wait_for_selector('[data-verdict="CANNOT_INSPECT"]', timeout=20_000)
    assert "nobody confirmed it" in operator.inner_text("body")
    korean = open_page(at_work, "/", language="ko", wait='li[data-trouble="recipe"]')
    assert "승인되지 않은 레시피: flange" in korean.inner_text('li[data-trouble="recipe"]')
    setup = open_page(at_work, "/engineer/setup/#line", user="mia", wait="#confirm-recipe:visible")
    assert exchanged[:12] in setup.inner_text("#changed")
    setup.click("#confirm-recipe")
    setup.wait_for_selector(f"#question >> text={exchanged[:12]}")
    setup.click("#yes")
    setup.wait_for_selector("#confirm-recipe", state="hidden", timeout=20_000)
    setup.wait_for_selector(f"#did >> text=Recipe {exchanged[:12]} is confirmed.")
    operator.wait_for_selector('li[data-trouble="recipe"]', state="detached", timeout=20_000)
    at_work.trigger()
    judged = ", ".join(f'[data-verdict="{verdict}"]' for verdict in ("PASS", "FAIL", "REVIEW"))
    operator.wait_for_selector(judged, timeout=20_000)
    with at_work.record() as store:
        (confirmed,) = store.actions(kind="recipe_confirmed")
        assert (confirmed.who, confirmed.detail["recipe_id"]) == ("mia", exchanged)
        assert store.parts(limit=1)[0].recipe_id == exchanged
