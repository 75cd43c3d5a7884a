"""From runs to rows: means over seeds with intervals, and differences picture by picture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any
from zlib import crc32

import numpy as np

from inspection.intervals import exact_interval
from inspection.training.bench.bootstrap import (
    FIGURES,
    Draws,
    Numbers,
    interval,
    score_interval,
)
from inspection.training.bench.runs import OVERLAPS, Outcome
from inspection.training.metrics import auroc, true_positive_rate
from inspection.training.statistics import GOOD

RATES = {
    "escape_rate": ("escape_ci95", "n_defective"),
    "not_failed_rate": ("not_failed_ci95", "n_defective"),
    "overkill_rate": ("overkill_ci95", "n_good"),
    "good_fail_rate": ("good_fail_ci95", "n_good"),
    "good_review_rate": ("good_review_ci95", "n_good"),
}
"""Rates of the decision: the name of the interval, and what they are a share of."""

GROUPS = ("per_defect", "per_size")
"""Tables within a row's figures."""

Key = tuple[str, str, int]
"""Dataset, contender, number of good pictures."""


def summarise(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """One row a dataset, contender and number of good pictures.

    Figures are means over the seeds. Intervals of figures of scores are of the same draws of test
    pictures for all seeds and contenders; those of rates are exact. `minus` holds the differences from
    the first contender on the same pictures.
    """
    groups = grouped(outcomes)
    firsts: dict[tuple[str, int], list[Outcome]] = {}
    rows = []
    for (dataset, name, n_good), runs in groups.items():
        first = firsts.setdefault((dataset, n_good), runs)
        row: dict[str, Any] = {"dataset": dataset, "model": name, "n_taught": n_good}
        row |= {"seeds": [run.seed for run in runs]} | _mean([run.figures for run in runs])
        row |= {name: _exact(row[name]) for name in GROUPS}
        row |= _intervals(runs, row) | _drawn(runs)
        if first is not runs:
            if _same_pictures(runs, first):
                row |= {"minus": first[0].contender} | _differences(runs, first)
            row |= _times_as_long(row, _mean([run.figures for run in first]))
        rows.append(row)
    return rows


def pooled_differences(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """The mean difference from the first contender over all datasets, for each number of good pictures.

    Pictures are drawn within each dataset; the datasets stay as they are.
    """
    groups = grouped(outcomes)
    names = list(dict.fromkeys(name for _, name, _ in groups))
    counts = sorted({_count(key, groups) for key in groups})
    rows = []
    for name in names[1:]:
        for count in counts:
            pairs = [
                (runs, groups[dataset, names[0], n])
                for (dataset, other, n), runs in groups.items()
                if other == name
                and _count((dataset, other, n), groups) == count
                and (dataset, names[0], n) in groups
                and _same_pictures(runs, groups[dataset, names[0], n])
            ]
            if not pairs:
                continue
            row: dict[str, Any] = {"model": name, "minus": names[0], "datasets": len(pairs)}
            row["n_taught"] = "all" if count == ALL_OF_THEM else count
            for figure in FIGURES:
                apart = np.mean([_apart(runs, first, figure) for runs, first in pairs], axis=0)
                row |= {f"{figure}_minus": float(apart[0])}
                row |= {f"{figure}_minus_ci95": _unless_equal(apart[1:])}
            rows.append(row)
    return rows


ALL_OF_THEM = 2**62
"""Stands for all good pictures of a dataset, whose number differs from that of others."""


def _same_pictures(runs: Sequence[Outcome], first: Sequence[Outcome]) -> bool:
    """Whether they judged the same: what is compared with templates judges those that have one."""
    return list(runs[0].test.kinds) == list(first[0].test.kinds)


def _count(key: Key, groups: Iterable[Key]) -> int:
    """The number of good pictures, or ALL_OF_THEM where it is the dataset's largest."""
    dataset, _, n_good = key
    most = max(n for other, _, n in groups if other == dataset)
    return ALL_OF_THEM if n_good == most else n_good


def grouped(outcomes: Sequence[Outcome]) -> dict[Key, list[Outcome]]:
    """The runs of each dataset, contender and number of good pictures: one a seed."""
    groups: dict[Key, list[Outcome]] = {}
    for run in outcomes:
        groups.setdefault((run.dataset, run.contender, run.n_good), []).append(run)
    return groups


def _mean(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Means of what is a number in each, also within tables; None where one is not known."""
    mean: dict[str, Any] = {}
    for name, first in rows[0].items():
        values: list[Any] = [row.get(name) for row in rows]
        if isinstance(first, Mapping):
            mean[name] = _mean([value or {} for value in values])
        elif isinstance(first, list):
            mean[name] = first if len(rows) == 1 else None  # an interval of one seed
        elif any(value is None for value in values):
            mean[name] = None
        elif all(value == first for value in values):
            mean[name] = first
        else:
            mean[name] = float(np.mean(values))
    return mean


def _exact(groups: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Groups of pictures with the exact interval of the rate of each that passed, where known."""
    if groups is None:
        return None
    return {name: group | _escape_interval(group) for name, group in groups.items()}


def _escape_interval(group: Mapping[str, Any]) -> dict[str, Any]:
    rate, of = group.get("escape_rate"), group["n"]
    return {} if rate is None else {"escape_ci95": list(exact_interval(rate * of, of))}


def _intervals(runs: Sequence[Outcome], row: Mapping[str, Any]) -> dict[str, Any]:
    """The 95 % intervals of a row's figures."""
    found: dict[str, Any] = {}
    draws = _draws(runs[0])
    n_good, n_bad = row["n_good"], row["n_defective"]
    for name in FIGURES:
        found[f"{name}_ci95"] = _not_empty(
            name, drawn_figures(runs, name), row[name], n_good, n_bad
        )
    for name in OVERLAPS:
        if all(name in run.overlaps for run in runs):
            each = np.mean([run.overlaps[name] for run in runs], axis=0)
            found[f"{name}_ci95"] = interval(draws.overlaps(each))
    for name, (called, of) in RATES.items():
        if row[name] is not None:
            found[called] = list(exact_interval(row[name] * row[of], row[of]))
    return found


def _not_empty(name: str, values: Numbers, point: float, n_good: int, n_bad: int) -> list[float]:
    """The interval of the draws; where none of them differs, one that knows how few pictures there are."""
    low, high = interval(values)
    if high > low:
        return [low, high]
    if name == "image_auroc":
        return score_interval(point, n_good, n_bad)
    return list(exact_interval(round(point * n_bad), n_bad))


def _draws(run: Outcome) -> Draws:
    """The draws of a dataset's test pictures: the same for all its runs, others for other datasets."""
    return Draws.of(run.test.kinds, seed=crc32(run.dataset.encode()))


@lru_cache(maxsize=4096)
def _figures_drawn(run: Outcome, name: str) -> Numbers:
    return _draws(run).figures(run.test.scores, FIGURES[name])


def drawn_figures(runs: Sequence[Outcome], name: str) -> Numbers:
    """A figure's mean over the seeds in each draw of pictures."""
    return np.asarray(np.mean([_figures_drawn(run, name) for run in runs], axis=0))


def _apart(runs: Sequence[Outcome], first: Sequence[Outcome], name: str) -> Numbers:
    """By how much a figure is above the first contender's: as it is, then in each draw."""
    as_is = [point(of, name) for of in (runs, first)]
    drawn = [drawn_figures(of, name) for of in (runs, first)]
    return np.concatenate([[as_is[0] - as_is[1]], drawn[0] - drawn[1]])


def _unless_equal(values: Numbers) -> list[float] | None:
    """The interval of differences; None where no draw tells the two apart, which says nothing of them."""
    low, high = interval(values)
    return [low, high] if high > low else None


def point(runs: Sequence[Outcome], name: str) -> float:
    """A figure's mean over the seeds."""
    return float(np.mean([run.figures[name] for run in runs]))


def _differences(runs: Sequence[Outcome], first: Sequence[Outcome]) -> dict[str, Any]:
    """Each figure's difference from the first contender, with its interval."""
    found: dict[str, Any] = {}
    for name in FIGURES:
        apart = _apart(runs, first, name)
        found |= {f"{name}_minus": float(apart[0]), f"{name}_minus_ci95": _unless_equal(apart[1:])}
    draws = _draws(runs[0])
    for name in OVERLAPS:
        if all(name in run.overlaps for run in (*runs, *first)):
            means = [np.mean([run.overlaps[name] for run in of], axis=0) for of in (runs, first)]
            drawn = draws.overlaps(means[0]) - draws.overlaps(means[1])
            found[f"{name}_minus"] = point(runs, name) - point(first, name)
            found[f"{name}_minus_ci95"] = _unless_equal(drawn)
    return found


def _times_as_long(row: Mapping[str, Any], first: Mapping[str, Any]) -> dict[str, float]:
    return {
        "fit_x_first": row["fit_seconds"] / first["fit_seconds"],
        "ms_x_first": row["ms_per_image"] / first["ms_per_image"],
    }


def _drawn(runs: Sequence[Outcome]) -> dict[str, Any]:
    """What becomes of drawn-in defects: all, by kind and by length, means over the seeds."""
    if not len(runs[0].drawn.kinds):
        return {}
    kinds, lengths = np.array(runs[0].drawn.kinds), np.array(runs[0].drawn.lengths)
    everything = np.ones(len(kinds), dtype=bool)

    def of(members: Any) -> dict[str, Any]:
        mean = _mean([_drawn_group(run, members) for run in runs])
        return mean | _escape_interval(mean)

    return {
        "drawn": of(everything)
        | {
            "by_kind": {str(kind): of(kinds == kind) for kind in dict.fromkeys(kinds.tolist())},
            "by_length": {
                str(size): of(lengths == size) for size in dict.fromkeys(lengths.tolist())
            },
        }
    }


def _drawn_group(run: Outcome, members: Any) -> dict[str, Any]:
    good = run.test.scores[[kind == GOOD for kind in run.test.kinds]]
    scores = run.drawn.scores[members]
    row: dict[str, Any] = {
        "n": int(members.sum()),
        "image_auroc": auroc(good, scores),
        "tpr_at_5": true_positive_rate(good, scores, max_false_positive_rate=0.05),
    }
    if run.drawn.passed is not None:
        row["escape_rate"] = float(run.drawn.passed[members].mean())
    return row
