"""GigE Vision cameras of any maker, without the maker's library."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from typing import Any, TypeVar

from cameras._accounting import FrameCount
from cameras._attempt import Attempt
from cameras._features import Wanted
from cameras._genicam import GenicamCamera, Grab
from cameras._pixel_formats import pfnc_name
from cameras.base import CameraLost, CameraUnavailable, FrameStatus, Setting

T = TypeVar("T")

ANSWER_S = 1.0
"""How long a camera may take to answer: a frozen one blocks the library for up to 10 s."""

_SEARCH_MS = 500
_CONTROL_REGISTER = 0x0A00  # Control Channel Privilege, GigE Vision 2.0, 2011
_WAIT_MS = 1
_IDENTITY = {
    "DeviceID": "serial_number",
    "DeviceSerialNumber": "serial_number",
    "DeviceModelName": "model",
}


class Gige(GenicamCamera):
    """A GigE Vision camera, found on the network by its IP or MAC `address`.

    Without `address` it is the only camera there. `interface` is the network card to search, by
    name or by its own IP address; loopback is searched only by its name.
    """

    name = "gige"

    def __init__(
        self,
        *,
        address: str | None = None,
        interface: str | None = None,
        packet_size: int | None = None,
        packet_resend: bool = True,
        trigger_source: str = "Software",
        trigger_activation: str | None = None,
        trigger_delay_us: float | None = None,
        exposure_auto: str | None = None,
        exposure_time_us: float | None = None,
        gain_db: float | None = None,
        pixel_format: str | None = None,
        width: int | None = None,
        height: int | None = None,
        offset_x: int | None = None,
        offset_y: int | None = None,
        acquisition_frame_rate: float | None = None,
        grab_strategy: str = "one_by_one",
    ) -> None:
        self.address, self.interface = address, interface
        self.packet_size, self.packet_resend = packet_size, packet_resend
        self.trigger_source, self.grab_strategy = trigger_source, grab_strategy
        self.trigger_activation, self.trigger_delay_us = trigger_activation, trigger_delay_us
        self.exposure_auto, self.exposure_time_us = exposure_auto, exposure_time_us
        self.gain_db, self.pixel_format = gain_db, pixel_format
        self.width, self.height, self.offset_x, self.offset_y = width, height, offset_x, offset_y
        self.acquisition_frame_rate = acquisition_frame_rate
        self._camera: Any = None
        self._stream: Any = None
        self._earlier = FrameCount()

    @classmethod
    def missing(cls) -> str | None:
        """Say what to install if the library is not there."""
        if find_spec("viva_genicam") is None:
            return "needs viva-genicam: pip install 'inspection[gige]'"
        return None

    @property
    def accounting(self) -> FrameCount:
        """Where the pictures ended up, by the stream's own counters."""
        now = self._earlier if self._stream is None else self._earlier + _counted(self._stream)
        return _corrected(now, thrown=self._thrown, unsupported=self._count.unsupported)

    def _wanted(self) -> Wanted:
        return {name: getattr(self, name) for name in self.features}

    def _connect(self) -> _GigeNodes:
        vg = _library()
        self._earlier, self._thrown = FrameCount(), 0
        try:
            found = vg.discover(timeout_ms=_SEARCH_MS, iface=self.interface)
            self._camera = vg.connect_gige(self._the_one(found), iface=self.interface)
        except vg.GenicamError as exc:
            raise CameraUnavailable(
                f"camera gige cannot be opened: {exc}; is it used by another program?"
            ) from exc
        return _GigeNodes(self._camera)

    def _the_one(self, found: list[Any]) -> Any:
        wanted = (self.address or "").upper()
        fit = [info for info in found if not wanted or wanted in {info.ip, info.mac.upper()}]
        if len(fit) == 1:
            return fit[0]
        there = ", ".join(f"{info.ip} ({info.mac})" for info in found) or "none"
        searched = self.interface or "any network card"
        if not fit:
            raise CameraUnavailable(
                f"camera gige: no camera {self.address or 'at all'} answers on {searched}; "
                f"found: {there}; check power, cable, address and interface"
            )
        raise CameraUnavailable(
            f"camera gige: {len(fit)} cameras answer on {searched}; set address to one of {there}"
        )

    def _identity(self) -> dict[str, Setting]:
        nodes = _GigeNodes(self._camera)
        return {name: nodes.get(node) for node, name in _IDENTITY.items() if nodes.has(node)}

    def _start(self) -> None:
        vg = _library()
        try:
            self._stream = self._camera.stream(
                iface=self.interface,
                packet_size=self.packet_size,
                resend=self.packet_resend,
                deliver_incomplete=True,
            )
            self._stream.__enter__()
        except vg.GenicamError as exc:
            raise CameraLost(f"camera gige: the stream does not start: {exc}") from exc

    def _stop(self) -> None:
        stream, self._stream = self._stream, None
        self._earlier += _counted(stream)
        self._ask("stopping", lambda: stream.__exit__(None, None, None))

    def _fire(self, timeout_s: float) -> None:
        self._ask("a trigger", self._camera.trigger_software)

    def _grab(self, timeout_s: float) -> Grab | None:
        frame = self._next(max(int(timeout_s * 1000), 1))
        skipped = 0
        while frame is not None and self.grab_strategy == "latest_image_only":
            if (newer := self._next(_WAIT_MS)) is None:
                break
            frame, skipped = newer, skipped + 1
        self._thrown += skipped
        return None if frame is None else self._copied(frame, skipped)

    def _next(self, wait_ms: int) -> Any:
        """Give the stream's next picture, or None if none came in time."""
        vg = _library()
        try:
            return self._stream.next_frame(wait_ms)
        except vg.TransportError as exc:
            if "timeout" in str(exc):
                return None
            raise CameraLost(f"camera gige: the stream broke: {exc}") from exc
        except vg.GenicamError as exc:
            raise CameraLost(f"camera gige: the stream broke: {exc}") from exc

    def _copied(self, frame: Any, skipped: int) -> Grab:
        """Copy a picture; lost packets are black in an incomplete one."""
        return Grab(
            pixels=_pixels(frame),
            pixel_format=_as_read(frame.pixel_format),
            frame_id=int(frame.block_id),
            status="complete" if frame.is_complete else _damage(frame.status),
            skipped=skipped,
            timestamp_ns=frame.ts_dev,
        )

    def _check_alive(self) -> None:
        """Ask for a register, with a deadline of our own; the library's own state lags."""
        camera = self._camera
        privilege = self._ask("a question", lambda: camera.read_register(_CONTROL_REGISTER, 4))
        if not any(privilege):
            raise CameraLost("camera gige: another program took the camera, or its heartbeat ended")

    def _ask(self, what: str, call: Callable[[], T]) -> T:
        """Do something that needs the camera's answer. Raises CameraLost without one in time."""
        vg = _library()
        attempt = Attempt(call)
        if not attempt.done(ANSWER_S):
            raise CameraLost(f"camera gige did not answer {what} in {ANSWER_S:.0f} s")
        try:
            return attempt.result()
        except vg.GenicamError as exc:
            raise CameraLost(f"camera gige did not answer {what}: {exc}") from exc

    def _disconnect(self) -> None:
        """Let go in a thread: a camera that is away would hold us for seconds."""
        camera, self._camera = self._camera, None
        stream, self._stream = self._stream, None
        if camera is None:
            return
        if stream is not None:
            self._earlier += _counted(stream)
        Attempt(lambda: _let_go(camera, stream)).done(ANSWER_S)


