"""What every GenICam camera has: its settings, trigger, frame accounting and how it is lost."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, ClassVar, NoReturn, TypeVar

import numpy as np
from numpy.typing import NDArray

from cameras._genicam.features import NODES, Nodes, apply_features
from cameras._genicam.frame_ids import frames_between
from cameras._genicam.pixel_formats import PIXEL_FORMATS, pfnc_name, to_8_bit
from cameras._genicam.sdk import Sdk
from cameras.base import (
    Camera,
    CameraError,
    CameraLost,
    CameraTimeout,
    CameraUnavailable,
    CameraUnsupported,
    Frame,
    FrameStatus,
    Setting,
)

T = TypeVar("T")

GRAB_STRATEGIES = ("one_by_one", "latest_image_only")
SHORTEST_STALL_S = 2.0
_WAITING_S = 0.001
"""How long to look for a picture that is there already; to some libraries 0 means for ever."""

_IDENTITY = {
    "DeviceID": "serial_number",
    "DeviceSerialNumber": "serial_number",
    "DeviceModelName": "model",
}


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Grab:
    """One picture as the device sent it.

    `pixels` are (H, W) or (H, W, C), uint8 or uint16, in the order of `pixel_format` and already
    copied out of the device's buffer; None if they may not be read. `skipped` pictures were dropped
    before it because nobody took them; `timestamp_ns` is by the device's own clock.
    """

    pixels: NDArray[np.uint8] | NDArray[np.uint16] | None
    pixel_format: str
    frame_id: int
    status: FrameStatus = "complete"
    skipped: int = 0
    timestamp_ns: int | None = None


@dataclass(kw_only=True, eq=False, repr=False)
class GenicamCamera(Camera):
    """A GenICam camera; a driver adds its own settings and how its library does each step.

    A driver is a dataclass too, so that its constructor has the settings below and its own. With
    `trigger_source` "Software" a read fires the trigger; with a line it waits for the picture the
    line took; with "Off" the camera runs free. A triggered picture that comes too late for its read
    is thrown away and counted, never given to the next part.
    """

    trigger_source: str = "Software"
    trigger_activation: str | None = None
    trigger_delay_us: float | None = None
    exposure_auto: str | None = None
    exposure_time_us: float | None = None
    gain_db: float | None = None
    pixel_format: str | None = None
    width: int | None = None
    height: int | None = None
    offset_x: int | None = None
    offset_y: int | None = None
    acquisition_frame_rate: float | None = None
    grab_strategy: str = "one_by_one"

    trigger_sources = ("Off", "Software", "Line0", "Line1", "Line2", "Line3", "Line4")
    features = tuple(name for name in NODES if name != "trigger_mode")
    sdk: ClassVar[Sdk]

    _camera: Any = field(default=None, init=False)
    """The library's own object for the device that is open."""
    _opened: ExitStack = field(default_factory=ExitStack, init=False)
    """What must be closed, in reverse order, to let the device go."""
    _late: bool = field(default=False, init=False)
    _discarded: int = field(default=0, init=False)
    _thrown: int = field(default=0, init=False)
    _previous_id: int | None = field(default=None, init=False)
    _last_picture_s: float = field(default=0.0, init=False)

    @classmethod
    def missing(cls) -> str | None:
        """What to install if the maker's library is not there."""
        return cls.sdk.missing()

    def open(self) -> None:
        """Connect, write the settings, read them back, start."""
        self.close()
        self._require("grab_strategy", self.grab_strategy, GRAB_STRATEGIES)
        self._state = "CONNECTING"
        try:
            self._connect()
            self._applied = self._identity() | self._apply_features()
            self._start()
        except BaseException:
            self.close()
            raise
        self._begin_session("ACQUIRING")
        self._previous_id, self._late = None, False
        self._discarded, self._thrown = 0, 0
        self._last_picture_s = time.monotonic()

    def read(self, *, timeout_s: float = 5.0, trigger_id: str | None = None) -> Frame:
        """Take the next picture. Raises CameraTimeout, CameraLost."""
        self._must_be_open()
        try:
            grab = self._take(timeout_s)
        except CameraLost:
            self._state = "LOST"
            raise
        return self._as_frame(grab, trigger_id)

    def close(self) -> None:
        """Stop and let the device go; the settings it had stay readable."""
        self._end_session()
        self._disconnect()

    @abstractmethod
    def _connect(self) -> None:
        """Find the device and open it. Raises CameraUnavailable."""

    def _identity(self) -> dict[str, Setting]:
        """Which device it is: `serial_number` and `model`, from the nodes that have them."""
        nodes = self._nodes()
        return {name: nodes.read(node) for node, name in _IDENTITY.items() if nodes.has(node)}

    @abstractmethod
    def _nodes(self) -> Nodes:
        """How the library reads and writes the nodes of the device that is connected."""

    @abstractmethod
    def _start(self) -> None:
        """Start the acquisition."""

    @abstractmethod
    def _stop(self) -> None:
        """Stop the acquisition and drop what it still holds."""

    @abstractmethod
    def _fire(self, timeout_s: float) -> None:
        """Fire the software trigger. Raises CameraTimeout if the camera is not ready for it."""

    @abstractmethod
    def _fetch(self, timeout_s: float) -> Grab | None:
        """Take the oldest picture that waits, or None if none came in time. Raises CameraLost."""

    @abstractmethod
    def _check_alive(self) -> None:
        """Raise CameraLost if the device does not answer any more."""

    def _disconnect(self) -> None:
        """Let the device go, whatever state it is in."""
        self._camera = None
        self._opened.close()

    def _only(self, devices: Sequence[T], *, none: str, several: str) -> T:
        """The one device that fits. Raises CameraUnavailable if there is none, or more."""
        if len(devices) != 1:
            raise CameraUnavailable(f"camera {self.name}: {several if devices else none}")
        return devices[0]

    def _apply_features(self) -> dict[str, Setting]:
        features = {name: getattr(self, name) for name in self.features}
        with self.sdk.raising(": its settings failed", CameraError):
            return apply_features(self._nodes(), features, self.name)

    def _grab(self, timeout_s: float) -> Grab | None:
        """Take the next picture; with `latest_image_only` the newest of those that wait."""
        grab = self._fetch(timeout_s)
        while grab is not None and self.grab_strategy == "latest_image_only":
            if (newer := self._fetch(_WAITING_S)) is None:
                break
            self._thrown += 1
            grab = replace(newer, skipped=newer.skipped + grab.skipped + 1)
        return grab

    def _take(self, timeout_s: float) -> Grab:
        until = time.monotonic() + timeout_s
        if self._late:
            self._discard_late()
        if self.trigger_source == "Software":
            self._fire(timeout_s)
        grab = self._grab(max(until - time.monotonic(), _WAITING_S))
        if grab is None:
            self._no_picture(timeout_s)
        self._last_picture_s = time.monotonic()
        return grab

    def _no_picture(self, timeout_s: float) -> NoReturn:
        """Raise CameraTimeout for a camera that is late, CameraLost for one that is gone."""
        self._late = self.trigger_source == "Software"
        self._check_alive()
        silent_s = time.monotonic() - self._last_picture_s
        if self.trigger_source == "Off" and silent_s >= self._stall_s():
            raise CameraLost(f"camera {self.name} sent no picture for {silent_s:.1f} s")
        raise CameraTimeout(
            f"camera {self.name}: no picture in {timeout_s} s, but it answers; "
            f"trigger_source is {self.trigger_source}"
        )

    def _stall_s(self) -> float:
        rate = float(self._applied.get("acquisition_frame_rate", 0.0))
        return max(2 / rate, SHORTEST_STALL_S) if rate > 0 else SHORTEST_STALL_S

    def _discard_late(self) -> None:
        """Start afresh, so that a late picture is never taken for the next part's."""
        while self._grab(_WAITING_S) is not None:
            self._tally("backpressure")
            self._discarded, self._thrown = self._discarded + 1, self._thrown + 1
        self._stop()
        self._start()
        self._previous_id, self._late = None, False

    def _as_frame(self, grab: Grab, trigger_id: str | None) -> Frame:
        captured_at = datetime.now(UTC)
        between = frames_between(self._previous_id, grab.frame_id)
        missed = max(between - grab.skipped, 0)
        self._previous_id = grab.frame_id
        self._tally("backpressure", grab.skipped)
        self._tally("missed", missed)
        lost, self._discarded = missed + grab.skipped + self._discarded, 0
        image = self._image(grab)
        status = grab.status
        if grab.pixels is None and status == "complete":
            status = "corrupt"
        self._tally("complete" if status == "complete" else "incomplete")
        return self._frame(
            image,
            frame_id=grab.frame_id,
            trigger_id=trigger_id,
            missed_before=lost,
            status=status,
            captured_at=captured_at,
            device_timestamp_ns=grab.timestamp_ns,
        )

    def _image(self, grab: Grab) -> NDArray[np.uint8]:
        """The picture, (H, W, 3) RGB or (H, W) mono, uint8; black where it may not be read.

        Raises CameraUnsupported for a whole picture of a pixel format that cannot be read.
        """
        known = pfnc_name(grab.pixel_format) in PIXEL_FORMATS
        if grab.status == "complete" and not known:
            self._tally("unsupported")
            raise CameraUnsupported(
                f"camera {self.name}: picture {grab.frame_id} has pixel format "
                f"{grab.pixel_format}; supported: {', '.join(PIXEL_FORMATS)}"
            )
        if grab.pixels is None or not known:
            height, width = int(self._applied["height"]), int(self._applied["width"])
            return np.zeros((height, width), np.uint8)
        return to_8_bit(grab.pixels, grab.pixel_format)
