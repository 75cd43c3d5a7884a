"""GigE Vision cameras of any maker, with the viva-genicam library instead of the maker's."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from cameras._attempt import Attempt
from cameras._genicam.camera import GenicamCamera, Grab
from cameras._genicam.features import Nodes
from cameras._genicam.pixel_formats import pfnc_name
from cameras._genicam.sdk import ANSWER_S, Sdk
from cameras.base import FATES, CameraLost, CameraUnavailable, Device, FrameCount, FrameStatus

_LOOK_MS = 1000
_CONTROL_REGISTER = 0x0A00  # Control Channel Privilege, GigE Vision 2.0, 2011


@dataclass(kw_only=True, eq=False, repr=False)
class Gige(GenicamCamera):
    """A GigE Vision camera, found on the network by its IP or MAC `address`.

    Without `address` it is the only camera there. `interface` is the network card to search, by
    name or by its own IP address; loopback is searched only by its name.
    """

    address: str | None = None
    interface: str | None = None
    packet_size: int | None = None
    packet_resend: bool = True

    name = "gige"
    sdk = Sdk(
        camera=name,
        packages="viva-genicam",
        modules=("viva_genicam",),
        errors=("viva_genicam.GenicamError",),
    )

    _stream: Any = field(default=None, init=False)
    _earlier: FrameCount = field(default_factory=FrameCount, init=False)

    @classmethod
    def find(cls) -> list[Device]:
        """List the cameras that answer on any network card or on loopback. Raises CameraUnavailable."""
        with cls.sdk.raising(" cannot look for devices", CameraUnavailable):
            seen = cls.sdk.module().discover(timeout_ms=_LOOK_MS, all=True)
        return [
            Device(
                label=f"{info.manufacturer or ''} {info.model or ''} {info.ip} ({info.mac})".strip(),
                settings={"address": info.ip}
                | ({"interface": "lo"} if info.ip.startswith("127.") else {}),
            )
            for info in seen
        ]

    @property
    def accounting(self) -> FrameCount:
        """Where the pictures ended up, by the stream's own counters and what was done with them."""
        count = self._counted().reclassified(self._thrown, was="complete", now="backpressure")
        return count.reclassified(self._count.unsupported, was="complete", now="unsupported")

    def _counted(self) -> FrameCount:
        """What this stream and those before it counted."""
        if self._stream is None:
            return self._earlier
        stats = self._stream.stats()
        ends = {end: getattr(stats, f"frames_{end}") for end in FATES}
        return self._earlier + FrameCount.of(**ends)

    def _connect(self) -> None:
        viva = self.sdk.module()
        self._earlier, self._thrown = FrameCount(), 0
        with self.sdk.raising(
            " cannot be opened", CameraUnavailable, "; is it used by another program?"
        ):
            devices = viva.discover(timeout_ms=500, iface=self.interface)
            self._camera = viva.connect_gige(self._chosen(devices), iface=self.interface)
        self._opened.callback(self._camera.close)

    def _chosen(self, devices: list[Any]) -> Any:
        address = (self.address or "").upper()
        fit = [info for info in devices if not address or address in {info.ip, info.mac.upper()}]
        there = ", ".join(f"{info.ip} ({info.mac})" for info in devices) or "none"
        searched = self.interface or "any network card"
        return self._only(
            fit,
            none=f"no camera {self.address or 'at all'} answers on {searched}; "
            f"found: {there}; check power, cable, address and interface",
            several=f"{len(fit)} cameras answer on {searched}; set address to one of {there}",
        )

    def _nodes(self) -> Nodes:
        camera = self._camera
        return Nodes(
            readable=lambda node: (
                (state := camera.feature_state(node)).is_implemented and state.is_available
            ),
            read=lambda node: camera.feature_state(node).value,
            write=lambda node, x: camera.set(node, str(int(x) if isinstance(x, bool) else x)),
            entries=lambda node: list(camera.available_enum_entries(node)),
            refusals=self.sdk.error_types(),
        )

    def _start(self) -> None:
        with self.sdk.raising(": the stream does not start"):
            self._stream = self._camera.stream(
                iface=self.interface,
                packet_size=self.packet_size,
                resend=self.packet_resend,
                deliver_incomplete=True,
            )
            self._stream.__enter__()

    def _stop(self) -> None:
        self.sdk.ask("stopping", self._ended_stream().__exit__, None, None, None)

    def _fire(self, timeout_s: float) -> None:
        self.sdk.ask("a trigger", self._camera.trigger_software)

    def _fetch(self, timeout_s: float) -> Grab | None:
        with self.sdk.raising(": the stream broke"):
            try:
                frame = self._stream.next_frame(max(int(timeout_s * 1000), 1))
            except self.sdk.module().TransportError as exc:
                if "timeout" in str(exc):
                    return None
                raise
        return None if frame is None else self._copied(frame)

    def _copied(self, frame: Any) -> Grab:
        """Copy a picture; lost packets are black in it. DEVICE_STATUS is the camera's own error."""
        pixels = None
        with suppress(self.sdk.module().ParseError):  # its end is not there
            pixels = frame.to_numpy()
        sent_as = pfnc_name(frame.pixel_format)
        damage: FrameStatus = "corrupt" if frame.status.name == "DEVICE_STATUS" else "incomplete"
        return Grab(
            pixels=None if pixels is None or pixels.ndim < 2 else pixels,
            pixel_format="RGB8" if sent_as == "BGR8" else sent_as,  # the library put BGR in order
            frame_id=int(frame.block_id),
            status="complete" if frame.is_complete else damage,
            timestamp_ns=frame.ts_dev,
        )

    def _check_alive(self) -> None:
        """Ask for a register, with a deadline of our own; the library's own state lags."""
        privilege = self.sdk.ask("a question", self._camera.read_register, _CONTROL_REGISTER, 4)
        if not any(privilege):
            raise CameraLost("camera gige: another program took the camera, or its heartbeat ended")

    def _disconnect(self) -> None:
        """Let go in a thread: a camera that is away would hold us for seconds."""
        if self._stream is not None:
            self._opened.push(self._ended_stream())
        if self._camera is not None:
            self._camera = None
            Attempt(self._opened.pop_all().close).done(ANSWER_S)

    def _ended_stream(self) -> Any:
        """The stream, to be stopped; what it counted is kept."""
        self._earlier, stream, self._stream = self._counted(), self._stream, None
        return stream
