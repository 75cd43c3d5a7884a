"""What a camera is, and the picture it gives.

Errors
------
CameraError
├── CameraUnavailable   its library, file or device is not there
├── CameraTimeout       no picture in the time allowed; the camera may still be alive
├── CameraLost          the connection broke; open it again
├── CameraUnsupported   this camera cannot do what was asked; the message lists what it can
├── EndOfStream         a replay has no more pictures
└── ImageFileError      a picture file is missing, damaged, too large or no picture at all
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from types import MappingProxyType, TracebackType
from typing import Literal, Self
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

FrameStatus = Literal["complete", "incomplete", "corrupt"]
State = Literal[
    "CLOSED", "CONNECTING", "IDLE", "ACQUIRING", "LOST", "BACKOFF", "FAULT", "END_OF_STREAM"
]
Setting = str | int | float | bool
Fate = Literal["complete", "incomplete", "missed", "backpressure", "unsupported"]
FATES: tuple[Fate, ...] = ("complete", "incomplete", "missed", "backpressure", "unsupported")


class CameraError(Exception):
    """A camera could not do what was asked; the message is one line for a person."""


class CameraUnavailable(CameraError):
    """The library, file or device behind this camera is not there."""


class CameraTimeout(CameraError):
    """No picture came in the time allowed."""


class CameraLost(CameraError):
    """The connection to the camera broke."""


class CameraUnsupported(CameraError):
    """This camera cannot do what was asked."""


class EndOfStream(CameraError):
    """A replay has no more pictures."""


class ImageFileError(CameraError):
    """A picture file is missing, damaged, too large or no picture at all."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Frame:
    """One picture of one part, as the camera gave it.

    `image` is (H, W, 3) RGB or (H, W) mono, uint8, made read-only here. `frame_id` is the camera's
    own counter; `sequence` is ours and has no gaps within a `session`. `captured_at` is in UTC.
    Raises ValueError naming the field, what was expected and what was got.
    """

    image: NDArray[np.uint8]
    camera: str
    sequence: int
    captured_at: datetime
    frame_id: int = 0
    session: str = ""
    missed_before: int = 0
    status: FrameStatus = "complete"
    device_timestamp_ns: int | None = None
    trigger_id: str | None = None
    exposure_time_us: float | None = None
    gain_db: float | None = None

    def __post_init__(self) -> None:
        shape, dtype = self.image.shape, self.image.dtype
        if dtype != np.uint8 or not (len(shape) == 2 or (len(shape) == 3 and shape[2] == 3)):
            raise ValueError(
                f"Frame.image: expected uint8 of shape (H, W) or (H, W, 3), got {dtype} {shape}"
            )
        if min(shape[:2]) < 1:
            raise ValueError(f"Frame.image: expected at least one pixel, got {shape}")
        if self.captured_at.utcoffset() is None:
            raise ValueError(
                "Frame.captured_at: expected a time with a zone (UTC), got a naive one"
            )
        if self.sequence < 0 or self.missed_before < 0:
            raise ValueError(
                "Frame.sequence and missed_before: expected 0 or more, "
                f"got {self.sequence} and {self.missed_before}"
            )
        if self.image.flags.writeable:
            view = self.image.view()
            view.flags.writeable = False
            object.__setattr__(self, "image", view)


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

    @classmethod
    def of(cls, **counts: int) -> Self:
        """The count of so many pictures by the end they had."""
        return cls(sent=sum(counts.values()), **counts)

    def plus(self, fate: Fate, n: int = 1) -> FrameCount:
        """The count with `n` more pictures that ended so."""
        return replace(self, sent=self.sent + n, **{fate: getattr(self, fate) + n})

    def reclassified(self, n: int, *, was: Fate, now: Fate) -> FrameCount:
        """The count with `n` pictures moved from one end to another."""
        return replace(self, **{was: getattr(self, was) - n, now: getattr(self, now) + n})

    def __add__(self, other: FrameCount) -> FrameCount:
        names = [field.name for field in fields(self)]
        return FrameCount(**{name: getattr(self, name) + getattr(other, name) for name in names})

    def __str__(self) -> str:
        return f"{self.sent} sent = {self._sum()}"

    def _sum(self) -> str:
        return " + ".join(f"{getattr(self, fate)} {fate}" for fate in FATES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A device that a camera found: what a person knows it by, and the settings that name it."""

    label: str
    settings: Mapping[str, str | int]


class Camera(ABC):
    """A source of pictures: `open`, then `read` one frame a trigger, then `close`.

    A subclass stores its settings in `__init__` and starts work in `open`. Plain blocking code: the
    station makes the threads. Closing twice is safe. What a subclass declares, each with a default:

    - `trigger_sources`: the trigger sources it knows; "Off" runs free, a line is a hardware input.
    - `trigger_source`: the one it uses; a setting of the constructor where there are several.
    - `features`: the settings it writes to a device and reads back.
    - `adjustable`: those beside them that a person may change at a paused station; they name no
      file, device, address or producer.
    - `queues`: whether pictures come by themselves and wait.
    - `find`: the devices there are; where it cannot look, `instead` says what to give.
    """

    name: str
    trigger_sources: tuple[str, ...] = ("Software",)
    trigger_source: str = "Software"
    features: tuple[str, ...] = ()
    adjustable: tuple[str, ...] = ()
    instead: str = "give its settings"

    _state: State = "CLOSED"
    _count: FrameCount = FrameCount()
    _applied: Mapping[str, Setting] = MappingProxyType({})
    _session: str = ""
    _sequence: int = 0

    @abstractmethod
    def open(self) -> None:
        """Connect and get ready. Raises CameraUnavailable, CameraUnsupported."""

    @abstractmethod
    def read(self, *, timeout_s: float = 5.0, trigger_id: str | None = None) -> Frame:
        """Take the next picture. Raises CameraTimeout, CameraLost, EndOfStream."""

    @abstractmethod
    def close(self) -> None:
        """Let the device go."""

    @classmethod
    def missing(cls) -> str | None:
        """What must be installed before this camera can be used, in one line, or None."""
        return None

    @classmethod
    def find(cls) -> list[Device]:
        """List the devices that are there now, in use or not; may take seconds, or hang with its library.

        Raises CameraUnsupported for a camera that cannot look, with what to give instead; CameraError.
        """
        raise CameraUnsupported(f"camera {cls.name} cannot look for devices; {cls.instead}")

    @property
    def queues(self) -> bool:
        """Whether pictures come by themselves and wait: one not read would go to the next part."""
        return self.trigger_source != "Software"

    @property
    def state(self) -> State:
        """Where the camera stands now."""
        return self._state

    @property
    def accounting(self) -> FrameCount:
        """Where the pictures of this session ended up."""
        return self._count

    @property
    def applied(self) -> Mapping[str, Setting]:
        """The settings the device has, read back after they were written."""
        return self._applied

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _begin_session(self, state: State = "IDLE") -> None:
        self._session, self._sequence = uuid4().hex, 0
        self._count, self._state = FrameCount(), state

    def _end_session(self) -> None:
        self._session, self._state = "", "CLOSED"

    def _must_be_open(self) -> None:
        if not self._session:
            raise CameraError(f"camera {self.name} is closed; open it before reading")

    def _tally(self, fate: Fate, n: int = 1) -> None:
        self._count = self._count.plus(fate, n)

    def _frame(
        self,
        image: NDArray[np.uint8],
        *,
        frame_id: int,
        trigger_id: str | None,
        missed_before: int = 0,
        status: FrameStatus = "complete",
        captured_at: datetime | None = None,
        device_timestamp_ns: int | None = None,
    ) -> Frame:
        """Make the session's next frame; its time is now unless another is given."""
        exposure_time_us = self._applied.get("exposure_time_us")
        gain_db = self._applied.get("gain_db")
        sequence, self._sequence = self._sequence, self._sequence + 1
        return Frame(
            image=image,
            camera=self.name,
            sequence=sequence,
            captured_at=captured_at or datetime.now(UTC),
            frame_id=frame_id,
            session=self._session,
            missed_before=missed_before,
            status=status,
            device_timestamp_ns=device_timestamp_ns,
            trigger_id=trigger_id,
            exposure_time_us=None if exposure_time_us is None else float(exposure_time_us),
            gain_db=None if gain_db is None else float(gain_db),
        )

    def _require(self, setting: str, value: Setting, allowed: Iterable[Setting]) -> None:
        """Refuse a setting this camera does not have, with the list of what it has."""
        if value not in (supported := list(allowed)):
            shown = ", ".join(map(str, supported)) or "nothing"
            raise CameraUnsupported(
                f"camera {self.name}: {setting} {value!r} is not supported; supported: {shown}"
            )
