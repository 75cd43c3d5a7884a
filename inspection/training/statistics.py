"""What is counted of a labelled test set. A new statistic is one row of `STATISTICS`.

A row is printed by `inspection evaluate`, stands in its JSON and in `bench` by being there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspection.intervals import exact_interval
from inspection.judgement import Verdict
from inspection.training.drawn_defects import SIZES
from inspection.training.metrics import LabelledPixels, auroc, true_positive_rate

GOOD = "good"
NO_SCORE = float(np.finfo(np.float64).max)
"""Stands for the score of what could not be inspected: it is rejected, like the worst part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DefectOutline:
    """What was outlined on a defective picture that has a mask.

    `touches` says whether the worst region's box holds a defective pixel; `area_ratio` is the area of
    all regions as a multiple of the defect's.
    """

    touches: bool
    area_ratio: float


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ScoredTestSet:
    """What a method said of a labelled test set: all that a statistic is computed from.

    `kinds` (n) are "good" or the kind of defect; `scores` (n,) float64, higher is worse, are finite,
    NO_SCORE for a picture that could not be inspected. `verdicts` (n) is empty for a method that
    gives none, `latency_ms` (m,) where it was not timed, `pixels` None without a mask for every
    defective picture; `outlines` are of the flagged ones that have a mask. `lengths` (n) are those of
    the largest defect, as shares of the picture's longer side, None where not known; empty without masks.
    """

    kinds: Sequence[str]
    scores: NDArray[np.float64]
    verdicts: Sequence[Verdict] = ()
    latency_ms: NDArray[np.float64]
    pixels: LabelledPixels | None = None
    outlines: Sequence[DefectOutline] = ()
    lengths: Sequence[float | None] = ()

    @property
    def good(self) -> NDArray[np.bool_]:
        """Which pictures (n,) show a good part."""
        return np.array([kind == GOOD for kind in self.kinds], dtype=bool)

    def count(self, verdict: Verdict, among: NDArray[np.bool_]) -> int:
        """How many pictures of those (n,) got this verdict."""
        return sum(v is verdict for v, one in zip(self.verdicts, among, strict=True) if one)

    def image_auroc(self) -> float | None:
        """AUROC of the pictures' scores; None without a pair."""
        return _of_scores(self, auroc, ~self.good)


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate seen as `count` of `of`."""

    count: int
    of: int

    @property
    def value(self) -> float:
        """The share, 0 to 1."""
        return self.count / self.of

    @property
    def ci95(self) -> list[float]:
        """Its exact 95 % interval (Clopper, Pearson)."""
        return list(exact_interval(self.count, self.of))


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """How a value is written: `fields` of JSON from name and value, `lines` from label and value."""

    fields: Callable[[str, Any], dict[str, Any]] = lambda name, value: {name: value}
    lines: Callable[[str, Any], list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistic:
    """One figure of a test set.

    `value` gives it, or None where it cannot be known: `bench` asks the same of other methods, of which
    only scores and maps are known. `label` is printed before it; `sentence` says in the manual what it is.
    """

    name: str
    label: str
    unit: Unit
    value: Callable[[ScoredTestSet], Any]
    sentence: str


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """The statistics of a test set: `values` by the name of the statistic, None where not known."""

    values: Mapping[str, Any]

    @classmethod
    def of(cls, test: ScoredTestSet) -> Evaluation:
        """Compute every statistic of `STATISTICS`."""
        return cls({each.name: each.value(test) for each in STATISTICS})

    def as_json(self) -> dict[str, Any]:
        """The fields of the `--json` contract, in the order of the table."""
        rows = (each.unit.fields(each.name, self.values[each.name]) for each in STATISTICS)
        return {name: value for row in rows for name, value in row.items()}

    def lines(self) -> list[str]:
        """What is printed for a person; what is not known is left out, but rates say so."""
        rows = (each.unit.lines(each.label, self.values[each.name]) for each in STATISTICS)
        return [line for row in rows for line in row]


def _line(show: Callable[[Any], str]) -> Callable[[str, Any], list[str]]:
    return lambda label, value: [] if value is None else [f"{label:<30}{show(value)}"]


def _rate_fields(name: str, value: Rate | None) -> dict[str, Any]:
    interval = f"{name.removesuffix('_rate')}_ci95"
    if value is None:
        return {name: None, interval: None}
    return {name: value.value, interval: value.ci95}


def _rate_lines(label: str, value: Rate | None) -> list[str]:
    if value is None:
        return [f"{label:<30}not known: no such pictures"]
    low, high = value.ci95
    return [f"{label:<30}{value.value:.1%} (95 % interval {low:.1%} to {high:.1%})"]


def _kind_lines(label: str, value: Mapping[str, Any] | None) -> list[str]:
    rows = (value or {}).items()
    return [f"{label}{kind}: {row['escapes']} of {row['n']} escaped" for kind, row in rows]


COUNT = Unit(lines=_line(str))
SHARE = Unit(lines=_line(lambda value: f"{value:.4f}"))
MILLISECONDS = Unit(lines=_line(lambda value: f"{value:.1f} ms"))
RATE = Unit(fields=_rate_fields, lines=_rate_lines)
KINDS = Unit(lines=_kind_lines)


def _of_scores(
    test: ScoredTestSet,
    figure: Callable[[NDArray[np.float64], NDArray[np.float64]], float],
    defective: NDArray[np.bool_],
) -> float | None:
    """A figure of the good scores and those of `defective` (n,); None without one of each."""
    if not test.good.any() or not defective.any():
        return None
    return figure(test.scores[test.good], test.scores[defective])


def _above(limit: float) -> Callable[[NDArray[np.float64], NDArray[np.float64]], float]:
    return lambda good, bad: true_positive_rate(good, bad, max_false_positive_rate=limit)


def _tpr(limit: float) -> Callable[[ScoredTestSet], float | None]:
    return lambda test: _of_scores(test, _above(limit), ~test.good)


def _of_pixels(
    figure: Callable[[LabelledPixels], float],
) -> Callable[[ScoredTestSet], float | None]:
    return lambda test: None if test.pixels is None else figure(test.pixels)


def _escapes(test: ScoredTestSet) -> Rate | None:
    return _rate(test, ~test.good, passed=True)


def _overkill(test: ScoredTestSet) -> Rate | None:
    return _rate(test, test.good, passed=False)


def _rate(test: ScoredTestSet, among: NDArray[np.bool_], *, passed: bool) -> Rate | None:
    if not test.verdicts or not among.any():
        return None
    count, of = test.count(Verdict.PASS, among), int(among.sum())
    return Rate(count if passed else of - count, of)


def _not_failed(test: ScoredTestSet) -> Rate | None:
    """Share of defective parts that would escape if REVIEW parts passed."""
    if not test.verdicts or test.good.all():
        return None
    count = sum(test.count(verdict, ~test.good) for verdict in (Verdict.PASS, Verdict.REVIEW))
    return Rate(count, int((~test.good).sum()))


def _good_with(verdict: Verdict) -> Callable[[ScoredTestSet], Rate | None]:
    """Share of good parts that got this verdict."""

    def rate(test: ScoredTestSet) -> Rate | None:
        if not test.verdicts or not test.good.any():
            return None
        return Rate(test.count(verdict, test.good), int(test.good.sum()))

    return rate


def _outlines_that_touch(test: ScoredTestSet) -> Rate | None:
    if not test.outlines:
        return None
    return Rate(sum(each.touches for each in test.outlines), len(test.outlines))


def _median_area_ratio(test: ScoredTestSet) -> float | None:
    if not test.outlines:
        return None
    return float(np.median([each.area_ratio for each in test.outlines]))


def _per_defect(test: ScoredTestSet) -> dict[str, dict[str, Any]]:
    """What becomes of each kind of defect."""
    kinds = dict.fromkeys(kind for kind in test.kinds if kind != GOOD)
    return {kind: _group(test, np.array([each == kind for each in test.kinds])) for kind in kinds}


def size_class(length: float) -> str:
    """The name of the class of `SIZES` that this length falls into, such as "up to 0.04"."""
    return next((f"up to {size}" for size in SIZES if length <= size), f"above {SIZES[-1]}")


def _per_size(test: ScoredTestSet) -> dict[str, dict[str, Any]] | None:
    """What becomes of defects by their length; None without masks."""
    known = [None if length is None else size_class(length) for length in test.lengths]
    if not any(known):
        return None
    order = [*(size_class(size) for size in SIZES), size_class(1.0)]
    groups = {size: np.array([each == size for each in known]) for size in order if size in known}
    return {size: _group(test, members) for size, members in groups.items()}


def _group(test: ScoredTestSet, members: NDArray[np.bool_]) -> dict[str, Any]:
    """Escapes, AUROC and true positives of some of the defective pictures (n,)."""
    row: dict[str, Any] = {"n": int(members.sum())}
    if rate := _rate(test, members, passed=True):
        row |= {"escapes": rate.count, "escape_rate": rate.value, "escape_ci95": rate.ci95}
    return row | {
        "image_auroc": _of_scores(test, auroc, members),
        "tpr_at_1": _of_scores(test, _above(0.01), members),
        "tpr_at_5": _of_scores(test, _above(0.05), members),
    }


def _latency(quantile: float) -> Callable[[ScoredTestSet], float | None]:
    return lambda test: (
        float(np.quantile(test.latency_ms, quantile)) if len(test.latency_ms) else None
    )


STATISTICS: tuple[Statistic, ...] = (
    Statistic(
        name="n_good", label="good parts", unit=COUNT,
        value=lambda test: int(test.good.sum()),
        sentence="good test pictures",
    ),
    Statistic(
        name="n_defective", label="defective parts", unit=COUNT,
        value=lambda test: int((~test.good).sum()),
        sentence="defective test pictures",
    ),
    Statistic(
        name="escape_rate", label="escapes (defects passed)", unit=RATE, value=_escapes,
        sentence="share of defective parts that passed, with its exact 95 % interval",
    ),
    Statistic(
        name="not_failed_rate", label="defects that did not FAIL", unit=RATE, value=_not_failed,
        sentence="share of defective parts that passed or need a look, with its exact 95 % interval",
    ),
    Statistic(
        name="overkill_rate", label="overkill (good ones rejected)", unit=RATE, value=_overkill,
        sentence="share of good parts that did not pass, with its exact 95 % interval",
    ),
    Statistic(
        name="good_fail_rate", label="good parts that FAIL", unit=RATE,
        value=_good_with(Verdict.FAIL),
        sentence="share of good parts that got FAIL, with its exact 95 % interval",
    ),
    Statistic(
        name="good_review_rate", label="good parts to REVIEW", unit=RATE,
        value=_good_with(Verdict.REVIEW),
        sentence="share of good parts that need a look, with its exact 95 % interval",
    ),
    Statistic(
        name="image_auroc", label="image AUROC", unit=SHARE,
        value=ScoredTestSet.image_auroc,
        sentence="chance that a defective part scores worse than a good one",
    ),
    Statistic(
        name="tpr_at_1", label="found at 1 % overkill", unit=SHARE, value=_tpr(0.01),
        sentence="share of defective parts that score above all but 1 % of the good test parts",
    ),
    Statistic(
        name="tpr_at_5", label="found at 5 % overkill", unit=SHARE, value=_tpr(0.05),
        sentence="share of defective parts that score above all but 5 % of the good test parts",
    ),
    Statistic(
        name="pixel_auroc", label="pixel AUROC", unit=SHARE,
        value=_of_pixels(LabelledPixels.auroc),
        sentence="chance that a defective pixel scores worse than a good one",
    ),
    Statistic(
        name="aupro", label="pixel AUPRO", unit=SHARE,
        value=_of_pixels(lambda pixels: pixels.aupro(0.3)),
        sentence="overlap with the defects at up to 30 % of good pixels, each defect weighing the same",
    ),
    Statistic(
        name="aupro_at_5", label="pixel AUPRO to 5 %", unit=SHARE,
        value=_of_pixels(lambda pixels: pixels.aupro(0.05)),
        sentence="the same at up to 5 % of good pixels",
    ),
    Statistic(
        name="region_hit_rate", label="worst region on the defect", unit=RATE,
        value=_outlines_that_touch,
        sentence="of the flagged defective pictures with a mask, share whose worst region touches the defect",
    ),
    Statistic(
        name="region_area_ratio", label="outlined area / true area", unit=SHARE,
        value=_median_area_ratio,
        sentence="median of the outlined area as a multiple of the defect's",
    ),
    Statistic(
        name="per_defect", label="", unit=KINDS, value=_per_defect,
        sentence="for each kind of defect: `n`, `escapes`, `escape_rate`, `escape_ci95`, `image_auroc`, "
        "`tpr_at_1`, `tpr_at_5`",
    ),
    Statistic(
        name="per_size", label="length ", unit=KINDS, value=_per_size,
        sentence="the same by the length of the largest defect, as a share of the picture's longer side",
    ),
    Statistic(
        name="latency_ms_p50", label="judging takes (median)", unit=MILLISECONDS,
        value=_latency(0.5),
        sentence="time of one judgement; half of them are quicker",
    ),
    Statistic(
        name="latency_ms_p95", label="judging takes (95 %)", unit=MILLISECONDS,
        value=_latency(0.95),
        sentence="time of one judgement; 95 % of them are quicker",
    ),
    Statistic(
        name="n_cannot_inspect", label="could not be inspected", unit=COUNT,
        value=lambda test: sum(v is Verdict.CANNOT_INSPECT for v in test.verdicts),
        sentence="how many could not be judged; they count as rejected",
    ),
)  # fmt: skip
