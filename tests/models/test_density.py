"""Distances are set against what is usual for what a patch looks like: by hand, and fold by fold."""

from __future__ import annotations

import numpy as np
import pytest

from models._density import LEAST_VARIANCE, PRIOR_PATCHES, LocalDensity, learn_density


def test_a_reading_is_that_of_the_formula() -> None:
    # Of two memory points the first booked distances 1 and 3, the second 10 once.
    booked = np.array([[2, 4, 10], [1, 10, 100]], np.float32)
    density = LocalDensity(booked, mean=4.0, variance=9.0)
    assert PRIOR_PATCHES == 5.0
    # One neighbour, the first: (4 + 5 * 4) / 7 and (10 + 5 * (9 + 16)) / 7 less its square.
    usual, square = 24 / 7, 135 / 7
    deviation = (square - usual**2) ** 0.5
    wanted = (6.0 - usual) / deviation
    assert density.standardise(np.float32([6.0]), np.array([[0]])) == pytest.approx([wanted])
    # Both: (14 + 20) / 8 and (110 + 125) / 8.
    usual, square = 34 / 8, 235 / 8
    wanted = (6.0 - usual) / (square - usual**2) ** 0.5
    assert density.standardise(np.float32([6.0]), np.array([[0, 1]])) == pytest.approx([wanted])


def test_nothing_booked_reads_as_the_whole_memory() -> None:
    density = LocalDensity(np.zeros((3, 3), np.float32), mean=4.0, variance=9.0)
    shown = density.standardise(np.float32([[4.0, 7.0]]), np.zeros((1, 2, 5), np.int32))
    assert shown == pytest.approx(np.array([[0.0, 1.0]]))


def test_a_patch_that_never_varied_is_judged_at_most_so_much_more_strictly() -> None:
    booked = np.array([[1e6, 2e6, 4e6]], np.float32)  # always 2
    density = LocalDensity(booked, mean=2.0, variance=1.0)
    shown = density.standardise(np.float32([3.0]), np.array([[0]]))
    assert shown == pytest.approx([1 / LEAST_VARIANCE**0.5], rel=0.01)


def test_a_restless_look_is_judged_more_leniently_than_a_quiet_one() -> None:
    rng = np.random.default_rng(0)
    near = np.repeat(np.arange(2)[None, :, None], 300, 0)  # patch 0 at point 0, patch 1 at point 1
    distances = np.stack([rng.normal(5, 0.2, 300), rng.normal(5, 3, 300)], 1).astype(np.float32)
    valid = np.ones(distances.shape, bool)
    density, standardised = learn_density(distances, near, valid, np.arange(300) % 3, 2)
    quiet, restless = density.standardise(np.float32([8.0, 8.0]), near[0])
    assert quiet > 5 * restless
    before, after = distances.std(0), standardised.std(0)
    assert before[1] / before[0] > 10
    assert after[1] / after[0] < 2.5  # the prior of the whole memory is a part of both
    assert standardised.mean(0) == pytest.approx([0, 0], abs=0.1)


def test_what_is_booked_is_what_was_measured_and_a_fold_is_not_read_by_itself() -> None:
    distances = np.array([[1, 2], [3, 4], [5, 99]], np.float32)
    near = np.array([[[0], [1]], [[0], [1]], [[1], [0]]])
    valid = np.array([[True, True], [True, True], [True, False]])
    folds = np.array([0, 1, 2])
    density, standardised = learn_density(distances, near, valid, folds, 2)
    assert density.booked.tolist() == [[2, 4, 10], [3, 11, 45]]
    assert (density.mean, density.variance) == (3.0, 2.0)
    for fold in range(3):
        others = folds != fold
        booked = np.zeros((2, 3), np.float32)
        for value, point in zip(
            distances[others][valid[others]], near[others][valid[others], 0], strict=True
        ):
            booked[point] += [1, value, value**2]
        apart = LocalDensity(booked, 3.0, 2.0)
        own = apart.standardise(distances[fold], near[fold])
        assert standardised[fold] == pytest.approx(own)


def test_a_lone_fold_is_read_by_all() -> None:
    distances = np.array([[1, 2], [3, 4]], np.float32)
    near = np.zeros((2, 2, 5), np.int32)
    density, standardised = learn_density(
        distances, near, np.ones((2, 2), bool), np.zeros(2, np.intp), 1
    )
    assert standardised == pytest.approx(density.standardise(distances, near))
