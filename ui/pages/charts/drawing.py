"""The charts, as altair draws them in the browser; data and words in, nothing read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from inspection.control_charts import ControlChart
from inspection.labels.labels import Truth
from inspection.reports.pareto import Bar
from inspection.training.curves import Curve

if TYPE_CHECKING:
    import altair as alt

Say = Callable[[str], str]
Chart = Any
# Okabe-Ito, told apart by everybody; the grey is read on dark and on light.
BLUE, ORANGE, RED, GREEN, GREY = "#56b4e9", "#e69f00", "#d55e00", "#009e73", "#8b98a8"
WIDTH_PX, HEIGHT_PX = 500, 400
PADDING_PX = {"top": 36, "left": 8, "right": 8, "bottom": 8}
"""Gradio's label of a plot stands in its upper left corner."""
LETTERS_PX = 14
BY_WORDS = "split(datum.label, ' ')"
"""A label that breaks between words, not slanted."""
DAY_AND_HOUR = "[timeFormat(datum.value, '%m-%d'), timeFormat(datum.value, '%H:%M')]"
BINS = 40


def pareto_chart(bars: Sequence[Bar], names: Mapping[str, str], say: Say) -> Chart:
    """Bars by count, the most frequent first, and the line of what they come to together.

    The axis of counts ends at all parts counted, so that bars and line are of one scale.
    """
    import altair as alt

    total = round(bars[-1].count / (bars[-1].summed - (bars[-2].summed if bars[1:] else 0)))
    rows = [{"name": names[bar.name], "parts": bar.count, "summed": bar.summed} for bar in bars]
    base = _chart(rows).encode(
        x=alt.X(
            "name:N",
            sort=None,
            title=None,
            axis=alt.Axis(labelAngle=0, labelLimit=160, labelExpr=BY_WORDS),
        )
    )
    tips = [
        _tip("name:N", say("cause")),
        _tip("parts:Q", say("parts")),
        _tip("summed:Q", say("summed"), ".1%"),
    ]
    drawn = base.mark_bar(color=BLUE, width=alt.RelativeBandSize(0.7)).encode(
        y=alt.Y(
            "parts:Q",
            title=say("parts"),
            axis=alt.Axis(tickMinStep=1),
            scale=alt.Scale(domain=[0, total], nice=False),
        ),
        tooltip=tips,
    )
    line = base.mark_line(color=ORANGE, point=alt.OverlayMarkDef(color=ORANGE)).encode(
        y=alt.Y(
            "summed:Q",
            title=say("summed"),
            scale=alt.Scale(domain=[0, 1]),
            axis=alt.Axis(format="%"),
        ),
        tooltip=tips,
    )
    return _plain(alt.layer(drawn, line).resolve_scale(y="independent"))


def control_chart(
    begins: Sequence[str], found: ControlChart, say: Say, *, title: str, share: bool
) -> Chart:
    """Values over time with their centre and limits; those beyond are marked by colour and shape."""
    import altair as alt

    form = ".1%" if share else ".3g"
    rows = [
        {"at": at, "value": value, "low": low, "high": high, "centre": found.centre, "outside": bool(out)}
        for at, value, low, high, out in zip(
            begins, found.values.tolist(), found.low.tolist(), found.high.tolist(),
            found.outside.tolist(), strict=True,
        )
    ]  # fmt: skip
    x = alt.X("at:T", title=None, axis=alt.Axis(labelAngle=0, labelExpr=DAY_AND_HOUR, tickCount=6))
    axis = alt.Axis(format="%" if share else "~g")
    base = _chart(rows).encode(x=x)
    tips = [
        _tip("at:T", say("hour"), "%Y-%m-%d %H:%M"), _tip("value:Q", title, form),
        _tip("low:Q", say("low"), form), _tip("high:Q", say("high"), form),
    ]  # fmt: skip
    limits = [
        base.mark_line(color=RED, strokeDash=[5, 4], interpolate="step").encode(y=f"{name}:Q")
        for name in ("low", "high")
    ]
    centre = base.mark_line(color=GREY).encode(y="centre:Q")
    line = base.mark_line(color=BLUE).encode(
        y=alt.Y("value:Q", title=title, axis=axis, scale=alt.Scale(zero=share))
    )
    points = base.mark_point(filled=True, size=70, opacity=1).encode(
        y="value:Q",
        color=alt.condition("datum.outside", alt.value(RED), alt.value(BLUE)),
        shape=alt.condition("datum.outside", alt.value("diamond"), alt.value("circle")),
        tooltip=tips,
    )
    return _plain(alt.layer(line, *limits, centre, points))


