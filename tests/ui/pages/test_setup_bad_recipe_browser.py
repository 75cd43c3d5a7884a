"""A recipe that cannot find what people labelled NG says so in a red box, before any promise."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

import pytest

from ui.core.drafts import draft_folder

pytestmark = pytest.mark.slow

PAGE, READY = "/engineer/setup", ".setup .steps button"


def test_bad_parts_that_look_good_are_a_red_box_before_the_promise(
    make_station: Callable[..., Any], open_page: Any, line: Any
) -> None:
    station = make_station()
    station.trigger(10)
    with station.record() as store:
        passed = [part for part in store.parts(limit=20) if part.verdict == "PASS"]
    for part in passed:  # people say NG of parts that look like good ones
        detail = {"label": "NG", "defect": "scratch"}
        station.do("event", part_id=part.part_id, kind="label", who="jo", detail=detail)
    good = draft_folder(station.page_folder, "flange", "main") / "good"
    good.mkdir(parents=True)
    for picture in sorted((line.dataset / "train" / "good").iterdir())[:20]:
        shutil.copy(picture, good)
    page = open_page(station, PAGE, user="mia", wait=READY)
    page.click("[data-step=train]")
    page.check("[value=fast]")
    assert page.is_checked("[name=labelled_bad]")
    page.click("[data-do=train]")
    page.wait_for_selector(".job[data-state=done]", timeout=240_000)
    page.click("[data-step=result]")
    page.wait_for_selector(f"[data-bad='{len(passed)}'][data-escapes]", timeout=20_000)
    keys = page.eval_on_selector_all(
        ".warnings [data-warning]", "(all) => all.map((each) => each.dataset.warning)"
    )
    assert {"bad_near_chance", "bad_escapes"} <= set(keys)
    assert f"of the {len(passed)} parts labelled NG would pass" in page.inner_text(".warnings")
    order = "document.querySelector('.warnings').compareDocumentPosition(document.querySelector('[data-promised]'))"
    assert page.evaluate(order) == 4  # the promise follows
    (job,) = (each for each in (station.page_folder / "jobs").iterdir() if (each / "bad").is_dir())
    assert {each.name for each in (job / "bad").iterdir()} == {"scratch"}
    page.wait_for_selector("[data-warning=labelled_escapes]", timeout=240_000)  # once it was tried
