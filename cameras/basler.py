"""Basler cameras of any interface, with the maker's pylon library."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cameras._genicam.camera import GenicamCamera, Grab
from cameras._genicam.features import Nodes
from cameras._genicam.sdk import Sdk
from cameras.base import CameraLost, CameraTimeout, CameraUnavailable, Device, Setting


@dataclass(kw_only=True, eq=False, repr=False)
class Basler(GenicamCamera):
    """A Basler camera: GigE, USB3, CoaXPress or the maker's emulator.

    Without `serial_number` or `device_user_id` it is the only camera there; with several of them
    connected one must be named. `device_class` keeps the search to one interface.
    """

    serial_number: str | None = None
    device_user_id: str | None = None
    device_class: str | None = None

    name = "basler"
    sdk = Sdk(
        camera=name,
        packages="pypylon",
        modules=("pypylon.pylon", "pypylon.genicam"),
        errors=("pypylon.pylon.GenericException",),
    )

    @classmethod
    def find(cls) -> list[Device]:
        """List the cameras pylon sees on every interface. Raises CameraUnavailable."""
        pylon = cls.sdk.module()
        with cls.sdk.raising(" cannot look for devices", CameraUnavailable):
            seen = pylon.TlFactory.GetInstance().EnumerateDevices()
            return [
                Device(
                    label=f"{info.GetVendorName()} {info.GetModelName()} {info.GetSerialNumber()}",
                    settings={"serial_number": info.GetSerialNumber()},
                )
                for info in seen
            ]

    def _connect(self) -> None:
        pylon = self.sdk.module()
        with self.sdk.raising(" cannot be opened", CameraUnavailable):
            factory = pylon.TlFactory.GetInstance()
            device = self._chosen(list(factory.EnumerateDevices([self._filter(pylon)])))
            self._camera = pylon.InstantCamera(factory.CreateDevice(device))
            self._opened.callback(self._camera.DestroyDevice)  # never raises, even if unplugged
            self._camera.Open()

    def _filter(self, pylon: Any) -> Any:
        info = pylon.DeviceInfo()
        if self.serial_number is not None:
            info.SetSerialNumber(self.serial_number)
        if self.device_user_id is not None:
            info.SetUserDefinedName(self.device_user_id)
        if self.device_class is not None:
            info.SetDeviceClass(self.device_class)
        return info

    def _chosen(self, devices: list[Any]) -> Any:
        named = self.serial_number or self.device_user_id or "any"
        serials = ", ".join(info.GetSerialNumber() for info in devices)
        return self._only(
            devices,
            none=f"no camera found ({named} wanted, device_class {self.device_class or 'any'}); "
            "check power, cable and address",
            several=f"{len(devices)} cameras found; set serial_number to one of {serials}",
        )

    def _identity(self) -> dict[str, Setting]:
        info = self._camera.GetDeviceInfo()
        return {"serial_number": info.GetSerialNumber(), "model": info.GetModelName()}

    def _nodes(self) -> Nodes:
        nodes, readable = self._camera.GetNodeMap(), self.sdk.module("pypylon.genicam").IsReadable
        return Nodes(
            readable=lambda node: bool(readable(nodes.GetNode(node))),
            read=lambda node: nodes.GetNode(node).GetValue(),
            write=lambda node, value: nodes.GetNode(node).SetValue(value),
            entries=lambda node: list(nodes.GetNode(node).GetSymbolics()),
            refusals=self.sdk.error_types(),
        )

    def _start(self) -> None:
        pylon = self.sdk.module()
        latest = self.grab_strategy == "latest_image_only"
        strategy = pylon.GrabStrategy_LatestImageOnly if latest else pylon.GrabStrategy_OneByOne
        self._camera.StartGrabbing(strategy)

    def _stop(self) -> None:
        self._camera.StopGrabbing()

    def _fire(self, timeout_s: float) -> None:
        pylon = self.sdk.module()
        self._check_alive()
        with self.sdk.raising(" refused a trigger"):
            # A camera that is not ready ignores a trigger without a word.
            wait = self._camera.WaitForFrameTriggerReady
            if not wait(_ms(timeout_s), pylon.TimeoutHandling_Return):
                raise CameraTimeout(f"camera basler: not ready for a trigger in {timeout_s} s")
            self._camera.ExecuteSoftwareTrigger()

    def _fetch(self, timeout_s: float) -> Grab | None:
        pylon = self.sdk.module()
        with self.sdk.raising(": taking a picture failed"):
            result = self._camera.RetrieveResult(_ms(timeout_s), pylon.TimeoutHandling_Return)
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


def _ms(seconds: float) -> int:
    return max(int(seconds * 1000), 1)
