"""The histogram of scores with the limits of a recipe, as altair draws it in the browser."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from inspection.labels.labels import Truth
from ui.core.pen import LETTERS_PX, Chart, Pen, at_one

BINS = 40

ROW_PX = 18
"""Limits may be close: each name stands a row lower than the one before."""


def score_chart(
    scores: Mapping[Truth, NDArray[np.float64]],
    limits: Mapping[str, float],
    pen: Pen,
) -> Chart:
    """Scores of parts labelled OK, NG, and of all others, in the same bins; the recipe's limits as lines."""
    import altair as alt

    every = np.concatenate(list(scores.values()))
    edges = np.histogram_bin_edges(every, bins=BINS)
    colours = {
        Truth.OK: pen.colour("pass-line"),
        Truth.NG: pen.colour("fail-line"),
        Truth.NOTHING: pen.colour("dim"),
    }
    groups = {
        Truth.OK: scores[Truth.OK],
        Truth.NG: scores[Truth.NG],
        Truth.NOTHING: np.concatenate([scores[Truth.NOTHING], scores[Truth.DISPUTED]]),
    }
    groups = {truth: values for truth, values in groups.items() if len(values)}
    rows = [
        {
            "label": pen.say(f"report.label_{truth.name}"),
            "from": float(a),
            "to": float(b),
            "parts": int(n),
        }
        for truth, values in groups.items()
        for a, b, n in zip(edges, edges[1:], np.histogram(values, edges)[0], strict=False)
        if n
    ]
    names = [pen.say(f"report.label_{truth.name}") for truth in groups]
    bars = (
        pen.chart(rows)
        .mark_bar(opacity=0.85)
        .encode(
            x=alt.X("from:Q", bin="binned", title=pen.say("score")),
            x2="to:Q",
            y=alt.Y("parts:Q", title=pen.say("parts"), stack="zero", axis=alt.Axis(tickMinStep=1)),
            color=alt.Color(
                "label:N",
                title=None,
                scale=alt.Scale(domain=names, range=[colours[each] for each in groups]),
                legend=alt.Legend(orient="top"),
            ),
            tooltip=[
                pen.tip("label:N", pen.say("label")), pen.tip("from:Q", pen.say("score"), ".4g"),
                pen.tip("to:Q", pen.say("upto"), ".4g"), pen.tip("parts:Q", pen.say("parts")),
            ],
        )
    )  # fmt: skip
    marks = [{"name": name, "value": value} for value, name in sorted(at_one(limits).items())]
    base = pen.chart(marks).encode(x="value:Q")
    rule = base.mark_rule(color=pen.colour("limit-line"), strokeDash=[6, 3], size=2).encode(
        tooltip=[pen.tip("name:N", pen.say("limit")), pen.tip("value:Q", pen.say("score"), ".4g")]
    )
    names_below_each_other = [
        pen.chart([mark])
        .mark_text(color=pen.colour("ink"), align="left", dx=4, baseline="top", fontSize=LETTERS_PX)
        .encode(x="value:Q", text="name:N", y=alt.value(2 + row * ROW_PX))
        for row, mark in enumerate(marks)
    ]
    return pen.done(alt.layer(bars, *([rule, *names_below_each_other] if marks else [])))
