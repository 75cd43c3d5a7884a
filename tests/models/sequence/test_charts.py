"""The charts keep the average run lengths of the published tables, by simulation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from models.sequence._charts import (
    comb,
    cusum,
    ewma,
    ewma_deviation,
    held_cusum,
    western_electric,
)

RUNS, TOLERANCE = 2000, 0.08


def run_length(alarms: Any) -> float:
    """The average run length of columns (parts, runs), also of runs that were cut short."""
    first = np.where(alarms.any(axis=0), alarms.argmax(axis=0) + 1, len(alarms))
    return float(first.sum() / alarms.any(axis=0).sum())


def parts(shift: float, longest: int) -> Any:
    return shift + np.random.default_rng(3).standard_normal((longest, RUNS))


# Lucas and Saccucci 1990.
@pytest.mark.parametrize(
    ("weight", "limit", "shift", "length"),
    [
        (0.5, 3.071, 0.25, 255.0), (0.5, 3.071, 0.5, 88.8), (0.5, 3.071, 0.75, 35.9),
        (0.5, 3.071, 1.0, 17.5), (0.5, 3.071, 2.0, 3.63),
        (0.03, 2.437, 0.25, 76.7), (0.03, 2.437, 0.5, 29.3), (0.03, 2.437, 0.75, 17.6),
        (0.03, 2.437, 1.0, 12.6), (0.03, 2.437, 2.0, 5.99),
        pytest.param(0.5, 3.071, 0.0, 500.0, marks=pytest.mark.slow),
        pytest.param(0.03, 2.437, 0.0, 500.0, marks=pytest.mark.slow),
    ],
)  # fmt: skip
def test_the_ewma_runs_as_long_as_published(
    weight: float, limit: float, shift: float, length: float
) -> None:
    average = ewma(parts(shift, int(4 * length) + 20), weight)
    alarms = np.abs(average) > limit * ewma_deviation(weight)
    assert run_length(alarms) == pytest.approx(length, rel=TOLERANCE)


# Lucas and Crosier 1982.
@pytest.mark.parametrize(
    ("shift", "length"),
    [(0.0, 168.0), (0.25, 74.2), (0.5, 26.6), (0.75, 13.3), (1.0, 8.38), (2.0, 3.34)],
)
def test_the_cusum_runs_as_long_as_published(shift: float, length: float) -> None:
    sums = np.maximum(*cusum(parts(shift, int(4 * length) + 20), 0.5))
    assert run_length(sums > 4.0) == pytest.approx(length, rel=TOLERANCE)


def test_the_ewma_of_counts_runs_as_long_as_published() -> None:
    counts = np.random.default_rng(4).binomial(5, 0.02, size=(1500, RUNS)).astype(float)
    average = ewma(counts, 0.3, start=0.1)
    assert run_length(average > 0.649169922) == pytest.approx(370.4, rel=TOLERANCE)


def test_western_electric_runs_as_long_as_published() -> None:
    """Champ and Woodall 1987: the four rules together, 91.75 good parts."""
    alarms = (western_electric(parts(0.0, 400)) >= 1).any(axis=0)
    assert run_length(alarms) == pytest.approx(91.75, rel=TOLERANCE)


def test_each_rule_of_western_electric_speaks_where_the_handbook_says() -> None:
    def speaks(*values: float) -> list[bool]:
        return [bool(each) for each in western_electric(np.array(values)[:, None])[:, -1, 0] >= 1]

    assert speaks(0.0, 3.0) == [True, False, False, False]
    assert speaks(2.1, -1.0, 2.1) == [False, True, False, False]
    assert speaks(2.1, -2.1, 0.0) == [False, False, False, False]
    assert speaks(1.1, 1.1, -0.2, 1.1, 1.1) == [False, False, True, False]
    assert speaks(*[-0.1] * 8) == [False, False, False, True]
    assert speaks(*[-0.1] * 7) == [False, False, False, False]


def test_the_comb_averages_every_kth_part_only() -> None:
    values = np.where(np.arange(70) % 7 == 3, 2.0, 0.0)[:, None]
    found = comb(values, 7, 0.25)[:, 0]
    assert found[3] == pytest.approx(0.5)
    assert found[66] == pytest.approx(2.0 * (1 - 0.75**10))
    assert (found[np.arange(70) % 7 != 3] == 0).all()


def test_a_cusum_is_the_recursion_it_is_named_after() -> None:
    values = np.random.default_rng(0).standard_normal(200)
    up, down = cusum(values[:, None], 0.25)
    high = low = 0.0
    for i, value in enumerate(values):
        high, low = max(0.0, high + value - 0.25), max(0.0, low - value - 0.25)
        assert (up[i, 0], down[i, 0]) == (pytest.approx(high), pytest.approx(low))


def test_a_held_cusum_is_the_same_below_and_rests_soon_after() -> None:
    values = np.random.default_rng(0).standard_normal((300, 2))
    values[100:130, 0] += 3.0
    up, _ = cusum(values, 0.25)
    held, _ = held_cusum(values, 0.25, np.array([15.0, 15.0]))
    np.testing.assert_allclose(held[:104], up[:104])
    assert (held.max(), held[180, 0] < 10.0, up[180, 0] > 10.0) == (15.0, True, True)
