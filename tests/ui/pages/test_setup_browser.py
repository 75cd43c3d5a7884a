"""The whole way of an engineer in a real browser: from the camera to a recipe on the line."""

from __future__ import annotations

import json
import os
import shutil
import signal
import tomllib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from inspection.recipe import open_recipe
from inspection.recipe.setup_file import read_setup
from tests.ui.conftest import FULL_HD, LEFT, SERVER_GONE, SMALL, AtWork, Opened, wait_for
from ui.core.drafts import draft_folder

pytestmark = pytest.mark.slow

PAGE, READY = "/engineer/setup", "#state .notice:not(:empty)"
STEPS = ("camera", "where", "good", "train", "result", "line")

REMEMBER_TOLD = """() => {
    window.told = [];
    const notice = document.querySelector('#good-told .notice');
    new MutationObserver(() => window.told.push(notice.textContent)).observe(notice, {childList: true});
}"""


def step(page: Any, name: str) -> None:
    page.click(f"#tab-{name}-button")
    page.wait_for_selector(f"#tab-{name}-button[aria-selected=true]")
    page.wait_for_selector(f"#tab-{name}:visible")


def label(page: Any, name: str) -> str:
    return str(page.text_content(f"#tab-{name}-button"))


def says(page: Any, elem_id: str, text: str, timeout_s: float = 30) -> None:
    page.wait_for_selector(f"#{elem_id} >> text={text}", timeout=1000 * timeout_s)


def agree(page: Any) -> None:
    page.click("#yes:visible")
    page.wait_for_selector("#yes", state="hidden", timeout=60_000)


def pause(page: Any) -> None:
    page.click("#pause")
    says(page, "question", "every part the line triggers is rejected")
    agree(page)
    page.wait_for_selector(".state.paused")


def field(page: Any, elem_id: str, value: str) -> None:
    """Fill a field once it holds what the page filled it with."""
    box = f"#{elem_id} input, #{elem_id} textarea"
    page.wait_for_selector(box)
    page.fill(box, value)
    page.press(box, "Tab")


def good_parts(page: Any, n: int, timeout_s: float = 60) -> None:
    says(page, "counter", f"With {n} good parts", timeout_s)


def rows(page: Any, table: str) -> list[list[str]]:
    found: dict[str, list[str]] = {}
    cells = page.eval_on_selector_all(
        f"#{table} [role=gridcell]",
        "cells => cells.map((cell) => [cell.dataset.row, cell.innerText.trim()])",
    )
    for row, text in cells:
        found.setdefault(row, []).append(text)
    return list(found.values())


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


def setup_of(station: AtWork) -> Any:
    return read_setup(draft_folder(station.page_folder, "flange", "main") / "setup.toml")


