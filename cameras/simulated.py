"""A line that makes drawn metal parts, some with a known defect: for demos, tests and training."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
from numpy.random import PCG64, Generator
from numpy.typing import NDArray

from cameras._synthetic.dataset import write_dataset
from cameras._synthetic.draw import (
    DEFECTS,
    SimulatedPart,
    check_part_settings,
    draw_part,
    part_seed,
)
from cameras._synthetic.products import PRODUCTS
from cameras.base import (
    Camera,
    CameraError,
    CameraLost,
    CameraTimeout,
    EndOfStream,
    Frame,
    FrameStatus,
)

__all__ = [
    "DEFECTS",
    "FAULTS",
    "PRODUCTS",
    "Simulated",
    "SimulatedPart",
    "draw_part",
    "write_dataset",
]

FAULTS = ("late", "incomplete", "corrupt", "frozen", "timeout", "lost")
LATE_S = 0.25
DARKER = 6
"""By how much a picture is darker whose light failed."""

_STATUS: dict[str, FrameStatus] = {"incomplete": "incomplete", "corrupt": "corrupt"}
_LINE = 1


def _now() -> datetime:
    return datetime.now(UTC)


class Simulated(Camera):
    """A camera over a simulated line: a read is a software trigger and gives the next part.

    `defect_rate` is the share of parts with a defect, of a kind from `defects`; after `count` parts
    comes EndOfStream, None is endless. The same seed gives the same parts, from the first at each
    open; a frame's `frame_id` is its part's number and `truth` says what that part was. `cache`
    draws so many parts at open and repeats them. `faults` says which part's picture goes wrong
    how, as `{"3": "lost"}`; each happens once. At the last of every `dark_every` parts the light
    fails, so that its picture is too dark to be judged; the last of every `faint_every` has a defect
    that shows by the share `faint` only.
    """

    name = "simulated"
    instead = "it draws its pictures and needs no setting"
    trigger_sources = ("Software", "Off")
    adjustable = ("seed", "size_px", "defect_rate", "defects", "count", "colour", "cache")

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
        trigger_source: str = "Software",
        cache: int = 0,
        faults: Mapping[str, str] | None = None,
        dark_every: int = 0,
        faint_every: int = 0,
        faint: float = 0.5,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self.seed, self.size_px, self.product, self.colour = seed, size_px, product, colour
        self.defect_rate, self.defects, self.count = defect_rate, defects, count
        self.trigger_source, self.cache, self.faults = trigger_source, cache, faults
        self.dark_every, self.faint_every, self.faint = dark_every, faint_every, faint
        self.clock = clock
        self._drawn: list[SimulatedPart] = []
        self._happened: set[int] = set()
        self._part, self._missed = 0, 0
        self._last: Frame | None = None

    def open(self) -> None:
        """Start a new session at the first part. Raises CameraError for a wrong setting."""
        self._require("trigger_source", self.trigger_source, self.trigger_sources)
        try:
            self._check()
        except ValueError as exc:
            raise CameraError(f"camera simulated: {exc}") from exc
        if not self._drawn:
            self._drawn = [self._draw(number) for number in range(self.cache)]
        self._part, self._missed, self._last = 0, 0, None
        self._begin_session()

    def read(self, *, timeout_s: float = 5.0, trigger_id: str | None = None) -> Frame:
        """Draw the next part; it is always there, so there is no waiting. Raises EndOfStream."""
        self._must_be_open()
        if self.count is not None and self._part >= self.count:
            self._state = "END_OF_STREAM"
            raise EndOfStream(f"camera simulated: all {self.count} parts are made")
        part, self._part = self._part, self._part + 1
        self._state = "ACQUIRING"
        fault = self._fault(part, timeout_s)
        image, status = self.truth(part).image, _STATUS.get(fault or "", "complete")
        if status != "complete":
            image = _cut_off(image)
        if _last_of(self.dark_every, part):
            image = image // np.uint8(DARKER)
        if fault == "frozen" and self._last is not None:
            image = self._last.image
        self._tally("complete" if status == "complete" else "incomplete")
        missed, self._missed = self._missed, 0
        self._last = self._frame(
            image,
            frame_id=part,
            trigger_id=trigger_id,
            missed_before=missed,
            status=status,
            captured_at=self.clock(),
        )
        return self._last

    def close(self) -> None:
        """Stop the line."""
        self._end_session()

    def truth(self, part: int) -> SimulatedPart:
        """The part of a `frame_id`, drawn once more, with its defect's name and mask."""
        return self._drawn[part % self.cache] if self._drawn else self._draw(part)

    def _draw(self, part: int) -> SimulatedPart:
        seed = part_seed(self.seed, _LINE, part)
        if not _last_of(self.faint_every, part):
            return self._drawn_with(seed, self._defect(seed))
        bad = self._drawn_with(seed, self.defects[seed % len(self.defects)])
        good = self._drawn_with(seed, None).image.astype(np.float32)
        image = np.rint(good + np.float32(self.faint) * (bad.image - good))
        return replace(bad, image=image.astype(np.uint8))

    def _drawn_with(self, seed: int, defect: str | None) -> SimulatedPart:
        return draw_part(
            seed, defect=defect, size_px=self.size_px, product=self.product, colour=self.colour
        )

    def _fault(self, part: int, timeout_s: float) -> str | None:
        """The fault that this part's picture has, once. Raises CameraTimeout, CameraLost for no picture."""
        fault = (self.faults or {}).get(str(part))
        if fault is None or part in self._happened:
            return None
        self._happened.add(part)
        if fault == "late":
            time.sleep(min(LATE_S, timeout_s))
        if fault == "timeout" or (fault == "late" and timeout_s < LATE_S):
            self._miss()
            raise CameraTimeout(
                f"camera simulated: no picture in {timeout_s} s (a fault asked for)"
            )
        if fault == "lost":
            self._miss()
            self._state = "LOST"
            raise CameraLost("camera simulated is lost (a fault asked for); open it again")
        return fault

    def _miss(self) -> None:
        self._missed += 1
        self._tally("missed")

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
        if self.cache < 0:
            raise ValueError(f"cache: expected 0 or more, got {self.cache}")
        for name, every in (("dark_every", self.dark_every), ("faint_every", self.faint_every)):
            if every < 0:
                raise ValueError(f"{name}: expected 0 or more, got {every}")
        if not 0 <= self.faint <= 1:
            raise ValueError(f"faint: expected 0 to 1, got {self.faint}")
        for part, fault in (self.faults or {}).items():
            if fault not in FAULTS or not part.isdecimal():
                raise ValueError(
                    f"faults: expected part number = one of {', '.join(FAULTS)}, "
                    f"got {part!r} = {fault!r}"
                )
        if isinstance(self.defects, str) or not self.defects:
            raise ValueError(
                f"defects: expected a list of {', '.join(DEFECTS)}, got {self.defects!r}"
            )
        for defect in self.defects:
            check_part_settings(
                seed=self.seed, defect=defect, size_px=self.size_px, product=self.product
            )


def _last_of(every: int, part: int) -> bool:
    """Whether a part is the last of `every` in turn; 0: none is."""
    return every > 0 and part % every == every - 1


def _cut_off(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A copy of the picture with its lower half black, as when the transfer broke off."""
    broken = image.copy()
    broken[len(broken) // 2 :] = 0
    return broken
