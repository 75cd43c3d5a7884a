"""The histogram over the slider, as HTML: all of it stands at shares of its width and height, so it fits any size.

Scores run from left to right along an axis that the slider knows too; bars are stacks, parts that passed below.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspection.judgement import Verdict
from ui.core.html import Html, tag
from ui.core.wording import Wording
from ui.pages.analysis.axis import Axis, apart, score_axis
from ui.pages.analysis.threshold import Kind, StoredParts

BINS = 120
APART_ACROSS, APART_UP = 0.11, 0.17
"""The least between two labels of an axis, as shares of it."""
LAST_ACROSS = 0.98
"""No label stands behind it: it would be cut off."""


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """Parts in each bin, by stored verdict."""

    passed: NDArray[np.int64]
    rejected: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Limit:
    """A line across the histogram; its kind is its class."""

    kind: str
    value: float
    label: str


def charts_of(
    read: StoredParts, found: Mapping[str, Any], on_line: float | None, wording: Wording
) -> list[list[dict[str, Any]]]:
    """Four: by value and by logarithm of the scores, each by value and by logarithm of the counts."""
    own, fail = found["threshold"], found["fail_threshold"]
    if own is None:
        return []
    scored = (read.kind != Kind.CANNOT) & ~np.isnan(read.score)
    passed = read.verdict[scored] == found["verdicts"].index(Verdict.PASS.value)
    charts = []
    for log in (False, True):
        limits = [own, own if on_line is None else on_line]
        axis = score_axis(found["extent"], limits, fail, log=log)
        bins = np.minimum(BINS - 1, (axis.all_at(read.score[scored]) * BINS).astype(int))
        counts = Counts(*(np.bincount(bins[each], minlength=BINS) for each in (passed, ~passed)))
        lines = _lines(own, on_line, fail, axis, wording)
        charts.append(
            [
                {
                    "html": plot(counts, axis, lines, wording, log_counts=log_counts),
                    "low": axis.low,
                    "high": axis.high,
                    "log": axis.log,
                }
                for log_counts in (False, True)
            ]
        )
    return charts


def plot(
    counts: Counts, axis: Axis, limits: Sequence[Limit], wording: Wording, *, log_counts: bool
) -> Html:
    """One histogram."""
    most = max(1, int((counts.passed + counts.rejected).max()))
    tall = Axis(1, most + 1, log=True) if log_counts else Axis(0, most)

    def up(n: float) -> float:
        return tall.at(n + 1 if log_counts else n)

    marks = [n for n in tall.ticks(5) if n == int(n) <= most]
    return tag(
        "div",
        *(_rule(n, up(n), wording) for n in apart(marks, up, APART_UP)),
        tag("div", *_stacks(counts, axis, up, wording), cls="bars"),
        *(_tick(value, axis.at(value)) for value in apart(axis.ticks(8), axis.at, APART_ACROSS)),
        *(part for row, limit in enumerate(limits) for part in _limit(limit, axis, row)),
        cls="plot",
    )


def short(value: float) -> str:
    """Four digits that count, as the figures beside the slider."""
    if value and not 1e-3 <= abs(value) < 1e6:
        return f"{value:.2e}"
    return f"{float(f'{value:.4g}'):g}"


def _lines(
    own: float, on_line: float | None, fail: float | None, axis: Axis, wording: Wording
) -> list[Limit]:
    """The recipe's own limits, and that on the line where it is another."""
    found = {"own": own, "line": None if on_line == own else on_line}
    found["fail"] = fail if fail is not None and fail <= axis.high else None
    return [
        Limit(kind, value, wording.say(f"analysis.{kind}_threshold", value=short(value)))
        for kind, value in found.items()
        if value is not None
    ]


def _stacks(
    counts: Counts, axis: Axis, up: Callable[[float], float], wording: Wording
) -> list[Html]:
    made, edges = [], [short(axis.back(i / BINS)) for i in range(BINS + 1)]
    for i, (passed, rejected) in enumerate(
        zip(counts.passed.tolist(), counts.rejected.tolist(), strict=True)
    ):
        values = {"from": edges[i], "to": edges[i + 1], "passed": wording.number(passed)}
        tip = wording.say("analysis.histogram_tip", **values, rejected=wording.number(rejected))
        below, all_of_it = up(passed), up(passed + rejected)
        parts = (("passed", below), ("rejected", all_of_it - below))
        stack = [tag("b", cls=name, style=f"height:{_percent(n)}") for name, n in parts if n]
        made.append(tag("i", *stack, data_tip=tip))
    return made


def _rule(n: float, up: float, wording: Wording) -> Html:
    label = tag("span", wording.number(n), cls="count-label")
    return tag("div", label, cls="rule", style=f"bottom:{_percent(up)}")


def _tick(value: float, across: float) -> Html | None:
    if across > LAST_ACROSS:
        return None
    return tag("span", short(value), cls="tick-label", style=f"left:{_percent(across)}")


def _limit(limit: Limit, axis: Axis, row: int) -> list[Html]:
    """The line, and its label a row below the one before, on the side where there is more room."""
    at = axis.at(limit.value)
    side, spared = ("before", 1 - at) if at > 0.5 else ("after", at)
    line = tag("div", cls=f"mark {limit.kind}", style=f"left:{_percent(at)}")
    label = tag("span", limit.label, cls="mark-label")
    style = f"--row:{row};--spared:{_percent(spared)}"
    return [line, tag("div", label, cls=f"mark-row {limit.kind} {side}", style=style)]


def _percent(share: float) -> str:
    return f"{100 * share:.4g}%"
