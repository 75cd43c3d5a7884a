"""Who is best over several datasets: mean ranks, and how far apart two must be to differ.

Demšar, "Statistical comparisons of classifiers over multiple data sets", JMLR 7 (2006): Friedman's test
after Iman and Davenport, and Nemenyi's critical difference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy import stats

from inspection.training.bench.bootstrap import FIGURES, Numbers, interval
from inspection.training.bench.runs import Outcome
from inspection.training.bench.summary import drawn_figures, grouped, point

ALPHA = 0.05


def mean_ranks(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """Each contender's mean rank over the datasets, the best first: 1 for the first of each dataset.

    By the most good pictures of each dataset, of those who took part in all of them; none of one
    dataset or one contender. Intervals are of pictures drawn within each dataset, the datasets as they
    are. Two differ whose ranks are farther apart than `critical_difference`, which knows the datasets'
    number and not their pictures; `friedman_p` is the chance of ranks so uneven if all were equal.
    """
    groups = grouped(outcomes)
    most = {dataset: max(n for d, _, n in groups if d == dataset) for dataset, _, _ in groups}
    every = dict.fromkeys(name for _, name, _ in groups)
    names = [n for n in every if all((dataset, n, most[dataset]) in groups for dataset in most)]
    if len(most) < 2 or len(names) < 2:
        return []
    rows: dict[str, dict[str, Any]] = {
        name: {"model": name, "datasets": len(most), "of": len(names)} for name in names
    }
    for figure in FIGURES:
        each = [[groups[dataset, name, count] for name in names] for dataset, count in most.items()]
        found = np.array([[point(runs, figure) for runs in dataset] for dataset in each])
        drawn = np.array([[drawn_figures(runs, figure) for runs in dataset] for dataset in each])
        for name, rank, draws in zip(
            names, ranks(found).mean(0), ranks(drawn).mean(0), strict=True
        ):
            low, high = interval(draws)
            rows[name][f"{figure}_rank"] = float(rank)
            rows[name][f"{figure}_rank_ci95"] = [min(low, float(rank)), max(high, float(rank))]
        for row in rows.values():
            row[f"{figure}_friedman_p"] = friedman_p(found)
    for row in rows.values():
        row["critical_difference"] = critical_difference(len(names), len(most))
    return sorted(rows.values(), key=lambda row: row["image_auroc_rank"])


def with_ranks(
    rows: Sequence[Mapping[str, Any]], ranked: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """The rows of the bench, each with its contender's ranks over all datasets as `ranks`."""
    known = {row["model"]: dict(row) for row in ranked}
    return [{**row, "ranks": known.get(row["model"])} for row in rows]


def ranks(figures: Numbers) -> Numbers:
    """Ranks (datasets, contenders, ...) of figures, 1 for the highest; equals share theirs."""
    return np.asarray(stats.rankdata(-figures, axis=1))


def critical_difference(contenders: int, datasets: int) -> float:
    """How far apart two mean ranks must be to differ at ALPHA (Nemenyi)."""
    quantile = stats.studentized_range.ppf(1 - ALPHA, contenders, np.inf) / np.sqrt(2)
    return float(quantile * np.sqrt(contenders * (contenders + 1) / (6 * datasets)))


def friedman_p(figures: Numbers) -> float:
    """Chance of ranks so uneven of figures (datasets, contenders) if all contenders were equal."""
    datasets, contenders = figures.shape
    mean = ranks(figures).mean(0)
    uneven = float((mean**2).sum()) - contenders * (contenders + 1) ** 2 / 4
    chi2 = 12 * datasets / (contenders * (contenders + 1)) * uneven
    left = datasets * (contenders - 1) - chi2
    if left <= 1e-9:
        return 0.0  # the same order on all datasets
    f = (datasets - 1) * chi2 / left
    return float(stats.f.sf(f, contenders - 1, (contenders - 1) * (datasets - 1)))
