"""Light and dark in a real browser: who chooses, and that every text on the pages is read on its ground."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.ui.conftest import LEFT

pytestmark = pytest.mark.slow

PAGES = {
    "/": ".operator .banner",
    "/engineer/review": ".review .key.ok",
    "/engineer/analysis": ".threshold[data-ready]",
    "/engineer/setup": "#camera-seed",
    "/engineer/setup#train": "#train",
    "/engineer/setup#good": "#good-parts",
    "/engineer/setup#line": "#history",
    "/engineer/station": "#camera-seed",
    "/engineer/gallery": "[role=tab], .gallery, button",
    "/admin": "[role=tab]",
    "/manual": ".manual main h1",
}
# Of every element with a text of its own: what it is, and the contrast to the nearest ground that is of one colour.
CONTRASTS = """() => {
  const numbers = (c) => c.match(/[\\d.]+/g)?.map(Number) ?? [0, 0, 0, 0];
  const parse = (c) => numbers(c).length === 3 ? [...numbers(c), 1] : numbers(c);
  const linear = (c) => c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const found = [];
  for (const each of document.querySelectorAll("body *")) {
    const own = [...each.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || !each.checkVisibility({opacityProperty: true, visibilityProperty: true})) continue;
    if (each.closest("[disabled], [aria-disabled=true], svg, .pending, .sr-only, .operator .banner")) continue;
    const box = each.getBoundingClientRect();
    if (box.width < 2 || box.height < 2) continue;
    const style = getComputedStyle(each);
    const layers = [];
    let ground = null;
    for (let at = each; at; at = at.parentElement) {
      const s = getComputedStyle(at);
      if (s.backgroundImage !== "none") break;
      layers.unshift(parse(s.backgroundColor));
      if (layers[0][3] > 0.98) { ground = [0, 0, 0]; break; }
    }
    if (!ground) continue;
    for (const [r, g, b, a] of layers) ground = [r, g, b].map((c, i) => c * a + ground[i] * (1 - a));
    const [low, high] = [light(parse(style.color)), light(ground)].sort((a, b) => a - b);
    const contrast = (high + 0.05) / (low + 0.05);
    const text = `${each.tagName}.${each.className} "${each.textContent.trim().slice(0, 30)}"`;
    if (contrast < 4.5) found.push(`${text} ${style.color} on ${ground}: ${contrast.toFixed(2)}`);
  }
  return found;
}"""


@pytest.fixture(scope="module")
def station(make_station: Callable[..., Any]) -> Iterator[Any]:
    found = make_station()
    found.trigger(6)
    yield found
    found.stop()


def ground(page: Any) -> str:
    return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_every_text_is_read_on_its_ground(
    station: Any, open_page: Any, theme: str, path: str
) -> None:
    open_page.allowed += LEFT
    page = open_page(station, path, user="ada", wait=PAGES[path])
    page.context.add_cookies([{"name": "theme", "value": theme, "url": station.url}])
    page.reload()
    page.wait_for_selector(PAGES[path], timeout=30_000)
    assert page.get_attribute("html", "data-theme") == theme
    page.wait_for_timeout(2500)
    assert page.evaluate(CONTRASTS) == []


def test_the_operators_page_is_dark_and_the_others_are_as_the_system_until_somebody_chooses(
    station: Any, open_page: Any
) -> None:
    page = open_page(station, "/", user="mia", wait=".operator .banner")
    page.emulate_media(color_scheme="light")
    assert page.get_attribute("html", "data-theme") == "dark"
    dark = ground(page)
    page.goto(station.url + "/engineer/review")
    page.wait_for_selector(".bar .theme[data-theme=auto]")
    light = ground(page)
    assert light != dark
    page.emulate_media(color_scheme="dark")
    assert ground(page) == dark
    for theme in ("light", "dark", "auto"):
        page.click(".bar .theme")
        page.wait_for_selector(f".bar .theme[data-theme={theme}]")
        assert page.get_attribute("html", "data-theme") == theme
    page.click(".bar .theme")
    page.wait_for_selector(".bar .theme[data-theme=light]")
    assert ground(page) == light
    page.goto(station.url + "/")
    page.wait_for_selector(".operator .banner")
    assert ground(page) == light  # chosen is chosen
    page.goto(station.url + "/login")
    assert page.get_attribute("html", "data-theme") == "light"


def test_nonsense_for_a_theme_is_the_usual_one(station: Any) -> None:
    with station.client("mia") as client:
        client.cookies.set("theme", 'x"><script>')
        text = client.get("/").text
    assert '<html data-theme="dark"' in text
    assert "<script>'" not in text[:200]


@pytest.mark.parametrize("language", ["en", "ja", "ko"])
def test_the_links_of_an_administrator_are_one_row_at_1280_px(
    station: Any, open_page: Any, language: str
) -> None:
    page = open_page(
        station, "/engineer/labels", user="ada", language=language, size=(1280, 800), wait="#make"
    )
    page.wait_for_selector(".bar .theme")
    assert page.evaluate("document.querySelector('.bar').offsetHeight") < 60
