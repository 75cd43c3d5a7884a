"""USB cameras, RTSP and HTTP MJPEG streams, and video files, with OpenCV."""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import cv2
import numpy as np
from numpy.typing import NDArray

from cameras._network_search import network_cameras
from cameras._picture_files.reading import one_line
from cameras.base import (
    Camera,
    CameraError,
    CameraLost,
    CameraTimeout,
    CameraUnavailable,
    Device,
    EndOfStream,
    Frame,
)

_READS_AT_CLOSE_S = 1.0


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class _Picture:
    """One picture that came: (H, W, 3) BGR or (H, W), its number, and when it came."""

    image: NDArray[np.uint8]
    number: int
    arrived_s: float
    captured_at: datetime


DEVICES = Path("/sys/class/video4linux")


class Opencv(Camera):
    """A device number, an RTSP or HTTP address, or a video file.

    A live source is drained all the time, so that a picture is never old: "Software" gives the
    first picture that comes after the read began, "Off" the newest not yet given. A source silent
    for `stall_s` or two pictures' time, whichever is longer, is lost. A video file gives its
    pictures one after another and ends.
    """

    name = "opencv"
    trigger_sources = ("Software", "Off")
    features = ("width", "height", "frame_rate")
    instead = "give a device number, or the address of its stream, in source"

    def __init__(
        self,
        *,
        source: str | int,
        trigger_source: str = "Software",
        width: int | None = None,
        height: int | None = None,
        frame_rate: float | None = None,
        open_timeout_s: float = 5.0,
        stall_s: float = 2.0,
    ) -> None:
        self.source, self.trigger_source = source, trigger_source
        self.width, self.height, self.frame_rate = width, height, frame_rate
        self.open_timeout_s, self.stall_s = open_timeout_s, stall_s
        self._capture: Any = None
        self._reader: _StreamReader | None = None
        self._next, self._given = 0, -1

    @classmethod
    def find(cls) -> list[Device]:
        """List the USB cameras of a Linux machine, and cameras on the network that speak ONVIF.

        Of the latter the path of the stream and its password are given by hand.
        """
        here = video_devices(DEVICES) if sys.platform == "linux" else []
        return here + network_cameras()

    def open(self) -> None:
        """Connect. Raises CameraUnavailable, CameraUnsupported."""
        self.close()
        self._require("trigger_source", self.trigger_source, self.trigger_sources)
        self._state = "CONNECTING"
        try:
            self._capture = self._connect()
            self._applied = self._apply_features(self._capture)
        except BaseException:
            self.close()
            raise
        self._next, self._given = 0, -1
        self._begin_session()
        if not self._is_file():
            self._reader, self._capture = _StreamReader(self._capture), None
            self._state = "ACQUIRING"

    def read(self, *, timeout_s: float = 5.0, trigger_id: str | None = None) -> Frame:
        """Read a fresh picture, or a file's next. Raises CameraTimeout, CameraLost, EndOfStream."""
        self._must_be_open()
        if self._reader is None:
            return self._next_of_file(trigger_id)
        picture = self._fresh(self._reader, timeout_s)
        skipped, self._given = picture.number - self._given - 1, picture.number
        self._tally("backpressure", skipped)
        self._tally("complete")
        return self._frame(
            _rgb(picture.image),
            frame_id=picture.number,
            trigger_id=trigger_id,
            missed_before=skipped if self.trigger_source == "Off" else 0,
            captured_at=picture.captured_at,
        )

    def close(self) -> None:
        """Let the source go."""
        reader, self._reader = self._reader, None
        capture, self._capture = self._capture, None
        if reader is not None:
            reader.stop()
        if capture is not None:
            capture.release()
        self._end_session()

    def _next_of_file(self, trigger_id: str | None) -> Frame:
        self._state = "ACQUIRING"
        there, image = self._capture.read()
        if not there:
            self._state = "END_OF_STREAM"
            raise EndOfStream(f"video {self._shown()}: all {self._next} pictures are read")
        self._next += 1
        self._tally("complete")
        return self._frame(_rgb(image), frame_id=self._next - 1, trigger_id=trigger_id)

    def _fresh(self, reader: _StreamReader, timeout_s: float) -> _Picture:
        """Wait for a picture that is not older than the trigger source allows."""
        began_s = time.monotonic()
        after_s = began_s if self.trigger_source == "Software" else 0.0
        until_s = began_s + timeout_s
        while True:
            stalls_s = reader.last_s() + max(2 * reader.interval_s(), self.stall_s)
            picture = reader.wait(self._given, after_s, min(until_s, stalls_s))
            if picture is not None:
                return picture
            self._raise_if_lost(reader, stalls_s)
            if time.monotonic() >= until_s:
                raise CameraTimeout(
                    f"camera opencv {self._shown()}: no picture in {timeout_s} s; "
                    f"the last came {time.monotonic() - reader.last_s():.1f} s ago"
                )

    def _raise_if_lost(self, reader: _StreamReader, stalls_s: float) -> None:
        """Raise CameraLost for a dead or silent source; its isOpened stays true for both."""
        if reader.error is not None:
            self._state = "LOST"
            raise CameraLost(f"camera opencv {self._shown()}: {reader.error}")
        now_s = time.monotonic()
        if now_s >= stalls_s and reader.last_s() + self.stall_s <= now_s:
            self._state = "LOST"
            silent_s = now_s - reader.last_s()
            raise CameraLost(
                f"camera opencv {self._shown()} is silent for {silent_s:.1f} s; open it again"
            )

    def _connect(self) -> Any:
        source = self._device()
        if isinstance(source, int):
            capture = cv2.VideoCapture(source)
        elif "://" in source:
            timeouts = (
                cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, _ms(self.open_timeout_s),
                cv2.CAP_PROP_READ_TIMEOUT_MSEC, _ms(max(self.stall_s, _READS_AT_CLOSE_S)),
            )  # fmt: skip
            capture = cv2.VideoCapture(source, cv2.CAP_FFMPEG, timeouts)
        elif Path(source).is_file():
            capture = cv2.VideoCapture(source, cv2.CAP_FFMPEG)
        else:
            raise CameraUnavailable(f"camera opencv: there is no video file {self._shown()}")
        if not capture.isOpened():
            capture.release()
            raise CameraUnavailable(f"camera opencv: {self._shown()} cannot be opened")
        return capture

    def _apply_features(self, capture: Any) -> dict[str, str | int | float | bool]:
        """Write the settings of a device and read back what it made of them."""
        features = {"width": self.width, "height": self.height, "frame_rate": self.frame_rate}
        for setting, value in features.items():
            if value is None:
                continue
            if not isinstance(self._device(), int):
                raise CameraError(
                    f"camera opencv: {setting} {value}: only a device can be set; "
                    f"{self._shown()} gives what it gives"
                )
            capture.set(_PROPERTIES[setting], float(value))
            if (got := capture.get(_PROPERTIES[setting])) != value:
                self._require(setting, value, [got])
        applied = {name: capture.get(number) for name, number in _PROPERTIES.items()}
        return {name: value for name, value in applied.items() if value > 0} | {
            "trigger_source": self.trigger_source
        }

    def _device(self) -> str | int:
        """The source, a device's number as a number."""
        text = str(self.source)
        return int(text) if text.isdecimal() else text

    def _is_file(self) -> bool:
        source = self._device()
        return isinstance(source, str) and "://" not in source

    def _shown(self) -> str:
        """The source in one line, without a password in its address."""
        text = one_line(str(self.source))
        user = urlsplit(text).netloc.rpartition("@")[0] if "://" in text else ""
        return text.replace(f"{user}@", "", 1) if user else text


