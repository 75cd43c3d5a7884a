"""Tried parts that people labelled: escapes and overkill of a recipe, and of the line then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from inspection.intervals import exact_interval
from inspection.judgement import Verdict
from inspection.labels.labels import PartLabels, Truth

Row = Mapping[str, Any]
"""A recorded part that was tried: `verdict` of the recipe, and `before` of the line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """How many of so many parts, and the exact 95 % interval of that rate, None of no parts."""

    count: int
    of: int
    ci95: tuple[float, float] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistakes:
    """NG parts that pass, and OK parts that do not."""

    escapes: Share
    overkill: Share


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The mistakes of a recipe and of the line then, and how many labelled parts count in neither.

    `unsettled`: people differ, or an operator disagreed since. `learnt`: OK parts the recipe was
    learnt from, which say nothing of parts it has not seen.
    """

    recipe: Mistakes
    line: Mistakes
    unsettled: int
    learnt: int


def compared(rows: Sequence[Row]) -> Comparison:
    """Count the mistakes among parts that went through `labelled`."""
    ng = [row for row in rows if row["label"] == Truth.NG.name]
    ok = [row for row in rows if row["label"] == Truth.OK.name]
    unseen = [row for row in ok if not row.get("learnt")]
    return Comparison(
        recipe=_mistakes(ng, unseen, "verdict"),
        line=_mistakes(ng, unseen, "before"),
        unsettled=sum(row["unsettled"] for row in rows),
        learnt=len(ok) - len(unseen),
    )


def labelled(row: Row, labels: PartLabels) -> dict[str, Any]:
    """A part with what people say it is, and whether it escapes."""
    truth, outcome = labels.truth, labels.outcome
    return {
        **row,
        "label": truth.name if truth in (Truth.OK, Truth.NG) else None,
        "defect": None if outcome is None else outcome.defect,
        "unsettled": truth is Truth.DISPUTED,
        "escape": truth is Truth.NG and passes(row["verdict"]),
    }


def passes(verdict: str) -> bool:
    """Whether a part of this verdict goes on; what could not be inspected does not."""
    return verdict == Verdict.PASS.value


def _mistakes(ng: Sequence[Row], ok: Sequence[Row], judged: str) -> Mistakes:
    return Mistakes(
        escapes=_share([passes(row[judged]) for row in ng]),
        overkill=_share([not passes(row[judged]) for row in ok]),
    )


def _share(wrong: Sequence[bool]) -> Share:
    count, of = sum(wrong), len(wrong)
    return Share(count=count, of=of, ci95=exact_interval(count, of) if of else None)