def test_from_the_camera_to_the_line(make_station: Any, open_page: Opened) -> None:
    station = make_station(view="cache = 60")
    station.trigger(3)
    open_page.allowed = (
        "409",
        *LEFT,
    )  # a look at the camera that was under way when inspecting went on
    page = open_page(station, PAGE, user="mia", wait=READY, size=SMALL)

    says(page, "to-do", "Camera: look at a picture")  # nobody has looked yet
    step(page, "good")
    page.wait_for_selector("#take-one:disabled")
    step(page, "camera")
    pause(page)
    page.wait_for_function("Number(document.querySelector('.live').dataset.count) > 2")
    page.wait_for_function("document.querySelector('#tab-camera-button').textContent.includes('✓')")
    assert "Seed" in page.inner_text("#camera-seed")  # its name in words, the key below
    assert page.evaluate("document.querySelector('.live').width") == 256
    assert float(page.get_attribute("[data-focus]", "data-focus")) > 1
    assert 0 <= float(page.get_attribute("[data-over]", "data-over")) < 0.2

    step(page, "where")
    page.click("#take-reference")
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
    field(page, "count", "24")
    page.wait_for_selector("#stop:disabled")
    page.click("#take-many")
    page.wait_for_selector("#stop:enabled")
    good_parts(page, 25)
    page.wait_for_selector("#stop:disabled")
    assert label(page, "good").startswith("✓")

    step(page, "train")
    page.wait_for_selector("#train:enabled")
    field(page, "false-reject", "5")
    says(page, "promise", "That meets the requested 5.0 %")
    page.check("#effort input[value=fast]")
    page.click("#train")
    page.wait_for_selector("#job-bar progress", state="attached")
    says(page, "job-stage", "Step ", 60)
    (job,) = jobs_of(station, "train")
    page.reload()  # the training goes on without the page
    page.wait_for_selector("#cancel:visible", timeout=20_000)
    page.wait_for_selector("#see-result:visible", timeout=240_000)
    assert [each["id"] for each in jobs_of(station, "train")] == [job["id"]]

    page.click("#see-result")
    page.wait_for_selector("#tab-result:visible")
    says(page, "limits", "With 25 good parts it is guaranteed", 20)
    recipe_id = open_recipe(station.page_folder / "jobs" / job["id"] / "new.recipe").id
    assert recipe_id[:12] in page.inner_text("#facts")
    page.wait_for_selector("#scores canvas, #scores svg")
    page.wait_for_selector("#worst .thumbnail-item >> nth=11", timeout=240_000)
    assert page.locator("#worst .thumbnail-item").count() == 12
    says(page, "tried", "of these 3 parts would get a different verdict")
    assert "label parts on the Review page" in page.inner_text("#tried")
    escape = part_that_would_pass(station)
    station.do("event", part_id=escape, kind="label", who="jo", detail={"label": "NG"})
    step(page, "train")
    step(page, "result")
    page.wait_for_selector("#mistakes :text('1 of 1 (95 %: 2.5 % to 100.0 %)'):visible")
    (escapes, overkill) = rows(page, "mistakes")
    assert escapes[0] == "Escapes: parts labelled NG that pass"
    assert "none is labelled so" in overkill[1]
    assert "NG: would pass" in page.inner_text("#listed .thumbnail-item >> nth=0")
    page.click("#listed .thumbnail-item >> nth=0")
    page.wait_for_selector("#large img")
    says(page, "about", "score")

    page.click("#try")
    step(page, "line")
    page.click("#put-on-line")  # before the trial is done
    says(page, "warning", "nobody knows yet how many parts labelled NG it would let pass")
    page.click("#no")
    page.wait_for_selector("#yes", state="hidden")
    assert open_recipe(station.folder / "flange.recipe").id != recipe_id
    step(page, "result")
    page.wait_for_selector("#mistakes :text('1 of 1 (95 %'):visible", timeout=240_000)

    step(page, "line")
    says(page, "risk", "would let pass: 1 of the 1")
    page.click("#put-on-line")
    says(page, "warning", "would let pass: 1 of the 1")
    agree(page)
    says(page, "did", f"Recipe {recipe_id[:12]} is on the line.", 60)
    says(page, "on-line", recipe_id[:12])
    page.click("#resume")
    page.wait_for_selector(".state.inspecting")
    station.trigger()
    with station.record() as store:
        (part,) = store.parts(limit=1)
        kinds = {action.kind for action in store.actions(who="mia", limit=100)}
        taken = store.actions(kind="pictures_taken", limit=100)
    assert part.recipe_id == recipe_id
    assert part.verdict != "CANNOT_INSPECT"
    assert {"paused", "resumed", "training_started", "recipe_on_line", "recipe_replaced"} <= kinds
    assert len(taken) == 2  # the reference, and a series

    page.click("#go-back")
    agree(page)
    page.wait_for_selector(f"#on-line .notice:not(:has-text('{recipe_id[:12]}'))", timeout=60_000)
    station.trigger()
    with station.record() as store:
        assert store.parts(limit=1)[0].recipe_id != recipe_id


def jobs_of(station: AtWork, kind: str) -> list[dict[str, Any]]:
    cards = sorted((station.page_folder / "jobs").glob("*/job.json"))
    found = [json.loads(path.read_text()) for path in cards]
    return [card for card in found if card["kind"] == kind]


def part_that_would_pass(station: AtWork) -> str:
    """Give a recorded part that the recipe tried last lets pass."""
    (judged,) = (station.page_folder / "jobs").glob("*/parts.json")
    rows = json.loads(judged.read_text())
    return next(str(row["part_id"]) for row in rows if row["verdict"] == "PASS")


def corner_of(station: AtWork) -> float:
    return setup_of(station).roi[0][2][0]


