"""The Pareto chart of a report: one drawing, for HTML as SVG and for PDF as it is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from inspection.reports.letters import font_of
from inspection.reports.pareto import Bar

if TYPE_CHECKING:
    from reportlab.graphics.shapes import Drawing

WIDTH_PT, ROW_PT, TOP_PT, BELOW_PT = 480.0, 20.0, 6.0, 18.0
NAME_PT, END_PT = 170.0, 40.0
SIZE_PT = 8.0
BAR, LINE, INK, GRID = 0x0072B2, 0xD55E00, 0x222222, 0xCCCCCC


def pareto_drawing(bars: Sequence[Bar]) -> Drawing:
    """Bars from the top down, the share of each on it, and the line of what they come to together.

    Bars and line share one axis, 0 to 100 % of all parts counted, so that neither can mislead.
    """
    from reportlab.graphics.shapes import Circle, Drawing, Line, PolyLine, Rect
    from reportlab.lib.colors import HexColor

    height = TOP_PT + ROW_PT * len(bars) + BELOW_PT
    drawing = Drawing(WIDTH_PT, height)
    wide = WIDTH_PT - NAME_PT - END_PT
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        x = NAME_PT + wide * share
        drawing.add(
            Line(x, BELOW_PT, x, height - TOP_PT, strokeColor=HexColor(GRID), strokeWidth=0.5)
        )
        drawing.add(_text(x, BELOW_PT - 11, f"{100 * share:.0f} %", anchor="middle"))
    points: list[float] = []
    before = 0.0
    for place, bar in enumerate(bars):
        y = height - TOP_PT - ROW_PT * (place + 1)
        share, before = bar.summed - before, bar.summed
        drawing.add(
            Rect(
                NAME_PT, y + 4, wide * share, ROW_PT - 8, fillColor=HexColor(BAR), strokeColor=None
            )
        )
        drawing.add(_text(NAME_PT - 6, y + 7, _short(bar.name), anchor="end"))
        drawing.add(_text(NAME_PT + wide * share + 4, y + 7, f"{bar.count}", anchor="start"))
        points += [NAME_PT + wide * bar.summed, y + ROW_PT / 2]
    colour = HexColor(LINE)
    drawing.add(PolyLine(points, strokeColor=colour, strokeWidth=1.4))
    for x, y in zip(points[::2], points[1::2], strict=True):
        drawing.add(Circle(x, y, 2.2, fillColor=colour, strokeColor=None))
    return drawing


def as_svg(drawing: Drawing) -> str:
    """A drawing as an SVG element for a page, in the letters of the page."""
    from reportlab.graphics import renderSVG

    text = str(renderSVG.drawToString(drawing))
    text = text[text.index("<svg") :]
    for needless in _NEEDLESS:
        text = re.sub(needless, "", text, flags=re.DOTALL)
    return text.strip()


_NEEDLESS = (
    r"<(title|desc|clipPath)\b.*?</\1>",
    r"clip-path: url\(#clip\)",
    r"font-family: [^;\"]+;",
)


def _text(x: float, y: float, text: str, *, anchor: str) -> Any:
    from reportlab.graphics.shapes import String
    from reportlab.lib.colors import HexColor

    return String(
        x,
        y,
        text,
        fontName=font_of(text),
        fontSize=SIZE_PT,
        textAnchor=anchor,
        fillColor=HexColor(INK),
    )


def _short(name: str, most: int = 34) -> str:
    most = most if name.isascii() else most // 2
    return name if len(name) <= most else f"{name[: most - 1]}…"
