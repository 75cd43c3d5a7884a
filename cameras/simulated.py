"""A line that makes drawn metal parts, some with a known defect: for demos, tests and training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from uuid import uuid4

from numpy.random import PCG64, Generator

from cameras._dataset import write_dataset
from cameras._draw import DEFECTS, SimulatedPart, check_part_settings, draw_part, part_seed
from cameras._parts import PRODUCTS
from cameras.base import Camera, CameraError, EndOfStream, Frame

__all__ = ["DEFECTS", "PRODUCTS", "Simulated", "SimulatedPart", "draw_part", "write_dataset"]

_LINE = 1


def _now() -> datetime:
    return datetime.now(UTC)


class Simulated(Camera):
    """A camera over a simulated line: a read is a software trigger and gives the next part.

    `defect_rate` is the share of parts with a defect, of a kind from `defects`; after `count` parts
    comes EndOfStream, None is endless. The same seed gives the same parts, from the first at each
    open; `truth` says what a part was.
    """

    name = "simulated"

    def __init__(
        self,
        *,
        seed: int = 0,
        size_px: int = 512,
        defect_rate: float = 0.1,
        count: int | None = None,
        defects: Sequence[str] = DEFECTS,
        product: str = "flange",
        colour: bool = True,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self.seed, self.size_px, self.product, self.colour = seed, size_px, product, colour
        self.defect_rate, self.defects, self.count = defect_rate, defects, count
        self.clock = clock
        self._session = ""
        self._sequence = 0

    def open(self) -> None:
        """Start a new session at the first part. Raises CameraError for a wrong setting."""
        try:
            self._check()
        except ValueError as exc:
            raise CameraError(f"camera simulated: {exc}") from exc
        self._session, self._sequence = uuid4().hex, 0

    def read(self, *, timeout_s: float = 5.0, trigger_id: str | None = None) -> Frame:
        """Draw the next part; it is always there, so there is no waiting. Raises EndOfStream."""
        if not self._session:
            raise CameraError("camera simulated is closed; open it before reading")
        if self.count is not None and self._sequence >= self.count:
            raise EndOfStream(f"camera simulated: all {self.count} parts are made")
        sequence, self._sequence = self._sequence, self._sequence + 1
        return Frame(
            image=self.truth(sequence).image,
            camera=self.name,
            frame_id=sequence,
            session=self._session,
            sequence=sequence,
            captured_at=self.clock(),
            trigger_id=trigger_id,
        )

    def close(self) -> None:
        """Stop the line."""
        self._session = ""

    def truth(self, sequence: int) -> SimulatedPart:
        """Draw the part of a frame once more, with its defect's name and mask."""
        seed = part_seed(self.seed, _LINE, sequence)
        return draw_part(
            seed,
            defect=self._defect(seed),
            size_px=self.size_px,
            product=self.product,
            colour=self.colour,
        )

    def _defect(self, seed: int) -> str | None:
        rng = Generator(PCG64(seed))
        if rng.random() >= self.defect_rate:
            return None
        return self.defects[int(rng.integers(len(self.defects)))]

    def _check(self) -> None:
        if not 0 <= self.defect_rate <= 1:
            raise ValueError(f"defect_rate: expected 0 to 1, got {self.defect_rate}")
        if self.count is not None and self.count < 0:
            raise ValueError(f"count: expected 0 or more, or None, got {self.count}")
        if isinstance(self.defects, str) or not self.defects:
            raise ValueError(
                f"defects: expected a list of {', '.join(DEFECTS)}, got {self.defects!r}"
            )
        for defect in self.defects:
            check_part_settings(
                seed=self.seed, defect=defect, size_px=self.size_px, product=self.product
            )
