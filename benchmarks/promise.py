"""Does the false-reject promise hold, and the estimate for REVIEW? Random splits of real out-of-sample scores.

    python benchmarks/promise.py RECIPE... [--splits 2000] [--n 20,40,60]

Each split calibrates on half of a recipe's good scores and counts rejects in the other half. The mean
must not exceed the budget; rejects may exceed what the 95 % bound allows in at most 5 % of splits
(beta-binomial, as the other half is finite too).

For the estimate each split calibrates on n scores and counts those above the PASS limit among the others: how often
their share lies in the interval told, and how often their number in what the interval lets m others have
(beta-binomial again: of 40 others none at all is above a limit of 5 % once in eight times).
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
    parser.add_argument("--n", default="20,40,60", help="scores the estimate is made of")
    options = parser.parse_args()
    print("| recipe | n | budget | promised | mean false-reject rate | bound exceeded |")
    print("|---|---|---|---|---|---|")
    for path in options.recipes:
        scores = open_recipe(path).scores
        for budget in (0.01, 0.02, 0.05, 0.10):
            print(row(path.stem, scores, budget, options.splits))
    print("\n| recipe | n | others | estimated | mean share above | share within | number within |")
    print("|---|---|---|---|---|---|---|")
    for path in options.recipes:
        scores = open_recipe(path).scores
        for n in map(int, options.n.split(",")):
            if 3 * n <= 2 * len(scores):
                print(review_row(path.stem, scores, n, options.splits))


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


def review_row(name: str, scores: np.ndarray, n: int, splits: int) -> str:
    rng = np.random.default_rng(0)
    others = len(scores) - n
    estimated, shares, within, allowed = [], [], 0, 0
    for _ in range(splits):
        order = rng.permutation(scores)
        calibration = calibrate(order[:n], false_reject=0.01)
        above = int((order[:n] > calibration.threshold).sum())
        found = int((order[n:] > calibration.threshold).sum())
        low, high = calibration.review_ci95
        estimated.append(calibration.review_estimated)
        shares.append(found / others)
        within += low <= found / others <= high
        allowed += may_be(found, others, above, n)
    return (
        f"| {name} | {n} | {others} | {np.mean(estimated):.1%} | {np.mean(shares):.1%} "
        f"| {within / splits:.1%} | {allowed / splits:.1%} |"
    )


def may_be(found: int, others: int, above: int, n: int) -> bool:
    """Whether `found` of so many others is what 95 % of samples have above a limit that `above` of n exceed.

    A limit between two of n scores leaves a share between Beta(above, n + 1 - above) and
    Beta(above + 1, n - above) above it: the ends of the exact interval.
    """
    low = betabinom.ppf(0.025, others, above, n + 1 - above) if above else 0
    high = betabinom.ppf(0.975, others, above + 1, n - above) if above < n else others
    return bool(low <= found <= high)


if __name__ == "__main__":
    main()
