"""What a recipe learnt from labelled bad parts: the types of defects, and what known ones look like."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspection.outside import ARCHIVE_FAULTS
from models.supervised import DefectHead, TypeClassifier


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Labelled:
    """A classifier of types, and a head that rejects what looks like a known defect; each may be None."""

    types: TypeClassifier | None = None
    head: DefectHead | None = None

    def to_bytes(self) -> bytes:
        """As an .npz without pickle."""
        arrays: dict[str, Any] = {}
        if self.types is not None:
            arrays |= {
                "types": np.array(self.types.types, dtype=np.str_),
                "whitener": self.types.whitener,
                "centres": self.types.centres,
                "told": np.array([self.types.temperature, self.types.farthest]),
            }
        if self.head is not None:
            arrays |= {
                "weights": self.head.weights,
                "head": np.array([self.head.offset, self.head.limit]),
            }
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, **arrays)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> Labelled:
        """Read what `to_bytes` wrote. Raises ValueError where it is something else."""
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
                return cls(
                    types=_types(arrays) if "types" in arrays else None,
                    head=_head(arrays) if "weights" in arrays else None,
                )
        except ARCHIVE_FAULTS as error:
            raise ValueError(str(error)) from error


def _types(arrays: Any) -> TypeClassifier:
    temperature, farthest = map(float, arrays["told"])
    found = TypeClassifier(
        types=tuple(map(str, arrays["types"])),
        whitener=_floats(arrays["whitener"], 2),
        centres=_floats(arrays["centres"], 2),
        temperature=temperature,
        farthest=farthest,
    )
    if found.centres.shape != (len(found.types), found.whitener.shape[1]) or not temperature > 0:
        raise ValueError(
            f"types: expected centres of {len(found.types)} types, got {found.centres.shape}"
        )
    return found


def _head(arrays: Any) -> DefectHead:
    offset, limit = map(float, arrays["head"])
    if not np.isfinite([offset, limit]).all():
        raise ValueError(f"head: expected finite numbers, got {offset} and {limit}")
    return DefectHead(weights=_floats(arrays["weights"], 1), offset=offset, limit=limit)


def _floats(values: NDArray[Any], dimensions: int) -> NDArray[np.float32]:
    if values.ndim != dimensions or values.dtype.kind != "f" or not np.isfinite(values).all():
        raise ValueError(
            f"expected finite numbers of {dimensions} dimensions, got {values.dtype} {values.shape}"
        )
    return np.asarray(values, np.float32)
