"""Cameras and frame grabbers of any maker, by the GenTL producer (.cti file) that comes with them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cameras._genicam.camera import GenicamCamera, Grab
from cameras._genicam.features import Nodes
from cameras._genicam.pixel_formats import PIXEL_FORMATS, pfnc_name, without_padding
from cameras._genicam.producers import (
    borrow,
    broken_buffers,
    give_back,
    installed_producers,
)
from cameras._genicam.sdk import Sdk
from cameras.base import CameraUnavailable, Device, Setting

_READABLE = (3, 4)  # GenApi access modes RO and RW, GenICam GenApi 3.4


@dataclass(kw_only=True, eq=False, repr=False)
class Gentl(GenicamCamera):
    """A camera behind a GenTL producer; `producer` is the path of its .cti file.

    Without `device` it is the producer's only camera; else its serial number, id or model.
    """

    producer: str
    device: str | None = None

    name = "gentl"
    sdk = Sdk(
        camera=name,
        packages="harvesters and genicam",
        modules=("harvesters.core", "genicam.gentl"),
        errors=("genicam.gentl.GenericException", "genicam.genapi.GenericException"),
    )

    _broken: Any = field(default=None, init=False)
    _underruns: int = field(default=0, init=False)

    @classmethod
    def find(cls) -> list[Device]:
        """List the devices of every producer of `installed_producers`. Raises CameraUnavailable."""
        core, devices = cls.sdk.module(), []
        for producer in installed_producers():
            problem = f" cannot look for devices: producer {producer}"
            with cls.sdk.raising(problem, CameraUnavailable):
                harvester = borrow(producer, core.Harvester)
                try:
                    seen = [
                        (info.id_, info.vendor, info.model) for info in harvester.device_info_list
                    ]
                finally:
                    give_back(producer)
            devices += [
                Device(
                    label=f"{vendor} {model} {id_}", settings={"producer": producer, "device": id_}
                )
                for id_, vendor, model in seen
            ]
        return devices

    def _connect(self) -> None:
        core = self.sdk.module()
        if not Path(self.producer).is_file():
            raise CameraUnavailable(
                f"camera gentl: producer {self.producer} is not there; give the path of a .cti file"
            )
        problem = f": producer {self.producer} does not open the camera"
        with self.sdk.raising(problem, CameraUnavailable):
            harvester = borrow(self.producer, core.Harvester)
            self._opened.callback(give_back, self.producer)
            self._camera = harvester.create(self._chosen(list(harvester.device_info_list)))
            self._opened.callback(self._camera.destroy)
        self._underruns, self._broken = 0, broken_buffers(core.Callback)
        self._camera.add_callback(core.ImageAcquirer.Events.INCOMPLETE_BUFFER, self._broken)

    def _chosen(self, devices: list[Any]) -> Any:
        fit = [info for info in devices if self.device is None or self.device in _names(info)]
        there = ", ".join(_names(info)[0] for info in devices) or "none"
        return self._only(
            fit,
            none=f"no device {self.device or 'at all'} behind {self.producer}; "
            f"found: {there}; check power and cable",
            several=f"{len(fit)} devices behind {self.producer}; set device to one of {there}",
        )

    def _identity(self) -> dict[str, Setting]:
        known = self._camera.device.module
        return {"serial_number": str(known.serial_number), "model": str(known.model)}

    def _nodes(self) -> Nodes:
        nodes = self._camera.remote_device.node_map

        def write(node: str, value: Setting) -> None:
            getattr(nodes, node).value = value

        return Nodes(
            readable=lambda node: getattr(nodes, node).get_access_mode() in _READABLE,
            read=lambda node: getattr(nodes, node).value,
            write=write,
            entries=lambda node: list(getattr(nodes, node).symbolics),
            refusals=(AttributeError, *self.sdk.error_types()),
        )

    def _start(self) -> None:
        with self.sdk.raising(" does not start"):
            self._camera.start()

    def _stop(self) -> None:
        self._camera.stop()

    def _fire(self, timeout_s: float) -> None:
        with self.sdk.raising(" did not take a trigger"):
            self._camera.remote_device.node_map.TriggerSoftware.execute()

    def _fetch(self, timeout_s: float) -> Grab | None:
        with self.sdk.raising(": taking a picture failed"):
            # None means no picture in time or a broken one.
            buffer = self._camera.try_fetch(timeout=timeout_s)
        if buffer is not None:
            with buffer:
                return self._copied(buffer)
        if not self._broken.count:
            return None
        self._broken.count -= 1
        frame_id = (self._previous_id or 0) + 1
        skipped = self._new_underruns()
        return Grab(
            pixels=None, pixel_format="", frame_id=frame_id, status="incomplete", skipped=skipped
        )

    def _copied(self, buffer: Any) -> Grab:
        component = buffer.payload.components[0]
        pixel_format = pfnc_name(component.data_format)
        height, width = int(component.height), int(component.width)
        known = pixel_format in PIXEL_FORMATS
        timestamp_ns = None
        with suppress(*self.sdk.error_types()):  # not every device has a clock
            timestamp_ns = int(buffer.timestamp_ns)
        return Grab(
            pixels=without_padding(component.data, height, width, pixel_format) if known else None,
            pixel_format=pixel_format,
            frame_id=int(buffer.module.frame_id),
            skipped=self._new_underruns(),
            timestamp_ns=timestamp_ns,
        )

    def _new_underruns(self) -> int:
        """How many pictures the producer had no buffer for since it was asked last."""
        try:
            underruns = int(self._camera.data_streams[0].module.num_underrun)
        except self.sdk.error_types():  # many producers do not count them
            return 0
        new, self._underruns = underruns - self._underruns, underruns
        return max(new, 0)

    def _check_alive(self) -> None:
        with self.sdk.raising(" does not answer"):
            _ = self._camera.remote_device.node_map.Width.value  # every device has a width


def _names(info: Any) -> list[str]:
    return [str(info.id_), str(info.serial_number), str(info.model)]
