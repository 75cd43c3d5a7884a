"""Figures worked out by hand, a slow and plain implementation, and scikit-learn's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from inspection.intervals import exact_interval
from inspection.training.metrics import TruthMask, aupro, auroc, pixel_auroc

Maps = list[NDArray[np.float32]]
REPOSITORY = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("good", "defective", "expected"),
    [
        ([1, 2], [3, 4], 1.0),
        ([3, 4], [1, 2], 0.0),
        ([1, 3], [2, 4], 0.75),
        ([1, 2], [2, 3], 0.875),  # three pairs won and one tied, of four
        ([5, 5, 5], [5], 0.5),
        ([-3.0, 0.5], [0.25], 0.5),
    ],
)
def test_auroc_by_hand(good: list[float], defective: list[float], expected: float) -> None:
    assert auroc(good, defective) == expected


def test_auroc_keeps_double_precision() -> None:
    assert auroc([1.0], [1.0 + 1e-12]) == 1.0


@pytest.mark.parametrize("tied", [False, True])
def test_auroc_is_that_of_scikit_learn(tied: bool) -> None:
    from sklearn.metrics import roc_auc_score

    random = np.random.default_rng(1)
    good, defective = random.normal(0, 1, 300), random.normal(0.7, 1, 70)
    if tied:
        good, defective = good.round(1), defective.round(1)
    truth = np.r_[np.zeros(300), np.ones(70)]
    expected = roc_auc_score(truth, np.r_[good, defective])
    assert auroc(good, defective) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("good", "defective", "message"),
    [
        ([], [1.0], "got 0 good and 1 defective"),
        ([1.0], [], "got 1 good and 0 defective"),
        ([1.0, np.nan], [1.0], "good: expected finite numbers"),
        ([1.0], [np.nan], "defective: expected finite numbers"),
    ],
)
def test_auroc_refuses(good: list[float], defective: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        auroc(good, defective)


def test_aupro_by_hand() -> None:
    """Ten good pixels score 0 to 9; one region is 8.5, the other the two pixels 9.5 and 7.5.

    9.5 is above all good ones, 8.5 below one of ten, 7.5 below two: found from a rate of 0, 0.1
    and 0.2. Up to 0.3 that is an area of 0.3, 0.2 and 0.1; the regions have 0.2 and the mean of
    0.3 and 0.1, so 0.2 of the 0.3 there could be.
    """
    values = np.array([[8.5, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9.5, 7.5]], np.float32)
    mask = np.array([[255] + [0] * 10 + [255, 255]], np.uint8)
    assert aupro([values], [mask]) == pytest.approx(0.2 / 0.3)
    assert aupro([values], [mask], max_false_positive_rate=0.15) == pytest.approx(0.0625 / 0.15)
    assert aupro([values], [mask], max_false_positive_rate=1.0) == pytest.approx(0.9)
    assert pixel_auroc([values], [mask]) == pytest.approx((0.9 + 1.0 + 0.8) / 3)


def test_diagonal_neighbours_are_one_region() -> None:
    values = np.array([[9, 0, 0, 1], [0, 2, 0, 0]], np.float32)
    diagonal = np.array([[1, 0, 0, 1], [0, 1, 0, 0]], bool)
    # Found at once: the pair 9 and 2 together one region, 1 another; no good pixel above any.
    assert aupro([values], [diagonal]) == 1.0
    values[0, 3] = -1
    assert aupro([values], [diagonal]) == 0.5


def test_each_region_weighs_the_same_whatever_its_size() -> None:
    values = np.zeros((10, 20), np.float32)
    mask = np.zeros((10, 20), np.uint8)
    mask[:, :9] = 1
    mask[4, 15] = 1
    values[:, :9] = 2.0
    values[4, 15] = -1.0
    assert aupro([values], [mask]) == pytest.approx(0.5)
    assert pixel_auroc([values], [mask]) == pytest.approx(90 / 91)


def test_a_constant_map_is_a_coin() -> None:
    mask = np.zeros((5, 4), bool)
    mask[1, 1] = True
    flat = np.full((5, 4), 3.0, np.float32)
    assert pixel_auroc([flat], [mask]) == 0.5
    assert aupro([flat], [mask], max_false_positive_rate=1.0) == pytest.approx(0.5)
    assert aupro([flat], [mask]) == pytest.approx(0.15)  # the diagonal up to 0.3, over 0.3


def test_a_good_image_needs_no_mask_array() -> None:
    maps, masks = _drawn(seed=3, step=0.25)
    empty: list[TruthMask | None] = [
        np.zeros(m.shape, np.uint8) if k is None else k for m, k in zip(maps, masks, strict=True)
    ]
    assert any(mask is None for mask in masks)
    assert aupro(maps, masks) == aupro(maps, empty)
    assert pixel_auroc(maps, masks) == pixel_auroc(maps, empty)


@pytest.mark.parametrize("step", [0.0, 0.25, 2.0])
@pytest.mark.parametrize("limit", [0.05, 0.3, 1.0])
def test_aupro_is_that_of_the_plain_implementation(step: float, limit: float) -> None:
    maps, masks = _drawn(seed=5, step=step)
    expected = _plain_aupro(maps, masks, limit)
    assert aupro(iter(maps), masks, max_false_positive_rate=limit) == pytest.approx(
        expected, abs=1e-9
    )


@pytest.mark.parametrize("step", [0.0, 0.25, 2.0])
def test_pixel_auroc_is_that_of_scikit_learn(step: float) -> None:
    from sklearn.metrics import roc_auc_score

    maps, masks = _drawn(seed=7, step=step)
    truth = np.concatenate(
        [np.zeros(m.size) if k is None else k.ravel() > 0 for m, k in zip(maps, masks, strict=True)]
    )
    expected = roc_auc_score(truth, np.concatenate([values.ravel() for values in maps]))
    assert pixel_auroc(iter(maps), masks) == pytest.approx(expected, abs=1e-9)


def test_maps_are_left_as_they_were() -> None:
    maps, masks = _drawn(seed=3, step=0.0)
    copies = [values.copy() for values in maps]
    aupro(maps, masks)
    assert all(np.array_equal(a, b) for a, b in zip(maps, copies, strict=True))


def test_maps_and_masks_must_match() -> None:
    values = np.zeros((4, 5), np.float32)
    mask = np.ones((5, 4), bool)
    with pytest.raises(ValueError, match=r"maps\[0\]: expected the shape of its mask, \(5, 4\)"):
        aupro([values], [mask])
    with pytest.raises(ValueError, match=r"zip\(\) argument 2 is longer"):
        aupro([values], [None, None])
    with pytest.raises(ValueError, match="got 0 defective regions and 20 good pixels in 1 masks"):
        pixel_auroc([values], [None])
    with pytest.raises(ValueError, match="got 1 defective regions and 0 good pixels"):
        pixel_auroc([values.T], [mask])
    with pytest.raises(ValueError, match=r"maps\[0\]: expected finite numbers"):
        pixel_auroc([np.full((5, 4), np.nan)], [mask])


@pytest.mark.parametrize("limit", [0.0, -0.1, 1.1, float("nan")])
def test_a_false_positive_rate_is_a_share(limit: float) -> None:
    with pytest.raises(ValueError, match="max_false_positive_rate: expected more than 0"):
        aupro([], [], max_false_positive_rate=limit)


@pytest.mark.parametrize(
    ("k", "n", "confidence", "low", "high"),
    [
        (0, 29, 0.95, 0.0, 1 - 0.025 ** (1 / 29)),
        (29, 29, 0.95, 0.025 ** (1 / 29), 1.0),
        (0, 29, 0.90, 0.0, 1 - 0.05 ** (1 / 29)),
        (0, 1, 0.95, 0.0, 0.975),
        (5, 10, 0.95, 0.1870860284474, 0.8129139715526),  # binom.test(5, 10) in R
        (1, 100, 0.95, 0.0002531460, 0.0544594180),  # binom.test(1, 100) in R
    ],
)
def test_exact_interval(k: int, n: int, confidence: float, low: float, high: float) -> None:
    assert exact_interval(k, n, confidence) == pytest.approx((low, high), abs=1e-6)


@pytest.mark.parametrize(
    ("k", "n", "confidence"), [(0, 0, 0.95), (-1, 5, 0.95), (6, 5, 0.95), (1, 5, 1.0), (1, 5, 0.0)]
)
def test_exact_interval_refuses(k: int, n: int, confidence: float) -> None:
    with pytest.raises(ValueError, match="expected"):
        exact_interval(k, n, confidence)


def test_importing_it_loads_nothing_heavy() -> None:
    code = (
        "import sys, inspection.training.metrics;"
        "print(sorted({'cv2', 'scipy', 'sklearn', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.strip() == "[]"


def _drawn(seed: int, step: float) -> tuple[Maps, list[TruthMask | None]]:
    """Maps of different sizes with blobs in some, rounded to `step` where there is one."""
    random = np.random.default_rng(seed)
    maps: Maps = []
    masks: list[TruthMask | None] = []
    for height, width, blobs in [(23, 31, 2), (40, 17, 0), (12, 50, 4), (30, 30, 1)]:
        mask = np.zeros((height, width), np.uint8)
        for _ in range(blobs):
            centre = (int(random.integers(width)), int(random.integers(height)))
            cv2.circle(mask, centre, int(random.integers(1, 5)), 255, -1)
        values = random.normal(0, 1, mask.shape) + 1.5 * (mask > 0)
        maps.append((np.round(values / step) * step if step else values).astype(np.float32))
        masks.append(mask if blobs else None)
    return maps, masks


def _plain_aupro(maps: Maps, masks: list[TruthMask | None], limit: float) -> float:
    """Every score a threshold, every region counted at each, the curve cut at the limit."""
    good = np.concatenate(
        [m.ravel() if k is None else m[k == 0] for m, k in zip(maps, masks, strict=True)]
    )
    regions = []
    for values, mask in zip(maps, masks, strict=True):
        if mask is not None:
            count, numbers = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
            regions += [values[numbers == number] for number in range(1, count)]
    thresholds = np.unique(np.concatenate([values.ravel() for values in maps]))[::-1]
    rate = np.array([0.0] + [float((good >= t).mean()) for t in thresholds])
    overlap = np.array(
        [0.0] + [float(np.mean([(r >= t).mean() for r in regions])) for t in thresholds]
    )
    area = 0.0
    for x0, x1, y0, y1 in zip(rate, rate[1:], overlap, overlap[1:], strict=False):
        if x0 < limit and x1 > x0:
            end = min(x1, limit)
            area += (end - x0) * (y0 + (y1 - y0) * (end - x0) / (x1 - x0) / 2)
    return area / limit
