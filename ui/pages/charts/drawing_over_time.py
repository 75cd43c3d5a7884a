"""Charts of what happened over time: bars by verdict in steps, and a point for each part."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import numpy as np

from inspection.judgement import Verdict
from inspection.written import percent
from ui.core.pen import DAY_AND_HOUR, LETTERS_PX, Chart, Pen, at_one
from ui.pages.charts.over_time import Measured, Step

COLOURS = {
    Verdict.PASS: "pass-line", Verdict.FAIL: "fail-line",
    Verdict.REVIEW: "review-line", Verdict.CANNOT_INSPECT: "cannot-line",
}  # fmt: skip
SHAPES = {
    Verdict.PASS: "circle", Verdict.FAIL: "square",
    Verdict.REVIEW: "triangle-up", Verdict.CANNOT_INSPECT: "diamond",
}  # fmt: skip
WIDTH_PX, YIELD_PX, MEASURE_PX = 1100, 300, 220
ABOVE_PX = 24
"""Room for a line between the highest bar and the legend."""
MOST_SHARES = 16
"""So many steps have their yield written above them."""
LARGE_PX2, SMALL_PX2, FEW = 70, 28, 1_000
"""How large a point is: where there are few, easily clicked."""
POINTS = "parts"
FAR = 2.0
"""A limit so many spans of all values away does not stretch the axis."""


def yield_chart(steps: Sequence[Step], pen: Pen) -> Chart:
    """Parts by verdict in each step, those without a recipe apart on top, and the yield above."""
    import altair as alt

    names = {verdict: pen.say(f"report.verdict_{verdict.value}") for verdict in Verdict}
    apart = pen.say("report.outside_yield")
    rows = []
    for step in steps:
        parts = [(names[verdict], count) for verdict, count in step.counts.verdicts.items()]
        when = {"from": step.begin.isoformat(), "to": step.end.isoformat(), "share": share_of(step)}
        low = 0
        for name, count in [*parts, (apart, step.counts.outside_yield)]:
            if count:
                rows.append(
                    {**when, "verdict": name, "parts": count, "low": low, "high": low + count}
                )
            low += count
    colours = [pen.colour(COLOURS[verdict]) for verdict in Verdict] + [pen.colour("dim")]
    time = alt.X("from:T", title=None, axis=alt.Axis(labelExpr=DAY_AND_HOUR, tickCount=8))
    bars = (
        pen.chart(rows)
        .mark_rect(stroke=pen.colour("panel"), strokeWidth=0.5)
        .encode(
            x=time,
            x2="to:T",
            y=alt.Y(
                "low:Q", title=pen.say("parts"), axis=alt.Axis(tickMinStep=1), scale=alt.Scale(zero=True)
            ),
            y2="high:Q",
            color=alt.Color(
                "verdict:N", title=None, scale=alt.Scale(domain=[*names.values(), apart], range=colours),
                legend=alt.Legend(orient="top", offset=ABOVE_PX),
            ),
            tooltip=[
                pen.tip("from:T", pen.say("from"), "%Y-%m-%d %H:%M"), pen.tip("verdict:N", pen.say("verdict")),
                pen.tip("parts:Q", pen.say("parts")), pen.tip("share:N", pen.say("yield")),
            ],
        )
    )  # fmt: skip
    if len(steps) > MOST_SHARES:
        return pen.done(alt.layer(bars), width_px=WIDTH_PX, height_px=YIELD_PX)
    tops = [
        {
            "at": (step.begin + (step.end - step.begin) / 2).isoformat(),
            "parts": step.counts.parts,
            "share": share_of(step),
        }
        for step in steps
        if step.counts.parts
    ]
    shares = (
        pen.chart(tops)
        .mark_text(color=pen.colour("ink"), baseline="bottom", dy=-3, fontSize=LETTERS_PX)
        .encode(x="at:T", y="parts:Q", text="share:N")
    )
    return pen.done(alt.layer(bars, shares), width_px=WIDTH_PX, height_px=YIELD_PX)


def share_of(step: Step) -> str:
    """The yield of a step in words."""
    share = step.counts.yield_share
    return "–" if share is None else percent(share)


def measure_chart(
    found: Measured, limits: Mapping[str, float], pen: Pen, *, name: str, link: str
) -> str:
    """A point for each part by its verdict, the limits, and the median that shows drift; as JSON.

    A click at a point opens `link` with the part's number behind it. The points are put into the chart when it is done:
    altair checks every value of its own data, 2 ms for each.
    """
    import altair as alt

    names = {verdict: pen.say(f"report.verdict_{verdict.value}") for verdict in Verdict}
    rows = [
        {
            "part": number, "at": at, "value": value, "verdict": names[verdict], "median": median,
            "link": f"{link}{number}",
        }
        for number, at, value, verdict, median in zip(
            found.number.tolist(), found.at, found.value.tolist(), found.verdict, found.median.tolist(), strict=True
        )
    ]  # fmt: skip
    size = LARGE_PX2 if len(rows) <= FEW else SMALL_PX2
    low, high = axis_of(found.value, list(limits.values()))
    axis = alt.Axis(format="~g", tickCount=5)
    base = alt.Chart(alt.NamedData(POINTS)).encode(
        x=alt.X("at:T", title=None, axis=alt.Axis(labelExpr=DAY_AND_HOUR, tickCount=8))
    )
    range_ = [pen.colour(COLOURS[verdict]) for verdict in Verdict]
    points = base.mark_point(filled=True, size=size, opacity=0.8).encode(
        y=alt.Y("value:Q", title=name, axis=axis, scale=alt.Scale(domain=[low, high], nice=False)),
        color=alt.Color(
            "verdict:N", title=None, scale=alt.Scale(domain=list(names.values()), range=range_),
            legend=alt.Legend(orient="top"),
        ),
        shape=alt.Shape(
            "verdict:N", legend=None,
            scale=alt.Scale(domain=list(names.values()), range=[SHAPES[verdict] for verdict in Verdict]),
        ),
        href="link:N",
        tooltip=[
            pen.tip("part:Q", pen.say("part")), pen.tip("at:T", pen.say("judged_at"), "%Y-%m-%d %H:%M:%S"),
            pen.tip("value:Q", name, ".4g"), pen.tip("verdict:N", pen.say("verdict")),
            pen.tip("median:Q", pen.say("median_of"), ".4g"),
        ],
    )  # fmt: skip
    median = base.mark_line(color=pen.colour("ink"), strokeWidth=2).encode(y="median:Q")
    shown = [
        {"name": name, "value": min(high, max(low, value))}
        for value, name in at_one(limits).items()
    ]
    marks = pen.chart(shown).encode(y="value:Q")
    rules = marks.mark_rule(color=pen.colour("limit-line"), strokeDash=[7, 5], size=2)
    words = marks.mark_text(
        color=pen.colour("ink"), align="left", baseline="bottom", dx=4, dy=-2, fontSize=12
    ).encode(x=alt.value(0), text="name:N")
    layers = [points, median, *([rules, words] if shown else [])]
    chart = pen.done(alt.layer(*layers), width_px=WIDTH_PX, height_px=MEASURE_PX).to_dict()
    return json.dumps({**chart, "datasets": {**chart.get("datasets", {}), POINTS: rows}})


def axis_of(values: np.ndarray, limits: Sequence[float]) -> tuple[float, float]:
    """From the lowest to the highest of values and of the limits that are not far out."""
    low, high = float(values.min()), float(values.max())
    span = (high - low) or abs(high) or 1.0
    near = [each for each in limits if low - FAR * span < each < high + FAR * span]
    low, high = min([low, *near]), max([high, *near])
    room = 0.06 * ((high - low) or span)
    return low - room, high + room
