"""Does the false-reject promise hold? Random splits of real out-of-sample scores.

    python benchmarks/promise.py RECIPE... [--splits 2000]

Each split calibrates on half of a recipe's good scores and counts rejects in the other half. The mean
must not exceed the budget; rejects may exceed what the 95 % bound allows in at most 5 % of splits
(beta-binomial, as the other half is finite too).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from scipy.stats import betabinom

from inspection.recipe import open_recipe
from inspection.recipe.calibration import calibrate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipes", type=Path, nargs="+")
    parser.add_argument("--splits", type=int, default=2000)
    options = parser.parse_args()
    print("| recipe | n | budget | promised | mean false-reject rate | bound exceeded |")
    print("|---|---|---|---|---|---|")
    for path in options.recipes:
        scores = open_recipe(path).scores
        for budget in (0.01, 0.02, 0.05, 0.10):
            print(row(path.stem, scores, budget, options.splits))


def row(name: str, scores: np.ndarray, budget: float, splits: int) -> str:
    rng = np.random.default_rng(0)
    half = len(scores) // 2
    rates, exceeded = [], 0
    for _ in range(splits):
        order = rng.permutation(scores)
        calibration = calibrate(order[:half], false_reject=budget)
        rejects = int((order[half:] > calibration.fail_threshold).sum())
        rates.append(rejects / (len(scores) - half))
        rank = round(calibration.false_reject_promised * (half + 1))
        allowed = betabinom.ppf(0.95, len(scores) - half, rank, half + 1 - rank)
        exceeded += rejects > allowed
    promised = calibration.false_reject_promised
    return (
        f"| {name} | {half} | {budget:.2%} | {promised:.2%} | {np.mean(rates):.2%} "
        f"| {exceeded / splits:.1%} |"
    )


if __name__ == "__main__":
    main()
