"""The figures of what the camera sees, as HTML: brightness with what is lost, and how sharp it is."""

from __future__ import annotations

import math

from ui.core.html import Html, pieces, tag
from ui.core.wording import Wording
from ui.pages.setup.camera_preview import OVER, UNDER, Figures

HIGH, LEVELS = 60, 256
"""Of the histogram; its tallest count stands a little below its upper edge."""
MOST_OVER, MOST_UNDER = 0.01, 0.2
"""Shares that are pointed out above."""
AHEAD = 1.1
"""The meter goes so far beyond the best."""


def camera_figures(figures: Figures, best: float, wording: Wording) -> Html:
    """Brightness and focus; `best` is the sharpest so far."""
    focus = figures["focus"]
    best = max(best, focus)
    return pieces(
        tag("h3", wording.say("setup.brightness")),
        _histogram(figures["counts"], wording),
        _share("over", "▲", figures["over"], MOST_OVER, wording),
        _share("under", "▼", figures["under"], MOST_UNDER, wording),
        tag("h3", wording.say("setup.focus")),
        tag(
            "div",
            tag("span", style=f"width:{100 * focus / (AHEAD * best or 1):.4g}%"),
            tag("i", style=f"left:{100 / AHEAD:.4g}%"),
            cls="meter",
            data_focus=f"{focus:.1f}",
        ),
        tag(
            "p",
            wording.say("setup.focus_now", now=f"{focus:.0f}", best=f"{best:.0f}"),
            tag("button", wording.say("setup.focus_again"), type="button", cls="small"),
        ),
    )


def _histogram(counts: list[int], wording: Wording) -> Html:
    """Pixels by grey level, by logarithm; what is lost at both ends is marked."""
    tallest = math.log1p(max(counts))
    line = (f"{i},{HIGH - 58 * math.log1p(n) / tallest:.3g}" for i, n in enumerate(counts))

    def ends(x: int, width: int) -> Html:
        return tag("rect", x=str(x), y="0", width=str(width), height=str(HIGH), cls="clipped")

    return tag(
        "svg",
        ends(0, UNDER + 1),
        ends(OVER, LEVELS - OVER),
        tag("polygon", points=f"0,{HIGH} {' '.join(line)} {LEVELS - 1},{HIGH}"),
        cls="histogram", viewBox=f"0 0 {LEVELS} {HIGH + 2}", role="img",
        aria_label=wording.say("setup.brightness"),
    )  # fmt: skip


def _share(name: str, sign: str, share: float, most: float, wording: Wording) -> Html:
    text = wording.say(f"setup.{name}", share=f"{100 * share:.{1 if share < 0.1 else 0}f} %")
    much = share > most
    attributes = {f"data_{name}": f"{share:.4f}"}
    return tag("p", f"{sign} {text}" if much else text, cls="warn" if much else None, **attributes)
