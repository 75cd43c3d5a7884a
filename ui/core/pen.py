"""What every chart is drawn with: words of a language, colours of a theme, one size."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import altair as alt

Chart = Any
WIDTH_PX, HEIGHT_PX = 500, 400
PADDING_PX = {"top": 36, "left": 8, "right": 8, "bottom": 8}
"""Gradio's label of a plot stands in its upper left corner."""
LETTERS_PX = 14
DAY_AND_HOUR = "[timeFormat(datum.value, '%m-%d'), timeFormat(datum.value, '%H:%M')]"
_SHOWN = {
    "actions": {"export": True, "source": False, "compiled": False, "editor": False},
    "loader": {"target": "_blank"},
}
"""The menu of a chart saves it as a picture, the editor would be a page elsewhere; links open beside."""


@dataclass(frozen=True, slots=True)
class Pen:
    """`say` gives a text by its key, `colour` a colour of `shared/colours.css` by its name."""

    say: Callable[..., str]
    colour: Callable[[str], str]

    def chart(self, rows: Sequence[Mapping[str, Any]]) -> Chart:
        """A chart of rows, with nothing on it yet."""
        import altair as alt

        data: Any = alt.Data  # its own constructor has no types
        return alt.Chart(data(values=list(rows)))

    def tip(self, field: str, title: str, form: str | None = None) -> alt.Tooltip:
        """One line of what is shown at a mark."""
        import altair as alt

        return (
            alt.Tooltip(field, title=title)
            if form is None
            else alt.Tooltip(field, title=title, format=form)
        )

    def done(self, chart: Chart, *, width_px: int = WIDTH_PX, height_px: int = HEIGHT_PX) -> Chart:
        """A chart with its size, and axes, words and ground of the theme."""
        ink, dim, line = self.colour("ink"), self.colour("dim"), self.colour("line")
        return (
            chart.properties(
                width=width_px, height=height_px, padding=PADDING_PX,
                background=self.colour("panel"), usermeta={"embedOptions": _SHOWN},
            )
            .configure_axis(
                labelColor=dim, titleColor=ink, gridColor=line, domainColor=dim,
                tickColor=dim, labelFontSize=LETTERS_PX, titleFontSize=LETTERS_PX,
            )
            .configure_legend(labelColor=ink, titleColor=ink, labelFontSize=12)
            .configure_view(stroke=None)
        )  # fmt: skip


def at_one(limits: Mapping[str, float]) -> dict[float, str]:
    """The names of limits by their value: those at one value stand together."""
    found: dict[float, list[str]] = {}
    for name, value in limits.items():
        found.setdefault(value, []).append(name)
    return {value: " · ".join(names) for value, names in found.items()}