class _GigeNodes:
    """The nodes of a GigE Vision camera."""

    def __init__(self, camera: Any) -> None:
        self._camera = camera

    def has(self, node: str) -> bool:
        vg = _library()
        try:
            state = self._camera.feature_state(node)
        except vg.GenicamError:
            return False
        return bool(state.is_implemented and state.is_available)

    def get(self, node: str) -> Setting:
        value: Setting = self._camera.feature_state(node).value
        return value

    def set(self, node: str, value: Setting) -> None:
        vg = _library()
        text = str(int(value)) if isinstance(value, bool) else str(value)
        try:
            self._camera.set(node, text)
        except vg.GenicamError as exc:
            raise ValueError(str(exc)) from exc

    def entries(self, node: str) -> list[str]:
        return list(self._camera.available_enum_entries(node))


def _let_go(camera: Any, stream: Any) -> None:
    try:
        if stream is not None:
            stream.__exit__(None, None, None)
    finally:
        camera.close()


def _library() -> Any:
    try:
        return import_module("viva_genicam")
    except ImportError as exc:
        raise CameraUnavailable(f"camera gige {Gige.missing() or exc}") from exc


def _counted(stream: Any) -> FrameCount:
    stats = stream.stats()
    return (
        FrameCount()
        .plus("complete", stats.frames_complete)
        .plus("incomplete", stats.frames_incomplete)
        .plus("missed", stats.frames_missed)
        .plus("backpressure", stats.frames_backpressure)
        .plus("unsupported", stats.frames_unsupported)
    )


def _corrected(count: FrameCount, *, thrown: int, unsupported: int) -> FrameCount:
    """Count pictures that came whole, but that we threw away or cannot read, as what they are."""
    return replace(
        count,
        complete=count.complete - thrown - unsupported,
        backpressure=count.backpressure + thrown,
        unsupported=count.unsupported + unsupported,
    )


def _pixels(frame: Any) -> Any:
    """Give (H, W) or (H, W, 3), or None where the end of the picture is not there."""
    try:
        pixels = frame.to_numpy()
    except _library().ParseError:
        return None
    return pixels if pixels.ndim > 1 else None


def _as_read(pixel_format: str) -> str:
    """Name the pixels as the library gives them: it has put BGR in order already."""
    name = pfnc_name(pixel_format)
    return "RGB8" if name == "BGR8" else name


def _damage(status: Any) -> FrameStatus:
    """The camera itself reported an error, or packets were lost on the way."""
    return "corrupt" if status.name == "DEVICE_STATUS" else "incomplete"
