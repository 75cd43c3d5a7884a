"""What labelled bad parts teach beside the good ones: which type a defect is of, and what known ones look like.

Judging needs neither torch nor scikit-learn; they come when something is taught.
"""

from __future__ import annotations

from models.supervised._discriminant import leaving_out
from models.supervised.classifier import (
    LEAST_EXAMPLES,
    LEAST_TYPES,
    UNKNOWN,
    TaughtTypes,
    TypeClassifier,
    teach_types,
)
from models.supervised.defect_head import LEAST_DEFECTS, DefectHead, teach_head

METHODS: dict[str, type[TypeClassifier | DefectHead]] = {
    kind.name: kind for kind in (TypeClassifier, DefectHead)
}

__all__ = [
    "LEAST_DEFECTS",
    "LEAST_EXAMPLES",
    "LEAST_TYPES",
    "METHODS",
    "UNKNOWN",
    "DefectHead",
    "TaughtTypes",
    "TypeClassifier",
    "leaving_out",
    "teach_head",
    "teach_types",
]
