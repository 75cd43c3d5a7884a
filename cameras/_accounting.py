"""Where the pictures a camera sent ended up: every one is counted once."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Literal

Fate = Literal["complete", "incomplete", "missed", "backpressure", "unsupported"]
FATES: tuple[Fate, ...] = ("complete", "incomplete", "missed", "backpressure", "unsupported")

_LAST_16_BIT_ID = 65_535


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameCount:
    """The pictures of one session: `sent` is always the sum of the five ends a picture can have.

    `complete` arrived whole; `incomplete` arrived damaged; `missed` never arrived; `backpressure`
    arrived while nobody took it; `unsupported` is of a kind that cannot be read. Raises ValueError.
    """

    sent: int = 0
    complete: int = 0
    incomplete: int = 0
    missed: int = 0
    backpressure: int = 0
    unsupported: int = 0

    def __post_init__(self) -> None:
        for field in fields(self):
            if (value := getattr(self, field.name)) < 0:
                raise ValueError(f"FrameCount.{field.name}: expected 0 or more, got {value}")
        if self.sent != (total := sum(getattr(self, fate) for fate in FATES)):
            raise ValueError(f"FrameCount.sent: expected {total} ({self._sum()}), got {self.sent}")

    def plus(self, fate: Fate, n: int = 1) -> FrameCount:
        """Give the count with `n` pictures more that ended so."""
        return replace(self, sent=self.sent + n, **{fate: getattr(self, fate) + n})

    def __add__(self, other: FrameCount) -> FrameCount:
        names = [field.name for field in fields(self)]
        return FrameCount(**{name: getattr(self, name) + getattr(other, name) for name in names})

    def __str__(self) -> str:
        return f"{self.sent} sent = {self._sum()}"

    def _sum(self) -> str:
        return " + ".join(f"{getattr(self, fate)} {fate}" for fate in FATES)


def frames_between(previous_id: int | None, frame_id: int) -> int:
    """Tell how many pictures lie between two frame ids of one session.

    Ids of 16 bits wrap from 65535 to 1; an id that goes back must have wrapped. A camera that
    repeats its id does not count at all, so nothing is known to be missing.
    """
    if previous_id is None or frame_id == previous_id:
        return 0
    if frame_id > previous_id:
        return frame_id - previous_id - 1
    return (frame_id - previous_id) % _LAST_16_BIT_ID - 1
