"""The charts, as altair draws them in the browser; data and words in, nothing read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from inspection.control_charts import ControlChart
from inspection.reports.pareto import Bar
from inspection.training.curves import Curve
from ui.core.pen import DAY_AND_HOUR, Chart, Pen

BY_WORDS = "split(datum.label, ' ')"
"""A label that breaks between words, not slanted."""


def pareto_chart(bars: Sequence[Bar], names: Mapping[str, str], pen: Pen) -> Chart:
    """Bars by count, the most frequent first, and the line of what they come to together.

    The axis of counts ends at all parts counted, so that bars and line are of one scale.
    """
    import altair as alt

    total = round(bars[-1].count / (bars[-1].summed - (bars[-2].summed if bars[1:] else 0)))
    rows = [{"name": names[bar.name], "parts": bar.count, "summed": bar.summed} for bar in bars]
    base = pen.chart(rows).encode(
        x=alt.X(
            "name:N",
            sort=None,
            title=None,
            axis=alt.Axis(labelAngle=0, labelLimit=160, labelExpr=BY_WORDS),
        )
    )
    tips = [
        pen.tip("name:N", pen.say("cause")),
        pen.tip("parts:Q", pen.say("parts")),
        pen.tip("summed:Q", pen.say("summed"), ".1%"),
    ]
    drawn = base.mark_bar(color=pen.colour("cannot-line"), width=alt.RelativeBandSize(0.7)).encode(
        y=alt.Y(
            "parts:Q",
            title=pen.say("parts"),
            axis=alt.Axis(tickMinStep=1),
            scale=alt.Scale(domain=[0, total], nice=False),
        ),
        tooltip=tips,
    )
    line = base.mark_line(
        color=pen.colour("limit-line"), point=alt.OverlayMarkDef(color=pen.colour("limit-line"))
    ).encode(
        y=alt.Y(
            "summed:Q",
            title=pen.say("summed"),
            scale=alt.Scale(domain=[0, 1]),
            axis=alt.Axis(format="%"),
        ),
        tooltip=tips,
    )
    return pen.done(alt.layer(drawn, line).resolve_scale(y="independent"))


def control_chart(
    begins: Sequence[str], found: ControlChart, pen: Pen, *, title: str, share: bool
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
    base = pen.chart(rows).encode(x=x)
    tips = [
        pen.tip("at:T", pen.say("hour"), "%Y-%m-%d %H:%M"), pen.tip("value:Q", title, form),
        pen.tip("low:Q", pen.say("low"), form), pen.tip("high:Q", pen.say("high"), form),
    ]  # fmt: skip
    limits = [
        base.mark_line(color=pen.colour("fail-line"), strokeDash=[5, 4], interpolate="step").encode(
            y=f"{name}:Q"
        )
        for name in ("low", "high")
    ]
    centre = base.mark_line(color=pen.colour("dim")).encode(y="centre:Q")
    line = base.mark_line(color=pen.colour("cannot-line")).encode(
        y=alt.Y("value:Q", title=title, axis=axis, scale=alt.Scale(zero=share))
    )
    points = base.mark_point(filled=True, size=70, opacity=1).encode(
        y="value:Q",
        color=alt.condition(
            "datum.outside",
            alt.value(pen.colour("fail-line")),
            alt.value(pen.colour("cannot-line")),
        ),
        shape=alt.condition("datum.outside", alt.value("diamond"), alt.value("circle")),
        tooltip=tips,
    )
    return pen.done(alt.layer(line, *limits, centre, points))


def curve_chart(found: Curve, pen: Pen, *, x: str, y: str) -> Chart:
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
    base = pen.chart(rows).encode(x=alt.X("x:Q", title=x, scale=whole, axis=percent))
    interval = base.mark_rule(color=pen.colour("cannot-line"), opacity=0.3, size=4).encode(
        y=alt.Y("low:Q", title=y, scale=whole, axis=percent), y2="high:Q"
    )
    tips = [
        pen.tip("x:Q", x, ".1%"), pen.tip("y:Q", y, ".1%"), pen.tip("low:Q", pen.say("low"), ".1%"),
        pen.tip("high:Q", pen.say("high"), ".1%"), pen.tip("limit:Q", pen.say("limit"), ".4g"),
    ]  # fmt: skip
    line = base.mark_line(
        color=pen.colour("cannot-line"),
        point=alt.OverlayMarkDef(size=25, color=pen.colour("cannot-line")),
    ).encode(
        y=alt.Y("y:Q", scale=whole),
        order=alt.Order("limit:Q", sort="descending"),
        tooltip=tips,
    )
    return pen.done(alt.layer(interval, line))
