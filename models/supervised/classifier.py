"""Which type a defect is of, from a few labelled ones: the nearest mean after shrunk discriminants.

Probabilities are calibrated by a temperature (Guo et al., "On calibration of modern neural networks", ICML 2017) on
examples left out in turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from models.base import ModelError
from models.supervised._discriminant import class_means, leaving_out, whitener

Array = NDArray[np.float32]
Rows = NDArray[np.intp]

UNKNOWN = "unknown"
"""What a defect is called whose type is not sure."""

LEAST_EXAMPLES, LEAST_TYPES = 3, 2
"""Examples of a type, and types, from which on there is something to learn."""

SURE = 0.6
"""Probability from which on a type is told."""

KNOWN_SHARE = 0.95
"""Of examples left out that are as near to their own type as one may be at the most."""

TEMPERATURES = np.logspace(-1, 3, 81)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class TypeClassifier:
    """Tells types of defects by the patch features of regions, and says when it is not sure.

    `whitener` (d, e) and `centres` (types, e) are its discriminants; `farthest` is how far from its
    centre an example may be at the most.
    """

    name: ClassVar[str] = "classifier"
    family: ClassVar[str] = "supervised"
    types: tuple[str, ...]
    whitener: Array
    centres: Array
    temperature: float
    farthest: float

    def probabilities(self, features: Array) -> Array:
        """The probability (n, types) of each type for features (n, d), if it is one of them."""
        logits = -0.5 * self._squared(features) / self.temperature
        shares = np.exp(logits - logits.max(1, keepdims=True))
        return np.asarray(shares / shares.sum(1, keepdims=True), np.float32)

    def tell(self, features: Array) -> list[str]:
        """The type of each of features (n, d), UNKNOWN where it is not sure or is like none of them."""
        sure, best = self.probabilities(features), self._squared(features).min(1)
        return [
            self.types[int(row.argmax())]
            if row.max() >= SURE and far <= self.farthest**2
            else UNKNOWN
            for row, far in zip(sure, best, strict=True)
        ]

    def _squared(self, features: Array) -> Array:
        points = features @ self.whitener
        squared: Array = np.square(points[:, None] - self.centres[None]).sum(2)
        return squared

    @classmethod
    def missing(cls) -> str | None:
        """Say in one line what must be installed to teach it, or None."""
        return missing()


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class TaughtTypes:
    """A classifier, and what it told of the examples when they were left out in turn.

    `told` (n,) are the types told, UNKNOWN among them; `nll` is the mean negative log-likelihood of
    their true types.
    """

    classifier: TypeClassifier
    told: tuple[str, ...]
    nll: float


def teach_types(features: Array, labels: Sequence[str], *, seed: int = 0) -> TaughtTypes:
    """Learn types from the features (n, d) of labelled regions, one a part.

    Raises ModelError where a type has fewer than LEAST_EXAMPLES, or there are fewer than LEAST_TYPES.
    """
    types = tuple(sorted(set(labels)))
    if len(types) < LEAST_TYPES:
        raise ModelError(
            f"classifier: {len(types)} type of defects ({', '.join(types) or 'none'}), at least {LEAST_TYPES} are "
            "needed to tell them apart; put the pictures of each type in a folder of its own"
        )
    classes = np.array([types.index(label) for label in labels], dtype=np.intp)
    counts = np.bincount(classes)
    if counts.min() < LEAST_EXAMPLES:
        few = types[int(counts.argmin())]
        raise ModelError(
            f"classifier: {counts.min()} of type {few} can be used, at least {LEAST_EXAMPLES} are "
            "needed; add more of it"
        )
    squared = np.zeros((len(features), len(types)))
    for out in leaving_out(np.arange(len(features)), seed=seed):
        kept = ~out
        if len(set(classes[kept].tolist())) < len(types):
            kept = np.ones_like(out)  # all of a type at once: too few to leave out
        whiten = whitener(features[kept], classes[kept], len(types))
        centres = class_means(features[kept], classes[kept], len(types)) @ whiten
        squared[out] = np.square((features[out] @ whiten)[:, None] - centres[None]).sum(2)
    own = np.sqrt(squared[np.arange(len(classes)), classes])
    rank = min(len(own), int(np.ceil(KNOWN_SHARE * (len(own) + 1))))
    farthest = float(np.sort(own)[rank - 1])
    costs = [_nll(squared, classes, temperature) for temperature in TEMPERATURES]
    temperature = float(TEMPERATURES[int(np.argmin(costs))])
    whiten = whitener(features, classes, len(types))
    classifier = TypeClassifier(
        types=types,
        whitener=whiten,
        centres=np.asarray(class_means(features, classes, len(types)) @ whiten, np.float32),
        temperature=temperature,
        farthest=farthest,
    )
    logits = -0.5 * squared / temperature
    shares = np.exp(logits - logits.max(1, keepdims=True))
    sure = shares.max(1) / shares.sum(1) >= SURE
    near = squared.min(1) <= farthest**2
    told = tuple(
        types[best] if ok else UNKNOWN
        for best, ok in zip(squared.argmin(1).tolist(), (sure & near).tolist(), strict=True)
    )
    return TaughtTypes(classifier=classifier, told=told, nll=float(min(costs)))


def _nll(squared: NDArray[np.float64], classes: Rows, temperature: float) -> float:
    logits = -0.5 * squared / temperature
    highest = logits.max(1)
    total = highest + np.log(np.exp(logits - highest[:, None]).sum(1))
    return float((total - logits[np.arange(len(classes)), classes]).mean())


def missing() -> str | None:
    """What must be installed to teach from labelled parts, or None."""
    from importlib.util import find_spec

    if find_spec("sklearn") is not None:
        return None
    return "scikit-learn is not installed; pip install 'inspection[train]'"
