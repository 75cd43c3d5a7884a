"""Types of defects and a head from few examples: told rightly, unsure where they must be, refused in one line."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from models import ModelError
from models.supervised import METHODS, UNKNOWN
from models.supervised.classifier import SURE, teach_types
from models.supervised.defect_head import teach_head

TYPES = ("crack", "dent", "stain")
D = 60


def examples(count: int, *, apart: float, seed: int = 0, types: int = 3) -> tuple[Any, list[str]]:
    """Clouds of `count` examples of each type, whose centres lie so far apart."""
    rng = np.random.default_rng(seed)
    centres = apart * np.random.default_rng(99).standard_normal((4, D)) / np.sqrt(2 * D)
    classes = np.repeat(np.arange(types), count)
    features = centres[classes] + rng.standard_normal((len(classes), D))
    return features.astype(np.float32), [(*TYPES, "other")[c] for c in classes]


def test_types_far_apart_are_told_from_a_few_examples() -> None:
    taught = teach_types(*examples(6, apart=12.0))
    features, labels = examples(50, apart=12.0, seed=1)
    told = taught.classifier.tell(features)
    assert taught.classifier.types == TYPES
    assert sum(a == b for a, b in zip(told, labels, strict=True)) >= 0.85 * len(labels)
    assert sum(a not in (b, UNKNOWN) for a, b in zip(told, labels, strict=True)) == 0


def test_types_that_cannot_be_told_apart_are_unknown() -> None:
    taught = teach_types(*examples(12, apart=0.0))
    features, _ = examples(50, apart=0.0, seed=1)
    assert taught.classifier.probabilities(features).max() < 0.75
    told = taught.classifier.tell(features)
    assert told.count(UNKNOWN) >= 0.9 * len(told)
    assert taught.nll == pytest.approx(np.log(3), abs=0.05)


def test_a_type_never_taught_is_unknown() -> None:
    taught = teach_types(*examples(12, apart=14.0))
    features, labels = examples(40, apart=14.0, seed=1, types=4)
    told = np.array(taught.classifier.tell(features))
    new = np.array(labels) == "other"
    assert (told[new] == UNKNOWN).mean() >= 0.9
    assert (told[~new] == np.array(labels)[~new]).mean() >= 0.8


def test_a_type_told_surely_is_right_as_often_as_it_says() -> None:
    taught = teach_types(*examples(25, apart=3.0))
    features, labels = examples(400, apart=3.0, seed=1)
    shares = taught.classifier.probabilities(features)
    assert shares.sum(1) == pytest.approx(np.ones(len(shares)), abs=1e-5)
    sure = shares.max(1) >= SURE
    right = np.array(TYPES)[shares.argmax(1)] == np.array(labels)
    assert sure.sum() > 200
    assert right[sure].mean() == pytest.approx(float(shares.max(1)[sure].mean()), abs=0.08)


def test_the_same_examples_teach_the_same_classifier() -> None:
    one, other = (teach_types(*examples(6, apart=5.0), seed=2) for _ in range(2))
    assert one.classifier.whitener.tobytes() == other.classifier.whitener.tobytes()
    assert (one.told, one.nll) == (other.told, other.nll)


@pytest.mark.parametrize(
    ("labels", "line"),
    [
        (
            ["dent"] * 9,
            "1 type of defects (dent), at least 2 are needed to tell them apart; put the",
        ),
        (
            ["dent"] * 8 + ["crack"],
            "1 of type crack can be used, at least 3 are needed",
        ),
    ],
)
def test_too_few_to_learn_types_from(labels: list[str], line: str) -> None:
    with pytest.raises(ModelError) as caught:
        teach_types(np.ones((9, 4), np.float32), labels)
    assert str(caught.value).startswith(f"classifier: {line}")


def test_a_head_tells_known_defects_from_good_patches() -> None:
    rng = np.random.default_rng(0)
    good = rng.standard_normal((4000, D)).astype(np.float32)
    shift = np.zeros(D, np.float32)
    shift[:3] = 2.5
    head = teach_head(good, rng.standard_normal((60, D)).astype(np.float32) + shift)
    fresh = head.measure(rng.standard_normal((1000, D)).astype(np.float32))
    known = head.measure(rng.standard_normal((1000, D)).astype(np.float32) + shift)
    assert (known[:, None] > fresh[None]).mean() > 0.98
    # Log-odds of Gaussians 2.5 √3 apart: half its square on either side of 0.
    assert fresh.mean() == pytest.approx(-0.5 * 18.75, rel=0.25)
    assert known.mean() == pytest.approx(0.5 * 18.75, rel=0.25)


def test_both_say_what_they_are() -> None:
    assert list(METHODS) == ["classifier", "defect_head"]
    for kind in METHODS.values():
        assert kind.family == "supervised"
        assert kind.__doc__
        assert kind.missing() is None
