"""Who is best over several datasets: mean ranks, and how far apart two must be to differ.

Demšar, "Statistical comparisons of classifiers over multiple data sets", JMLR 7 (2006): Friedman's test
after Iman and Davenport, and Nemenyi's critical difference.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import stats

from inspection.training.bench.bootstrap import FIGURES, Numbers, interval
from inspection.training.bench.runs import Outcome
from inspection.training.bench.summary import drawn_figures, grouped, point

ALPHA = 0.05
FIGURE = "image_auroc"
"""What contenders are chosen by."""


def mean_ranks(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """Each contender's mean rank over the datasets, the best first: 1 for the first of each dataset.

    By the most good pictures of each dataset, of those who took part in all of them; none of one
    dataset or one contender. Intervals are of pictures drawn within each dataset, the datasets as they
    are. Two differ whose ranks are farther apart than `critical_difference`, which knows the datasets'
    number and not their pictures; `friedman_p` is the chance of ranks so uneven if all were equal.
    """
    names, each = _everywhere(outcomes)
    if not names:
        return []
    rows: dict[str, dict[str, Any]] = {
        name: {"model": name, "datasets": len(each), "of": len(names)} for name in names
    }
    for figure in FIGURES:
        found = np.array([[point(runs, figure) for runs in of] for of in each.values()])
        drawn = np.array([[drawn_figures(runs, figure) for runs in of] for of in each.values()])
        for name, rank, draws in zip(
            names, ranks(found).mean(0), ranks(drawn).mean(0), strict=True
        ):
            low, high = interval(draws)
            rows[name][f"{figure}_rank"] = float(rank)
            rows[name][f"{figure}_rank_ci95"] = [min(low, float(rank)), max(high, float(rank))]
        for row in rows.values():
            row[f"{figure}_friedman_p"] = friedman_p(found)
    for row in rows.values():
        row["critical_difference"] = critical_difference(len(names), len(each))
    return sorted(rows.values(), key=lambda row: row["image_auroc_rank"])


def chosen_by_others(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """For each dataset: whom all others would choose by mean AUROC, and how that does here.

    A choice that only looks good where it was made shows here: leave one out, by datasets (Stone,
    "Cross-validatory choice and assessment of statistical predictions", JRSS B 36, 1974).
    """
    names, each = _everywhere(outcomes)
    rows = []
    for left_out, here in each.items():
        others = [[point(runs, FIGURE) for runs in of] for d, of in each.items() if d != left_out]
        best = int(np.mean(others, axis=0).argmax())
        own, first = point(here[best], FIGURE), point(here[0], FIGURE)
        rows.append(
            {
                "dataset": left_out,
                "model": names[best],
                FIGURE: own,
                "minus": names[0],
                f"{FIGURE}_minus": own - first,
                "best": names[int(np.argmax([point(runs, FIGURE) for runs in here]))],
            }
        )
    return rows


def _everywhere(
    outcomes: Sequence[Outcome],
) -> tuple[list[str], dict[str, list[list[Outcome]]]]:
    """Who took part in all datasets, and each one's runs by dataset; none of one dataset or contender."""
    groups = grouped(outcomes)
    most = {dataset: max(n for d, _, n in groups if d == dataset) for dataset, _, _ in groups}
    every = dict.fromkeys(name for _, name, _ in groups)
    names = [n for n in every if all((dataset, n, most[dataset]) in groups for dataset in most)]
    if len(most) < 2 or len(names) < 2:
        return [], {}
    runs = {d: [groups[d, name, count] for name in names] for d, count in most.items()}
    return names, runs


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