def video_devices(folder: Path) -> list[Device]:
    """The video devices of Linux's /sys/class/video4linux: the first node of each, which gives pictures.

    A node without a picture of its own, such as one of metadata, has an index above 0.
    """
    nodes = sorted(
        (int(each.name.removeprefix("video")), each) for each in folder.glob("video[0-9]*")
    )
    return [
        Device(
            label=(node / "name").read_text("utf-8", "replace").strip() + f" /dev/video{number}",
            settings={"source": number},
        )
        for number, node in nodes
        if (node / "index").read_text("ascii", "replace").strip() == "0"
    ]


_PROPERTIES = {
    "width": cv2.CAP_PROP_FRAME_WIDTH,
    "height": cv2.CAP_PROP_FRAME_HEIGHT,
    "frame_rate": cv2.CAP_PROP_FPS,
}


class _StreamReader:
    """Drain a live source in a thread and keep its newest picture.

    Without it OpenCV hands out pictures as old as the longest pause between two reads.
    """

    def __init__(self, capture: Any) -> None:
        self.error: str | None = None
        self._capture = capture
        self._changed = threading.Condition()
        self._picture: _Picture | None = None
        self._began_s, self._interval_s = time.monotonic(), 0.0
        self._stopping = False
        self._thread = threading.Thread(target=self._run, daemon=True, name="opencv-reader")
        self._thread.start()

    def wait(self, after_number: int, after_s: float, until_s: float) -> _Picture | None:
        """Wait for a picture of a higher number that arrived after `after_s`, or None when it is late.

        Times are by the monotonic clock.
        """
        with self._changed:
            while self.error is None:
                picture = self._picture
                if picture and picture.number > after_number and picture.arrived_s >= after_s:
                    return picture
                if (left_s := until_s - time.monotonic()) <= 0:
                    return None
                self._changed.wait(left_s)
        return None

    def last_s(self) -> float:
        """When the last picture came, or the reading began, by the monotonic clock."""
        return self._picture.arrived_s if self._picture else self._began_s

    def interval_s(self) -> float:
        """The time between the last two pictures."""
        return self._interval_s

    def stop(self) -> None:
        """End the thread; one that waits for a silent source ends by itself."""
        self._stopping = True
        self._thread.join(_READS_AT_CLOSE_S)

    def _run(self) -> None:
        number = 0
        try:
            while not self._stopping:
                there, image = self._capture.read()
                if not there:
                    self._end("the source ended or broke off")
                    return
                self._keep(image, number)
                number += 1
        except cv2.error as exc:
            self._end(f"reading failed: {exc.err}")
        finally:
            self._capture.release()

    def _keep(self, image: Any, number: int) -> None:
        now_s = time.monotonic()
        if self._picture is not None:
            self._interval_s = now_s - self._picture.arrived_s
        with self._changed:
            self._picture = _Picture(
                image=image, number=number, arrived_s=now_s, captured_at=datetime.now(UTC)
            )
            self._changed.notify_all()

    def _end(self, reason: str) -> None:
        with self._changed:
            self.error = reason
            self._changed.notify_all()


def _rgb(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H, W, 3) BGR as RGB; (H, W) stays as it is."""
    return image if image.ndim == 2 else np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))


def _ms(seconds: float) -> int:
    return max(int(seconds * 1000), 1)