def test_a_training_survives_the_page_server_and_can_be_cancelled(
    make_station: Any, open_page: Opened, line: Any
) -> None:
    station = make_station()
    open_page.allowed = (*SERVER_GONE, *LEFT)
    page = open_page(station, PAGE + "#good", user="mia", wait=READY)
    page.wait_for_selector("#tab-good:visible")
    files = sorted((line.dataset / "train" / "good").iterdir())[:24]
    page.set_input_files("#files input[type=file]", [str(path) for path in files])
    good_parts(page, 24)
    says(page, "good-told", "24 good parts added.")
    assert not [path for path in (station.page_folder / "gradio").rglob("*.png") if path.is_file()]
    step(page, "train")
    page.wait_for_selector("#train:enabled")
    page.click("#model input")
    page.click('[role=option]:visible >> text="mahalanobis"')
    says(page, "why", "One Gaussian for all patches")
    page.click("#train")
    page.wait_for_selector("#cancel:visible")
    (card,) = jobs_of(station, "train")
    folder = station.page_folder / "jobs" / str(card["id"])
    assert card["about"]["options"]["model"] == "mahalanobis"
    training = card["pid"]
    os.kill(training, signal.SIGSTOP)  # else a small one may end before the page is back
    try:
        station.kill_page()
        station.start_page()
        page.reload()
        page.wait_for_selector("#cancel:visible", timeout=30_000)
        page.click("#cancel")
        page.wait_for_selector("#cancel:disabled")
        assert page.inner_text("#cancel").strip() == "Stopping …"
    finally:
        os.kill(training, signal.SIGCONT)
    says(page, "job-head", "Training was cancelled; nothing was changed", 60)
    assert not (folder / "new.recipe").exists()


def test_a_first_recipe_that_was_never_tried_is_told_what_to_do(
    make_station: Any, open_page: Opened, line: Any
) -> None:
    station = make_station(start=False)
    (station.folder / "flange.recipe").unlink()
    good = draft_folder(station.page_folder, "flange", "main") / "good"
    good.mkdir(parents=True)
    for path in sorted((line.dataset / "train" / "good").iterdir())[:12]:
        shutil.copy(path, good)
    station.start_runtime()
    station.start_page()
    page = open_page(station, PAGE + "#line", user="mia", wait=READY, size=SMALL)
    says(page, "made", "train a recipe first")
    assert page.inner_text("#on-line").strip() == "—"
    chosen = ["effort", "model", "seed", "false-reject", "review", "image-size", "labelled-bad"]
    told = page.evaluate(
        """(ids) => window.gradio_config.components.filter((each) => ids.includes(each.props.elem_id))
        .map((each) => each.props.interactive)""",
        chosen,
    )
    assert told == [False] * len(
        chosen
    )  # what was chosen before the page was filled was taken back
    assert page.is_disabled("#put-on-line")
    step(page, "train")
    page.wait_for_selector("#train:enabled")
    page.check("#effort input[value=fast]")
    page.click("#train")
    page.wait_for_selector("#see-result:visible", timeout=240_000)
    step(page, "line")
    for place in ("risk", "warning"):
        says(page, place, "This is the first recipe here")
        assert "label them on the Review page" in page.inner_text(f"#{place}")
        page.click("#put-on-line")
    agree(page)
    says(page, "made", "✓ This recipe is on the line.", 60)
    station.trigger()
    with station.record() as store:
        assert store.parts(limit=1)[0].verdict != "CANNOT_INSPECT"


def test_camera_settings_are_tried_kept_and_refused_in_one_line(
    make_station: Any, open_page: Opened
) -> None:
    station = make_station()
    before = station.station.read_text("utf-8")
    page = open_page(station, PAGE, user="mia", wait="#camera-size_px input")
    pause(page)
    field(page, "camera-size_px", "128")
    page.click("#try-camera")
    says(page, "camera-told", "The camera has these settings now.")
    says(page, "camera-tried", "Not saved yet")
    page.wait_for_function("document.querySelector('.live').width === 128")
    assert station.station.read_text("utf-8") == before
    assert label(page, "camera").startswith("1")
    page.wait_for_selector("#back-camera:visible")
    for button, name, wrong, text in (
        ("keep", "defects", "[", "A list or table must be written as JSON."),
        ("try", "defects", '["teapot"]', "teapot"),
        ("keep", "count", "many", "views.main.settings.count: Input should be a valid integer"),
    ):
        field(page, f"camera-{name}", wrong)
        page.click(f"#{button}-camera")
        page.wait_for_selector(f".toast-body >> text={text}")
        page.click(".toast-close")
        page.wait_for_selector(".toast-close", state="detached")
    assert station.station.read_text("utf-8") == before
    field(page, "camera-count", "")
    field(page, "camera-defects", '["scratch"]')
    page.click("#keep-camera")
    says(page, "camera-told", "Saved to the station file.")
    settings = tomllib.loads(station.station.read_text("utf-8"))["views"][0]["settings"]
    assert settings == {"seed": 1, "size_px": 128, "defect_rate": 0.3, "defects": ["scratch"]}
    page.wait_for_selector("#back-camera", state="hidden")
    with station.record() as store:
        kinds = [action.kind for action in store.actions(who="mia", limit=10)]
    assert kinds[:2] == ["camera_kept", "camera_changed"]


