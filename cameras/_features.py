"""Write a GenICam camera's settings at open and read back what it made of them.

Every setting that matters is written, because a camera keeps those of whoever used it before.
Names are those of GenICam's SFNC; older cameras have some under a second name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from cameras._pixel_formats import PIXEL_FORMATS, pfnc_name
from cameras.base import CameraUnsupported, Setting

Wanted = Mapping[str, Setting | None]

NODES: dict[str, tuple[str, ...]] = {
    "pixel_format": ("PixelFormat",),
    "width": ("Width",),
    "height": ("Height",),
    "offset_x": ("OffsetX",),
    "offset_y": ("OffsetY",),
    "exposure_auto": ("ExposureAuto",),
    "exposure_time_us": ("ExposureTime", "ExposureTimeAbs"),
    "gain_db": ("Gain",),
    "acquisition_frame_rate": ("AcquisitionFrameRate", "AcquisitionFrameRateAbs"),
    "trigger_mode": ("TriggerMode",),
    "trigger_source": ("TriggerSource",),
    "trigger_activation": ("TriggerActivation",),
    "trigger_delay_us": ("TriggerDelay", "TriggerDelayAbs"),
}
"""Our name of a setting, and the names of its node; written in this order."""

_BEFORE: dict[str, dict[str, Setting]] = {
    "exposure_time_us": {"ExposureAuto": "Off"},
    "gain_db": {"GainAuto": "Off"},
    "acquisition_frame_rate": {"AcquisitionFrameRateEnable": True},
}
_NEEDS_ROOM = ("width", "height")


class Device(Protocol):
    """What a driver must be able to do with its camera's nodes. Raises ValueError if refused."""

    def has(self, node: str) -> bool: ...

    def get(self, node: str) -> Setting: ...

    def set(self, node: str, value: Setting) -> None: ...

    def entries(self, node: str) -> list[str]: ...


def apply_features(device: Device, wanted: Wanted, camera: str) -> dict[str, Setting]:
    """Write what is wanted and give every setting the camera then has.

    `trigger_source` "Off" turns the trigger off. Raises CameraUnsupported with what is supported.
    """
    _write_trigger(device, wanted, camera)
    if any(wanted.get(name) is not None for name in _NEEDS_ROOM):
        for node in ("OffsetX", "OffsetY"):  # a larger picture fits only where it begins at 0
            _write_if_there(device, node, 0)
    for name, value in wanted.items():
        if value is not None and not name.startswith("trigger_"):
            _write(device, name, value, camera)
    return _read_back(device, camera)


def _write_trigger(device: Device, wanted: Wanted, camera: str) -> None:
    source = str(wanted.get("trigger_source") or "Off")
    can = device.has("TriggerMode") and device.has("TriggerSource")
    supported = ["Off", *(device.entries("TriggerSource") if can else [])]
    _refuse_unless(camera, "trigger_source", source, supported)
    _write_if_there(device, "AcquisitionMode", "Continuous")
    _write_if_there(device, "TriggerSelector", "FrameStart")
    _write_if_there(device, "TriggerMode", "Off" if source == "Off" else "On")
    if source == "Off":
        return
    device.set("TriggerSource", source)
    for name in ("trigger_activation", "trigger_delay_us"):
        if (value := wanted.get(name)) is not None:
            _write(device, name, value, camera)


def _write(device: Device, name: str, value: Setting, camera: str) -> None:
    node = _node(device, name)
    if node is None:
        have = [name for name in NODES if name != "trigger_mode" and _node(device, name)]
        shown = f"supported: {', '.join(have)}"
        raise CameraUnsupported(f"camera {camera}: it has no {name} ({value!r} wanted); {shown}")
    if isinstance(value, str):
        value = _entry(device, name, node, value, camera)
    for before, needed in _BEFORE.get(name, {}).items():
        _write_if_there(device, before, needed)
    try:
        device.set(node, value)
    except ValueError as exc:
        raise CameraUnsupported(f"camera {camera}: {name} {value!r} is refused: {exc}") from exc


def _entry(device: Device, name: str, node: str, value: str, camera: str) -> str:
    """Give the camera's own spelling of an enumeration's entry."""
    entries = device.entries(node)
    if name == "pixel_format":
        entries = [entry for entry in entries if pfnc_name(entry) in PIXEL_FORMATS]
        entries.sort(key=lambda entry: pfnc_name(entry) != pfnc_name(value))
        if entries and pfnc_name(entries[0]) == pfnc_name(value):
            return entries[0]
    _refuse_unless(camera, name, value, entries)
    return value


def _read_back(device: Device, camera: str) -> dict[str, Setting]:
    found = {name: node for name in NODES if (node := _node(device, name))}
    applied = {name: device.get(node) for name, node in found.items()}
    if applied.pop("trigger_mode", "Off") == "Off":
        applied["trigger_source"] = "Off"
    if "pixel_format" in applied:
        applied["pixel_format"] = pfnc_name(str(applied["pixel_format"]))
        _refuse_unless(camera, "pixel_format", applied["pixel_format"], PIXEL_FORMATS)
    if applied.get("exposure_auto", "Off") != "Off":
        applied.pop("exposure_time_us", None)  # it changes from picture to picture
    return applied


def _node(device: Device, name: str) -> str | None:
    return next((node for node in NODES[name] if device.has(node)), None)


def _write_if_there(device: Device, node: str, value: Setting) -> None:
    if device.has(node) and device.get(node) != value:
        device.set(node, value)


def _refuse_unless(camera: str, name: str, value: Setting, supported: Iterable[Setting]) -> None:
    if value not in (have := list(supported)):
        shown = ", ".join(map(str, have)) or "nothing"
        raise CameraUnsupported(
            f"camera {camera}: {name} {value!r} is not supported; supported: {shown}"
        )