def curve_chart(found: Curve, say: Say, *, x: str, y: str) -> Chart:
    """A curve with the 95 % interval of each point as a line; the tip at a point says its limit."""
    import altair as alt

    rows = [
        {"x": a, "y": b, "low": low, "high": high, "limit": limit if np.isfinite(limit) else None}
        for a, b, low, high, limit in zip(
            found.x.tolist(), found.y.tolist(), found.low.tolist(), found.high.tolist(),
            found.limits.tolist(), strict=True,
        )
    ]  # fmt: skip
    whole = alt.Scale(domain=[0, 1])
    percent = alt.Axis(format="%", tickCount=5)
    base = _chart(rows).encode(x=alt.X("x:Q", title=x, scale=whole, axis=percent))
    interval = base.mark_rule(color=BLUE, opacity=0.3, size=4).encode(
        y=alt.Y("low:Q", title=y, scale=whole, axis=percent), y2="high:Q"
    )
    tips = [
        _tip("x:Q", x, ".1%"), _tip("y:Q", y, ".1%"), _tip("low:Q", say("low"), ".1%"),
        _tip("high:Q", say("high"), ".1%"), _tip("limit:Q", say("limit"), ".4g"),
    ]  # fmt: skip
    line = base.mark_line(color=BLUE, point=alt.OverlayMarkDef(size=25, color=BLUE)).encode(
        y=alt.Y("y:Q", scale=whole),
        order=alt.Order("limit:Q", sort="descending"),
        tooltip=tips,
    )
    return _plain(alt.layer(interval, line))


def score_chart(
    scores: Mapping[Truth, NDArray[np.float64]],
    limits: Mapping[str, float],
    say: Say,
) -> Chart:
    """Scores of parts labelled OK, NG, and of all others, in the same bins; the recipe's limits as lines."""
    import altair as alt

    every = np.concatenate(list(scores.values()))
    edges = np.histogram_bin_edges(every, bins=BINS)
    colours = {Truth.OK: GREEN, Truth.NG: RED, Truth.NOTHING: GREY}
    groups = {
        Truth.OK: scores[Truth.OK],
        Truth.NG: scores[Truth.NG],
        Truth.NOTHING: np.concatenate([scores[Truth.NOTHING], scores[Truth.DISPUTED]]),
    }
    rows = [
        {
            "label": say(f"report.label_{truth.name}"),
            "from": float(a),
            "to": float(b),
            "parts": int(n),
        }
        for truth, values in groups.items()
        for a, b, n in zip(edges, edges[1:], np.histogram(values, edges)[0], strict=False)
        if n
    ]
    names = [say(f"report.label_{truth.name}") for truth in groups]
    bars = (
        _chart(rows)
        .mark_bar(opacity=0.85)
        .encode(
            x=alt.X("from:Q", bin="binned", title=say("score")),
            x2="to:Q",
            y=alt.Y("parts:Q", title=say("parts"), stack="zero", axis=alt.Axis(tickMinStep=1)),
            color=alt.Color(
                "label:N",
                title=None,
                scale=alt.Scale(domain=names, range=list(colours.values())),
                legend=alt.Legend(orient="top"),
            ),
            tooltip=[
                _tip("label:N", say("label")), _tip("from:Q", say("score"), ".4g"),
                _tip("to:Q", say("upto"), ".4g"), _tip("parts:Q", say("parts")),
            ],
        )
    )  # fmt: skip
    names_at: dict[float, list[str]] = {}
    for name, value in limits.items():
        names_at.setdefault(value, []).append(name)
    marks = [{"name": " · ".join(each), "value": value} for value, each in names_at.items()]
    base = _chart(marks).encode(x="value:Q")
    rule = base.mark_rule(color=ORANGE, strokeDash=[6, 3], size=2).encode(
        tooltip=[_tip("name:N", say("limit")), _tip("value:Q", say("score"), ".4g")]
    )
    text = base.mark_text(
        color=ORANGE, align="left", dx=4, baseline="top", fontSize=LETTERS_PX
    ).encode(text="name:N", y=alt.value(2))
    return _plain(alt.layer(bars, rule, text) if marks else alt.layer(bars))


def _chart(rows: Sequence[Mapping[str, Any]]) -> Chart:
    import altair as alt

    data: Any = alt.Data  # its own constructor has no types
    return alt.Chart(data(values=list(rows)))


def _tip(field: str, title: str, form: str | None = None) -> alt.Tooltip:
    import altair as alt

    return (
        alt.Tooltip(field, title=title)
        if form is None
        else alt.Tooltip(field, title=title, format=form)
    )


def _plain(chart: Chart) -> Chart:
    """Of one size, on any ground; texts in a grey that is read on dark and on light."""
    return (
        chart.properties(width=WIDTH_PX, height=HEIGHT_PX, padding=PADDING_PX, background="transparent")
        .configure_axis(
            labelColor=GREY, titleColor=GREY, gridColor=GREY, gridOpacity=0.2, domainColor=GREY,
            tickColor=GREY, labelFontSize=LETTERS_PX, titleFontSize=LETTERS_PX,
        )
        .configure_legend(labelColor=GREY, titleColor=GREY, labelFontSize=12)
        .configure_view(stroke=None)
    )  # fmt: skip
