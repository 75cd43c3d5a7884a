"""The blocked choice is the plain greedy choice, whatever the block."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from models import _coreset
from models._coreset import TAKEN, complete_coreset, greedy_coreset
from models._held_out_banks import select_banks
from models._scale import _held_out

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


def squared_to(points: NDArray[np.float32], centres: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.square(points[:, None] - centres[None]).sum(2).min(1)


def one(points: NDArray[np.float32]) -> NDArray[np.intp]:
    return np.zeros(len(points), dtype=np.intp)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("frontier", FRONTIERS)
def test_the_picks_are_those_of_the_plain_algorithm(
    frontier: int, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_coreset, "FRONTIER", frontier)
    points = np.random.default_rng(seed).standard_normal((400, 6), dtype=np.float32)
    chosen, _ = greedy_coreset(points, 90, groups=one(points), rng=np.random.default_rng(seed))
    assert chosen.tolist() == plain_greedy(points, 90, int(chosen[0]))


@pytest.mark.parametrize("frontier", FRONTIERS)
def test_among_equally_far_points_any_is_right(
    frontier: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_coreset, "FRONTIER", frontier)
    points = np.random.default_rng(0).integers(0, 8, (400, 3)).astype(np.float32)
    chosen, _ = greedy_coreset(points, 120, groups=one(points), rng=np.random.default_rng(0))
    nearest = np.square(points - points[chosen[0]]).sum(1)
    for pick in chosen[1:]:
        assert nearest[pick] == nearest.max()
        nearest = np.minimum(nearest, np.square(points - points[pick]).sum(1))


def test_all_points_are_kept_when_no_more_are_asked_for() -> None:
    points = np.arange(12, dtype=np.float32).reshape(6, 2)
    for count in (6, 7, 100):
        chosen, _ = greedy_coreset(points, count, groups=one(points), rng=np.random.default_rng(0))
        assert chosen.tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("frontier", FRONTIERS)
def test_of_equal_points_one_is_taken_before_any_twice(
    frontier: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_coreset, "FRONTIER", frontier)
    places = np.random.default_rng(1).integers(0, 50, (20, 4)).astype(np.float32)
    points = np.repeat(places, 30, axis=0)
    chosen, _ = greedy_coreset(points, 20, groups=one(points), rng=np.random.default_rng(1))
    assert len(np.unique(points[chosen], axis=0)) == 20


def test_more_picks_than_different_points_are_given_without_repeating_a_row() -> None:
    points = np.repeat(np.eye(3, dtype=np.float32), 10, axis=0)
    chosen, _ = greedy_coreset(points, 12, groups=one(points), rng=np.random.default_rng(0))
    assert len(chosen) == 12
    assert len(np.unique(points[chosen[:3]], axis=0)) == 3
    assert len(set(chosen.tolist())) == 12


def test_the_same_seed_gives_the_same_picks() -> None:
    points = np.random.default_rng(3).standard_normal((300, 5), dtype=np.float32)
    first, again = (
        greedy_coreset(points, 40, groups=one(points), rng=np.random.default_rng(9))[0]
        for _ in range(2)
    )
    assert first.tolist() == again.tolist()


@pytest.mark.parametrize("frontier", FRONTIERS)
@pytest.mark.parametrize("count", [50, 400])
def test_each_point_knows_how_far_each_groups_picks_are(
    frontier: int, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_coreset, "FRONTIER", frontier)
    rng = np.random.default_rng(5)
    points = rng.standard_normal((400, 6), dtype=np.float32)
    groups = rng.integers(0, 3, 400)
    chosen, nearest = greedy_coreset(points, count, groups=groups, rng=rng)
    for group in range(3):
        wanted = squared_to(points, points[chosen[groups[chosen] == group]])
        assert nearest[group] == pytest.approx(wanted, abs=1e-4)


@pytest.mark.parametrize("frontier", FRONTIERS)
def test_a_coreset_is_completed_as_if_it_had_been_going_on(
    frontier: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_coreset, "FRONTIER", frontier)
    points = np.random.default_rng(6).standard_normal((400, 6), dtype=np.float32)
    whole = np.array(plain_greedy(points, 90, 7))
    nearest = squared_to(points, points[whole[:30]])
    more = complete_coreset(points, nearest, 60)
    assert more.tolist() == whole[30:].tolist()


def test_what_is_taken_is_not_picked() -> None:
    points = np.random.default_rng(7).standard_normal((50, 4), dtype=np.float32)
    nearest = np.where(np.arange(50) % 2, np.float32(9.0), np.float32(TAKEN))
    more = complete_coreset(points, nearest, 40)
    assert sorted(more.tolist()) == list(range(1, 50, 2))


@pytest.mark.parametrize("count", [40, 100, 300])
def test_a_bank_without_a_fold_has_nothing_of_it(count: int) -> None:
    rng = np.random.default_rng(8)
    points = rng.standard_normal((240, 5), dtype=np.float32)
    folds = np.arange(240) // 8 % 3
    chosen, held_out = select_banks(points, folds, count, rng=rng)
    bank = points[chosen]
    assert len(bank) == min(count, 240)
    for fold, other in enumerate(held_out):
        whole = np.concatenate([bank[other.kept], other.filled])
        assert len(whole) == min(count, 160)
        assert len(np.unique(whole, axis=0)) == len(whole)
        others = {row.tobytes() for row in points[folds != fold]}
        assert all(row.tobytes() in others for row in whole)
        # All that the bank of all has from the others is kept, in its order.
        own = {row.tobytes() for row in points[folds == fold]}
        assert other.kept.tolist() == [i for i, r in enumerate(bank) if r.tobytes() not in own]


def test_a_lone_fold_is_measured_by_the_bank_of_all() -> None:
    points = np.random.default_rng(9).standard_normal((60, 5), dtype=np.float32)
    chosen, held_out = select_banks(points, one(points), 20, rng=np.random.default_rng(0))
    bank = points[chosen]
    (other,) = held_out
    assert other.kept.tolist() == list(range(20))
    assert other.filled.shape == (0, 5)
    assert len(bank) == 20


def test_a_held_out_distance_is_that_to_the_whole_bank_without_the_fold() -> None:
    rng = np.random.default_rng(10)
    points = rng.standard_normal((240, 5), dtype=np.float32)
    folds = np.arange(240) // 8 % 3
    chosen, held_out = select_banks(points, folds, 60, rng=rng)
    bank = points[chosen]
    for fold, other in enumerate(held_out):
        own = points[folds == fold]
        distances, near = _held_out(own, bank, other)
        whole = np.concatenate([bank[other.kept], other.filled])
        assert distances == pytest.approx(np.sqrt(squared_to(own, whole)), abs=1e-3)
        assert set(near.ravel().tolist()) <= set(other.kept.tolist())
        to_kept = np.square(own[:, None] - bank[other.kept][None]).sum(2)
        assert near[:, 0].tolist() == other.kept[to_kept.argmin(1)].tolist()
