"""Distances are set against what is usual where they are."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from models._position_norm import (
    HIGHEST_GAIN,
    PRIOR_PICTURES,
    PositionNormalization,
    learn_positions,
)


def maps(n: int, *, noisy_column: float = 3.0) -> NDArray[np.float32]:
    """Distances of good pictures (n, 8, 8) whose last three columns are never quite alike."""
    rng = np.random.default_rng(0)
    found = 5 + rng.normal(0, 0.5, (n, 8, 8))
    found[..., 5:] += 4 + rng.normal(0, noisy_column, (n, 8, 3))
    return np.asarray(found, dtype=np.float32)


def everywhere(shown: NDArray[np.float32]) -> NDArray[np.bool_]:
    return np.ones(shown.shape, dtype=bool)


def learnt(shown: NDArray[np.float32]) -> PositionNormalization:
    return learn_positions(shown, everywhere(shown), np.arange(len(shown)) % 3)[0]


def test_a_faint_defect_on_a_quiet_face_stands_out_from_a_restless_edge() -> None:
    good = maps(401)
    places = learnt(good[:400])
    part = good[400].copy()
    part[3, 1] += 5  # ten times what varies there, yet below the edge's own
    assert part.argmax() % 8 >= 5
    assert divmod(int(places.apply(part).argmax()), 8) == (3, 1)


def test_good_places_come_to_one_mean_and_all_to_mean_0_and_deviation_1() -> None:
    good = maps(1000, noisy_column=1.0)
    places, held_out = learn_positions(good, everywhere(good), np.arange(1000) % 5)
    inner = places.apply(good)[
        :, 2:6, [1, 6]
    ]  # away from where the neighbours are of the other kind
    before = np.ptp(good[:, 2:6, [1, 6]].mean((0, 1))) / good.std()
    assert before > 1.5
    assert np.ptp(inner.mean((0, 1))) < 0.3 * before
    assert held_out.mean() == pytest.approx(0, abs=1e-4)
    assert held_out.std() == pytest.approx(1, abs=1e-4)


def test_a_picture_is_not_set_against_itself() -> None:
    """Held-out maps are by what the other folds say, whatever the fold's own pictures are."""
    good = maps(30)
    folds = np.arange(30) % 3
    _, held_out = learn_positions(good, everywhere(good), folds)
    own = np.flatnonzero(folds == 1)
    odd = good.copy()
    odd[own[0], 2, 2] += 3
    _, again = learn_positions(odd, everywhere(odd), folds)
    same = [i for i in own if i != own[0]]

    def between(shown: NDArray[np.float32]) -> NDArray[np.float32]:
        """Differences between pictures of one fold, which no shift of all of them changes."""
        return shown[same[0]] - shown[same[1]]

    ratio = (between(again) / between(held_out)).ravel()
    assert ratio == pytest.approx(
        np.full(64, ratio[0]), rel=1e-3
    )  # only the common deviation moved


def test_few_pictures_hardly_change_anything_and_nothing_is_invented() -> None:
    same = np.full((5, 4, 4), 2.0, dtype=np.float32)
    assert np.isfinite(learnt(same).gain).all()
    assert learnt(same).apply(same) == pytest.approx(np.zeros(same.shape), abs=1e-3)
    for count in (1, 5, 20):
        few = maps(count)
        gain = learnt(few).gain * few.std()
        share = count / (count + PRIOR_PICTURES)
        assert np.ptp(gain) < 3 * share  # as few as they are beside the prior's pictures
        assert gain == pytest.approx(np.full((8, 8), gain.mean()), abs=1.5 * share)


def test_a_place_that_never_varied_is_judged_at_most_so_much_more_strictly() -> None:
    good = maps(2000)
    good[:, :, :4] = 5
    gain = learnt(good).gain
    restless = gain[:, 6].mean()
    assert gain.max() / restless <= HIGHEST_GAIN / 0.25
    assert gain[:, :3] == pytest.approx(np.full((8, 3), gain.max()), rel=1e-6)


def test_places_never_seen_are_judged_like_the_others() -> None:
    good = maps(200)[..., [3, 4, 3, 4, 3, 4, 3, 4]]
    valid = everywhere(good)
    valid[..., :3] = False
    good[..., :3] = 100
    places, held_out = learn_positions(good, valid, np.arange(200) % 3)
    mean, deviation = good[valid].mean(), good[valid].std()
    got = places.apply(np.full((8, 8), mean + deviation, dtype=np.float32))[3, 0]
    assert got == pytest.approx(1.0, abs=0.2)
    assert held_out[valid].std() == pytest.approx(1, abs=1e-4)


def test_one_fold_is_set_against_itself() -> None:
    good = maps(50)
    places, held_out = learn_positions(good, everywhere(good), np.zeros(50, np.intp))
    assert held_out == pytest.approx(places.apply(good), abs=1e-4)
