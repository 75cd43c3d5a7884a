"""How the operator's page stands on a screen: what covers what, and what is large enough."""

from __future__ import annotations

import pytest

from inspection.judgement import Verdict
from tests.ui.conftest import SERVER_GONE, SMALL, AtWork, Opened
from tests.ui.pages.test_operator_phone_browser import PHONE, READY, WIDER, box, inspect_until

pytestmark = pytest.mark.slow


def apart(a: dict[str, float], b: dict[str, float]) -> bool:
    """Whether two boxes have no point in common."""
    return (
        a["x"] + a["width"] <= b["x"] or b["x"] + b["width"] <= a["x"]
        or a["y"] + a["height"] <= b["y"] or b["y"] + b["height"] <= a["y"]
    )  # fmt: skip


@pytest.mark.parametrize("size", [SMALL, PHONE])
def test_a_question_covers_neither_the_banner_nor_the_picture_of_its_part(
    at_work: AtWork, open_page: Opened, size: tuple[int, int]
) -> None:
    page = open_page(at_work, size=size, wait=READY)
    inspect_until(at_work, page, Verdict.FAIL)
    page.mouse.wheel(0, 400)
    page.focus("[data-act=acknowledge]")
    page.keyboard.press("a")
    page.wait_for_selector("dialog[data-ask=acknowledge]")
    dialog, banner = box(page, "dialog"), box(page, ".banner")
    assert banner["y"] >= 0
    assert apart(dialog, banner)
    assert apart(dialog, box(page, ".picture"))
    assert dialog["y"] + dialog["height"] <= size[1]
    assert not page.locator("dialog").evaluate("(each) => each.matches(':modal')")

    for _ in range(14):
        page.keyboard.press("Tab")
        page.wait_for_function("() => document.activeElement.closest('dialog') !== null")
    page.locator("[data-act=menu]").click(force=True)
    page.wait_for_function("() => document.activeElement.closest('dialog') !== null")
    page.keyboard.press("p")
    page.wait_for_timeout(200)  # longer than a key waits for a scanner
    assert page.locator("dialog").count() == 1
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog", state="detached")
    assert page.evaluate("() => document.activeElement.dataset.act") == "acknowledge"
    page.keyboard.press("m")
    page.wait_for_selector("dialog[data-ask=menu]")


ENLARGED, UPRIGHT = (640, 400), (800, 1280)
"""1280 x 800 enlarged to 200 %, and a kiosk that stands upright."""
OVERLAPPING = """() => {
    const names = '.banner, .trouble, .picture, .zoom, .counters, .facts dl, .tile, .trend, .act, .opacity';
    const boxes = [...document.querySelectorAll(names)]
        .map((each) => [each, each.getBoundingClientRect()]).filter(([, {width, height}]) => width && height);
    return boxes.flatMap(([each, a], i) => boxes.slice(i + 1)
        .filter(([, b]) => Math.min(a.right, b.right) > Math.max(a.left, b.left) + 1 &&
            Math.min(a.bottom, b.bottom) > Math.max(a.top, b.top) + 1)
        .map(([other]) => `${each.className}: ${other.className}`));
}"""


@pytest.mark.parametrize("size", [ENLARGED, UPRIGHT])
@pytest.mark.parametrize("language", ["en", "ja", "ko"])
def test_an_upright_screen_and_an_enlarged_page_have_layouts_of_their_own(
    at_work: AtWork, open_page: Opened, size: tuple[int, int], language: str
) -> None:
    page = open_page(at_work, size=size, language=language, wait=READY)
    at_work.do("pause", who="test")
    at_work.trigger()
    page.wait_for_selector(".banner[data-verdict=CANNOT_INSPECT]")
    page.wait_for_selector(".trouble[data-trouble=paused]")
    assert page.evaluate(WIDER) == []
    at_work.do("resume", who="test")
    bad = inspect_until(at_work, page, Verdict.FAIL)
    page.wait_for_selector(f".picture[data-part='{bad.number}'] .layer.on")
    page.wait_for_selector(".trouble[data-trouble=paused]", state="detached")
    assert page.evaluate(WIDER) == []
    assert page.evaluate(OVERLAPPING) == []
    stage = box(page, ".stage")
    assert min(stage["width"], stage["height"]) >= 0.4 * size[0]  # the pictures are square
    boxes = [box(page, each) for each in (".banner", ".picture", ".zoom", ".facts .counters")]
    assert boxes[0]["y"] + boxes[0]["height"] <= min(each["y"] for each in boxes[1:])
    assert boxes[1]["y"] + boxes[1]["height"] <= min(each["y"] for each in boxes[2:])
    scrolls = "({scrollHeight, clientHeight}) => scrollHeight > clientHeight"
    assert page.locator(".operator").evaluate(scrolls) == (size == ENLARGED)
    menu = page.locator("[data-act=menu]")
    menu.scroll_into_view_if_needed()
    assert menu.bounding_box()["y"] < size[1]


LEAST_FIGURE_PX = 48
"""What is read at three metres."""
HIGHER = "(all) => all.filter((each) => each.scrollHeight > each.clientHeight + 8).map((each) => each.textContent)"


