"""The whole way of an engineer in a real browser: from the camera to a recipe on the line."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from inspection.recipe.setup_file import read_setup
from tests.ui.conftest import FULL_HD, SERVER_GONE, SMALL, AtWork, Opened, wait_for

pytestmark = pytest.mark.slow

PAGE, READY = "/engineer/setup", ".setup .steps button"


def step(page: Any, name: str) -> None:
    page.click(f"[data-step={name}]")
    page.wait_for_selector(f"[data-step={name}].here")


def pause(page: Any) -> None:
    page.click(".station [data-do=pause]")
    page.click("dialog .go")
    page.wait_for_selector(".station .paused")


def draw(page: Any, tool: str, corners: list[tuple[float, float]]) -> None:
    """Click a polygon; corners are shares of the picture."""
    page.click(f"[data-tool={tool}]")
    page.wait_for_selector(f"[data-tool={tool}][aria-pressed=true]")
    assert page.locator("[data-tool][aria-pressed=true]").count() == 1
    for corner in [*corners, corners[0]]:
        page.mouse.click(*on_picture(page, *corner))


def on_picture(page: Any, x: float, y: float) -> tuple[float, float]:
    """Give where a share of the picture is on the screen."""
    at = page.evaluate(
        """([x, y]) => { const s = document.querySelector("svg.drawing"), i = s.querySelector("image");
        const p = new DOMPoint(x * i.width.baseVal.value, y * i.height.baseVal.value).matrixTransform(s.getScreenCTM());
        return [p.x, p.y]; }""",
        [x, y],
    )
    return at[0], at[1]


def saved(page: Any) -> None:
    page.wait_for_selector(".saved[data-ok=true]")


def draft_folder(station: AtWork) -> Path:
    (found,) = (station.page_folder / "setup").iterdir()
    return found


def test_from_the_camera_to_the_line(make_station: Any, open_page: Opened) -> None:
    station = make_station(view="cache = 60")
    station.trigger(3)
    open_page.allowed = ("409",)  # a look at the camera that was under way when inspecting went on
    page = open_page(station, PAGE, user="mia", wait=READY, size=SMALL)

    assert "look at a picture" in page.inner_text("[data-step=camera]")  # nobody has looked yet
    pause(page)
    page.wait_for_function("Number(document.querySelector('.live').dataset.count) > 2")
    assert "done" in page.inner_text("[data-step=camera]")
    assert "Seed" in page.inner_text("form.settings")  # its name in words, the key beside
    assert page.evaluate("document.querySelector('.live').width") == 256
    assert float(page.get_attribute("[data-focus]", "data-focus")) > 1
    assert 0 <= float(page.get_attribute("[data-over]", "data-over")) < 0.2

    step(page, "where")
    page.click("[data-do=take-reference]")
    page.wait_for_selector("[data-ready] svg.drawing")
    draw(page, "roi", [(0.05, 0.05), (0.95, 0.05), (0.95, 0.95), (0.05, 0.95)])
    saved(page)
    corner = on_picture(page, 0.95, 0.95)
    page.mouse.move(*corner)
    page.mouse.down()
    page.mouse.move(*on_picture(page, 0.9, 0.9), steps=4)
    page.mouse.up()
    wait_for(lambda: corner_of(station) < 240, 10)
    assert corner_of(station) == pytest.approx(0.9 * 256, abs=1.5)

    step(page, "good")
    page.fill("[name=count]", "24")
    page.click("[data-n=take_many]")
    page.wait_for_selector(".counter[data-n='25']", timeout=60_000)
    assert "With 25 good parts" in page.inner_text(".counter")

    step(page, "train")
    page.fill("[name=false_reject]", "5")
    page.press("[name=false_reject]", "Tab")
    page.click("[data-do=train]")
    page.wait_for_selector(".job[data-state=running] [role=progressbar]")
    page.wait_for_selector(".stage-name >> text=/Step [1-9]:/")
    job = page.get_attribute(".job", "data-job")
    page.reload()  # the training goes on without the page
    page.wait_for_selector(f".job[data-job='{job}']", timeout=20_000)
    page.wait_for_selector(".job[data-state=done]", timeout=240_000)

    step(page, "result")
    recipe_id = page.get_attribute(".result", "data-recipe", timeout=20_000)
    promised = float(page.get_attribute("[data-promised]", "data-promised"))
    assert 1 / 26 <= promised <= 0.05
    assert page.locator(".scores rect").count() == 40
    page.wait_for_selector("[data-list=worst] .heat", timeout=240_000)
    assert page.locator("[data-list=worst] figure").count() == 12
    assert page.get_attribute("[data-flips]", "data-of") == "3"
    assert "label parts on the Review page" in page.inner_text("[data-labelled=none]")
    escape = part_that_would_pass(station)
    station.do("event", part_id=escape, kind="label", who="jo", detail={"label": "NG"})
    step(page, "train")
    step(page, "result")
    page.wait_for_selector("tr[data-labelled=escapes] td[data-count='1'][data-of='1']")
    assert "1 of 1 (95 %: 2.5 % to 100.0 %)" in page.inner_text("tr[data-labelled=escapes]")
    assert "none is labelled so" in page.inner_text("tr[data-labelled=overkill]")
    assert page.get_attribute("[data-list=flips] figure:first-child", "data-part") == escape
    assert "NG: would pass" in page.inner_text("[data-list=flips] .escape .error")

    page.click("[data-do=try]")
    page.wait_for_selector("[data-do=try]", state="detached")
    step(page, "line")
    page.click("[data-do=put-on-line]")  # before the trial is done
    assert "nobody knows how many parts labelled NG it would let pass" in page.inner_text(
        "dialog .error"
    )
    page.click("dialog [value=no]")
    step(page, "result")
    page.wait_for_selector("tr[data-labelled=escapes] td[data-count='1']", timeout=240_000)

    step(page, "line")
    page.click("[data-do=put-on-line]")
    assert "would let pass: 1 of the 1" in page.inner_text("dialog .error")
    page.click("dialog .go")
    page.wait_for_selector(f".big[data-recipe='{recipe_id}']", timeout=60_000)
    page.click(".station [data-do=resume]")
    page.wait_for_selector(".station .inspecting")
    station.trigger()
    with station.record() as store:
        (part,) = store.parts(limit=1)
        kinds = {action.kind for action in store.actions(who="mia", limit=100)}
        taken = store.actions(kind="pictures_taken", limit=100)
    assert part.recipe_id == recipe_id
    assert part.verdict != "CANNOT_INSPECT"
    assert {"paused", "resumed", "training_started", "recipe_on_line", "recipe_replaced"} <= kinds
    assert len(taken) == 2  # the reference, and a series

    page.click("[data-do=go-back]")
    page.click("dialog .go")
    page.wait_for_selector(f".big:not([data-recipe='{recipe_id}'])", timeout=60_000)
    station.trigger()
    with station.record() as store:
        assert store.parts(limit=1)[0].recipe_id != recipe_id


def part_that_would_pass(station: AtWork) -> str:
    """Give a recorded part that the recipe tried last lets pass."""
    (judged,) = (station.page_folder / "jobs").glob("*/parts.json")
    rows = json.loads(judged.read_text())
    return next(str(row["part_id"]) for row in rows if row["verdict"] == "PASS")


def corner_of(station: AtWork) -> float:
    return read_setup(draft_folder(station) / "setup.toml").roi[0][2][0]


def test_a_training_survives_the_page_server_and_can_be_cancelled(
    make_station: Any, open_page: Opened, line: Any
) -> None:
    station = make_station()
    open_page.allowed = SERVER_GONE
    page = open_page(station, PAGE + "#good", user="mia", wait=READY)
    files = sorted((line.dataset / "train" / "good").iterdir())[:24]
    page.set_input_files("[name=files]", [str(path) for path in files])
    page.wait_for_selector(".counter[data-n='24']", timeout=60_000)
    step(page, "train")
    page.select_option("[name=model]", "mahalanobis")
    assert page.inner_text("[data-why]").startswith("One Gaussian for all patches")
    page.click("[data-do=train]")
    page.wait_for_selector(".job[data-state=running] [role=progressbar]")
    job = page.get_attribute(".job", "data-job")
    folder = station.page_folder / "jobs" / str(job)
    about = json.loads((folder / "job.json").read_text())["about"]
    assert about["options"]["model"] == "mahalanobis"
    training = json.loads((folder / "job.json").read_text())["pid"]
    os.kill(training, signal.SIGSTOP)  # else a small one may end before the page is back
    try:
        station.kill_page()
        station.start_page()
        page.reload()
        page.wait_for_selector(f".job[data-job='{job}'][data-state=running]", timeout=20_000)
        page.click("[data-do=cancel]")
        page.wait_for_selector(".job:not(:has([data-do=cancel]))")
    finally:
        os.kill(training, signal.SIGCONT)
    page.wait_for_selector(".job[data-state=cancelled]", timeout=60_000)
    assert "nothing was changed" in page.inner_text(".job h2")
    assert not (folder / "new.recipe").exists()


def test_shapes_are_edited_with_mouse_and_keys(at_work: AtWork, open_page: Opened) -> None:
    at_work.trigger(2)
    open_page.allowed = ("409",)  # a set-up that cannot be is refused
    page = open_page(at_work, PAGE + "#where", user="mia", wait=READY)
    pause(page)
    page.click("[data-do=take-reference]")
    page.wait_for_selector("[data-ready] svg.drawing")

    page.click("[data-tool=ignore]")
    page.mouse.move(*on_picture(page, 0.1, 0.1))
    page.mouse.down()
    page.mouse.move(*on_picture(page, 0.3, 0.3), steps=4)
    page.mouse.up()
    draw(page, "zone", [(0.5, 0.5), (0.8, 0.5), (0.8, 0.8)])
    assert page.locator(".shapes li").count() == 2

    page.fill("[data-row='1'] [name=max_area_mm2]", "0.5")
    page.press("[data-row='1'] [name=max_area_mm2]", "Tab")
    page.wait_for_selector(".shapes .wrong .error")
    assert "max_area_mm2 needs scale_mm_per_px" in page.inner_text(".wrong .error")
    page.click("[data-tool=scale]")
    for x in (0.25, 0.75):
        page.mouse.click(*on_picture(page, x, 0.9))
    page.fill("[name=length]", "32")
    page.click("[data-do=scale]")
    saved(page)
    setup = read_setup(draft_folder(at_work) / "setup.toml")
    assert setup.scale_mm_per_px == pytest.approx(0.25, rel=0.02)
    assert len(setup.ignore) == len(setup.zones) == 1
    assert setup.zones[0].max_area_mm2 == 0.5
    assert setup.reference_size_px == (256, 256)

    middle = on_picture(page, 0.65, 0.5)  # the middle of an edge: a new point
    page.mouse.click(*on_picture(page, 0.75, 0.6))
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(*on_picture(page, 0.65, 0.4), steps=4)
    page.mouse.up()
    wait_for(lambda: len(zone(at_work)) == 4, 10)
    page.keyboard.press("Delete")
    wait_for(lambda: len(zone(at_work)) == 3, 10)
    page.keyboard.press("Control+z")
    wait_for(lambda: len(zone(at_work)) == 4, 10)
    page.click("[data-row='0'] [data-do=delete-shape]")
    wait_for(lambda: not read_setup(draft_folder(at_work) / "setup.toml").ignore, 10)
    page.reload()  # another page finds the same
    page.wait_for_selector("[data-ready] svg.drawing", timeout=20_000)
    assert page.locator(".shapes li").count() == 1
    at_work.do("resume", who="test")


def zone(station: AtWork) -> Any:
    return read_setup(draft_folder(station) / "setup.toml").zones[0].polygon


def test_damaged_files_are_refused_by_name(
    at_work: AtWork, open_page: Opened, tmp_path: Path
) -> None:
    image = cv2.imencode(".png", np.full((64, 64), 80, np.uint8))[1].tobytes()
    (tmp_path / "fine.png").write_bytes(image)
    (tmp_path / "torn.png").write_bytes(image[:50])
    page = open_page(at_work, PAGE + "#good", user="mia", wait=READY)
    page.wait_for_selector("[name=files]")
    n = int(page.get_attribute(".counter", "data-n"))
    page.set_input_files("[name=files]", [str(tmp_path / "fine.png"), str(tmp_path / "torn.png")])
    page.wait_for_selector(f".counter[data-n='{n + 1}']")
    assert "torn.png" in page.inner_text(".refused")
    assert page.locator(".refused li").count() == 1
    page.click("[data-name='fine.png'] [data-do=remove]")
    page.wait_for_selector(f".counter[data-n='{n}']")
    page.click("[data-do=restore]")
    page.wait_for_selector("[data-name='fine.png']")


@pytest.mark.parametrize("size", [FULL_HD, SMALL])
@pytest.mark.parametrize("language", ["en", "ja", "ko"])
def test_every_step_fits_in_every_language(
    at_work: AtWork, open_page: Opened, size: tuple[int, int], language: str
) -> None:
    page = open_page(at_work, PAGE, user="mia", language=language, size=size, wait=READY)
    for name in ("camera", "where", "good", "train", "result", "line"):
        step(page, name)
        wide = page.evaluate(
            "[document.documentElement.scrollWidth, innerWidth, document.documentElement.scrollHeight, innerHeight]"
        )
        assert wide[0] <= wide[1]
        assert wide[2] <= wide[3]
        assert "setup." not in page.inner_text(".setup")
        for part in (".steps", "aside"):
            if page.locator(part).count():
                assert (
                    page.evaluate(
                        f"(e => e.scrollWidth - e.clientWidth)(document.querySelector('{part}'))"
                    )
                    <= 0
                )


def test_an_operator_does_not_come_in(at_work: AtWork) -> None:
    with at_work.client("oli") as client:
        assert client.get(PAGE).status_code == 403
        assert client.get("/api/engineer/setup/state").status_code == 403
        assert client.post("/api/engineer/setup/line", json={}).status_code == 403