def test_shapes_are_edited_with_mouse_and_keys(at_work: AtWork, open_page: Opened) -> None:
    at_work.trigger(2)
    open_page.allowed = ("409", *LEFT)  # a set-up that cannot be is refused
    page = open_page(at_work, PAGE + "#where", user="mia", wait=READY)
    pause(page)
    page.click("#take-reference")
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
    page.fill("[data-row='1'] [name=max_peak_percent]", "150")
    page.press("[data-row='1'] [name=max_peak_percent]", "Tab")
    page.wait_for_selector(".shapes .wrong .error")
    assert "max_area_mm2 needs scale_mm_per_px" in page.inner_text(".wrong .error")
    page.click("[data-tool=scale]")
    for x in (0.25, 0.75):
        page.mouse.click(*on_picture(page, x, 0.9))
    page.fill("#length input", "32")
    page.click("#set-scale")
    page.wait_for_selector("#set-scale", state="hidden")
    assert float(page.input_value("#scale textarea")) == pytest.approx(0.25, rel=0.02)
    saved(page)
    setup = setup_of(at_work)
    assert setup.scale_mm_per_px == pytest.approx(0.25, rel=0.02)
    assert len(setup.ignore) == len(setup.zones) == 1
    assert (setup.zones[0].max_area_mm2, setup.zones[0].max_peak_percent) == (0.5, 150)
    page.click("#align input")
    page.wait_for_selector("#align-shift input")
    page.fill("#align-shift input", "20")
    page.press("#align-shift input", "Tab")
    wait_for(lambda: (align := setup_of(at_work).align) and align.max_shift_px == 20, 10)
    assert setup_of(at_work).scale_mm_per_px == setup.scale_mm_per_px
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
    wait_for(lambda: not setup_of(at_work).ignore, 10)
    page.reload()  # another page finds the same
    page.wait_for_selector("[data-ready] svg.drawing", timeout=20_000)
    assert page.locator(".shapes li").count() == 1
    at_work.do("resume", who="test")


def test_circles_and_ellipses_are_kept_as_polygons(at_work: AtWork, open_page: Opened) -> None:
    at_work.trigger(2)
    page = open_page(at_work, PAGE + "#where", user="mia", wait=READY, size=SMALL)
    pause(page)
    ready = page.locator("[data-ready] svg.drawing")
    ready.or_(page.locator("#take-reference")).first.wait_for(timeout=20_000)
    if not ready.is_visible():
        page.click("#take-reference")
        ready.wait_for()
    while page.locator("[data-do=delete-shape]").count():  # of the test before
        page.locator("[data-do=delete-shape]").first.click()

    def drag(form: str, tool: str, begin: tuple[float, float], end: tuple[float, float]) -> None:
        page.click(f"[data-form={form}]")
        page.click(f"[data-tool={tool}]")
        assert page.locator("[data-form][aria-pressed=true]").get_attribute("data-form") == form
        page.mouse.move(*on_picture(page, *begin))
        page.mouse.down()
        page.mouse.move(*on_picture(page, *end), steps=4)
        page.mouse.up()

    drag("circle", "roi", (0.5, 0.5), (0.8, 0.5))
    drag("ellipse", "ignore", (0.2, 0.4), (0.4, 0.5))
    drag("circle", "zone", (0.95, 0.5), (0.95, 0.7))

    def kept() -> list[int]:
        """How many points the polygons have."""
        found = setup_of(at_work)
        return [
            len(each) for each in (*found.roi, *found.ignore, *(z.polygon for z in found.zones))
        ]

    wait_for(lambda: len(kept()) == 3 and min(kept()) >= 12, 10)
    setup = setup_of(at_work)
    assert setup.reference_size_px == (256, 256)
    circle, ellipse = np.array(setup.roi[0]), np.array(setup.ignore[0])
    reach = np.hypot(*(circle - 0.5 * 256).T)
    assert reach == pytest.approx(np.full(len(circle), 0.3 * 256), abs=1)
    assert 24 <= len(circle) <= 60
    assert np.ptp(reach) < 0.3  # the pointer is at a pixel of the screen, but the circle is round
    across, down = ((ellipse - (0.3 * 256, 0.45 * 256)) / (0.1 * 256, 0.05 * 256)).T
    assert np.hypot(across, down) == pytest.approx(np.ones(len(ellipse)), abs=0.08)
    # A circle goes as far as the picture does.
    cut = np.array(setup.zones[0].polygon)
    assert cut[:, 0].max() == 256
    assert cut[:, 0].min() == pytest.approx(0.75 * 256, abs=1)
    at_work.do("resume", who="test")