@pytest.mark.parametrize("language", ["en", "ja", "ko"])
def test_the_counters_are_read_at_three_metres_and_facts_give_way_to_them(
    at_work: AtWork, open_page: Opened, language: str
) -> None:
    page = open_page(at_work, size=SMALL, language=language, wait=READY)
    inspect_until(at_work, page, Verdict.FAIL)
    shown: list[int] = []
    for lines in range(4):  # each takes room from the figures, as a trouble does
        figures = page.locator(".counter b")
        figures.evaluate_all("""(all) => all.forEach((each, place) => {
            each.textContent = ['12,345', '1,234', '100.0 %'][place];
        })""")
        sizes = figures.evaluate_all(
            "(all) => all.map((each) => parseFloat(getComputedStyle(each).fontSize))"
        )
        assert min(sizes) >= LEAST_FIGURE_PX, (lines, sizes)
        facts = page.locator(".facts")
        assert facts.evaluate("(each) => each.scrollHeight - each.clientHeight") <= 1
        assert page.evaluate(WIDER) == []
        assert page.locator(".counter").evaluate_all(HIGHER) == []
        shown.append(page.locator(".facts dl > div:visible").count())
        page.evaluate("""() => {
            const line = document.createElement('div');
            line.className = 'toast';
            line.textContent = 'x';
            document.querySelector('.toasts').append(line);
        }""")
    assert shown == sorted(shown, reverse=True)
    assert shown[0] >= 4
    assert shown[-1] < shown[0]


CORNERS = """() => [...document.querySelectorAll('.outlines polygon.line.FAIL')]
    .map((each) => each.points.numberOfItems)"""


def test_the_contour_of_a_place_is_drawn_also_from_the_record_and_a_bar_tells_the_heat(
    at_work: AtWork, open_page: Opened
) -> None:
    page = open_page(at_work, size=SMALL, wait=READY)
    bad = inspect_until(at_work, page, Verdict.FAIL)
    page.wait_for_selector(f".picture[data-part='{bad.number}'] .heat:not([hidden])")
    drawn = page.evaluate(CORNERS)
    assert max(drawn) > 4  # a box has four
    scale = page.locator(".picture .scale")
    assert scale.inner_text().split() == [
        "peak", f"{bad.score:#.3g}", "limit", f"{bad.threshold:#.3g}"
    ]  # fmt: skip
    assert apart(box(page, ".picture .scale"), box(page, ".stage"))
    page.keyboard.press("h")
    scale.wait_for(state="hidden")
    page.keyboard.press("h")
    scale.wait_for(state="visible")

    at_work.kill_page()
    open_page.allowed = SERVER_GONE
    at_work.start_page()  # it knows the part from the record only
    page.reload()
    page.wait_for_selector(f".picture[data-part='{bad.number}'] .layer.on", timeout=20_000)
    assert page.evaluate(CORNERS) == drawn


LAYERS = """() => [...document.querySelectorAll('.layer.on, .heat, .outlines')].map((each) => {
    const {x, y, width} = each.getBoundingClientRect();
    return [x, y, width].map(Math.round);
})"""


def test_the_picture_is_zoomed_at_the_pointer_and_moved_and_a_new_part_is_shown_whole(
    at_work: AtWork, open_page: Opened
) -> None:
    page = open_page(at_work, size=SMALL, wait=READY)
    bad = inspect_until(at_work, page, Verdict.FAIL)
    page.wait_for_selector(f".picture[data-part='{bad.number}'] .heat:not([hidden])")
    whole = page.evaluate(LAYERS)
    (x, y, width), *others = whole
    assert others == [[x, y, width]] * 2
    at = (x + 100, y + 50)
    page.mouse.move(*at)
    page.mouse.wheel(0, -100)
    page.wait_for_selector(".stage.closer")
    (left, top, wide), *others = page.evaluate(LAYERS)
    assert others == [[left, top, wide]] * 2
    assert wide > 1.1 * width
    assert (at[0] - left) / wide == pytest.approx(100 / width, abs=0.01)
    assert (at[1] - top) / wide == pytest.approx(50 / width, abs=0.01)

    page.mouse.down()
    page.mouse.move(at[0] - 12, at[1] - 7)
    page.mouse.up()
    page.mouse.move(at[0] - 60, at[1] - 60)  # let go
    assert page.evaluate(LAYERS)[0] == [left - 12, top - 7, wide]
    page.mouse.dblclick(*at)
    assert page.evaluate(LAYERS) == whole

    session = page.context.new_cdp_session(page)
    for kind, apart_px in (("touchStart", 40), ("touchMove", 80), ("touchEnd", None)):
        fingers = [] if apart_px is None else [(at[0] - apart_px / 2), (at[0] + apart_px / 2)]
        points = [{"x": each, "y": at[1], "id": i} for i, each in enumerate(fingers)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    assert page.evaluate(LAYERS)[0][2] == pytest.approx(2 * width, rel=0.02)
    page.keyboard.press("d")  # a question does not keep anybody from looking
    page.wait_for_selector("dialog[data-ask=disagree]")
    page.mouse.move(*at)
    page.mouse.wheel(0, -100)
    page.wait_for_function(f"() => ({LAYERS})()[0][2] > {2.2 * width}")
    page.keyboard.press("Escape")
    inspect_until(at_work, page, Verdict.PASS)
    page.wait_for_selector(".stage:not(.closer)")
    assert page.evaluate(LAYERS)[0] == whole[0]
