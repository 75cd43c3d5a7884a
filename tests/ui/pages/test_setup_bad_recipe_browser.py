"""A recipe that cannot find what people labelled NG says so in a red box, before any promise."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from typing import Any

import pytest

from ui.core.drafts import draft_folder

pytestmark = pytest.mark.slow

PAGE = "/engineer/setup"


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
    page = open_page(station, PAGE + "#train", user="mia", wait="#train:enabled")
    page.check("#effort input[value=fast]")
    assert page.is_checked("#labelled-bad input")
    page.click("#train")
    page.wait_for_selector("#see-result:visible", timeout=240_000)
    page.click("#see-result")
    page.wait_for_selector("#bad-parts .notice:not(:empty)", timeout=20_000)
    (job,) = (each for each in (station.page_folder / "jobs").iterdir() if (each / "bad").is_dir())
    result = json.loads((job / "status.json").read_text())["result"]
    assert {"bad_near_chance", "bad_escapes"} <= {each["key"] for each in result["warning_keys"]}
    warnings = page.inner_text("#warnings")
    assert "score like good ones" in warnings
    assert f"of the {len(passed)} parts labelled NG would pass" in warnings
    assert "Try the effort Thorough" in warnings
    red = page.evaluate(
        "getComputedStyle(document.querySelector('#warnings .notice')).backgroundColor"
    )
    assert red == "rgb(179, 71, 0)"
    order = "document.querySelector('#warnings').compareDocumentPosition(document.querySelector('#limits'))"
    assert page.evaluate(order) == 4  # the promise follows
    bad = result["defects"]
    assert f"{bad['escapes']} of {len(passed)} would pass" in page.inner_text("#bad-parts")
    assert {each.name for each in (job / "bad").iterdir()} == {"scratch"}
    page.wait_for_selector(
        "#warnings >> text=Tried on recorded parts:", timeout=240_000
    )  # once it was tried