def zone(station: AtWork) -> Any:
    return setup_of(station).zones[0].polygon


def test_damaged_files_are_refused_by_name(
    at_work: AtWork, open_page: Opened, tmp_path: Path
) -> None:
    image = cv2.imencode(".png", np.full((64, 64), 80, np.uint8))[1].tobytes()
    torn = "torn ${alert(1)} <b>x<b>.png"
    (tmp_path / "fine.png").write_bytes(image)
    (tmp_path / torn).write_bytes(image[:50])
    page = open_page(at_work, PAGE + "#good", user="mia", wait=READY)
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.accept()))
    page.wait_for_selector("#tab-good:visible")
    draft = draft_folder(at_work.page_folder, "flange", "main")

    def there() -> set[str]:
        return {path.name for path in (draft / "good").glob("*")}

    before = there()
    files = [str(tmp_path / "fine.png"), str(tmp_path / torn)]
    page.set_input_files("#files input[type=file]", files)
    says(page, "good-told", "1 good parts added.")
    told = page.inner_text("#good-told")
    assert "torn" in told
    assert len(told.strip().split("\n")) == 2
    assert there() == {*before, "fine.png"}
    names = [
        page.inner_text(f"#good-parts .thumbnail-item >> nth={n}") for n in range(len(there()))
    ]
    place = next(n for n, text in enumerate(names) if "fine" in text or len(names) == 1)
    page.click(f"#good-parts .thumbnail-item >> nth={place}")
    page.wait_for_selector("#remove:enabled")
    page.click("#remove")
    page.wait_for_selector("#restore:visible")
    wait_for(lambda: there() == before, 10)
    assert page.inner_text("#restore").strip() == "Bring back fine.png"
    page.click("#restore")
    page.wait_for_selector("#restore", state="hidden")
    assert there() == {*before, "fine.png"}
    assert dialogs == []


def test_a_dropped_folder_adds_the_pictures_in_it(
    at_work: AtWork, open_page: Opened, line: Any, tmp_path: Path
) -> None:
    page = open_page(at_work, PAGE + "#good", user="mia", wait=READY)
    page.wait_for_selector("#tab-good:visible")
    good = draft_folder(at_work.page_folder, "flange", "main") / "good"
    before = {path.name for path in good.glob("*")}
    folder = tmp_path / "monday"
    (folder / "late").mkdir(parents=True)
    (folder / "notes.txt").write_text("not a picture")
    for n, path in enumerate(sorted((line.dataset / "train" / "good").iterdir())[:3]):
        shutil.copy(path, (folder / "late" if n else folder) / f"dropped-{n}.png")
    box = page.locator("#files button").first.bounding_box()
    at = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    data = {"items": [], "files": [str(folder)], "dragOperationsMask": 1}
    browser = page.context.new_cdp_session(page)
    for kind in ("dragEnter", "dragOver", "drop"):
        browser.send("Input.dispatchDragEvent", {"type": kind, **at, "data": data})
    says(page, "good-told", "3 good parts added.")
    names = {path.name for path in good.glob("*")}
    assert names - before == {f"dropped-{n}.png" for n in range(3)}


