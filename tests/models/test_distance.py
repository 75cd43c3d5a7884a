"""The nearest memory point is exact; those beside it are near, and the same ones every time."""

from __future__ import annotations

import numpy as np
import pytest

from models._density import GROUPS, NEIGHBOURS
from models._distance import neighbours


@pytest.mark.parametrize("size", [1, 3, 20, GROUPS, 333, 1000])
def test_the_nearest_is_exact_and_the_rows_are_near(size: int) -> None:
    rng = np.random.default_rng(size)
    bank = rng.standard_normal((size, 6), dtype=np.float32)
    points = rng.standard_normal((70, 6), dtype=np.float32)
    distances, near = neighbours(points, bank)
    every = np.sqrt(np.square(points[:, None] - bank[None]).sum(2))
    assert distances == pytest.approx(every.min(1), abs=1e-3)
    assert near.shape == (70, NEIGHBOURS)
    assert near.min() >= 0
    assert near.max() < size
    assert near[:, 0].tolist() == every.argmin(1).tolist()
    read = np.take_along_axis(every, near.astype(np.int64), 1)
    assert (np.diff(read, axis=1) >= -1e-5).all()  # nearest first
    groups = -(-size // GROUPS)
    best = [every[:, start : start + groups].min(1) for start in range(0, size, groups)]
    nearest_of_groups = np.sort(np.stack(best), 0)[:NEIGHBOURS].T
    count = nearest_of_groups.shape[1]
    assert read[:, :count] == pytest.approx(nearest_of_groups, abs=1e-3)
    assert (near[:, count:] == near[:, count - 1 : count]).all()  # a small memory: the last again


def test_no_row_is_read_twice_where_there_are_enough() -> None:
    rng = np.random.default_rng(1)
    bank = rng.standard_normal((200, 4), dtype=np.float32)
    _, near = neighbours(bank, bank)
    assert all(len(set(row)) == NEIGHBOURS for row in near.tolist())
    assert near[:, 0].tolist() == list(range(200))
