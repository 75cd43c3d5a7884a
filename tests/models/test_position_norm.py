"""Distances are set against what is usual where they are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models._position_norm import HIGHEST_GAIN, learn_position_normalization


def maps(n: int, *, noisy_column: float = 3.0) -> NDArray[np.float32]:
    """Distances of good pictures (n, 8, 8) whose last three columns are never quite alike."""
    rng = np.random.default_rng(0)
    found = 5 + rng.normal(0, 0.5, (n, 8, 8))
    found[..., 5:] += 4 + rng.normal(0, noisy_column, (n, 8, 3))
    return np.asarray(found, dtype=np.float32)


def test_a_faint_defect_on_a_quiet_face_stands_out_from_a_restless_edge() -> None:
    good = maps(200)
    valid = np.ones(good.shape, dtype=bool)
    places = learn_position_normalization(good[:150], valid[:150])
    part = good[199].copy()
    part[3, 1] += 5  # ten times what varies there, yet below the edge's own
    assert part.argmax() % 8 >= 5
    assert divmod(int(places.apply(part).argmax()), 8) == (3, 1)


def test_good_places_come_to_one_mean() -> None:
    good = maps(400, noisy_column=1.0)
    even = learn_position_normalization(good, np.ones(good.shape, dtype=bool)).apply(good)
    inner = even[:, 2:6, [1, 6]]  # away from where the neighbours are of the other kind
    assert np.ptp(good[:, 2:6, [1, 6]].mean((0, 1))) > 3.9
    assert np.ptp(inner.mean((0, 1))) < 0.7


def test_few_pictures_hardly_change_anything_and_nothing_is_invented() -> None:
    same = np.full((5, 4, 4), 2.0, dtype=np.float32)
    assert np.allclose(
        learn_position_normalization(same, np.ones(same.shape, dtype=bool)).apply(same), 2.0
    )
    one = maps(1)
    gain = learn_position_normalization(one, np.ones(one.shape, dtype=bool)).gain
    assert (gain > 0.5).all()
    assert (gain < 1.5).all()


def test_a_place_that_never_varied_is_judged_at_most_so_much_more_strictly() -> None:
    good = maps(2000)
    good[:, :, :4] = 5
    gain = learn_position_normalization(good, np.ones(good.shape, dtype=bool)).gain
    assert gain.max() == np.float32(HIGHEST_GAIN)


def test_places_never_seen_are_judged_like_the_others() -> None:
    good = maps(200)[..., [3, 4, 3, 4, 3, 4, 3, 4]]
    valid = np.ones(good.shape, dtype=bool)
    valid[..., :3] = False
    good[..., :3] = 100
    places = learn_position_normalization(good, valid)
    mean, deviation = good[valid].mean(), good[valid].std()
    got = places.apply(np.full((8, 8), mean + deviation, dtype=np.float32))[3, 0]
    assert abs(got - (mean + deviation)) < 0.2 * deviation