def test_parts_of_the_record_are_added_and_one_is_the_reference(
    make_station: Any, open_page: Opened
) -> None:
    station = make_station()
    station.trigger(6, lot="L1")
    page = open_page(station, PAGE + "#good", user="mia", wait=READY, size=SMALL)
    with station.record() as store:
        parts = store.parts(limit=20)
    passed = {part.part_id for part in parts if part.verdict == "PASS"}
    field(page, "lot", "another")
    page.click("#from-record")
    says(page, "good-told", "0 good parts added.")
    field(page, "lot", "L1")
    field(page, "last", "0")
    page.click("#from-record")
    page.wait_for_selector(".toast-body >> text=count: Input should be greater than or equal to 1")
    page.click(".toast-close")
    field(page, "last", "50")
    page.evaluate(REMEMBER_TOLD)
    page.click("#from-record")
    says(page, "good-told", f"{len(passed)} good parts added.")
    assert page.evaluate("window.told")[0].startswith("Adding … 0 good parts so far")
    draft = draft_folder(station.page_folder, "flange", "main")
    assert {path.stem.removeprefix("part-") for path in (draft / "good").iterdir()} == passed
    page.click("#good-parts .thumbnail-item >> nth=1")
    page.wait_for_selector("#reference:enabled")
    page.click("#reference")
    wait_for(lambda: "reference" in json.loads((draft / "draft.json").read_text()), 10)
    says(page, "good-parts", "★ Reference")
    page.wait_for_selector("#reference:disabled")
    captions = page.locator("#good-parts .thumbnail-item").all_inner_texts()
    numbers = {f"#{part.number}" for part in parts if part.verdict == "PASS"}
    assert {each.strip() for each in captions[1:]} < numbers, "each is called as in the record"


@pytest.mark.parametrize("size", [FULL_HD, SMALL])
@pytest.mark.parametrize("language", ["en", "ja", "ko"])
def test_every_step_fits_in_every_language(
    at_work: AtWork, open_page: Opened, size: tuple[int, int], language: str
) -> None:
    page = open_page(at_work, PAGE, user="mia", language=language, size=size, wait=READY)
    for name in STEPS:
        step(page, name)
        page.wait_for_timeout(800)
        wide = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert wide[0] <= wide[1]
        assert "setup." not in page.inner_text("body")
        cut = page.evaluate(
            "[...document.querySelectorAll('.notice, button:not(.label-wrap)')].filter((e) => e.checkVisibility() &&"
            " e.scrollWidth > e.clientWidth + 1).map((e) => e.outerHTML.slice(0, 120))"
        )
        assert cut == []


def test_an_operator_does_not_come_in(at_work: AtWork) -> None:
    join = {"data": [], "fn_index": 0, "session_hash": "x"}
    with at_work.client("oli") as client:
        assert client.get(PAGE).status_code == 403
        assert client.get("/api/engineer/setup/look").status_code == 403
        assert client.post("/api/engineer/setup/where", json={}).status_code == 403
        for door in ("queue/join", "upload"):
            assert client.post(f"{PAGE}/gradio_api/{door}", json=join).status_code == 403
    with at_work.client("mia") as client:
        elsewhere = {"Origin": "http://elsewhere.example"}
        for path in (f"{PAGE}/gradio_api/queue/join", "/api/engineer/setup/where"):
            assert client.post(path, json=join, headers=elsewhere).status_code == 403


def test_the_address_leads_to_a_step_and_product(make_station: Any, open_page: Opened) -> None:
    other = """
[[products]]
name = "nut"
recipe = "nut.recipe"
"""
    station = make_station(rest=other)
    open_page.allowed = LEFT  # as the page is loaded anew
    page = open_page(station, f"{PAGE}?product=nut#good", user="mia", wait=READY)
    page.wait_for_selector("#tab-good:visible")
    assert page.input_value("#product input") == "nut"
    says(page, "counter", "No good parts yet")
    step(page, "train")
    assert page.url.endswith("?product=nut#train")
    page.click("#product input")
    page.click('[role=option]:visible >> text="flange"')
    page.wait_for_function("location.search.includes('product=flange')")
    page.reload()
    page.wait_for_selector("#tab-train:visible")
    page.wait_for_function("document.querySelector('#product input').value === 'flange'")
    page = open_page(station, f"{PAGE}?product=%22%3Cb%3E#nowhere", user="mia", wait=READY)
    page.wait_for_selector("#tab-camera:visible")
    assert page.input_value("#product input") == "flange"
