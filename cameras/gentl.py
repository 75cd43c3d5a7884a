"""Cameras and frame grabbers of any maker, by the GenTL producer (.cti file) that comes with them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cameras._features import Wanted
from cameras._genicam import GenicamCamera, Grab
from cameras._pixel_formats import PIXEL_FORMATS, channels, pfnc_name
from cameras.base import CameraLost, CameraUnavailable, Setting

_SHORTEST_S = 0.001
_READABLE = (3, 4)  # GenApi access modes RO and RW, GenICam GenApi 3.4


class Gentl(GenicamCamera):
    """A camera behind a GenTL producer; `producer` is the path of its .cti file.

    Without `device` it is the producer's only camera; else its serial number, id or model.
    """

    name = "gentl"

    def __init__(
        self,
        *,
        producer: str,
        device: str | None = None,
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
        self.producer, self.device = producer, device
        self.trigger_source, self.grab_strategy = trigger_source, grab_strategy
        self.trigger_activation, self.trigger_delay_us = trigger_activation, trigger_delay_us
        self.exposure_auto, self.exposure_time_us = exposure_auto, exposure_time_us
        self.gain_db, self.pixel_format = gain_db, pixel_format
        self.width, self.height, self.offset_x, self.offset_y = width, height, offset_x, offset_y
        self.acquisition_frame_rate = acquisition_frame_rate
        self._harvester: Any = None
        self._acquirer: Any = None
        self._broken, self._underruns = 0, 0

    @classmethod
    def missing(cls) -> str | None:
        """Say what to install if harvesters is not there."""
        if find_spec("harvesters") is None or find_spec("genicam") is None:
            return "needs harvesters and genicam: pip install 'inspection[gentl]'"
        return None

    def _wanted(self) -> Wanted:
        return {name: getattr(self, name) for name in self.features}

    def _connect(self) -> _GenTlNodes:
        core, gentl = _libraries()
        if not Path(self.producer).is_file():
            raise CameraUnavailable(
                f"camera gentl: producer {self.producer} is not there; give the path of a .cti file"
            )
        try:
            self._harvester = _borrow(core, self.producer)
            info = self._the_one(list(self._harvester.device_info_list))
            self._acquirer = self._harvester.create(info)
        except gentl.GenericException as exc:
            raise CameraUnavailable(
                f"camera gentl: producer {self.producer} does not open the camera: {_line(exc)}"
            ) from exc
        self._broken, self._underruns = 0, 0
        self._acquirer.add_callback(
            core.ImageAcquirer.Events.INCOMPLETE_BUFFER, _on_broken(self._note_broken)
        )
        return _GenTlNodes(self._acquirer.remote_device.node_map)

    def _the_one(self, found: list[Any]) -> Any:
        fit = [info for info in found if self.device is None or self.device in _names(info)]
        if len(fit) == 1:
            return fit[0]
        there = ", ".join(_names(info)[0] for info in found) or "none"
        if not fit:
            raise CameraUnavailable(
                f"camera gentl: no device {self.device or 'at all'} behind {self.producer}; "
                f"found: {there}; check power and cable"
            )
        raise CameraUnavailable(
            f"camera gentl: {len(fit)} devices behind {self.producer}; set device to one of {there}"
        )

    def _identity(self) -> dict[str, Setting]:
        known = self._acquirer.device.module
        return {"serial_number": str(known.serial_number), "model": str(known.model)}

    def _start(self) -> None:
        _, gentl = _libraries()
        try:
            self._acquirer.start()
        except gentl.GenericException as exc:
            raise CameraLost(f"camera gentl does not start: {_line(exc)}") from exc

    def _stop(self) -> None:
        self._acquirer.stop()

    def _fire(self, timeout_s: float) -> None:
        try:
            self._acquirer.remote_device.node_map.TriggerSoftware.execute()
        except _genapi().GenericException as exc:
            raise CameraLost(f"camera gentl did not take a trigger: {_line(exc)}") from exc

    def _grab(self, timeout_s: float) -> Grab | None:
        grab = self._fetch(timeout_s)
        drained = 0
        while grab is not None and self.grab_strategy == "latest_image_only":
            if (newer := self._fetch(_SHORTEST_S)) is None:
                break
            grab, drained = newer, drained + 1
        return None if grab is None else replace(grab, skipped=drained + self._new_underruns())

    def _fetch(self, timeout_s: float) -> Grab | None:
        _, gentl = _libraries()
        try:
            # A timeout of 0 waits for ever; None means no picture in time or a broken one.
            buffer = self._acquirer.try_fetch(timeout=max(timeout_s, _SHORTEST_S))
        except gentl.GenericException as exc:
            raise CameraLost(f"camera gentl: taking a picture failed: {_line(exc)}") from exc
        if buffer is not None:
            with buffer:
                return _copied(buffer)
        if not self._broken:
            return None
        self._broken -= 1
        frame_id = (self._previous_id or 0) + 1
        return Grab(pixels=None, pixel_format="", frame_id=frame_id, status="incomplete")

    def _note_broken(self) -> None:
        self._broken += 1

    def _new_underruns(self) -> int:
        """Count the pictures the producer had no buffer for since it was asked last."""
        _, gentl = _libraries()
        try:
            underruns = int(self._acquirer.data_streams[0].module.num_underrun)
        except gentl.GenericException:  # many producers do not count them
            return 0
        new, self._underruns = underruns - self._underruns, underruns
        return max(new, 0)

    def _check_alive(self) -> None:
        """Ask the device for a register it always has."""
        try:
            _ = self._acquirer.remote_device.node_map.Width.value
        except _genapi().GenericException as exc:
            raise CameraLost(f"camera gentl does not answer: {_line(exc)}") from exc

    def _disconnect(self) -> None:
        acquirer, self._acquirer = self._acquirer, None
        harvester, self._harvester = self._harvester, None
        try:
            if acquirer is not None:
                acquirer.destroy()
        finally:
            if harvester is not None:
                _give_back(self.producer)


class _GenTlNodes:
    """The nodes of a device behind a GenTL producer."""

    def __init__(self, node_map: Any) -> None:
        self._map = node_map

    def has(self, node: str) -> bool:
        found = getattr(self._map, node, None)
        return found is not None and found.get_access_mode() in _READABLE

    def get(self, node: str) -> Setting:
        value: Setting = getattr(self._map, node).value
        return value

    def set(self, node: str, value: Setting) -> None:
        try:
            getattr(self._map, node).value = value
        except _genapi().GenericException as exc:
            raise ValueError(_line(exc)) from exc
        except TypeError as exc:
            raise ValueError(f"a {type(value).__name__} does not fit") from exc

    def entries(self, node: str) -> list[str]:
        return list(getattr(self._map, node).symbolics)


_lock = threading.Lock()
_borrowed: dict[str, tuple[Any, int]] = {}
"""Each producer in use and by how many cameras: a process may load a producer only once."""


def _borrow(core: Any, producer: str) -> Any:
    with _lock:
        harvester, users = _borrowed.get(producer, (None, 0))
        if harvester is None:
            harvester = core.Harvester()
            harvester.add_file(producer)
            harvester.update()  # later it would end the acquisition of the cameras in use
        _borrowed[producer] = (harvester, users + 1)
        return harvester


def _give_back(producer: str) -> None:
    with _lock:
        harvester, users = _borrowed.pop(producer)
        if users > 1:
            _borrowed[producer] = (harvester, users - 1)
        else:
            harvester.reset()


def _copied(buffer: Any) -> Grab:
    """Copy a picture out of the producer's buffer, without the padding at its lines' ends."""
    component = buffer.payload.components[0]
    pixel_format = pfnc_name(component.data_format)
    readable = pixel_format in PIXEL_FORMATS
    return Grab(
        pixels=_pixels(component, channels(pixel_format)) if readable else None,
        pixel_format=pixel_format,
        frame_id=int(buffer.module.frame_id),
        timestamp_ns=_timestamp_ns(buffer),
    )


def _pixels(component: Any, depth: int) -> NDArray[np.uint8]:
    height, width = int(component.height), int(component.width)
    rows = component.data.reshape(height, -1)[:, : width * depth]
    pixels: NDArray[np.uint8] = rows.reshape(height, width, depth).copy()
    return pixels[:, :, 0] if depth == 1 else pixels


def _timestamp_ns(buffer: Any) -> int | None:
    _, gentl = _libraries()
    try:
        return int(buffer.timestamp_ns)
    except gentl.GenericException:  # not every device has a clock
        return None


def _names(info: Any) -> list[str]:
    return [str(info.id_), str(info.serial_number), str(info.model)]


def _on_broken(call: Callable[[], None]) -> Any:
    """Make the callback object harvesters asks for."""
    core, _ = _libraries()

    class OnBroken(core.Callback):  # type: ignore[misc, name-defined]
        def emit(self, context: object | None = None) -> None:
            call()

    return OnBroken()


def _libraries() -> tuple[Any, Any]:
    """Give harvesters' core and GenTL's errors."""
    try:
        return import_module("harvesters.core"), import_module("genicam.gentl")
    except ImportError as exc:
        raise CameraUnavailable(f"camera gentl {Gentl.missing() or exc}") from exc


def _genapi() -> Any:
    return import_module("genicam.genapi")


def _line(error: Exception) -> str:
    """Give the library's message without the place in its source."""
    return str(error).split(" : ")[0].strip()
