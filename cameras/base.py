"""What a camera is, and the picture it gives.

Errors
------
CameraError
├── CameraUnavailable   its library, file or device is not there
├── CameraTimeout       no picture in the time allowed; the camera may still be alive
├── CameraLost          the connection broke; open it again
├── EndOfStream         a replay has no more pictures
└── ImageFileError      a picture file is missing, damaged, too large or no picture at all
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

FrameStatus = Literal["complete", "incomplete", "corrupt"]


class CameraError(Exception):
    """A camera could not do what was asked; the message is one line for a person."""


class CameraUnavailable(CameraError):
    """The library, file or device behind this camera is not there."""


class CameraTimeout(CameraError):
    """No picture came in the time allowed."""


class CameraLost(CameraError):
    """The connection to the camera broke."""


class EndOfStream(CameraError):
    """A replay has given its last picture."""


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


class Camera(ABC):
    """A source of pictures: `open`, then `read` one frame a trigger, then `close`.

    A subclass stores its settings in `__init__` and starts work in `open`. Plain blocking code: the
    station makes the threads. Closing twice is safe.
    """

    name: str

    @abstractmethod
    def open(self) -> None:
        """Connect and get ready. Raises CameraUnavailable."""

    @abstractmethod
    def read(self, *, timeout_s: float = 5.0, trigger_id: str | None = None) -> Frame:
        """Take the next picture. Raises CameraTimeout, CameraLost, EndOfStream."""

    @abstractmethod
    def close(self) -> None:
        """Let the device go."""

    @classmethod
    def missing(cls) -> str | None:
        """Say in one line what must be installed before this camera can be used, or None."""
        return None

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
