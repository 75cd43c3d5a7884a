"""The blocked choice is the plain greedy choice, whatever the block."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from models import _coreset
from models._coreset import greedy_coreset

FRONTIERS = [1, 2, 7, 64, 399, 400, 5000]


def plain_greedy(points: NDArray[np.float32], count: int, first: int) -> list[int]:
    """Gonzalez 1985 as it is written: one pass over all points for each pick."""
    exact = points.astype(np.float64)
    chosen = [first]
    nearest = np.square(exact - exact[first]).sum(1)
    while len(chosen) < count:
        chosen.append(int(nearest.argmax()))
        nearest = np.minimum(nearest, np.square(exact - exact[chosen[-1]]).sum(1))
    return chosen


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("frontier", FRONTIERS)
def test_the_picks_are_those_of_the_plain_algorithm(
    frontier: int, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_coreset, "FRONTIER", frontier)
    points = np.random.default_rng(seed).standard_normal((400, 6), dtype=np.float32)
    chosen = greedy_coreset(points, 90, rng=np.random.default_rng(seed))
    assert chosen.tolist() == plain_greedy(points, 90, int(chosen[0]))


@pytest.mark.parametrize("frontier", FRONTIERS)
def test_among_equally_far_points_any_is_right(
    frontier: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_coreset, "FRONTIER", frontier)
    points = np.random.default_rng(0).integers(0, 8, (400, 3)).astype(np.float32)
    chosen = greedy_coreset(points, 120, rng=np.random.default_rng(0))
    nearest = np.square(points - points[chosen[0]]).sum(1)
    for pick in chosen[1:]:
        assert nearest[pick] == nearest.max()
        nearest = np.minimum(nearest, np.square(points - points[pick]).sum(1))


def test_all_points_are_kept_when_no_more_are_asked_for() -> None:
    points = np.arange(12, dtype=np.float32).reshape(6, 2)
    for count in (6, 7, 100):
        chosen = greedy_coreset(points, count, rng=np.random.default_rng(0))
        assert chosen.tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("frontier", FRONTIERS)
def test_of_equal_points_one_is_taken_before_any_twice(
    frontier: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_coreset, "FRONTIER", frontier)
    places = np.random.default_rng(1).integers(0, 50, (20, 4)).astype(np.float32)
    points = np.repeat(places, 30, axis=0)
    chosen = greedy_coreset(points, 20, rng=np.random.default_rng(1))
    assert len(np.unique(points[chosen], axis=0)) == 20


def test_more_picks_than_different_points_are_given_without_repeating_a_row() -> None:
    points = np.repeat(np.eye(3, dtype=np.float32), 10, axis=0)
    chosen = greedy_coreset(points, 12, rng=np.random.default_rng(0))
    assert len(chosen) == 12
    assert len(np.unique(points[chosen[:3]], axis=0)) == 3
    assert len(set(chosen.tolist())) == 12


def test_the_same_seed_gives_the_same_picks() -> None:
    points = np.random.default_rng(3).standard_normal((300, 5), dtype=np.float32)
    first, again = (greedy_coreset(points, 40, rng=np.random.default_rng(9)) for _ in range(2))
    assert first.tolist() == again.tolist()
