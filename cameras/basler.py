"""Basler cameras of any interface, with the maker's pylon library."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from cameras._features import Wanted
from cameras._genicam import GenicamCamera, Grab
from cameras.base import CameraLost, CameraTimeout, CameraUnavailable, Setting


class Basler(GenicamCamera):
    """A Basler camera: GigE, USB3, CoaXPress or the maker's emulator.

    Without `serial_number` or `device_user_id` it is the only camera there; with several of them
    connected one must be named. `device_class` keeps the search to one interface.
    """

    name = "basler"

    def __init__(
        self,
        *,
        serial_number: str | None = None,
        device_user_id: str | None = None,
        device_class: str | None = None,
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
        self.serial_number, self.device_user_id = serial_number, device_user_id
        self.device_class = device_class
        self.trigger_source, self.grab_strategy = trigger_source, grab_strategy
        self.trigger_activation, self.trigger_delay_us = trigger_activation, trigger_delay_us
        self.exposure_auto, self.exposure_time_us = exposure_auto, exposure_time_us
        self.gain_db, self.pixel_format = gain_db, pixel_format
        self.width, self.height, self.offset_x, self.offset_y = width, height, offset_x, offset_y
        self.acquisition_frame_rate = acquisition_frame_rate
        self._camera: Any = None

    @classmethod
    def missing(cls) -> str | None:
        """Say what to install if pylon is not there."""
        if find_spec("pypylon") is None:
            return "needs pypylon: pip install 'inspection[basler]'"
        return None

    def _wanted(self) -> Wanted:
        return {name: getattr(self, name) for name in self.features}

    def _connect(self) -> _PylonNodes:
        pylon = _pylon()
        try:
            found = pylon.TlFactory.GetInstance().EnumerateDevices([self._asked_for(pylon)])
            self._camera = pylon.InstantCamera(
                pylon.TlFactory.GetInstance().CreateDevice(self._the_one(list(found)))
            )
            self._camera.Open()
        except pylon.GenericException as exc:
            raise CameraUnavailable(f"camera basler cannot be opened: {_line(exc)}") from exc
        return _PylonNodes(self._camera.GetNodeMap())

    def _asked_for(self, pylon: Any) -> Any:
        asked = pylon.DeviceInfo()
        if self.serial_number is not None:
            asked.SetSerialNumber(self.serial_number)
        if self.device_user_id is not None:
            asked.SetUserDefinedName(self.device_user_id)
        if self.device_class is not None:
            asked.SetDeviceClass(self.device_class)
        return asked

    def _the_one(self, found: list[Any]) -> Any:
        if len(found) == 1:
            return found[0]
        wanted = self.serial_number or self.device_user_id or "any"
        if not found:
            raise CameraUnavailable(
                f"camera basler: no camera found ({wanted} wanted, "
                f"device_class {self.device_class or 'any'}); check power, cable and address"
            )
        serials = ", ".join(info.GetSerialNumber() for info in found)
        raise CameraUnavailable(
            f"camera basler: {len(found)} cameras found; set serial_number to one of {serials}"
        )

    def _identity(self) -> dict[str, Setting]:
        info = self._camera.GetDeviceInfo()
        return {"serial_number": info.GetSerialNumber(), "model": info.GetModelName()}

    def _start(self) -> None:
        pylon = _pylon()
        latest = self.grab_strategy == "latest_image_only"
        strategy = pylon.GrabStrategy_LatestImageOnly if latest else pylon.GrabStrategy_OneByOne
        self._camera.StartGrabbing(strategy)

    def _stop(self) -> None:
        self._camera.StopGrabbing()

    def _fire(self, timeout_s: float) -> None:
        pylon = _pylon()
        self._check_alive()
        wait_ms = max(int(timeout_s * 1000), 1)
        try:
            # A camera that is not ready ignores a trigger without a word.
            if not self._camera.WaitForFrameTriggerReady(wait_ms, pylon.TimeoutHandling_Return):
                raise CameraTimeout(f"camera basler: not ready for a trigger in {timeout_s} s")
            self._camera.ExecuteSoftwareTrigger()
        except pylon.GenericException as exc:
            raise CameraLost(f"camera basler refused a trigger: {_line(exc)}") from exc

    def _grab(self, timeout_s: float) -> Grab | None:
        pylon = _pylon()
        wait_ms = max(int(timeout_s * 1000), 1)
        try:
            result = self._camera.RetrieveResult(wait_ms, pylon.TimeoutHandling_Return)
        except pylon.GenericException as exc:
            raise CameraLost(f"camera basler: taking a picture failed: {_line(exc)}") from exc
        self._check_alive()
        if not result.IsValid():
            return None
        try:
            return self._copied(result)
        finally:
            result.Release()

    def _copied(self, result: Any) -> Grab:
        """Copy a picture out of its buffer; that of a failed grab looks readable and is not."""
        whole = bool(result.GrabSucceeded())
        return Grab(
            pixels=result.GetArray() if whole else None,
            pixel_format=str(self._applied.get("pixel_format", "")),
            frame_id=int(result.GetBlockID()),
            status="complete" if whole else "incomplete",
            skipped=int(result.GetNumberOfSkippedImages()),
            timestamp_ns=int(result.GetTimeStamp()) or None,  # the emulator always says 0
        )

    def _check_alive(self) -> None:
        # IsOpen stays true after an unplug, and pictures may still come.
        if self._camera.IsCameraDeviceRemoved():
            raise CameraLost("camera basler is unplugged")

    def _disconnect(self) -> None:
        camera, self._camera = self._camera, None
        if camera is not None:
            camera.DestroyDevice()  # closes, and never raises, also after an unplug


class _PylonNodes:
    """The nodes of a pylon camera."""

    def __init__(self, node_map: Any) -> None:
        self._map = node_map

    def has(self, node: str) -> bool:
        genicam = import_module("pypylon.genicam")
        try:
            return bool(genicam.IsReadable(self._map.GetNode(node)))
        except genicam.GenericException:
            return False

    def get(self, node: str) -> Setting:
        value: Setting = self._map.GetNode(node).GetValue()
        return value

    def set(self, node: str, value: Setting) -> None:
        genicam = import_module("pypylon.genicam")
        try:
            self._map.GetNode(node).SetValue(value)
        except genicam.GenericException as exc:
            raise ValueError(_line(exc)) from exc
        except TypeError as exc:
            raise ValueError(f"a {type(value).__name__} does not fit") from exc

    def entries(self, node: str) -> list[str]:
        return list(self._map.GetNode(node).GetSymbolics())


def _pylon() -> Any:
    try:
        return import_module("pypylon.pylon")
    except ImportError as exc:
        raise CameraUnavailable(f"camera basler {Basler.missing() or exc}") from exc


def _line(error: Exception) -> str:
    """Give the maker's message without the place in its source."""
    return str(error).split(" : ")[0].strip()
