"""What labelled bad parts teach beside the good ones: which type a defect is of, and what known ones look like.

Judging needs neither torch nor scikit-learn; they come when something is taught.
"""

from __future__ import annotations

from models.supervised.classifier import UNKNOWN, TypeClassifier
from models.supervised.defect_head import DefectHead

METHODS: dict[str, type[TypeClassifier | DefectHead]] = {
    kind.name: kind for kind in (TypeClassifier, DefectHead)
}

__all__ = ["METHODS", "UNKNOWN", "DefectHead", "TypeClassifier"]
