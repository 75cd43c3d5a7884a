"""Where the good patches that a memory keeps came from: which pictures, and which place in them."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspection.outside import ARCHIVE_FAULTS

Rows = NDArray[np.integer]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Origins:
    """The good pictures by name, and what each row of each scale's memory was a patch of.

    `scales` are (m, 2), coarsest first: the number of the picture in `pictures`, and of the patch in it,
    counted row by row. `thumbnails` are JPEG of the pictures as the model saw them, made smaller, by
    number; only as many as the recipe has room for. `points` (m, d) are the whitened features of the rows of
    each scale, where the program does not search them itself. Raises ValueError where they do not fit together.
    """

    pictures: tuple[str, ...]
    scales: tuple[Rows, ...]
    thumbnails: dict[int, bytes]
    points: tuple[NDArray[np.floating], ...] = ()

    def __post_init__(self) -> None:
        if self.points and [len(each) for each in self.points] != [len(s) for s in self.scales]:
            raise ValueError(
                f"Origins.points: expected {[len(s) for s in self.scales]} rows, "
                f"got {[len(each) for each in self.points]}"
            )
        for rows in self.scales:
            if rows.ndim != 2 or rows.shape[1] != 2 or rows.dtype.kind not in "iu":
                raise ValueError(f"Origins.scales: expected whole numbers (m, 2), got {rows.shape}")
            if len(rows) and (rows.min() < 0 or rows[:, 0].max() >= len(self.pictures)):
                raise ValueError(
                    f"Origins.scales: expected pictures 0 to {len(self.pictures) - 1}, "
                    f"got {rows[:, 0].min()} to {rows[:, 0].max()}"
                )

    def to_bytes(self) -> bytes:
        """As an .npz without pickle; numbers as small as they fit."""
        numbers = sorted(self.thumbnails)
        arrays: dict[str, Any] = {
            "pictures": np.array(self.pictures, dtype=np.str_),
            "thumbnail_of": np.array(numbers, dtype=np.int32),
            "thumbnail_bytes": np.array([len(self.thumbnails[n]) for n in numbers], np.int64),
            "thumbnails": np.frombuffer(b"".join(self.thumbnails[n] for n in numbers), np.uint8),
        }
        for k, rows in enumerate(self.scales):
            for name, column in zip(("picture", "patch"), rows.T, strict=True):
                most = int(column.max(initial=0))
                arrays[f"{name}_{k}"] = column.astype(np.min_scalar_type(most))
        for k, points in enumerate(self.points):
            arrays[f"points_{k}"] = points.astype(np.float16)
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, **arrays)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> Origins:
        """Read what `to_bytes` wrote. Raises ValueError where it is something else."""
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
                count = sum(name.startswith("picture_") for name in arrays)
                scales = tuple(
                    np.stack([arrays[f"picture_{k}"], arrays[f"patch_{k}"]], 1).astype(np.int64)
                    for k in range(count)
                )
                points = tuple(
                    arrays[f"points_{k}"].astype(np.float32)
                    for k in range(count)
                    if f"points_{k}" in arrays
                )
                ends = np.cumsum(arrays["thumbnail_bytes"])
                parts = np.split(arrays["thumbnails"], ends[:-1]) if len(ends) else []
                return cls(
                    pictures=tuple(map(str, arrays["pictures"])),
                    scales=scales,
                    points=points,
                    thumbnails={
                        int(number): part.tobytes()
                        for number, part in zip(arrays["thumbnail_of"], parts, strict=True)
                    },
                )
        except ARCHIVE_FAULTS as error:
            raise ValueError(str(error)) from error
