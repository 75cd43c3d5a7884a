"""The review page in a browser: by keyboard alone, with the mouse on the mask, by several people."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from cameras import Frame, read_image
from inspection.judging.explain import explain
from inspection.judging.judge import inspect
from inspection.judging.overlay import BLUE, STRONGEST
from inspection.labels.mask_proposal import from_heat
from inspection.store import NewPart, PartEvent, open_store
from inspection.store.filters import PartFilter
from tests.ui.conftest import LEFT
from ui.words import LANGUAGES, Words

pytestmark = pytest.mark.slow

PATH = "/engineer/review"
KINDS = ("missing_feature", "scratch", "contamination", "dent")
SIZES = [(1920, 1080), (1280, 800)]


@pytest.fixture(scope="module")
def station(make_station: Callable[..., Any], line: Any, recipe: Any) -> Iterator[Any]:
    """A station whose record holds judged parts in lots, one lot for each test."""
    found = make_station(start=False)
    drawn = sorted((line.dataset / "test").glob("*/*.png"))
    bad = [path for path in drawn if path.parent.name != "good"]
    good = [path for path in drawn if path.parent.name == "good"]
    with open_store(found.folder / "parts.db") as store:

        def add(lot: str, image: NDArray[np.uint8], number: int, told: str | None = None) -> None:
            frame = Frame(image=image, camera="top", sequence=number, captured_at=datetime.now(UTC))
            judged = inspect(frame, recipe)
            regions = tuple(replace(region, label=told) for region in judged.regions)
            store.add(
                NewPart(
                    judgement=replace(judged, regions=regions),
                    station="line-1",
                    product="flange",
                    lot=lot,
                    serial=f"{lot}-{number}",
                    frame=frame,
                )
            )

        for number in range(22):
            add("keys", read_image([*bad, *good][number % len(drawn)]), number)
        for lot in (
            "undo",
            "proposal",
            "two",
            "gone",
            "look",
            "types",
            "relabel",
            "drafts",
            "round",
        ):
            for number in range(3):
                add(lot, read_image(bad[number]), number)
        for number in range(12):
            add("drops", read_image(bad[number % 3]), number)
        add("dents", read_image(bad[0]), 0, "dent")
        add("unsure", read_image(bad[0]), 0, "unknown")
        add("why", read_image(bad[0]), 0)
        add("faded", read_image(bad[0]), 0)
        add("filter", read_image(good[0]), 0)
        add("filter", read_image(bad[0]), 1)
        large = cv2.resize(read_image(bad[0]), (1024, 1024), interpolation=cv2.INTER_CUBIC)
        add("mask", np.asarray(large, np.uint8), 0)
        add("mask", read_image(bad[1]), 1)
    found.start_runtime()
    found.start_page()
    yield found
    found.stop()


@pytest.fixture
def review(open_page: Any, station: Any) -> Callable[..., Any]:
    """Open the review page on one lot, as a person."""

    def open_(lot: str, user: str = "mia", **options: Any) -> Any:
        begun = ".review[data-part]:not([data-part=''])"
        page = open_page(station, PATH, user=user, wait=begun, **options)
        # The part shown so far may be of that lot, too: only the next one is of the list asked for.
        page.evaluate("() => { document.querySelector('.review').dataset.part = ''; }")
        page.fill("#lot input", lot)
        page.press("#lot input", "Enter")
        page.wait_for_function(
            """lot => { const dd = [...document.querySelectorAll('.info dd')].map(e => e.textContent);
                const root = document.querySelector('.review').dataset;
                return root.part === 'none' || (root.part && dd.includes(lot)); }""",
            arg=lot,
        )
        return page

    return open_


def choose(page: Any, name: str, key: str) -> None:
    """Choose by a text of the catalogue; the page then has the keyboard again."""
    page.click(f"#{name} input")
    page.click(f"#{name} [role=option] >> text='{Words().say(key, 'en')}'")
    page.wait_for_function("document.activeElement.tagName !== 'INPUT'")


def shown(page: Any) -> str:
    """Wait until a part is on the screen; give its id, "none" at the end."""
    page.wait_for_function(
        """() => { const r = document.querySelector('.review').dataset;
            return r.part && r.busy !== 'yes'; }"""
    )
    return str(page.get_attribute(".review", "data-part"))


def press(page: Any, key: str) -> tuple[str, str]:
    """Press a key that goes to another part; give both parts."""
    before = shown(page)
    page.keyboard.press(key)
    page.wait_for_function(
        """b => { const r = document.querySelector('.review').dataset;
            return r.part && r.part !== b && r.busy !== 'yes'; }""",
        arg=before,
    )
    return before, shown(page)


def labels(station: Any, part_id: str) -> list[PartEvent]:
    with station.record() as store:
        return [event for event in store.events(part_id) if event.kind == "label"]


def test_twenty_parts_by_keyboard_alone(review: Any, station: Any) -> None:
    page = review("keys")
    keys = "on123456o1on2o3n4o56"
    names = ("scratch", "dent", "crack", "contamination", "missing", "deformed")
    given, took_ms = [], []
    for i, key in enumerate(keys):
        if i == 10:
            press(page, "ArrowRight")  # skipped: nothing is said of it
        before, _ = press(page, key)
        page.wait_for_function("() => document.querySelector('.review').dataset.latencyMs")
        took_ms.append(float(page.get_attribute(".review", "data-latency-ms")))
        given.append(before)
    assert len(set(given)) == 20
    for part_id, key in zip(given, keys, strict=True):
        (event,) = labels(station, part_id)
        defect = names[int(key) - 1] if key.isdigit() else None
        assert (event.who, event.detail["label"], event.detail["defect"]) == (
            "mia", "OK" if key == "o" else "NG", defect
        )  # fmt: skip
    assert page.get_attribute("[data-labelled]", "data-labelled") == "20"
    with station.record() as store:
        parts = [part for part in store.parts(PartFilter(lot="keys"), limit=50)]
        skipped = [part.part_id for part in parts if part.part_id not in given]
        assert len(skipped) == 2
        assert [store.events(part_id) for part_id in skipped] == [[], []]
    took_ms.sort()
    print(f"\nkey to next part: median {took_ms[10]:.0f} ms, worst {took_ms[-1]:.0f} ms")


def test_the_queue_begins_with_what_needs_a_look(review: Any, station: Any) -> None:
    page = review("filter")
    with station.record() as store:
        parts = {part.part_id: part.verdict.value for part in store.parts(PartFilter(lot="filter"))}
    order = [parts[page.locator(".queue li").nth(i).get_attribute("data-part")] for i in (0, 1)]
    assert order[0] in ("REVIEW", "FAIL")
    assert order[1] == "PASS"
    before = page.locator(".queue li").count()
    page.locator(".queue li").nth(1).click()  # the list stays, the choice moves
    page.wait_for_selector(".queue li:nth-child(2).here")
    assert page.locator(".queue li").count() == before
    choose(page, "verdict", "operator.verdict_PASS")
    page.wait_for_function("() => document.querySelectorAll('.queue li').length === 1")
    page.wait_for_selector(".verdict.v-pass")
    choose(page, "span", "choice.span_own")
    page.fill("#until input", "2020-01-01 00:00:00")
    page.press("#until input", "Enter")
    page.wait_for_selector(".review[data-part=none]")
    assert page.inner_text(".original .note") == Words().say("review.nothing", "en")


def test_a_label_is_taken_back(review: Any, station: Any) -> None:
    page = review("undo")
    first, second = press(page, "2")
    assert press(page, "u") == (second, first)
    assert page.get_attribute("[data-labelled]", "data-labelled") == "0"
    events = labels(station, first)
    assert [event.detail["label"] for event in events] == ["NG", None]
    assert events[1].detail["undoes"] == events[0].number
    assert press(page, "o") == (first, second)
    assert press(page, "ArrowLeft") == (second, first)
    assert page.inner_text(".labels li b") == "OK"
    number = labels(station, first)[-1].number
    page.reload()  # the session goes on, with what it can take back
    page.wait_for_selector("[data-labelled='1']")
    assert press(page, "u")[1] == first
    assert labels(station, first)[-1].detail["undoes"] == number
    assert page.get_attribute("[data-labelled]", "data-labelled") == "0"


def test_a_mask_is_painted_at_full_resolution(review: Any, station: Any) -> None:
    page = review("mask")
    while page.locator(".verdict.v-cannot_inspect").count() == 0:
        press(page, "ArrowRight")
    part_id = shown(page)
    page.keyboard.press("m")
    page.wait_for_selector(".review[data-painting=yes]")
    stage = page.locator(".pane.original .stage").bounding_box()
    scale = stage["width"] / 1024
    size_px = 12.0

    def at(x: float, y: float) -> tuple[float, float]:
        return stage["x"] + x * scale, stage["y"] + y * scale

    def drag(*points: tuple[float, float]) -> None:
        page.mouse.move(*at(*points[0]))
        page.mouse.down()
        for point in points[1:]:
            page.mouse.move(*at(*point), steps=4)
        page.mouse.up()

    drag((200, 300), (500, 340))
    page.keyboard.press("e")
    drag((350, 200), (350, 500))
    page.keyboard.press("u")  # the eraser's stroke is taken back …
    page.keyboard.press("y")  # … and done again
    page.keyboard.press("l")
    drag((600, 600), (760, 600), (760, 700), (600, 700), (600, 601))
    drag((100, 100), (140, 100), (140, 140), (100, 140))
    page.keyboard.press("Control+z")
    painted = _canvas(page)
    press(page, "1")

    detail = labels(station, part_id)[0].detail
    data = (station.page_folder / "labels" / detail["mask"]).read_bytes()
    with Image.open(io.BytesIO(data)) as image:
        assert (image.mode, image.size) == ("L", (1024, 1024))
        saved = np.asarray(image)
    assert set(np.unique(saved)) == {0, 255}
    np.testing.assert_array_equal(saved, painted)
    line = _near((1024, 1024), (200, 300), (500, 340))
    wiped = _near((1024, 1024), (350, 200), (350, 500))
    # The mouse moves in pixels of the screen, so places are known to a pixel or two.
    for margin, inside in ((-2.5, True), (2.5, False)):
        stroke = line <= size_px / 2 + margin
        hole = wiped <= size_px / 2 - margin
        box = np.zeros((1024, 1024), bool)
        reach = round(margin)
        box[600 - reach : 701 + reach, 600 - reach : 761 + reach] = True
        drawn = (stroke & ~hole) | box
        wrong = np.argwhere(drawn & (saved == 0) if inside else ~drawn & (saved > 0))
        assert len(wrong) == 0, (margin, len(wrong), wrong[:5], wrong[-5:])
    press(page, "ArrowLeft")
    page.wait_for_selector(".review[data-mask=shown]")
    np.testing.assert_array_equal(_canvas(page), painted)


def test_circles_and_ellipses_are_filled_and_emptied(review: Any, station: Any) -> None:
    page = review("round", size=(1280, 800))
    part_id = shown(page)
    # The places found have the contours that were recorded, not boxes.
    with station.record() as store:
        regions = store.part(part_id).regions
    lines = page.locator(".pane.original .outlines polygon:not(.under)")
    assert lines.count() == len(regions) > 0
    contour = lines.first.get_attribute("points")
    assert contour == " ".join(f"{x:g},{y:g}" for x, y in regions[0].outline)
    assert len(contour.split()) > 4
    page.keyboard.press("m")
    page.wait_for_selector(".review[data-painting=yes]")
    stage = page.locator(".pane.original .stage").bounding_box()
    scale = stage["width"] / 256

    def drag(begin: tuple[float, float], end: tuple[float, float]) -> None:
        page.mouse.move(stage["x"] + begin[0] * scale, stage["y"] + begin[1] * scale)
        page.mouse.down()
        page.mouse.move(stage["x"] + end[0] * scale, stage["y"] + end[1] * scale, steps=4)
        page.mouse.up()

    page.keyboard.press("c")
    drag((100, 100), (160, 100))
    page.keyboard.press("i")
    drag((120, 180), (240, 220))
    page.keyboard.down("Shift")
    drag((80, 80), (120, 120))
    page.keyboard.up("Shift")
    before = int(page.get_attribute(".review", "data-painted"))
    drag((10, 10), (30, 30))
    page.keyboard.press("u")
    assert int(page.get_attribute(".review", "data-painted")) == before
    press(page, "1")
    detail = labels(station, part_id)[0].detail
    saved = cv2.imread(str(station.page_folder / "labels" / detail["mask"]), cv2.IMREAD_UNCHANGED)
    assert np.count_nonzero(saved) == before
    y, x = np.mgrid[:256, :256] + 0.5
    circle = np.hypot(x - 100, y - 100) - 60
    ellipse = 20 * (np.hypot((x - 180) / 60, (y - 200) / 20) - 1)
    hole = np.hypot(x - 100, y - 100) - 20
    for margin, inside in ((-1.5, True), (1.5, False)):
        drawn = ((circle <= margin) & ~(hole <= -margin)) | (ellipse <= margin)
        wrong = drawn & (saved == 0) if inside else ~drawn & (saved > 0)
        assert np.count_nonzero(wrong) == 0, (margin, np.argwhere(wrong)[:5])


def test_the_finest_brush_paints_single_pixels(review: Any, station: Any) -> None:
    page = review("round", size=(1280, 800))
    shown(page)
    page.keyboard.press("m")
    page.wait_for_selector(".review[data-painting=yes]")
    for _ in range(6):
        page.keyboard.press("[")
    stage = page.locator(".pane.original .stage").bounding_box()
    scale = stage["width"] / 256
    page.mouse.move(stage["x"] + 40.5 * scale, stage["y"] + 50.5 * scale)
    page.mouse.down()
    page.mouse.up()
    assert page.get_attribute(".review", "data-painted") == "1"
    assert np.argwhere(_canvas(page)).tolist() == [[50, 40]]
    page.mouse.down()
    page.mouse.move(stage["x"] + 60.5 * scale, stage["y"] + 70.5 * scale, steps=2)
    page.mouse.up()
    # A line of single pixels from corner to corner, without gaps.
    line = np.argwhere(_canvas(page))
    assert {(y - 50, x - 40) for y, x in line.tolist()} >= {(n, n) for n in range(21)}
    assert len(line) < 40


def _canvas(page: Any) -> NDArray[np.uint8]:
    """Read what is seen of the mask, its opacity 0 or 255."""
    rows = page.evaluate(
        """() => { const c = document.querySelector('canvas.mask');
            const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
            let text = ''; for (let i = 3; i < d.length; i += 4) text += d[i] === 0 ? '0' : d[i] === 255 ? '1' : 'x';
            return [c.width, text]; }"""
    )
    assert "x" not in rows[1]
    return np.array([255 * int(each) for each in rows[1]], np.uint8).reshape(-1, rows[0])


def _near(
    shape: tuple[int, int], start: tuple[float, float], end: tuple[float, float]
) -> NDArray[np.float64]:
    """Give how far the middle of each pixel is from a line."""
    y, x = np.mgrid[: shape[0], : shape[1]] + 0.5
    along = np.subtract(end, start)
    share = ((x - start[0]) * along[0] + (y - start[1]) * along[1]) / (along @ along)
    share = np.clip(share, 0, 1)
    return np.hypot(x - start[0] - share * along[0], y - start[1] - share * along[1])


def test_a_proposal_is_taken_with_one_key(review: Any, station: Any, recipe: Any) -> None:
    page = review("proposal")
    part_id = shown(page)
    page.keyboard.press("m")
    page.wait_for_selector(".review[data-proposal=shown]")
    page.keyboard.press("p")
    assert int(page.get_attribute(".review", "data-painted")) > 0
    press(page, "n")
    detail = labels(station, part_id)[0].detail
    saved = cv2.imread(str(station.page_folder / "labels" / detail["mask"]), cv2.IMREAD_UNCHANGED)
    with station.record() as store:
        record = store.part(part_id)
        image = read_image(store.image_path(record))
    frame = Frame(image=image, camera="x", sequence=0, captured_at=datetime.now(UTC))
    np.testing.assert_array_equal(saved, from_heat(image, inspect(frame, recipe)))


def test_a_new_label_never_drops_a_saved_mask_unseen(
    review: Any, station: Any, open_page: Any
) -> None:
    open_page.allowed = ("500",)
    page = review("relabel")
    first = _with_mask(page, "1")
    saved = labels(station, first)[0].detail["sha256"]

    waiting: list[Any] = []

    def hold(route: Any) -> None:
        waiting.append(route)

    page.route("**/review/mask/**", hold)
    press(page, "ArrowLeft")
    page.wait_for_function("() => document.querySelector('.review').dataset.part")
    page.keyboard.press("2")
    page.wait_for_selector(".review[data-busy=yes]")
    assert len(labels(station, first)) == 1
    waiting.pop().continue_()
    page.wait_for_function("p => document.querySelector('.review').dataset.part !== p", arg=first)
    shown(page)
    assert [(each.detail["defect"], each.detail["sha256"]) for each in labels(station, first)] == [
        ("scratch", saved), ("dent", saved)
    ]  # fmt: skip

    page.unroute("**/review/mask/**")
    page.route("**/review/mask/**", lambda route: route.fulfill(status=500))
    press(page, "ArrowLeft")
    page.wait_for_selector(".review[data-mask=lost]")
    page.unroute("**/review/mask/**")
    page.keyboard.press("1")
    said = Words().say("review.mask_not_shown", "en")
    page.wait_for_function("t => document.querySelector('.trouble').textContent === t", arg=said)
    assert len(labels(station, first)) == 2
    page.wait_for_selector(".review[data-mask=shown]")  # it was asked for again
    press(page, "1")
    assert [each.detail["sha256"] for each in labels(station, first)] == [saved] * 3


def _with_mask(page: Any, key: str) -> str:
    """Label a part with the mask that is proposed for it."""
    part_id = shown(page)
    page.keyboard.press("m")
    page.wait_for_selector(".review[data-proposal=shown]")
    page.keyboard.press("p")
    press(page, key)
    return part_id


def test_unsaved_masks_of_other_parts_keep_the_page_open(review: Any) -> None:
    page = review("drafts")
    would_stay = """() => { const leaving = new Event('beforeunload', {cancelable: true});
        return !window.dispatchEvent(leaving); }"""
    assert not page.evaluate(would_stay)
    page.keyboard.press("m")
    page.wait_for_selector(".review[data-proposal=shown]")
    page.keyboard.press("p")
    page.keyboard.press("Escape")
    press(page, "ArrowRight")
    assert page.get_attribute(".review", "data-painted") == "0"
    assert page.evaluate(would_stay)
    press(page, "ArrowLeft")
    assert int(page.get_attribute(".review", "data-painted")) > 0
    page.on("dialog", lambda dialog: dialog.accept())


def test_a_mask_that_is_dropped_is_told(review: Any) -> None:
    page = review("drops")
    first = page.locator(".queue li.here span").last.inner_text()
    for _ in range(11):
        shown(page)
        page.keyboard.press("m")
        page.wait_for_selector(".review[data-painting=yes]")
        box = page.locator(".pane.original").bounding_box()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] / 2 + 40, box["y"] + box["height"] / 2, steps=3)
        page.mouse.up()
        page.wait_for_function(
            "() => Number(document.querySelector('.review').dataset.painted) > 0", timeout=5000
        )
        assert page.locator(".toast").count() == 0
        page.keyboard.press("Escape")
        page.wait_for_selector(".review[data-painting=no]")
        press(page, "ArrowRight")
    said = Words().say("review.draft_dropped", "en", part=first, most=10)
    page.wait_for_selector(f".toast:has-text('{said}')")
    page.on("dialog", lambda dialog: dialog.accept())


def test_two_people_differ_and_a_third_decides(review: Any, station: Any) -> None:
    mia, jo = review("two"), review("two", user="jo", size=(1280, 800))
    choose(jo, "state", "review.state_unlabelled")
    part_id = shown(mia)
    assert shown(jo) == part_id
    press(mia, "o")
    choose(jo, "state", "review.state_second")
    jo.wait_for_function(
        "t => document.querySelector('.labels .dim')?.textContent === t",
        arg=Words().say("review.hidden", "en", n=1),
    )
    assert shown(jo) == part_id
    assert jo.locator(".labels li").count() == 0
    jo.keyboard.press("1")
    jo.wait_for_selector(".review[data-part=none]")

    ada = review("two", user="ada")
    assert shown(ada) == part_id
    assert ada.get_attribute("[data-group=disagreement]", "data-n") == "1"
    said = {
        row.get_attribute("data-who"): row.inner_text() for row in ada.locator(".labels li").all()
    }
    assert said["mia"].startswith("OK")
    assert said["jo"].startswith("NG · scratch")
    assert ada.inner_text(".notice") == Words().say("review.differ_decides", "en")
    press(ada, "1")
    event = labels(station, part_id)[-1]
    assert (event.who, event.detail["decides"]) == ("ada", True)
    choose(ada, "state", "review.state_disagreements")
    ada.wait_for_selector(".review[data-part=none]")
    ada.goto(f"{station.url}/engineer/labels")
    ada.click("button[role=tab] >> text=Agreement")
    ada.wait_for_selector("#people [role=gridcell] :text-is('jo – mia'):visible")
    rows = [each.inner_text().strip() for each in ada.locator("#people [role=gridcell]").all()]
    place = rows.index("jo – mia")
    assert rows[place : place + 4] == ["jo – mia", "1", "0.0 %", "0.00"]


def test_types_of_defects_and_a_dataset(review: Any, station: Any, open_page: Any) -> None:
    open_page.allowed = LEFT
    admin = open_page(station, "/engineer/labels", user="mia", wait="#make")
    admin.click("button[role=tab] >> text=Defect types")
    admin.wait_for_function("document.querySelector('#type-6 :is(input, textarea)').value !== ''")
    admin.fill("#type-7 :is(input, textarea)", "burr")
    admin.click("#save")
    admin.wait_for_selector("#saved :text('Changed.')")
    page = review("types")
    page.wait_for_selector("[data-act=defect-7]")
    assert page.inner_text("[data-act=defect-7] span") == "burr"
    assert page.inner_text("[data-act=defect-1] span") == "scratch"
    part_id, _ = press(page, "7")
    assert labels(station, part_id)[0].detail["defect"] == "burr"
    press(page, "o")
    admin.click("button[role=tab] >> text='Dataset'")
    admin.fill("#lot input", "types")
    admin.keyboard.press("Enter")
    admin.fill("#name :is(input, textarea)", "../x")
    admin.fill("#percent input", "0")
    admin.click("#make")
    admin.wait_for_selector("text=a name has")
    admin.fill("#name :is(input, textarea)", "types")
    admin.click("#make")
    admin.wait_for_selector("#kept [role=gridcell] :text-is('types'):visible")
    admin.wait_for_selector("#kept :text('1 OK for training, 1 burr, 0 masks'):visible")
    told = json.loads((station.page_folder / "datasets" / "types" / "dataset.json").read_text())
    assert told["counts"]["test"] == {"burr": 1}
    assert admin.evaluate("document.querySelector('.bar').offsetHeight") < 70


def test_without_the_station_nothing_is_lost(review: Any, station: Any, open_page: Any) -> None:
    open_page.allowed = ("503",)
    page = review("gone")
    part_id = shown(page)
    page.keyboard.press("m")
    page.wait_for_selector(".review[data-proposal=shown]")
    page.keyboard.press("p")
    painted = page.get_attribute(".review", "data-painted")
    station.kill_runtime()
    try:
        said = Words().say("review.gone_station", "en")
        page.wait_for_function(
            "t => document.querySelector('.trouble').textContent === t", arg=said
        )
        page.keyboard.press("2")
        why = Words().say("review.not_saved", "en", why=Words().say("review.no_station", "en"))
        page.wait_for_function("t => document.querySelector('.trouble').textContent === t", arg=why)
        assert shown(page) == part_id
        assert page.get_attribute(".review", "data-painted") == painted
        assert labels(station, part_id) == []
    finally:
        station.start_runtime()
    page.wait_for_selector(".trouble", state="hidden", timeout=20_000)
    press(page, "2")
    (event,) = labels(station, part_id)
    assert (event.detail["label"], event.detail["defect"]) == ("NG", "dent")
    assert event.detail["mask"] is not None


@pytest.mark.parametrize("size", SIZES, ids=["full hd", "small"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_cut_off(review: Any, language: str, size: tuple[int, int]) -> None:
    page = review("look", language=language, size=size)
    page.wait_for_selector(".review[data-heat=shown]")
    assert page.inner_text("[data-act=next] span") == Words().say("review.do_next", language)
    assert _cut_off(page) == []
    page.keyboard.press("m")
    page.wait_for_selector(".review[data-painting=yes]")
    assert _cut_off(page) == []
    assert page.evaluate("document.scrollingElement.scrollHeight <= innerHeight")
    tools = "(() => { const e = document.querySelector('.palette'); return e.scrollHeight - e.clientHeight; })()"
    assert page.evaluate(tools) <= 0  # all of them are seen
    page.keyboard.press("Escape")
    page.wait_for_selector(".review[data-painting=no]")
    assert page.evaluate(_SAME_PLACE)
    page.keyboard.press("z")
    assert page.evaluate(_SAME_PLACE)


_SAME_PLACE = """() => { const [a, b] = [...document.querySelectorAll('.stage')].map(s => s.style.transform);
    return a === b && a !== ''; }"""


def _cut_off(page: Any) -> list[str]:
    """Give the texts of buttons and facts that do not fit."""
    found: list[str] = page.evaluate(
        """() => [...document.querySelectorAll('.key span, .open, .caption, .verdict span, .count')]
            .filter(e => e.offsetParent && e.scrollWidth > e.clientWidth + 1).map(e => e.textContent)"""
    )
    return found


def test_a_part_that_passed_shows_what_is_least_usual_in_it_and_how_near_the_limit(
    review: Any, station: Any
) -> None:
    with station.record() as store:
        part = next(
            each
            for each in store.parts(limit=200)
            if each.lot == "filter" and each.verdict == "PASS"
        )
    page = review(part.lot)
    while page.get_attribute(".review", "data-part") != part.part_id:
        before = page.get_attribute(".review", "data-part")
        page.keyboard.press("ArrowRight")
        page.wait_for_function(
            "(before) => !['', before].includes(document.querySelector('.review').dataset.part)",
            arg=before,
        )
    page.wait_for_selector(".review[data-heat=shown]")
    share = round(100 * part.score / part.threshold)
    assert page.inner_text(".pane.heat .note").startswith(f"{share} % of the limit")
    with station.client("mia") as client:
        answer = client.get(f"/api/engineer/review/below/{part.part_id}")
        picture = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_UNCHANGED)
        assert client.get("/api/engineer/review/below/none").status_code == 404
    assert picture.shape == (256, 256, 4)
    assert tuple(picture[0, 0, 2::-1]) == BLUE  # never the colours of a fault
    assert 0 < picture[..., 3].max() <= 255 * STRONGEST
    with station.client("oli") as client:
        assert client.get(f"/api/engineer/review/below/{part.part_id}").status_code == 403


@pytest.mark.parametrize(
    ("lot", "language", "facts"),
    [
        ("dents", "en", ("Type of defect", "dent")),
        ("unsure", "ja", ("不良の種類", "不明")),
        ("filter", "en", None),
    ],
)
def test_the_type_of_a_defect_that_a_recipe_told_is_among_the_facts(
    review: Any, lot: str, language: str, facts: tuple[str, str] | None
) -> None:
    page = review(lot, language=language)
    told = page.evaluate(
        """() => [...document.querySelectorAll('.info dl dt')]
            .map(e => [e.textContent, e.nextElementSibling.textContent])"""
    )
    found = [tuple(each) for each in told if each[0] in ("Type of defect", "不良の種類")]
    assert found == ([] if facts is None else [facts])


@pytest.mark.parametrize(
    ("language", "told"), [("en", "like anything in"), ("ja", "良品"), ("ko", "양품")]
)
def test_why_shows_the_page_of_explain_in_the_language_of_the_page(
    review: Any, recipe: Any, station: Any, language: str, told: str
) -> None:
    page = review("why", language=language)
    shown(page)
    page.keyboard.press("w")
    why = page.frame_locator("dialog.why iframe")
    why.locator("h1").wait_for(timeout=30_000)
    assert why.locator("h1").inner_text().endswith(": why-0")
    text = why.locator("body").inner_text()
    assert told in text
    with station.record() as store:
        (part,) = store.parts(PartFilter(lot="why"), limit=2)
        image = read_image(store.image_path(part))
    frame = Frame(image=image, camera="top", sequence=0, captured_at=datetime.now(UTC))
    found = explain(frame, recipe, name="why-0")
    worst = found.places[0]
    assert worst.nearest is not None
    assert worst.nearest.picture in text
    assert f"{worst.score:.3g}" in text
    pictures = why.locator("img").all()
    assert len(pictures) == 1 + 2 * len(found.places) + len(found.scales)
    assert all(each.evaluate("image => image.naturalWidth") > 50 for each in pictures)
    page.click("dialog.why .close")
    page.wait_for_selector("dialog.why", state="detached")


def test_why_says_when_the_picture_is_gone(review: Any, station: Any, open_page: Any) -> None:
    open_page.allowed = ("404",)
    page = review("faded")
    part_id = shown(page)
    with station.record() as store:
        part = store.part(part_id)
        assert part is not None
        store.image_path(part).unlink()
    page.keyboard.press("w")
    said = Words().say("review.why_gone", "en")
    page.wait_for_function("said => document.body.innerText.includes(said)", arg=said)
    assert page.locator("dialog").count() == 0
