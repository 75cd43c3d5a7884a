"""What the cameras that speak GenICam share: settings, trigger, frame accounting and losses."""

from __future__ import annotations

import time
from abc import abstractmethod
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from cameras._accounting import frames_between
from cameras._features import NODES, Device, Wanted, apply_features
from cameras._pixel_formats import PIXEL_FORMATS, pfnc_name, to_8_bit
from cameras.base import (
    Camera,
    CameraError,
    CameraLost,
    CameraTimeout,
    CameraUnsupported,
    Frame,
    FrameStatus,
    Setting,
)

GRAB_STRATEGIES = ("one_by_one", "latest_image_only")
SHORTEST_STALL_S = 2.0


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Grab:
    """One picture as the device gave it.

    `pixels` are as sent, (H, W) or (H, W, C), already copied out of the device's buffer; None if
    they may not be read. `skipped` pictures were dropped before it because nobody took them.
    """

    pixels: NDArray[np.uint8] | NDArray[np.uint16] | None
    pixel_format: str
    frame_id: int
    status: FrameStatus = "complete"
    skipped: int = 0
    timestamp_ns: int | None = None


class GenicamCamera(Camera):
    """The way of every GenICam camera; a driver adds how its library says each step.

    With `trigger_source` "Software" a read fires the trigger; with a line it waits for the picture
    the line took; with "Off" the camera runs free. A triggered picture that comes too late for its
    read is thrown away and counted, never given to the next part.
    """

    trigger_sources = ("Off", "Software", "Line0", "Line1", "Line2", "Line3", "Line4")
    features = tuple(name for name in NODES if name != "trigger_mode")

    trigger_source: str
    grab_strategy: str
    _late = False
    _discarded, _thrown = 0, 0
    _previous_id: int | None = None
    _last_picture_s = 0.0

    def open(self) -> None:
        """Connect, write the settings, read them back, start."""
        self.close()
        self._require("grab_strategy", self.grab_strategy, GRAB_STRATEGIES)
        self._state = "CONNECTING"
        try:
            device = self._connect()
            self._applied = self._identity() | self._settle(device)
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
    def _wanted(self) -> Wanted:
        """Give the settings asked for, by the names in NODES."""

    @abstractmethod
    def _connect(self) -> Device:
        """Find the device and open it. Raises CameraUnavailable."""

    @abstractmethod
    def _identity(self) -> dict[str, Setting]:
        """Say which device it is: `serial_number` and what else is known."""

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
    def _grab(self, timeout_s: float) -> Grab | None:
        """Give the next picture, or None if there was none in time. Raises CameraLost."""

    @abstractmethod
    def _check_alive(self) -> None:
        """Raise CameraLost if the device does not answer any more."""

    @abstractmethod
    def _disconnect(self) -> None:
        """Let the device go, whatever state it is in."""

    def _settle(self, device: Device) -> dict[str, Setting]:
        try:
            return apply_features(device, self._wanted(), self.name)
        except ValueError as exc:
            raise CameraError(f"camera {self.name}: its settings failed: {exc}") from exc

    def _take(self, timeout_s: float) -> Grab:
        until = time.monotonic() + timeout_s
        if self._late:
            self._discard_late()
        if self.trigger_source == "Software":
            self._fire(timeout_s)
        grab = self._grab(max(until - time.monotonic(), 0.001))
        if grab is None:
            self._no_picture(timeout_s)
        self._last_picture_s = time.monotonic()
        return grab

    def _no_picture(self, timeout_s: float) -> NoReturn:
        """Tell a camera that is late from one that is lost."""
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
        while self._grab(0.001) is not None:
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
        """Give the picture in RGB or grey; black where the device's buffer may not be read."""
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
